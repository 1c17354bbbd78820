"""Long work behaves: a run that is killed, stopped or starved loses nothing and goes on exactly."""

import csv
import json
import os
import random
import signal

import h5py
import keras
import numpy as np
import pytest

from segmenter import weights_format
from segmenter.training import recipes, run_folder, trainer
from tests import tiny_training
from tests.training import test_trainer

SEED = 5


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tiny_training.boxes(tmp_path_factory.mktemp("data") / "boxes")


def arguments(place, out, *more):
    return [
        "--data",
        place,
        "--architecture",
        tiny_training.TINY,
        "--start",
        "scratch",
        "--epochs",
        "6",
        "--batch",
        "4",
        "--validation",
        "4",
        "--learning-rate",
        "0.01",
        "--ema",
        "0.5",
        "--seed",
        SEED,
        "--deterministic",
        "--out",
        out,
        *more,
    ]


@pytest.fixture(scope="module")
def undisturbed(place, tmp_path_factory):
    """The folder of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert tiny_training.run(arguments(place, folder / "out"), folder / "log") == 0, (folder / "log").read_text()
    return folder / "out"


def weights(folder):
    """All arrays of model.weights.h5."""
    found = {}
    with h5py.File(folder / weights_format.WEIGHTS) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def assert_same(out, expected):
    found, wanted = weights(out), weights(expected)
    assert found.keys() == wanted.keys() and len(found) > 20
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], atol=1e-5, rtol=0, err_msg=name)
    assert (out / "history.csv").read_text() == (expected / "history.csv").read_text()
    figures, wanted = (json.loads((folder / "metrics.json").read_text())["sources"] for folder in (out, expected))
    assert figures == wanted


def test_a_run_that_is_killed_again_and_again_comes_to_the_same_end(place, undisturbed, tmp_path):
    out, log, rng = tmp_path / "out", tmp_path / "log", random.Random(SEED)
    points = [
        ("segmenter.datasets.batches:TrainingBatches._sample", rng.randrange(9, 24)),  # within an epoch
        ("zipfile:ZipFile.open", rng.randrange(115, 250)),  # within a file of a checkpoint
        ("os:fsync", 5),  # a checkpoint written, but not in its place
        ("segmenter.training.checkpoints:Checkpoints._write_history", 2),  # an epoch just noted
        ("segmenter.training.callbacks:StopOnRequest.on_train_batch_end", rng.randrange(1, 6)),  # a step just made
        ("segmenter.models.litert:export", 1),  # all learned, nothing exported
        ("segmenter.training.run_folder:publish", 1),  # all exported, nothing in its place
    ]
    command, epochs = arguments(place, out), []
    for point in points:
        assert tiny_training.run(command, log, point) == -signal.SIGKILL, f"{point}: {log.read_text()}"
        assert not out.exists()  # a weights folder is whole or not there
        rows = run_folder.unfinished(out) / "history.csv"
        epochs.append(len(list(csv.DictReader(rows.open()))) if rows.exists() else 0)
        command = ["--resume", out]
    assert epochs == sorted(epochs) and 0 < epochs[3] < 6 == epochs[-1]  # it went on, and not all in one go
    assert tiny_training.run(command, log) == 0, log.read_text()
    assert_same(out, undisturbed)
    assert "Traceback" not in log.read_text() and not list(tmp_path.glob(".*")) + list(tmp_path.glob("*.unfinished"))


def test_counters_of_the_callbacks_and_random_layers_go_on_too(tmp_path):
    """The learning rate falls and training ends at the same epochs as without an interruption."""
    recipe = recipes.Recipe(
        epochs=12, batch_size=4, learning_rate=0.05, plateau_patience=1, stop_patience=3, stop_delta=0.02, seed=3
    )
    expected = _fit_with_breaks(recipe, tmp_path / "whole", [])
    found = _fit_with_breaks(recipe, tmp_path / "broken", [22, 14, 9])
    assert len(set(expected["learning_rate"])) > 1 and len(expected["epoch"]) < 12  # there was something to keep
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name] == pytest.approx(expected[name], abs=1e-5), name


def _fit_with_breaks(recipe, folder, breaks):
    """Fit a network with dropout; each break is an error after so many samples, and a new network goes on."""
    for samples in [*breaks, None]:
        keras.utils.set_random_seed(1)
        photo = keras.Input((32, 32, 3))
        x = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(photo)
        x = keras.layers.Dropout(0.4)(keras.layers.BatchNormalization()(x))
        model = keras.Model(photo, keras.layers.Conv2D(1, 1, activation="sigmoid")(x))
        batches, validation = test_trainer.small_data()
        batches.draw = _draw_until(batches.draw, samples)
        try:
            fitted = trainer.fit(model, batches, validation, recipe, folder, report=lambda line: None)
        except Exception as error:  # TensorFlow wraps it
            assert "out of photos" in str(error)
    return fitted.history


def _draw_until(draw, samples):
    drawn = []

    def drawing(index, rng):
        drawn.append(index)
        if samples and len(drawn) > samples:
            raise OSError("out of photos")
        return draw(index, rng)

    return drawing


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_keeps_the_best_so_far_and_it_goes_on_from_there(place, undisturbed, tmp_path, number):
    out, log = tmp_path / "out", tmp_path / "log"
    point = (
        "segmenter.datasets.batches:TrainingBatches._sample",
        30,
    )  # in the fourth epoch of eight photos, or about there
    assert tiny_training.run(arguments(place, out), log, point, (number,)) == 130
    printed = " ".join(log.read_text().split())  # with plain spaces
    assert f"to go on: python train.py --resume {out}" in printed and "Traceback" not in printed
    kept = json.loads((out / "metrics.json").read_text())
    assert f"overlaps the masks by {100 * kept['sources']['validation']['iou']:.0f} %" in printed
    assert {"README.md", "model.tflite", "model.weights.h5", "samples.png", "report.html"} <= set(os.listdir(out))
    rows = list(csv.DictReader((out / "history.csv").open()))
    assert 0 < len(rows) < 6
    assert tiny_training.run(["--resume", out], log) == 0
    assert_same(out, undisturbed)


def test_the_second_time_it_stops_at_once_and_loses_nothing(place, undisturbed, tmp_path):
    out, log = tmp_path / "out", tmp_path / "log"
    point = ("segmenter.datasets.batches:TrainingBatches._sample", 30)
    assert tiny_training.run(arguments(place, out), log, point, (signal.SIGINT, signal.SIGINT)) == 130
    assert "stopped at once; nothing that was saved is lost" in log.read_text() and not out.exists()
    assert tiny_training.run(["--resume", out], log) == 0
    assert_same(out, undisturbed)


def test_a_full_disk_is_told_and_costs_nothing(place, undisturbed, tmp_path):
    """A limit of the kernel on the size of files stands for the disk: writing fails in the middle of one."""
    out, log = tmp_path / "out", tmp_path / "log"
    assert tiny_training.run(arguments(place, out), log, largest=30_000) == 1
    printed = log.read_text()
    assert "the disk is full" in printed and "Traceback" not in printed and not out.exists()
    assert tiny_training.run(arguments(place, out), log) == 0, log.read_text()
    assert_same(out, undisturbed)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    again = [*arguments(place, out), "--epochs", "2"]
    state = max(path.stat().st_size for path in out.iterdir() if path.is_file()) - 1000  # the export is larger
    assert tiny_training.run(again, log, largest=state) == 1
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


def test_an_earlier_result_stays_whole_until_the_new_one_takes_its_place(tmp_path):
    new, out = tmp_path / "x.unfinished" / "result", tmp_path / "x"
    for folder, word in ((new, "new"), (out, "old")):
        folder.mkdir(parents=True)
        for name in ("a", "b"):
            (folder / name).write_text(word)
    run_folder.publish(new, out)
    assert [(out / name).read_text() for name in ("a", "b")] == ["new", "new"]
    assert (new / "a").read_text() == "old"
    run_folder.discard(out)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    os.rename(out, tmp_path / "moved")  # killed where the system cannot exchange folders in one step
    (tmp_path / "x.unfinished").mkdir()
    os.rename(tmp_path / "moved", tmp_path / "x.unfinished" / "replaced")
    run_folder.mend(out)
    assert (out / "a").read_text() == "new"


def test_what_a_run_was_begun_with_must_stay(place, tmp_path, capsys):
    import train

    options = train.plain(train.parse_arguments(["--data", str(place), "--seed", "1"]))
    out = tmp_path / "out"
    assert not run_folder.begin(out, options, (), "photos", "tensorflow")
    assert run_folder.begin(out, options, (), "photos", "tensorflow")
    assert train.parse_arguments(["--resume", str(out)]).seed == 1
    for more in (
        ["--seed", "2"],
        ["--learning-rate", "0.5"],
        ["--architecture", "unet_128"],
        ["--data", str(tmp_path)],
    ):
        assert train.main(["--resume", str(out), *more]) == 1
        printed = capsys.readouterr().err
        assert more[0] in printed and "begun otherwise" in printed and f"--resume {out}" in printed
        assert train.main(["--data", str(place), "--seed", "1", "--start", "scratch", *more, "--out", str(out)]) == 1
        assert more[0] in capsys.readouterr().err
    with pytest.raises(run_folder.RunError, match="not those any more"):
        run_folder.begin(out, options, (), "other photos", "tensorflow")
    assert run_folder.begin(out, options, (), "photos", "jax")
    assert "nearly, not exactly" in capsys.readouterr().out


def test_going_on_with_nothing_or_with_what_is_finished_is_told(weights, tmp_path, capsys):
    import train

    assert train.main(["--resume", str(tmp_path / "nowhere")]) == 1
    assert "no run at" in capsys.readouterr().err
    assert train.main(["--resume", str(weights)]) == 0
    assert "is finished" in capsys.readouterr().out
    (run_folder.unfinished(tmp_path / "x")).mkdir()
    (run_folder.unfinished(tmp_path / "x") / run_folder.RUN).write_text("{")
    assert train.main(["--resume", str(tmp_path / "x")]) == 1
    assert "damaged" in capsys.readouterr().err
