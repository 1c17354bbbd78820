"""A trained network as the file that serves: LiteRT, with weights of 8 bits, and the network's activations of 8 too where that holds.

Reference: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from segmenter.models import joining, picker as pickers
from segmenter.weights_format import FURNITURE, LITERT, PICK

LOSS = 0.003  # of mean IoU, that activations of 8 bits may cost
LEAST = 8  # pictures to see what values the activations take, below which they stay as they are


class Examples(NamedTuple):
    """Pictures to quantise by, and others with their truth to see what it costs."""

    calibration: np.ndarray  # float32, pictures × size × size × 3, 0 … 1, of the kind that trained
    pictures: np.ndarray  # float32, pictures × size × size × 3, 0 … 1, which did not train
    truth: np.ndarray  # float32, pictures × size × size × 2: target and weight, see `losses`


def export(
    model: keras.Model,
    path: str | os.PathLike[str],
    examples: Examples | None = None,
    picker: keras.Model | None = None,
    kept: bytes | None = None,
) -> str:
    """Write a network for LiteRT, with its picker as a second signature.

    Activations of 8 bits make the network several times as fast. They are kept where they cost no more than
    `LOSS` on the examples, as far as these can tell; else only the weights have 8 bits, as the picker's always do.

    Args:
        model: a network of `unet.build_unet`.
        path: of the file; replaced where it is there.
        examples: Examples; None leaves activations at 32 bits.
        picker: of `picker.build_picker`; None: the network cannot be asked for single pieces.
        kept: the same network as `network_of` found it in an earlier file: it stays as it is, to the last bit.

    Returns:
        "int8", "dynamic" or "kept", how the network was written.

    Raises:
        RuntimeError: another backend is in use, and TensorFlow for the conversion is not there.
    """
    if keras.backend.backend() != "tensorflow":
        return _export_elsewhere(model, path, examples, picker, kept)
    kind, data = ("kept", kept) if kept else _convert_network(model, examples, split=picker is not None)
    if picker is not None:
        with tempfile.TemporaryDirectory() as folder:
            _save_picker(picker, folder)
            data = joining.join([data, _convert(folder, PICK)])
    Path(path).write_bytes(data)
    return kind


def network_of(path: str | os.PathLike[str]) -> bytes | None:
    """The network in a LiteRT file, without its picker; None where it was written without what a picker starts from."""
    data = joining.part(Path(path).read_bytes(), FURNITURE)
    if data is None:
        return None
    from ai_edge_litert.interpreter import Interpreter

    results = Interpreter(model_content=data).get_signature_list()[FURNITURE]["outputs"]
    return data if set(results) == set(pickers.NAMES) else None


def _convert_network(model: keras.Model, examples: Examples | None, split: bool) -> tuple[str, bytes]:
    """("int8" or "dynamic", content of the file)."""
    with tempfile.TemporaryDirectory() as folder:
        _save_network(model, folder, split)
        return _eight_bits(model, folder, examples) or ("dynamic", _convert(folder, FURNITURE))


def _eight_bits(model: keras.Model, folder: str, examples: Examples | None) -> tuple[str, bytes] | None:
    """("int8", content of the file) where activations of 8 bits hold; None where they do not.

    What the converter makes of them depends on the pictures that it sees, so that there is a second and a third try.
    """
    if examples is None or min(len(examples.calibration), len(examples.pictures)) < LEAST:
        return None
    before = ious(model.predict_on_batch, examples)
    half = len(examples.calibration) // 2
    for shown in (examples.calibration, examples.calibration[:half], examples.calibration[half:]):
        data = _convert(folder, FURNITURE, shown)
        lost = before - ious(serve(data), examples)
        if lost.mean() <= LOSS + lost.std() / len(lost) ** 0.5:  # few examples cannot tell it more exactly
            return "int8", data
    return None


def _convert(folder: str, signature: str, shown: np.ndarray | None = None) -> bytes:
    """A saved model's signature as a LiteRT file; with pictures to show it, activations have 8 bits too."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[signature])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if shown is not None:
        converter.representative_dataset = lambda: ([picture[np.newaxis]] for picture in shown)
    return converter.convert()


