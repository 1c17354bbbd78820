"""Shared fixtures: a weights folder whose network is simple enough to know its answers."""

import json
import os
import shutil

import pytest
from hypothesis import settings

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["HF_HUB_DISABLE_XET"] = "1"  # before the Hub's client is imported: the tests' Hub knows plain LFS
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

# Property tests look at the same few inputs every time; `pytest --hypothesis-profile=many tests/properties` at new ones.
settings.register_profile("few", derandomize=True, max_examples=60, deadline=None, database=None)
settings.register_profile("many", max_examples=5000, deadline=None, print_blob=True)
settings.load_profile("few")


@pytest.fixture(scope="module")
def nothing_is_doubtful():
    """How sure a mask must be was found for real networks; the stand-ins are never that sure of most photos."""
    from segmenter.inference import pieces

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "SURE", 0.0)
        yield


def write_weights(folder, model, size, **config):
    """Lay out a weights folder as `Segmenter` reads it."""
    model.export(str(folder / "model.tflite"), format="litert", verbose=False)
    config = {"architecture": "red_detector", "size": size, "threshold": 0.5, **config}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory):
    """A folder with a 64-pixel network that calls red furniture: sigmoid(20 · (r − g/2 − b/2 − 0.5))."""
    import keras
    import numpy as np

    photo = keras.Input((64, 64, 3))
    convolution = keras.layers.Conv2D(1, 1, activation="sigmoid")
    model = keras.Model(photo, convolution(photo))
    convolution.set_weights([np.float32([20, -10, -10]).reshape(1, 1, 3, 1), np.float32([-10])])
    return write_weights(tmp_path_factory.mktemp("weights"), model, 64, name="red detector")


@pytest.fixture
def weights(tiny_weights, tmp_path):
    """A whole weights folder with the red detector, of this test's own."""
    from tests.standin import complete

    return complete(shutil.copytree(tiny_weights, tmp_path / "weights"))


@pytest.fixture
def server():
    """A Hub of this test's own."""
    from tests.hub_server import HubServer

    with HubServer() as running:
        yield running
