"""The networks: shapes, sizes, and the article's figures."""

import cv2
import keras
import numpy as np
import pytest

from segmenter.models import registry, unet


def classic_parameters(widths, centre):
    """Parameters of the article's network by arithmetic: 3×3 kernels without bias, 4 per norm channel."""

    def convolutions(channels, width, times):
        return sum(9 * (channels if first == 0 else width) * width + 4 * width for first in range(times))

    total, channels = 0, 3
    for width in widths:
        total += convolutions(channels, width, 2)
        channels = width
    total += convolutions(channels, centre, 2)
    channels = centre
    for width in reversed(widths):
        total += convolutions(channels + width, width, 3)
        channels = width
    return total + channels + 1


CLASSIC = [name for name in registry.NETWORKS if name not in registry.encoded()]


@pytest.mark.parametrize("name", CLASSIC)
def test_the_classic_networks_have_the_articles_shapes_and_parameters(name):
    model = unet.build_unet(name)
    network = registry.find(name)
    size, widths, centre = network.size, network.widths, network.centre
    assert model.input_shape == (None, size, size, 3)
    assert model.output_shape == (None, size, size, 1)
    assert model.count_params() == classic_parameters(widths, centre)


def test_the_articles_network_is_the_articles():
    model = unet.build_unet("unet_256")
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("MaxPooling2D") == kinds.count("UpSampling2D") == kinds.count("Concatenate") == 5
    # two a level and the centre's two on the way down, three a level on the way up, one at the end
    assert kinds.count("Conv2D") == 2 * 5 + 2 + 3 * 5 + 1
    widths = [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert widths[:12] == [32, 32, 64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024]
    assert widths[12:] == [512] * 3 + [256] * 3 + [128] * 3 + [64] * 3 + [32] * 3 + [1]


@pytest.mark.parametrize(
    "build",
    [
        lambda: unet.build_unet(size=32),
        lambda: unet.build_unet(size=64),
        lambda: unet.build_unet("unet_lite2", size=64),
        lambda: unet.classic_unet(32, (4, 8), 16),
        lambda: unet.classic_unet(24, (4, 8, 8), 4),
    ],
)
def test_every_network_gives_a_probability_for_every_pixel(build):
    model = build()
    size = model.input_shape[1]
    photos = np.random.default_rng(0).random((2, size, size, 3)).astype(np.float32)
    found = model.predict(photos, verbose=0)
    assert found.shape == (2, size, size, 1) and found.dtype == np.float32
    assert (found >= 0).all() and (found <= 1).all() and found.std() > 0


@pytest.mark.parametrize("name", registry.encoded())
def test_every_weight_of_a_network_with_an_encoder_learns(name):
    model = unet.build_unet(name, size=32)
    model.compile("adam", "mse")  # whose steps are seen wherever there is a slope at all
    before = [np.asarray(w).copy() for w in model.trainable_weights]
    photos = np.random.default_rng(0).random((4, 32, 32, 3)).astype(np.float32)
    for _ in range(2):  # blocks that start as the identity let their inner weights learn from the second step on
        model.train_on_batch(photos, np.zeros((4, 32, 32, 1)))
    still = [w.path for w, old in zip(model.trainable_weights, before) if np.array_equal(old, np.asarray(w))]
    assert still == []


@pytest.mark.parametrize("name", registry.NETWORKS)
def test_every_network_has_a_size_of_its_own(name):
    size = registry.find(name).size
    assert unet.build_unet(name).input_shape[1:] == (size, size, 3)


def test_a_light_decoder_ends_at_half_of_the_size_and_is_enlarged():
    light, full = (
        unet.unet_on_encoder(64, registry.Encoder("efficientnet_lite", "lite2"), light) for light in (True, False)
    )
    assert light.count_params() < full.count_params()
    photos = np.random.default_rng(0).random((1, 64, 64, 3)).astype(np.float32)
    half = keras.Model(light.input, light.layers[-3].output).predict(photos, verbose=0)[0, ..., 0]
    assert half.shape == (32, 32)
    enlarged = cv2.resize(half, (64, 64), interpolation=cv2.INTER_LINEAR)
    found = light.predict(photos, verbose=0)[0, ..., 0]
    assert found == pytest.approx(1 / (1 + np.exp(-enlarged)), abs=1e-5)


def test_blocks_of_context_leave_a_trained_network_as_it_is_to_begin_with():
    plain, wider = unet.build_unet("unet_lite2", 32), unet.build_unet("unet_lite2_context", 32)
    added = [layer for layer in wider.layers if layer.name.startswith("context")]
    common = [layer for layer in wider.layers if layer.weights and layer not in added]
    for layer, other in zip(common, [layer for layer in plain.layers if layer.weights]):
        layer.set_weights(other.get_weights())
    photos = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(wider.predict(photos, verbose=0), plain.predict(photos, verbose=0))
    assert added and not added[-1].weights  # it ends by adding what it found


@pytest.mark.parametrize("name, size", [("unet_lite0", 100), ("unet_256", 48), ("unet_128", 0)])
def test_a_size_that_cannot_be_halved_often_enough_is_refused(name, size):
    if size == 0:
        pytest.raises(ValueError, unet.classic_unet, 8, (4, 4, 4, 4), 4)
    else:
        with pytest.raises(ValueError, match="multiple of 32"):
            unet.build_unet(name, size)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="unet_lite0, unet_lite2, unet_lite2_context, unet_128, unet_256"):
        unet.build_unet("resnet")