def _save_network(model: keras.Model, folder: str, split: bool) -> None:
    """Save the network as a model of TensorFlow, for batches of one; `split`, it gives what a picker starts from, too."""
    sees = pickers.split(model) if split else model
    results = pickers.NAMES if split else [FURNITURE]

    def run(photo: Any) -> Any:
        seen = sees(photo, training=False)
        return seen if split else [seen]

    _save(sees, FURNITURE, run, {"photo": model.input}, results, folder)


def _save_picker(picker: keras.Model, folder: str) -> None:
    """As `_save_network`, what a click asks.

    Its activations keep 32 bits: those of 8 cost it most of all after the first click, and save little time.
    """
    given = dict(zip([*pickers.NAMES, "prompts"], picker.inputs))
    _save(picker, PICK, lambda *tensors: [picker(list(tensors), training=False)], given, ["piece"], folder)


def _save(
    model: keras.Model,
    signature: str,
    call: Callable[..., Any],
    given: dict[str, Any],
    results: Sequence[str],
    folder: str,
) -> None:
    """Save a function of the tensors `given`, which asks a model, by its signature's name."""
    import tensorflow as tf

    archive: Any = keras.export.ExportArchive()
    archive.track(model)
    specs = [tf.TensorSpec((1, *each.shape[1:]), tf.float32, name=name) for name, each in given.items()]
    archive.add_endpoint(signature, lambda *tensors: dict(zip(results, call(*tensors))), input_signature=specs)
    archive.write_out(folder, verbose=False)


def serve(data: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """A LiteRT file's content as a function of a picture, float32 1 × size × size × 3, → 1 × size × size × 1."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    result = next(each["index"] for each in interpreter.get_output_details() if each["shape"][-1] == 1)

    def predict(picture: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(source, picture)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    return predict


def ious(predict: Callable[[np.ndarray], np.ndarray], examples: Examples) -> np.ndarray:
    """float64, pictures: IoU of each mask at 0.5 over the known pixels; 1 where both masks are empty."""
    found = []
    for picture, truth in zip(examples.pictures, examples.truth):
        known = truth[..., 1] != 0
        mask, right = (
            (np.asarray(predict(picture[np.newaxis]))[0, ..., 0] >= 0.5) & known,
            (truth[..., 0] >= 0.5) & known,
        )
        union = (mask | right).sum()
        found.append((mask & right).sum() / union if union else 1.0)
    return np.array(found)


def _export_elsewhere(
    model: keras.Model,
    path: str | os.PathLike[str],
    examples: Examples | None,
    picker: keras.Model | None,
    kept: bytes | None,
) -> str:
    """As `export`, in a process of its own with TensorFlow."""
    root = str(Path(__file__).resolve().parents[2])
    places = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "network.keras")
        if picker:
            picker.save(Path(folder) / "picker.keras")
        if kept:
            (Path(folder) / "kept.tflite").write_bytes(kept)
        if examples is not None:
            np.savez(Path(folder) / "examples.npz", **examples._asdict())
        done = subprocess.run(
            [sys.executable, "-m", "segmenter.models.litert", folder, os.fspath(path)],
            env={**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": places, "CUDA_VISIBLE_DEVICES": "-1"},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
        raise RuntimeError(f"{LITERT} could not be written, which takes TensorFlow (pip install tensorflow): {last}")
    return done.stdout.split()[-1]


def _main(folder: str, path: str) -> None:
    """What `_export_elsewhere` calls."""
    stored, kept = Path(folder) / "examples.npz", Path(folder) / "kept.tflite"
    network, picker = (
        keras.saving.load_model(file, compile=False) if file.exists() else None
        for file in (Path(folder) / "network.keras", Path(folder) / "picker.keras")
    )
    assert isinstance(network, keras.Model) and (picker is None or isinstance(picker, keras.Model))
    examples = Examples(**np.load(stored)) if stored.exists() else None
    print(export(network, path, examples, picker, kept.read_bytes() if kept.exists() else None))


if __name__ == "__main__":
    _main(*sys.argv[1:])
