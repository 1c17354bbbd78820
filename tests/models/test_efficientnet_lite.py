"""The encoder: a checkpoint read without PyTorch, and the network against a naive computation."""

import io
import pickle
import struct
import sys
import types
from collections import OrderedDict

import keras
import numpy as np
import pytest

from segmenter.models import efficientnet_lite, unet


def write_checkpoint(arrays):
    """A checkpoint in PyTorch's format of 2020, written without PyTorch."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2(*_parts):
        raise AssertionError("only its name is pickled")

    _rebuild_tensor_v2.__module__, utils._rebuild_tensor_v2 = "torch._utils", _rebuild_tensor_v2
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    torch._utils = utils

    class Storage:
        def __init__(self, key, size):
            self.key, self.size = key, size

    class Tensor:
        def __init__(self, key, array):
            self.key, self.array = key, array

        def __reduce__(self):
            strides = tuple(step // 4 for step in self.array.strides)
            storage = Storage(self.key, self.array.size)
            return _rebuild_tensor_v2, (storage, 0, self.array.shape, strides, False, OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            if isinstance(thing, Storage):
                return ("storage", torch.FloatStorage, thing.key, "cpu", thing.size, None)

    file = io.BytesIO()
    saved = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        for preamble in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(preamble, file, protocol=2)
        tensors = {name: Tensor(str(number), array) for number, (name, array) in enumerate(arrays.items())}
        Pickler(file, protocol=2).dump(OrderedDict(tensors))
        pickle.dump([tensor.key for tensor in tensors.values()], file, protocol=2)
    finally:
        for name, module in saved.items():
            sys.modules.pop(name) if module is None else sys.modules.update({name: module})
    for array in arrays.values():
        in_memory = array.ravel(order="K")  # the storage's order, whatever the strides
        file.write(struct.pack("<q", array.size) + in_memory.tobytes())
    return file.getvalue()


def test_a_checkpoint_comes_back_without_pytorch():
    rng = np.random.default_rng(0)
    arrays = {"a": rng.random((2, 3), np.float32), "b": rng.random((4, 2), np.float32).T}
    found = efficientnet_lite.read_checkpoint(write_checkpoint(arrays))
    assert "torch" not in sys.modules or sys.modules["torch"].__file__
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


class Malicious:
    def __reduce__(self):
        return print, ("this must not run",)


def test_a_pickle_that_would_run_code_is_refused(capsys):
    data = b"".join(pickle.dumps(part, protocol=2) for part in (1, 2, 3, Malicious()))
    with pytest.raises(efficientnet_lite.EncoderWeightsError, match="no business with .*print"):
        efficientnet_lite.read_checkpoint(data)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("data", [b"", b"not a checkpoint", pickle.dumps(1, protocol=2) * 5])
def test_bytes_that_are_no_checkpoint_get_a_clear_error(data):
    with pytest.raises(efficientnet_lite.EncoderWeightsError, match="cannot be read"):
        efficientnet_lite.read_checkpoint(data)


WIDTHS = {"lite0": (16, 24, 40, 112, 320), "lite2": (16, 24, 48, 120, 352)}


@pytest.fixture(scope="module", params=efficientnet_lite.PUBLISHED)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def network(name):
    photo = keras.Input((64, 64, 3))
    return keras.Model(photo, efficientnet_lite.efficientnet_lite(photo, name))


@pytest.fixture(scope="module")
def published(name):
    return efficientnet_lite.read_checkpoint(efficientnet_lite.imagenet_checkpoint(name))


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
            published[f"{prefix}.{part}"].astype(float)
            for part in ("weight", "bias", "running_mean", "running_var")
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
    found = sum(array.size for name, array in published.items()
                if not name.startswith(rest) and not name.endswith("num_batches_tracked"))  # fmt: skip
    assert network.count_params() == found


def test_a_checkpoint_of_another_network_gets_a_clear_error(network):
    with pytest.raises(efficientnet_lite.EncoderWeightsError, match="does not fit"):
        efficientnet_lite.load_imagenet(network, tensors={"_conv_stem.weight": np.zeros((8, 3, 3, 3), np.float32)})


def test_frozen_statistics_do_not_move_in_training():
    photo = keras.Input((32, 32, 3))
    model = keras.Model(photo, efficientnet_lite.efficientnet_lite(photo)[0])
    efficientnet_lite.freeze_batch_norm(model)
    model.compile("sgd", "mse")
    before = [np.asarray(w) for w in model.get_layer("encoder_stem_norm").weights]
    model.train_on_batch(np.ones((2, 32, 32, 3)), np.zeros((2, 16, 16, 16)))
    for old, new in zip(before, model.get_layer("encoder_stem_norm").weights):
        np.testing.assert_array_equal(old, np.asarray(new))


@pytest.mark.parametrize("everywhere", [False, True])
def test_in_fine_tuning_the_decoders_statistics_stay_too(everywhere):
    model = unet.build_unet(size=32)
    efficientnet_lite.freeze_batch_norm(model, everywhere)
    model.compile("sgd", "mse")
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [np.asarray(layer.moving_mean) for layer in norms]
    model.train_on_batch(np.ones((2, 32, 32, 3)), np.zeros((2, 32, 32, 1)))
    moved = {
        layer.name.startswith("encoder_")
        for layer, old in zip(norms, before)
        if not np.array_equal(old, np.asarray(layer.moving_mean))
    }
    assert moved == (set() if everywhere else {False})


def test_frozen_blocks_stay_and_the_rest_learns():
    model = unet.build_unet(size=32)
    efficientnet_lite.freeze_blocks(model, 3)
    model.compile("sgd", "mse")
    before = {variable.path: np.asarray(variable) for variable in model.variables}
    model.train_on_batch(np.random.default_rng(0).random((2, 32, 32, 3)), np.zeros((2, 32, 32, 1)))
    moved = {variable.path.split("/")[0] for variable in model.variables
             if not np.array_equal(before[variable.path], np.asarray(variable))}  # fmt: skip
    still = {layer.name for layer in model.layers if layer.weights} - moved
    assert still and all(name.startswith(("encoder_stem", "encoder_block0_", "encoder_block1_", "encoder_block2_"))
                         for name in still)  # fmt: skip
    assert "encoder_block3_expand" in moved and "encoder_block10_expand" in moved
