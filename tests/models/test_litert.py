"""What serves: 8-bit activations where they agree with the network, 32-bit ones where they do not."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from segmenter.models import litert, picker as pickers, unet

SIZE = 32


def squares(count=12):
    """Pictures with a red square somewhere on noise: float32, count × SIZE × SIZE × 3."""
    rng = np.random.default_rng(5)
    pictures = rng.uniform(0, 0.3, (count, SIZE, SIZE, 3)).astype(np.float32)
    for picture in pictures:
        y, x = rng.integers(0, SIZE - 12, 2)
        picture[y : y + 12, x : x + 12, 0] = 0.9
    return pictures


def examples(count=12):
    """Such pictures to quantise by, and as many others with the truth about them."""
    pictures = squares(2 * count)[count:]
    truth = np.stack([pictures[..., 0] > 0.6, np.ones(pictures.shape[:3])], axis=-1).astype(np.float32)
    return litert.Examples(squares(count), pictures, truth)


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
    assert litert.export(model, tmp_path / "a.tflite", examples()) == "int8"
    for picture in pictures:
        found, expected = run(tmp_path / "a.tflite", picture), model.predict(picture[None], verbose=0)[0]
        np.testing.assert_array_equal(found >= 0.5, expected >= 0.5)
        assert np.abs(found - expected).max() < 0.06


@pytest.mark.parametrize("some", [None, examples(litert.LEAST - 1)])
def test_without_enough_pictures_activations_keep_32_bits(tmp_path, some):
    assert litert.export(finder(), tmp_path / "a.tflite", some) == "dynamic"
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
    assert litert.export(model, tmp_path / "a.tflite", examples()) == "dynamic"
    assert litert.ious(litert.serve((tmp_path / "a.tflite").read_bytes()), examples()).mean() > 0.9


def test_what_8_bits_cost_is_told_by_the_iou_of_known_pixels():
    some = examples(3)
    some.truth[0, :, :16, 1] = 0  # unknown there
    found = [np.random.default_rng(n).random((1, SIZE, SIZE, 1)) for n in range(3)]
    answers, expected = iter(found), []
    for answer, truth in zip(found, some.truth):
        pairs = [(p >= 0.5, t >= 0.5) for p, (t, w) in zip(answer.ravel(), truth.reshape(-1, 2)) if w]
        expected.append(sum(p and t for p, t in pairs) / sum(p or t for p, t in pairs))
    assert litert.ious(lambda picture: next(answers), some).tolist() == pytest.approx(expected)
    nothing = litert.Examples(some.calibration, some.pictures, np.zeros_like(some.truth))
    assert (litert.ious(lambda picture: np.zeros((1, SIZE, SIZE, 1)), nothing) == 1.0).all()


def test_a_network_that_is_kept_serves_to_the_last_bit_with_another_picker(tmp_path):
    keras.utils.set_random_seed(3)
    model = unet.build_unet("unet_lite0", 64)
    first, second = pickers.build_picker(model), pickers.build_picker(model)
    pictures = np.random.default_rng(0).random((2 * litert.LEAST, 64, 64, 3), np.float32)
    truth = np.ones((*pictures.shape[:3], 2), np.float32)
    before, after = tmp_path / "before.tflite", tmp_path / "after.tflite"
    litert.export(model, before, litert.Examples(pictures, pictures, truth), first)
    kept = litert.network_of(before)
    assert litert.export(model, after, None, second, kept) == "kept"
    seen = [Interpreter(str(path)).get_signature_runner("furniture")(photo=pictures[:1]) for path in (before, after)]
    assert seen[0].keys() == set(pickers.NAMES) == seen[1].keys()
    for name in pickers.NAMES:
        np.testing.assert_array_equal(seen[0][name], seen[1][name])
    side = seen[0]["map0"].shape[1]
    given = {**seen[0], "prompts": np.full((1, side, side, 3), 0.5, np.float32)}
    pieces = [Interpreter(str(path)).get_signature_runner("pick")(**given)["piece"] for path in (before, after)]
    for found, picker in zip(pieces, (first, second)):
        expected = picker.predict_on_batch([*(seen[0][name] for name in pickers.NAMES), given["prompts"]])
        np.testing.assert_allclose(found, expected, atol=0.05)
    assert np.abs(pieces[0] - pieces[1]).max() > 1e-3


def test_of_a_network_without_what_a_picker_starts_from_nothing_is_kept(tmp_path):
    litert.export(finder(), tmp_path / "a.tflite", None)
    assert litert.network_of(tmp_path / "a.tflite") is None
