"""Training on pictures small enough for seconds: it learns, keeps the best, resumes, exports."""

import csv
import json

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from segmenter.datasets import augment
from segmenter.datasets.batches import Square, TrainingBatches, ValidationBatches, augmented
from segmenter.models import registry, unet
from segmenter.training import checkpoints, run_folder, trainer

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
    recipe = trainer.Recipe(epochs=12, batch_size=4, learning_rate=1e-2)
    told = []
    fitted = trainer.fit(model, *small_data(), recipe, out, told.append)
    return model, fitted, out, told


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
    told = trained[3]
    assert len(told) == len(trained[1].history["epoch"])
    assert told[0].startswith("epoch 1 of 12: loss ") and "an epoch, at most" in told[0] and told[0].endswith(" left")
    assert "the last" in told[-1]
    assert [trainer.duration(seconds) for seconds in (0.2, 61, 600, 9000)] == ["1 s", "61 s", "10 minutes", "2.5 hours"]


def test_more_epochs_can_be_asked_for_later(tmp_path):
    for epochs, expected in ((2, 2), (5, 5)):
        recipe = trainer.Recipe(epochs=epochs, batch_size=4, learning_rate=1e-3)
        fitted = trainer.fit(small_model(), *small_data(), recipe, tmp_path)
        rows = list(csv.DictReader((tmp_path / checkpoints.HISTORY).open()))
        assert [int(row["epoch"]) for row in rows] == list(range(expected)) == fitted.history["epoch"]


def test_a_moving_average_of_the_weights_is_what_is_judged_and_kept(tmp_path):
    """With a share of the past of almost 1 the average stays where the first step has set it."""
    model = small_model()
    seen = []
    recipe = trainer.Recipe(epochs=2, batch_size=4, learning_rate=1e-2, ema=0.999999)
    batches, validation = small_data()
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: seen.append(model.get_weights()[0]))
    trainer.fit(model, batches, validation, recipe, tmp_path, more=[spy])
    kept = model.get_weights()[0]
    assert np.abs(kept - seen[0]).max() < 1e-4 < 1e-2 < np.abs(seen[-1] - seen[0]).max()


def test_an_unfinished_run_of_another_network_is_told_apart(trained):
    other = unet.classic_unet(SIZE, (4, 8), 16)
    with pytest.raises(run_folder.RunError, match="another network"):
        trainer.fit(other, *small_data(), trainer.Recipe(), trained[2])


def test_a_damaged_checkpoint_is_told(trained, tmp_path):
    whole = (trained[2] / checkpoints.STATE).read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:-9] + b"x" * 9):
        (tmp_path / checkpoints.STATE).write_bytes(damaged)
        with pytest.raises(run_folder.RunError, match="damaged"):
            trainer.fit(small_model(), *small_data(), trainer.Recipe(), tmp_path)


def test_a_run_that_diverges_says_so(tmp_path):
    model = small_model()
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    recipe = trainer.Recipe(epochs=1, batch_size=4)
    with pytest.raises(RuntimeError, match="lower --learning-rate"):
        trainer.fit(model, *small_data(), recipe, tmp_path)


@pytest.mark.parametrize("cosine", [False, True])
def test_the_learning_rate_follows_the_recipe(cosine):
    model = small_model()
    trainer.compile_model(model, trainer.Recipe(epochs=10, learning_rate=1e-2, cosine=cosine), steps=20)
    rates = []
    for step in (0, 20, 199):
        model.optimizer.iterations.assign(step)
        rates.append(float(model.optimizer.learning_rate))
    if cosine:
        assert rates[0] < rates[1] and rates[1] == pytest.approx(1e-2) and rates[2] < 1e-5
    else:
        assert rates == pytest.approx([1e-2] * 3)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    out = tmp_path_factory.mktemp("weights") / "new"
    model = unet.build_unet(size=SIZE)
    rng = np.random.default_rng(3)
    model.set_weights([weight + 0.02 * rng.random(weight.shape) for weight in model.get_weights()])
    trainer.save_folder(model, out, {"architecture": registry.DEFAULT, "size": SIZE, "threshold": 0.5})
    return model, out


def test_a_weights_folder_gives_the_same_network_back(saved):
    model, out = saved
    again, config = trainer.load_folder(out)
    assert sorted(path.name for path in out.iterdir()) == ["config.json", "model.tflite", "model.weights.h5"]
    assert config == json.loads((out / "config.json").read_text())
    for old, new in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_half_precision_halves_the_file_and_serves_what_it_holds(saved, tmp_path):
    model, out = saved
    trainer.save_folder(model, tmp_path, {"architecture": registry.DEFAULT, "size": SIZE, "threshold": 0.5}, half=True)
    assert (tmp_path / "model.weights.h5").stat().st_size < 0.6 * (out / "model.weights.h5").stat().st_size
    for old, new in zip(model.get_weights(), trainer.load_folder(tmp_path)[0].get_weights()):
        assert new.dtype == np.float32
        np.testing.assert_array_equal(new, old.astype(np.float16).astype(np.float32))


def test_weights_serve_at_another_size_too(saved):
    model, out = saved
    larger, config = trainer.load_folder(out, size=64)
    assert larger.input_shape == (None, 64, 64, 3) and config["size"] == 64


def test_litert_says_what_keras_says(saved):
    model, out = saved
    photo = np.random.default_rng(0).random((1, SIZE, SIZE, 3)).astype(np.float32)
    interpreter = Interpreter(str(out / "model.tflite"))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], photo)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    expected = model.predict(photo, verbose=0)
    assert expected.std() > 0.001
    assert np.abs(found - expected).mean() < 0.02  # the weights have 8 bits there
    assert (out / "model.tflite").stat().st_size < (out / "model.weights.h5").stat().st_size / 3


class FakeLibrary:
    """A C library that notes how malloc is set; `known` says whether it has such a function at all."""

    def __init__(self, known):
        self.set = []
        if known:
            self.mallopt = lambda option, size: self.set.append(option)


@pytest.mark.parametrize("platform, known, asked", [
    ("linux", True, 3),
    ("linux", False, 0),  # musl
    ("darwin", True, 0),
])  # fmt: skip
def test_memory_is_kept_between_steps_where_the_system_can_be_told_to(platform, known, asked, monkeypatch):
    library = FakeLibrary(known)
    monkeypatch.setattr(trainer.ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(trainer.sys, "platform", platform)
    keep = trainer._KeepMemory()
    keep.on_train_batch_begin(0)
    assert len(library.set) == asked
    library.set.clear()
    keep.on_train_batch_begin(5)  # it is set by then
    assert library.set == []
