"""Batch normalisation in one operation gives what Keras's own gives: results, gradients and statistics."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from segmenter.models.normalising import BatchNormalization

MAPS = np.random.default_rng(0).normal(3, 2, (4, 5, 6, 7)).astype(np.float32)


def both(shape=MAPS.shape[1:], **options):
    """(ours, Keras's) with the same weights, none of which are those of a fresh layer."""
    pair = []
    for kind in (BatchNormalization, layers.BatchNormalization):
        layer = kind(momentum=0.8, epsilon=1e-3, **options)
        layer.build((None, *shape))
        rng = np.random.default_rng(1)
        layer.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in layer.get_weights()])
        pair.append(layer)
    return pair


def step(layer, maps, training):
    """Result, and the gradients of a weighted sum of it for the maps and what trains."""
    given = tf.constant(maps)
    weights = np.random.default_rng(2).normal(size=maps.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        result = layer(given, training=training)
        total = tf.reduce_sum(tf.cast(result, tf.float32) * weights)
    targets = [given, *(variable.value for variable in layer.trainable_variables)]
    return [result, *tape.gradient(total, targets)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("trainable", [True, False])
def test_it_gives_what_keras_gives(training, trainable):
    ours, keras_own = both()
    ours.trainable = keras_own.trainable = trainable
    for found, expected in zip(step(ours, MAPS, training), step(keras_own, MAPS, training), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    for found, expected in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_statistics_learn_only_in_training():
    ours, _ = both()
    before = ours.get_weights()
    ours(MAPS, training=False)
    np.testing.assert_array_equal(np.concatenate(ours.get_weights()), np.concatenate(before))
    ours(MAPS, training=True)
    np.testing.assert_allclose(ours.moving_mean, 0.8 * before[2] + 0.2 * MAPS.mean(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(ours.moving_variance, 0.8 * before[3] + 0.2 * MAPS.var(axis=(0, 1, 2)), rtol=1e-4)


@pytest.mark.parametrize(
    "maps, options",
    [
        (MAPS, {"axis": 1}),
        (MAPS, {"scale": False}),
        (MAPS, {"center": False}),
        (MAPS[0, 0], {}),
        (MAPS, {"dtype": "mixed_float16"}),
    ],
)
def test_where_the_operation_does_not_fit_kerass_own_does_it(maps, options):
    ours, keras_own = both(maps.shape[1:], **options)
    np.testing.assert_array_equal(ours(maps, training=True), keras_own(maps, training=True))
    for found, expected in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_model_that_holds_it_is_named_and_copied_as_before():
    photo = keras.Input((8, 8, 3))
    model = keras.Model(photo, BatchNormalization()(layers.Conv2D(2, 3)(photo)))
    assert model.layers[-1].name.startswith("batch_normalization")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    maps = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_array_equal(model(maps), copy(maps))
