from pathlib import Path

import keras
import numpy as np
import pytest

from segmenter.training import recipes, trainer
from segmenter.training.starts import Start

FOLDER = Start("weights", Path("weights"), "unet_lite0", 256)
IMAGENET = Start("imagenet", None, "unet_lite2", 256)
SCRATCH = Start("scratch", None, "unet_256", 256)


def test_what_is_given_counts_and_the_rest_follows_from_the_start():
    recipe = recipes.choose(IMAGENET, epochs=3, learning_rate=None, seed=7)
    assert (recipe.epochs, recipe.seed) == (3, 7)
    assert recipe.learning_rate == recipes.PRETRAINED.learning_rate


def test_zero_is_given_too():
    assert recipes.choose(IMAGENET, ema=0.0).ema == 0


def test_weights_are_treated_more_gently_than_a_fresh_decoder():
    assert recipes.choose(FOLDER).learning_rate < recipes.choose(IMAGENET).learning_rate
    assert recipes.choose(FOLDER).keep_statistics and not recipes.choose(IMAGENET).keep_statistics


def test_weights_that_know_little_of_the_photos_learn_anew():
    anew = recipes.choose(FOLDER, known=False)
    assert anew.learning_rate > recipes.choose(FOLDER).learning_rate and not anew.keep_statistics


def test_from_scratch_it_is_the_article():
    recipe = recipes.choose(SCRATCH)
    assert not recipe.cosine and not recipe.pasted and recipe.encoder == 1


def test_a_collection_goes_its_own_way_wherever_it_starts():
    assert recipes.choose(FOLDER, collection=True) == recipes.choose(IMAGENET, collection=True)


def network():
    keras.utils.set_random_seed(1)
    photo = keras.Input((4,))
    inner = keras.layers.Dense(3, name="encoder_inner")(photo)
    return keras.Model(photo, keras.layers.Dense(1, name="outer")(inner))


def moved(optimizer):
    """How far two steps of training move the inner and the outer layer."""
    model = network()
    before = [layer.get_weights()[0] for layer in model.layers[1:]]
    model.compile(optimizer=optimizer, loss="mse")
    rng = np.random.default_rng(0)
    model.fit(rng.random((8, 4)), rng.random((8, 1)), batch_size=4, epochs=1, verbose=0, shuffle=False)
    return [layer.get_weights()[0] - start for layer, start in zip(model.layers[1:], before)]


def test_with_one_rate_it_is_adamw():
    ours = moved(trainer.TwoRates(0.01, weight_decay=1e-4, clipnorm=5.0))
    theirs = moved(keras.optimizers.AdamW(0.01, weight_decay=1e-4, clipnorm=5.0))
    assert all((one == other).all() for one, other in zip(ours, theirs))


def test_an_encoder_of_rate_0_stays_and_the_rest_learns():
    inner, outer = moved(trainer.TwoRates(0.01, encoder=0.0, weight_decay=0.0))
    assert (inner == 0).all() and np.abs(outer).max() > 0.005


def test_the_first_step_is_as_long_as_the_rate_says():
    steps = [moved(trainer.TwoRates(0.01, encoder=share, weight_decay=0.0))[0] for share in (1.0, 0.1)]
    assert np.abs(steps[1]).max() == pytest.approx(0.1 * np.abs(steps[0]).max(), rel=0.05)


def test_the_optimizer_can_be_saved_and_read():
    optimizer = trainer.TwoRates(0.01, encoder=0.3)
    assert trainer.TwoRates.from_config(optimizer.get_config()).encoder == 0.3
