"""What serves: 8-bit activations where they agree with the network, 32-bit ones where they do not."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from segmenter.models import litert

SIZE = 32


def squares(count=12):
    """Pictures with a red square somewhere on noise: float32, count × SIZE × SIZE × 3."""
    rng = np.random.default_rng(5)
    pictures = rng.uniform(0, 0.3, (count, SIZE, SIZE, 3)).astype(np.float32)
    for picture in pictures:
        y, x = rng.integers(0, SIZE - 12, 2)
        picture[y : y + 12, x : x + 12, 0] = 0.9
    return pictures


def finder(gain=20.0):
    """A network that calls red furniture."""
    photo = keras.Input((SIZE, SIZE, 3))
    convolution = keras.layers.Conv2D(1, 1, activation="sigmoid")
    model = keras.Model(photo, convolution(photo))
    model.set_weights([np.float32([[[[gain], [0], [0]]]]), np.float32([-0.6 * gain])])
    return model


def run(path, picture):
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[np.newaxis])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def test_activations_of_8_bits_serve_where_they_agree(tmp_path):
    model, pictures = finder(), squares()
    assert litert.export(model, tmp_path / "a.tflite", pictures) == "int8"
    for picture in pictures:
        found, expected = run(tmp_path / "a.tflite", picture), model.predict(picture[None], verbose=0)[0]
        np.testing.assert_array_equal(found >= 0.5, expected >= 0.5)
        assert np.abs(found - expected).max() < 0.06


@pytest.mark.parametrize("calibration", [None, squares(litert.LEAST - 1)])
def test_without_enough_pictures_activations_keep_32_bits(tmp_path, calibration):
    assert litert.export(finder(), tmp_path / "a.tflite", calibration) == "dynamic"
    picture = squares(1)[0]
    np.testing.assert_allclose(
        run(tmp_path / "a.tflite", picture), finder().predict(picture[None], verbose=0)[0], atol=0.02
    )


def test_where_8_bits_do_not_agree_32_serve(tmp_path):
    # Between its two convolutions blue takes such large values that steps of 1/256 of them hide red.
    photo = keras.Input((SIZE, SIZE, 3))
    hidden = keras.layers.Conv2D(2, 1, activation="relu")
    last = keras.layers.Conv2D(1, 1, activation="sigmoid")
    model = keras.Model(photo, last(hidden(photo)))
    hidden.set_weights([np.float32([[[[0, 1], [0, 0], [10_000, 0]]]]), np.float32([0, 0])])
    last.set_weights([np.float32([[[[0], [20]]]]), np.float32([-12])])
    assert litert.export(model, tmp_path / "a.tflite", squares()) == "dynamic"
    assert litert.agreement(model, (tmp_path / "a.tflite").read_bytes(), squares()) > 0.9


def test_agreement_is_the_mean_iou_of_the_masks(tmp_path):
    pictures = squares(4)
    litert.export(finder(), tmp_path / "a.tflite")
    data = (tmp_path / "a.tflite").read_bytes()
    assert litert.agreement(finder(), data, pictures) == 1.0
    assert litert.agreement(finder(), data, np.zeros_like(pictures)) == 1.0  # both find nothing
    never = finder()
    never.set_weights([np.zeros((1, 1, 3, 1), np.float32), np.float32([-9])])
    assert litert.agreement(never, data, pictures) == 0.0
