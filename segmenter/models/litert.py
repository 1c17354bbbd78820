"""A trained network as the file that serves: LiteRT, with weights of 8 bits, and activations of 8 too where that holds.

Reference: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

from segmenter.weights_format import LITERT

AGREES = 0.97  # mean IoU of the 8-bit network's masks with the network's own, from where on it may serve in its place
LEAST = 8  # pictures to see what values the activations take, below which they stay as they are
COMPARED = 24  # pictures on which the two are compared


def export(model: keras.Model, path: str | os.PathLike[str], calibration: np.ndarray | None = None) -> str:
    """Write a network for LiteRT.

    Activations of 8 bits make it several times as fast. They are kept where its masks at 0.5 agree
    with the network's own on the calibration pictures, see `AGREES`; else only the weights have 8 bits.

    Args:
        model: a network of `unet.build_unet`.
        path: of the file; replaced where it is there.
        calibration: float32, pictures × size × size × 3, 0 … 1, of the kind that it was trained on; None
            leaves activations at 32 bits.

    Returns:
        "int8" or "dynamic", the kind that was written.

    Raises:
        RuntimeError: another backend is in use, and TensorFlow for the conversion is not there.
    """
    if keras.backend.backend() != "tensorflow":
        return _export_elsewhere(model, path, calibration)
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", verbose=False)
        if calibration is not None and len(calibration) >= LEAST:
            data = _convert(folder, calibration)
            if agreement(model, data, calibration[:COMPARED]) >= AGREES:
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


def agreement(model: keras.Model, data: bytes, pictures: np.ndarray) -> float:
    """Mean IoU of the masks of a network and of its LiteRT file, at 0.5; two empty masks count as 1.

    Args:
        model: the network.
        data: the file's content.
        pictures: float32, n × size × size × 3, 0 … 1.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    found = []
    for picture in pictures:
        interpreter.set_tensor(source, picture[np.newaxis])
        interpreter.invoke()
        own = np.asarray(model.predict_on_batch(picture[np.newaxis])) >= 0.5
        other = interpreter.get_tensor(result) >= 0.5
        union = (own | other).sum()
        found.append((own & other).sum() / union if union else 1.0)
    return float(np.mean(found))


def _export_elsewhere(model: keras.Model, path: str | os.PathLike[str], calibration: np.ndarray | None) -> str:
    """As `export`, in a process of its own with TensorFlow."""
    root = str(Path(__file__).resolve().parents[2])
    places = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "network.keras")
        if calibration is not None:
            np.save(Path(folder) / "calibration.npy", calibration)
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
    stored = Path(folder) / "calibration.npy"
    model = keras.saving.load_model(Path(folder) / "network.keras", compile=False)
    assert isinstance(model, keras.Model)
    print(export(model, path, np.load(stored) if stored.exists() else None))


if __name__ == "__main__":
    _main(*sys.argv[1:])
