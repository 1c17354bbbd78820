"""A trained network goes into a weights folder and comes back, and serves what it holds."""

import json

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from segmenter import Segmenter
from segmenter.models import picker, registry, unet
from segmenter.training import weights_folder

SIZE = 32


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    out = tmp_path_factory.mktemp("weights") / "new"
    keras.utils.set_random_seed(4)
    model = unet.build_unet(size=SIZE)
    rng = np.random.default_rng(3)
    model.set_weights([weight + 0.005 * rng.random(weight.shape) for weight in model.get_weights()])
    weights_folder.save_folder(model, out, {"architecture": registry.DEFAULT, "size": SIZE, "threshold": 0.5})
    return model, out


def test_a_weights_folder_gives_the_same_network_back(saved):
    model, out = saved
    again, config = weights_folder.load_folder(out)
    assert sorted(path.name for path in out.iterdir()) == ["config.json", "model.tflite", "model.weights.h5"]
    assert config == json.loads((out / "config.json").read_text())
    for old, new in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_half_precision_halves_the_file_and_serves_what_it_holds(saved, tmp_path):
    model, out = saved
    weights_folder.save_folder(
        model, tmp_path, {"architecture": registry.DEFAULT, "size": SIZE, "threshold": 0.5}, half=True
    )
    assert (tmp_path / "model.weights.h5").stat().st_size < 0.6 * (out / "model.weights.h5").stat().st_size
    for old, new in zip(model.get_weights(), weights_folder.load_folder(tmp_path)[0].get_weights()):
        assert new.dtype == np.float32
        np.testing.assert_array_equal(new, old.astype(np.float16).astype(np.float32))


def test_weights_serve_at_another_size_too(saved):
    model, out = saved
    larger, config = weights_folder.load_folder(out, size=64)
    assert larger.input_shape == (None, 64, 64, 3) and config["size"] == 64


def test_litert_says_what_keras_says(saved):
    model, out = saved
    photo = np.random.default_rng(0).random((1, SIZE, SIZE, 3)).astype(np.float32)
    interpreter = Interpreter(str(out / "model.tflite"))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], photo)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    expected = model.predict(photo, verbose=0)
    assert expected.std() > 0.001
    assert np.abs(found - expected).mean() < 0.02  # the weights have 8 bits there
    assert (out / "model.tflite").stat().st_size < (out / "model.weights.h5").stat().st_size / 3


@pytest.mark.parametrize("half", [False, True])
def test_a_picker_is_stored_with_its_network_and_comes_back(saved, tmp_path, half):
    model, _ = saved
    decoder = picker.build_picker(model)
    config = {"architecture": registry.DEFAULT, "size": SIZE, "threshold": 0.5}
    weights_folder.save_folder(model, tmp_path, config, half=half, picker=decoder)
    network, again, stored = weights_folder.load_both(tmp_path)
    assert stored == {**config, "picker": True} and again
    for old, new in zip([*model.get_weights(), *decoder.get_weights()], [*network.get_weights(), *again.get_weights()]):
        np.testing.assert_array_equal(new, old.astype(np.float16).astype(np.float32) if half else old)
    assert Segmenter.load(tmp_path).can_pick


def test_weights_that_trained_on_have_no_picker_of_their_own(saved, tmp_path):
    model, _ = saved
    config = {"architecture": registry.DEFAULT, "size": SIZE, "threshold": 0.5, "picker": True}  # as they began
    weights_folder.save_folder(model, tmp_path, config)
    assert weights_folder.load_both(tmp_path)[1] is None and not Segmenter.load(tmp_path).can_pick
