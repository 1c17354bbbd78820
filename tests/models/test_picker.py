"""The second decoder: it takes what the encoder saw and clicks, and leaves the network as it is."""

import numpy as np
import pytest

from segmenter.inference import clicks
from segmenter.inference.network import Network
from segmenter.models import litert, picker, unet

SIZE = 64


@pytest.fixture(scope="module")
def network():
    return unet.build_unet("unet_lite0", SIZE)


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(1).random((1, SIZE, SIZE, 3)).astype(np.float32)


def prompts(*points):
    return clicks.draw(points, [1] * len(points), np.zeros((SIZE // 2, SIZE // 2), np.float32))[np.newaxis]


def test_splitting_gives_the_encoders_maps_and_the_same_probability(network, photo):
    *maps, probability = picker.split(network).predict_on_batch(photo)
    np.testing.assert_allclose(probability, network.predict_on_batch(photo), atol=1e-6)
    assert [each.shape[1] for each in maps] == [SIZE // 2, SIZE // 4, SIZE // 8, SIZE // 16, SIZE // 32]
    assert all(np.std(each) > 0 for each in maps)


def test_a_network_without_an_encoder_has_no_picker():
    with pytest.raises(ValueError, match="no encoder"):
        picker.split(unet.build_unet("unet_128"))


def test_it_gives_a_probability_for_every_pixel_and_clicks_change_it(network, photo):
    decoder, maps = picker.build_picker(network), picker.split(network).predict_on_batch(photo)
    one, other = (decoder.predict_on_batch([*maps, prompts(point)]) for point in ((0.2, 0.2), (0.8, 0.7)))
    assert one.shape == (1, SIZE, SIZE, 1) and (one >= 0).all() and (one <= 1).all()
    assert not np.array_equal(one, other)


def test_both_are_served_from_one_file(network, photo, tmp_path):
    decoder = picker.build_picker(network)
    litert.export(network, tmp_path / "both.tflite", picker=decoder)
    litert.export(network, tmp_path / "alone.tflite")
    both, alone = (Network(tmp_path / f"{name}.tflite", SIZE) for name in ("both", "alone"))
    assert both.can_pick and not alone.can_pick
    np.testing.assert_allclose(both.furniture(photo), alone.furniture(photo), atol=1e-6)
    seen = both.see(photo)
    np.testing.assert_array_equal(seen.furniture, both.furniture(photo))
    expected = decoder.predict_on_batch([*picker.split(network).predict_on_batch(photo), prompts((0.5, 0.5))])
    found = both.pick(seen, prompts((0.5, 0.5))[0])
    assert np.abs(found - expected[0, ..., 0]).max() < 0.05  # its weights have 8 bits
