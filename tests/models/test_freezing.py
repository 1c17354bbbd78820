"""What is frozen stays, and the rest learns."""

import keras
import numpy as np
import pytest

from segmenter.models import efficientnet_lite, freezing, unet


def test_frozen_statistics_do_not_move_in_training():
    photo = keras.Input((32, 32, 3))
    model = keras.Model(photo, efficientnet_lite.encode(photo)[0])
    freezing.freeze_batch_norm(model)
    model.compile("sgd", "mse")
    before = [np.asarray(w) for w in model.get_layer("encoder_stem_norm").weights]
    model.train_on_batch(np.ones((2, 32, 32, 3)), np.zeros((2, 16, 16, 16)))
    for old, new in zip(before, model.get_layer("encoder_stem_norm").weights):
        np.testing.assert_array_equal(old, np.asarray(new))


@pytest.mark.parametrize("everywhere", [False, True])
def test_in_fine_tuning_the_decoders_statistics_stay_too(everywhere):
    model = unet.build_unet(size=32)
    freezing.freeze_batch_norm(model, everywhere)
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
    freezing.freeze_blocks(model, 3)
    model.compile("adam", "mse")
    before = {variable.path: np.asarray(variable) for variable in model.variables}
    for _ in range(2):  # blocks that start as the identity let their inner weights learn from the second step on
        model.train_on_batch(np.random.default_rng(0).random((2, 32, 32, 3)), np.zeros((2, 32, 32, 1)))
    moved = {
        variable.path.split("/")[0]
        for variable in model.variables
        if not np.array_equal(before[variable.path], np.asarray(variable))
    }
    still = {layer.name for layer in model.layers if layer.weights} - moved
    assert still and all(
        name.startswith(("encoder_stem", "encoder_block0_", "encoder_block1_", "encoder_block2_")) for name in still
    )
    assert "encoder_block3_expand" in moved and "encoder_block10_expand" in moved


def test_a_frozen_encoder_stays_whole_and_the_decoder_learns():
    model = unet.build_unet(size=32)
    freezing.freeze_encoder(model)
    model.compile("adam", "mse")
    before = {variable.path: np.asarray(variable) for variable in model.variables}
    model.train_on_batch(np.random.default_rng(0).random((2, 32, 32, 3)), np.zeros((2, 32, 32, 1)))
    moved = {
        variable.path.startswith("encoder_")
        for variable in model.variables
        if not np.array_equal(before[variable.path], np.asarray(variable))
    }
    assert moved == {False}
    assert any(path.startswith("encoder_") for path in before)
