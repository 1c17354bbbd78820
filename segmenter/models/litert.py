"""A trained network as the file that serves: LiteRT, with weights of 8 bits, and activations of 8 too where that holds.

Reference: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from segmenter.weights_format import LITERT

LOSS = 0.003  # of mean IoU, that activations of 8 bits may cost
LEAST = 8  # pictures to see what values the activations take, below which they stay as they are


class Examples(NamedTuple):
    """Pictures to quantise by, and others with their truth to see what it costs."""

    calibration: np.ndarray  # float32, pictures × size × size × 3, 0 … 1, of the kind that trained
    pictures: np.ndarray  # float32, pictures × size × size × 3, 0 … 1, which did not train
    truth: np.ndarray  # float32, pictures × size × size × 2: target and weight, see `losses`


def export(model: keras.Model, path: str | os.PathLike[str], examples: Examples | None = None) -> str:
    """Write a network for LiteRT.

    Activations of 8 bits make it several times as fast. They are kept where they cost no more than `LOSS`
    on the examples; else only the weights have 8 bits.

    Args:
        model: a network of `unet.build_unet`.
        path: of the file; replaced where it is there.
        examples: Examples; None leaves activations at 32 bits.

    Returns:
        "int8" or "dynamic", the kind that was written.

    Raises:
        RuntimeError: another backend is in use, and TensorFlow for the conversion is not there.
    """
    if keras.backend.backend() != "tensorflow":
        return _export_elsewhere(model, path, examples)
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", verbose=False)
        if examples is not None and min(len(examples.calibration), len(examples.pictures)) >= LEAST:
            data = _convert(folder, examples.calibration)
            if mean_iou(serve(data), examples) >= mean_iou(model.predict_on_batch, examples) - LOSS:
                Path(path).write_bytes(data)
                return "int8"
        Path(path).write_bytes(_convert(folder))
    return "dynamic"


def _convert(folder: str, calibration: np.ndarray | None = None) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if calibration is not None:
        converter.representative_dataset = lambda: ([picture[np.newaxis]] for picture in calibration)
    return converter.convert()


def serve(data: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """A LiteRT file's content as a function of a picture, float32 1 × size × size × 3, → 1 × size × size × 1."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

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


def _export_elsewhere(model: keras.Model, path: str | os.PathLike[str], examples: Examples | None) -> str:
    """As `export`, in a process of its own with TensorFlow."""
    root = str(Path(__file__).resolve().parents[2])
    places = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "network.keras")
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
    model = keras.saving.load_model(Path(folder) / "network.keras", compile=False)
    assert isinstance(model, keras.Model)
    print(export(model, path, Examples(**np.load(stored)) if stored.exists() else None))


if __name__ == "__main__":
    _main(*sys.argv[1:])
