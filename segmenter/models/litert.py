"""A trained network as the file that serves: LiteRT, with weights of 8 bits, and activations of 8 too where that holds.

Reference: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import keras
import numpy as np

from segmenter.inference import clicks
from segmenter.models import picker as pickers
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
) -> str:
    """Write a network for LiteRT, with its picker as a second signature.

    Activations of 8 bits make it several times as fast. They are kept where they cost no more than `LOSS`
    on the examples; else only the weights have 8 bits.

    Args:
        model: a network of `unet.build_unet`.
        path: of the file; replaced where it is there.
        examples: Examples; None leaves activations at 32 bits.
        picker: of `picker.build_picker`; None: the network cannot be asked for single pieces.

    Returns:
        "int8" or "dynamic", the kind that was written.

    Raises:
        RuntimeError: another backend is in use, and TensorFlow for the conversion is not there.
    """
    if keras.backend.backend() != "tensorflow":
        return _export_elsewhere(model, path, examples, picker)
    with tempfile.TemporaryDirectory() as folder:
        if picker:
            _save_both(model, picker, folder)
        else:
            model.export(folder, format="tf_saved_model", verbose=False)
        if examples is not None and min(len(examples.calibration), len(examples.pictures)) >= LEAST:
            data = _convert(folder, lambda: _seen(model, picker, examples.calibration))
            if mean_iou(serve(data), examples) >= mean_iou(model.predict_on_batch, examples) - LOSS:
                Path(path).write_bytes(data)
                return "int8"
        Path(path).write_bytes(_convert(folder))
    return "dynamic"


def _convert(folder: str, seen: Callable[[], Iterator[Any]] | None = None) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if seen:
        converter.representative_dataset = seen
    return converter.convert()


def _seen(model: keras.Model, picker: keras.Model | None, calibration: np.ndarray) -> Iterator[Any]:
    """What the converter watches the activations for."""
    rng = np.random.default_rng(0)
    sees = pickers.split(model) if picker else model
    for picture in calibration:
        photo = picture[np.newaxis]
        if picker is None:
            yield [photo]
            continue
        yield FURNITURE, {"photo": photo}
        maps = [np.asarray(each) for each in sees.predict_on_batch(photo)]
        furniture = cv2.resize(maps[-1][0, ..., 0], (maps[0].shape[2],) * 2, interpolation=cv2.INTER_AREA)
        for labels in ([1], [1, 0], [1, 1, 0]):
            before = furniture if len(labels) > 1 else np.zeros_like(furniture)
            prompts = clicks.draw(rng.random((len(labels), 2)).tolist(), labels, before)
            yield PICK, {**dict(zip(pickers.NAMES, maps)), "prompts": prompts[np.newaxis]}


def _named(call: Callable[..., Any], results: Sequence[str]) -> Callable[..., dict[str, Any]]:
    return lambda *tensors: dict(zip(results, call(*tensors)))


def _save_both(model: keras.Model, picker: keras.Model, folder: str) -> None:
    """Save network and picker as one model of TensorFlow with two signatures, for batches of one."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2 as freeze

    sees = pickers.split(model)

    def one(tensor: Any, name: str) -> Any:
        return tf.TensorSpec((1, *tensor.shape[1:]), tf.float32, name=name)

    photo = [one(model.input, "photo")]
    given = [one(tensor, name) for tensor, name in zip(picker.inputs, [*pickers.NAMES, "prompts"])]
    module: Any = tf.Module()
    for name, specs, call, results in (
        (FURNITURE, photo, lambda photo: sees(photo, training=False), pickers.NAMES),
        (PICK, given, lambda *tensors: [picker(list(tensors), training=False)], ["piece"]),
    ):
        # Variables would be shared by both signatures, which the converter's calibration does not initialise.
        frozen = freeze(tf.function(call, input_signature=specs).get_concrete_function())
        setattr(module, f"{name}_frozen", frozen)
        setattr(module, name, tf.function(_named(frozen, results), input_signature=specs))
    signatures = {name: getattr(module, name).get_concrete_function() for name in (FURNITURE, PICK)}
    tf.saved_model.save(module, folder, signatures=signatures)


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


def mean_iou(predict: Callable[[np.ndarray], np.ndarray], examples: Examples) -> float:
    """Mean IoU of masks at 0.5 over the known pixels of the examples; 1 where both masks are empty."""
    found = []
    for picture, truth in zip(examples.pictures, examples.truth):
        known = truth[..., 1] != 0
        mask, right = (
            (np.asarray(predict(picture[np.newaxis]))[0, ..., 0] >= 0.5) & known,
            (truth[..., 0] >= 0.5) & known,
        )
        union = (mask | right).sum()
        found.append((mask & right).sum() / union if union else 1.0)
    return float(np.mean(found))


def _export_elsewhere(
    model: keras.Model,
    path: str | os.PathLike[str],
    examples: Examples | None,
    picker: keras.Model | None,
) -> str:
    """As `export`, in a process of its own with TensorFlow."""
    root = str(Path(__file__).resolve().parents[2])
    places = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "network.keras")
        if picker:
            picker.save(Path(folder) / "picker.keras")
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
    stored = Path(folder) / "examples.npz"
    network, picker = (
        keras.saving.load_model(file, compile=False) if file.exists() else None
        for file in (Path(folder) / "network.keras", Path(folder) / "picker.keras")
    )
    assert isinstance(network, keras.Model) and (picker is None or isinstance(picker, keras.Model))
    print(export(network, path, Examples(**np.load(stored)) if stored.exists() else None, picker))


if __name__ == "__main__":
    _main(*sys.argv[1:])
