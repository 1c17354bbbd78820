"""The encoder: the network against a naive computation with the published weights."""

import keras
import numpy as np
import pytest

from segmenter.errors import EncoderWeightsError
from segmenter.models import checkpoint, efficientnet_lite

WIDTHS = {"lite0": (16, 24, 40, 112, 320), "lite2": (16, 24, 48, 120, 352)}


@pytest.fixture(scope="module", params=efficientnet_lite.PUBLISHED)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def network(name):
    photo = keras.Input((64, 64, 3))
    return keras.Model(photo, efficientnet_lite.encode(photo, name))


@pytest.fixture(scope="module")
def published(name):
    return checkpoint.read_checkpoint(efficientnet_lite.imagenet_checkpoint(name))


def test_it_halves_the_photo_five_times(network, name):
    shapes = [output.shape[1:] for output in network.outputs]
    assert shapes == [(side, side, width) for side, width in zip((32, 16, 8, 4, 2), WIDTHS[name])]


def naive_convolution(x, kernel, stride, depthwise):
    """TensorFlow's "same" convolution in loops: x is H × W × C, kernel as PyTorch stores it."""
    side = -(-x.shape[0] // stride)
    size = kernel.shape[-1]
    padding = max((side - 1) * stride + size - x.shape[0], 0)
    before = padding // 2
    padded = np.pad(x, ((before, padding - before), (before, padding - before), (0, 0)))
    result = np.zeros((side, side, kernel.shape[0]))
    for row in range(side):
        for column in range(side):
            window = padded[row * stride :, column * stride :][:size, :size]
            if depthwise:
                result[row, column] = np.einsum("hwc,chw->c", window, kernel[:, 0])
            else:
                result[row, column] = np.einsum("hwc,ochw->o", window, kernel)
    return result


def test_the_first_skip_equals_a_naive_computation_with_the_published_weights(network, name, published):
    efficientnet_lite.load_imagenet(network, name, published)
    photo = np.random.default_rng(1).random((1, 64, 64, 3)).astype(np.float32)

    def norm(x, prefix):
        weight, bias, mean, variance = (
            published[f"{prefix}.{part}"].astype(float) for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * weight + bias

    x = (photo[0].astype(float) * 255 - 127) / 128
    x = naive_convolution(x, published["_conv_stem.weight"], 2, False)
    x = np.clip(norm(x, "_bn0"), 0, 6)
    x = naive_convolution(x, published["_blocks.0._depthwise_conv.weight"], 1, True)
    x = np.clip(norm(x, "_blocks.0._bn1"), 0, 6)
    x = naive_convolution(x, published["_blocks.0._project_conv.weight"], 1, False)
    expected = norm(x, "_blocks.0._bn2")
    np.testing.assert_allclose(network.predict(photo, verbose=0)[0][0], expected, atol=1e-3)


def test_every_weight_of_the_encoder_is_loaded(network, name, published):
    for variable in network.weights:
        variable.assign(np.full(variable.shape, np.nan))
    efficientnet_lite.load_imagenet(network, name, published)
    assert all(np.isfinite(np.asarray(variable)).all() for variable in network.weights)


def test_all_that_was_published_is_in_the_encoder_but_for_the_classifier(network, published):
    rest = ("_conv_head", "_bn1", "_fc")
    found = sum(
        array.size
        for name, array in published.items()
        if not name.startswith(rest) and not name.endswith("num_batches_tracked")
    )
    assert network.count_params() == found


def test_a_checkpoint_of_another_network_gets_a_clear_error(network):
    with pytest.raises(EncoderWeightsError, match="does not fit"):
        efficientnet_lite.load_imagenet(network, tensors={"_conv_stem.weight": np.zeros((8, 3, 3, 3), np.float32)})
