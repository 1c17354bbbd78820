"""Training on pictures small enough for seconds: it learns, keeps the best, resumes, exports."""

import csv

import keras
import numpy as np
import pytest

from segmenter.datasets import augment
from segmenter.datasets.batches import Square, TrainingBatches, ValidationBatches, augmented
from segmenter.models import unet
from segmenter.training import checkpoints, recipes, run_folder, trainer

SIZE = 32
GENTLE = augment.Strength((0.9, 1.1), 0.05, 0.05, 0.0, 0.3, 0.0)


def red_squares(count, seed):
    """Squares with a red box on a noisy grey ground."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        photo = rng.integers(60, 150, (48, 48, 3), np.uint8)
        target = np.zeros((48, 48), np.float32)
        top, left = rng.integers(4, 24, 2)
        target[top : top + 18, left : left + 16] = 1
        photo[target > 0] = (210, 40, 40)
        found.append(Square(photo, target, np.ones_like(target)))
    return found


def small_data(seed=0):
    draw = augmented(red_squares(16, 1), SIZE, GENTLE)
    batches = TrainingBatches(draw, 16, 4, seed)
    return batches, ValidationBatches(red_squares(6, 2), SIZE, 4)


def small_model():
    return unet.classic_unet(SIZE, (8, 8), 16)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    keras.utils.set_random_seed(0)
    model = small_model()
    recipe = recipes.Recipe(epochs=12, batch_size=4, learning_rate=1e-2)
    lines = []
    fitted = trainer.fit(model, *small_data(), recipe, out, lines.append)
    return model, fitted, out, lines


def test_it_learns_what_red_is(trained):
    history = trained[1].history
    assert history["val_dice"][-1] > 0.85 and history["val_loss"][-1] < history["val_loss"][0] / 2


def test_it_ends_with_the_weights_that_were_best_on_validation(trained):
    model, fitted = trained[:2]
    found = model.evaluate(small_data()[1], verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(min(fitted.history["val_loss"]), rel=1e-4)
    assert fitted.finished and fitted.history["val_loss"][fitted.best] == min(fitted.history["val_loss"])


def test_losses_and_dice_of_every_epoch_are_written(trained):
    _, fitted, out, _ = trained
    rows = list(csv.DictReader((out / checkpoints.HISTORY).open()))
    assert [float(row["val_dice"]) for row in rows] == pytest.approx(fitted.history["val_dice"])


def test_every_epoch_says_in_a_line_how_long_all_may_still_take(trained):
    lines = trained[3]
    assert len(lines) == len(trained[1].history["epoch"])
    assert (
        lines[0].startswith("epoch 1 of 12: loss ") and "an epoch, at most" in lines[0] and lines[0].endswith(" left")
    )
    assert "the last" in lines[-1]


def test_more_epochs_can_be_asked_for_later(tmp_path):
    for epochs, expected in ((2, 2), (5, 5)):
        recipe = recipes.Recipe(epochs=epochs, batch_size=4, learning_rate=1e-3)
        fitted = trainer.fit(small_model(), *small_data(), recipe, tmp_path)
        rows = list(csv.DictReader((tmp_path / checkpoints.HISTORY).open()))
        assert [int(row["epoch"]) for row in rows] == list(range(expected)) == fitted.history["epoch"]


def test_a_moving_average_of_the_weights_is_what_is_judged_and_kept(tmp_path):
    """With a share of the past of almost 1 the average stays where the first step has set it."""
    model = small_model()
    seen = []
    recipe = recipes.Recipe(epochs=2, batch_size=4, learning_rate=1e-2, ema=0.999999)
    batches, validation = small_data()
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: seen.append(model.get_weights()[0]))
    trainer.fit(model, batches, validation, recipe, tmp_path, more=[spy])
    kept = model.get_weights()[0]
    assert np.abs(kept - seen[0]).max() < 1e-4 < 1e-2 < np.abs(seen[-1] - seen[0]).max()


def test_an_unfinished_run_of_another_network_is_told_apart(trained):
    other = unet.classic_unet(SIZE, (4, 8), 16)
    with pytest.raises(run_folder.RunError, match="another network"):
        trainer.fit(other, *small_data(), recipes.Recipe(), trained[2])


def test_a_damaged_checkpoint_is_told(trained, tmp_path):
    whole = (trained[2] / checkpoints.STATE).read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:-9] + b"x" * 9):
        (tmp_path / checkpoints.STATE).write_bytes(damaged)
        with pytest.raises(run_folder.RunError, match="damaged"):
            trainer.fit(small_model(), *small_data(), recipes.Recipe(), tmp_path)


def test_a_run_that_diverges_says_so(tmp_path):
    model = small_model()
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    recipe = recipes.Recipe(epochs=1, batch_size=4)
    with pytest.raises(RuntimeError, match="lower --learning-rate"):
        trainer.fit(model, *small_data(), recipe, tmp_path)


@pytest.mark.parametrize("cosine", [False, True])
def test_the_learning_rate_follows_the_recipe(cosine):
    model = small_model()
    trainer.compile_model(model, recipes.Recipe(epochs=10, learning_rate=1e-2, cosine=cosine), steps=20)
    rates = []
    for step in (0, 20, 199):
        model.optimizer.iterations.assign(step)
        rates.append(float(model.optimizer.learning_rate))
    if cosine:
        assert rates[0] < rates[1] and rates[1] == pytest.approx(1e-2) and rates[2] < 1e-5
    else:
        assert rates == pytest.approx([1e-2] * 3)
