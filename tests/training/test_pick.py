"""`train.py --pick`: weights learn to pick single pieces, and their network stays as it is."""

import json
import shutil
import signal

import keras
import numpy as np
import pytest
from PIL import Image

import train
from segmenter import Segmenter, weights_format
from segmenter.models import registry, unet
from segmenter.training import run_folder, weights_folder
from tests import tiny_encoder, tiny_training

FIT = "segmenter.training.picking:train_step"


@pytest.fixture(scope="module", autouse=True)
def known_networks():
    with pytest.MonkeyPatch.context() as patch:
        for name, network in ((tiny_encoder.NAME, tiny_encoder.NETWORK), (tiny_training.TINY, tiny_training.LIKE_THIS)):
            patch.setitem(registry.NETWORKS, name, network)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Twelve photos of a red box and a blue one that touch, and which of them is which."""
    place = tmp_path_factory.mktemp("data") / "rooms"
    rng = np.random.default_rng(0)
    for part in ("images", "masks", "pieces"):
        (place / part).mkdir(parents=True)
    for number in range(12):
        pieces = np.zeros((40, 40), np.uint8)
        top, left, height, width = rng.integers(4, 12, 4)
        pieces[top : top + 8 + height, left : left + 8] = 1
        pieces[top : top + 8 + height, left + 8 : left + 8 + width] = 2
        colours = np.array([(130, 130, 130), (210, 40, 40), (40, 40, 210)], np.uint8)
        Image.fromarray(colours[pieces]).save(place / "images" / f"{number}.png")
        Image.fromarray((pieces > 0) * np.uint8(255)).save(place / "masks" / f"{number}.png")
        Image.fromarray(pieces).save(place / "pieces" / f"{number}.png")
    return place


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Weights whose network has an encoder, without a picker."""
    folder = tmp_path_factory.mktemp("weights") / "start"
    keras.utils.set_random_seed(1)
    model = unet.build_unet(tiny_encoder.NAME)
    first = {"data": "others", "size": 32, "started_from": "scratch", "epochs": 1, "batch_size": 8}
    config = {"architecture": tiny_encoder.NAME, "size": 32, "threshold": 0.35, "name": "the start"}
    weights_folder.save_folder(model, folder, {**config, "steps": [{**first, "learning_rate": 0.1}]})
    return folder


def arguments(place, start, out, *more):
    given = ["--data", place, "--start", start, "--pick", 12, "--batch", 2, "--validation", 4, "--out", out, *more]
    return [str(word) for word in given]


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="module")
def taught(place, start, tmp_path_factory):
    """The folder that `--pick` alone made of the start."""
    folder = tmp_path_factory.mktemp("taught")  # by one thread, as those that are stopped: several round otherwise
    assert tiny_training.run(arguments(place, start, folder / "out"), folder / "log") == 0
    return folder / "out"


def test_the_network_stays_as_it_is_to_the_last_bit(start, taught):
    before, (after, picker, config) = weights_folder.load_folder(start)[0], weights_folder.load_both(taught)
    for old, new in zip(before.get_weights(), after.get_weights()):
        np.testing.assert_array_equal(old, new)
    photos = np.random.default_rng(2).random((2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(before.predict_on_batch(photos), after.predict_on_batch(photos))
    assert picker is not None and config["threshold"] == 0.35 and config["name"] == "the start"
    assert Segmenter.load(taught).can_pick and not Segmenter.load(start).can_pick


def test_how_the_picker_came_about_is_a_step_of_its_own(taught):
    first, step = json.loads((taught / "config.json").read_text())["steps"]
    assert "trains" not in first and step["trains"] == "picker"
    assert (step["data"], step["size"], step["started_from"]) == ("rooms", 32, "scratch")
    assert (step["steps"], step["batch_size"], step["learning_rate"]) == (12, 2, 0.002)
    assert "| 2 | rooms | 32 | nothing | picker: 12 steps | 2 | 0.002 |" in (taught / "README.md").read_text()


def test_picking_is_judged_on_pieces_that_did_not_train_and_shown(taught):
    metrics = metrics_of(taught)
    pick, found = metrics["pick"], metrics["pick"]["sources"]["validation"]
    assert (pick["threshold"], pick["most_clicks"], pick["most_pieces"], pick["seed"]) == (0.35, 10, 150, 0)
    assert found["pieces"] == found["of"] == 8 and found["clicked"] >= 8  # two in each of four photos
    assert len(found["iou"]) == 3 and set(found["clicks"]) == {"0.85", "0.9"} and pick["bars"] == [0.85, 0.9]
    assert metrics["recipe"]["epochs"] == 1 and pick["recipe"]["steps"] == 12
    card, page = (taught / "README.md").read_text(), (taught / "report.html").read_text()
    row = f"| 8 of 8 | pieces in photos held out from training | {found['iou'][0]:.3f} | {found['iou'][1]:.3f} |"
    assert row in card
    assert f'data-from="/pick/sources/validation/iou/0" value="{found["iou"][0]}"' in page


def after_one_click(metrics):
    """What a judgement says of first clicks, which the rule sets by the truth alone: each further one lies where the
    last answer was worst, so the last bit of a map, which threads add up in another order, grows from click to click.
    """
    found = metrics["pick"]["sources"]["validation"]
    each = {row["name"]: row["iou"][0] for row in found["worst_first"]}
    return {**each, "all": found["iou"][0], **{name: found[name] for name in ("anywhere", "thin", "gaps")}}


def test_weights_that_can_pick_are_judged_without_training(place, start, taught, tmp_path, capsys):
    options = ["--data", str(place), "--validation", "4", "--out"]
    assert train.main(["--evaluate", str(taught), *options, str(tmp_path / "can")]) == 0
    again, before = metrics_of(tmp_path / "can"), metrics_of(taught)
    assert after_one_click(again) == pytest.approx(after_one_click(before), abs=0.02)
    settings = [{**each["pick"], "sources": list(each["pick"]["sources"])} for each in (again, before)]
    assert settings[0] == settings[1]
    assert "picking, validation: IoU" in capsys.readouterr().out
    assert train.main(["--evaluate", str(start), *options, str(tmp_path / "cannot")]) == 0
    assert "pick" not in metrics_of(tmp_path / "cannot")
    assert f"to teach them: python train.py --pick 2000 --start {start}" in capsys.readouterr().out


def test_a_picker_is_gone_on_with_and_the_one_of_a_network_that_trains_alone_is_left_out(
    place, taught, tmp_path, capsys
):
    both = ["--epochs", "1", "--samples", "4"]
    assert train.main(arguments(place, taught, tmp_path / "both", *both, "--pick", "3")) == 0
    steps = json.loads((tmp_path / "both/config.json").read_text())["steps"]
    assert [step.get("trains") for step in steps] == [None, "picker", None, "picker"]
    assert [step["started_from"] for step in steps] == ["scratch", "scratch", "out", "out"]
    assert steps[-1]["batch_size"] == 16  # --batch is the network's
    capsys.readouterr()
    options = arguments(place, taught, tmp_path / "network", *both)
    del options[options.index("--pick") : options.index("--pick") + 2]
    assert train.main(options) == 0
    said = capsys.readouterr().out
    assert "the picker of out does not fit a network that trains on, and is left out" in said
    assert "--encoder 0 would have kept it" in said
    config = json.loads((tmp_path / "network/config.json").read_text())
    assert [step.get("trains") for step in config["steps"]] == [None, None] and "picker" not in config
    assert not Segmenter.load(tmp_path / "network").can_pick and "pick" not in metrics_of(tmp_path / "network")


def test_a_picker_is_left_out_of_a_mean_of_networks_whatever_its_encoder_does(place, taught, tmp_path, capsys):
    options = arguments(place, taught, tmp_path / "out", "--epochs", "1", "--samples", "4", "--encoder", "0")
    del options[options.index("--pick") : options.index("--pick") + 2]
    assert train.main([*options, "--average", str(taught)]) == 0
    said = capsys.readouterr().out
    assert "is left out; --pick 2000 trains it again" in said and "would have kept it" not in said
    assert not Segmenter.load(tmp_path / "out").can_pick


def test_a_picker_stays_with_a_network_whose_encoder_stays(place, taught, tmp_path, capsys):
    options = arguments(place, taught, tmp_path / "out", "--epochs", "2", "--samples", "8", "--encoder", "0")
    del options[options.index("--pick") : options.index("--pick") + 2]
    assert train.main([*options, "--teachers", str(taught)]) == 0
    assert "is left out" not in capsys.readouterr().out
    (before, picker, _), (after, kept, _) = weights_folder.load_both(taught), weights_folder.load_both(tmp_path / "out")
    moved = {
        old.path.startswith("encoder_")
        for old, new in zip(before.weights, after.weights)
        if not np.array_equal(np.asarray(old), np.asarray(new))
    }
    assert moved == {False}
    for old, new in zip(picker.get_weights(), kept.get_weights()):
        np.testing.assert_array_equal(old, new)
    assert Segmenter.load(tmp_path / "out").can_pick and metrics_of(tmp_path / "out")["pick"]
    steps = json.loads((tmp_path / "out/config.json").read_text())["steps"]
    assert [step.get("trains") for step in steps] == [None, "picker", None]
    assert (steps[-1]["encoder"], steps[-1]["taught_by"]) == (0, ["out"])


def weights_of(folder):
    network, picker, _ = weights_folder.load_both(folder)
    return [*network.get_weights(), *picker.get_weights()]


def assert_same(one, other):
    for here, there in zip(weights_of(one), weights_of(other)):
        np.testing.assert_allclose(here, there, atol=1e-3)
    assert (one / "config.json").read_text() == (other / "config.json").read_text()


def test_pickers_of_one_network_have_a_mean_to_start_from(place, start, taught, tmp_path):
    other = tmp_path / "other"
    assert train.main(arguments(place, start, other, "--seed", 5)) == 0
    once = ("--pick", 1, "--learning-rate", 1e-9)  # which changes nothing to speak of
    assert train.main(arguments(place, taught, tmp_path / "mean", "--average", other, *once)) == 0
    pickers = [weights_folder.load_both(folder)[1] for folder in (taught, other, tmp_path / "mean")]
    for one, two, mean in zip(*(picker.trainable_weights for picker in pickers)):
        np.testing.assert_allclose(mean, (np.asarray(one) + np.asarray(two)) / 2, atol=1e-6)
    step = json.loads((tmp_path / "mean/config.json").read_text())["steps"][-1]
    assert (step["started_from"], step["averaged_with"]) == ("out", ["other"])
    assert "the mean of" in (tmp_path / "mean/README.md").read_text()


def test_pickers_of_different_networks_have_no_mean(place, start, taught, tmp_path, capsys):
    assert train.main(arguments(place, taught, tmp_path / "out", "--average", start)) != 0
    assert "do not both have a picker" in capsys.readouterr().err
    moved = tmp_path / "moved"
    shutil.copytree(taught, moved)
    model, picker, config = weights_folder.load_both(taught)
    model.set_weights([weight + 0.1 for weight in model.get_weights()])
    weights_folder.save_folder(model, moved, config, picker=picker)
    assert train.main(arguments(place, taught, tmp_path / "out", "--average", moved)) != 0
    assert "are of different networks" in capsys.readouterr().err


def test_a_run_that_is_killed_goes_on_from_what_it_kept(place, start, taught, tmp_path):
    out, log = tmp_path / "out", tmp_path / "log"
    long = arguments(place, start, out)
    assert tiny_training.run(long, log, (FIT, 9), every=5) == -signal.SIGKILL, log.read_text()
    assert not out.exists() and (run_folder.unfinished(out) / "picker.npz").exists()
    assert tiny_training.run(["--resume", out], log, ("segmenter.training.run_folder:publish", 1)) == -signal.SIGKILL
    assert tiny_training.run(["--resume", out], log) == 0, log.read_text()
    printed = log.read_text()
    assert "going on after step 5 of 12" in printed and "going on after step 12 of 12" in printed
    assert_same(out, taught)
    assert not run_folder.unfinished(out).exists()


def test_stopping_keeps_the_picker_so_far_and_it_goes_on_from_there(place, start, taught, tmp_path):
    out, log = tmp_path / "out", tmp_path / "log"
    assert tiny_training.run(arguments(place, start, out), log, (FIT, 4), (signal.SIGINT,)) == 130
    printed = " ".join(log.read_text().split())
    assert f"stopped after step 4; to go on: python train.py --resume {out}" in printed and "Traceback" not in printed
    assert Segmenter.load(out).can_pick
    assert json.loads((out / "config.json").read_text())["steps"][-1]["stopped_after"] == 4
    assert tiny_training.run(["--resume", out], log) == 0, log.read_text()
    assert_same(out, taught)


@pytest.mark.parametrize(
    "more, words",
    [
        (["--start", "scratch", "--architecture", tiny_encoder.NAME], "--start scratch has none; add --epochs"),
        (["--architecture", tiny_training.TINY, "--start", "scratch"], "unet_tiny has no encoder"),
        (["--size", "64"], "looks at 32 pixels, and --pick alone leaves that as it is; leave --size out"),
        (["--samples", "20", "--ema", "0.9"], "--samples and --ema trains the network"),
        (["--folds", "2"], "--pick does not go with --folds"),
        (["--pick", "0"], "--pick must be above 0"),
    ],
)
def test_what_cannot_pick_says_what_to_do(more, words, place, start, tmp_path, capsys):
    assert train.main(arguments(place, start, tmp_path / "out", *more)) == 1
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_pieces_that_cannot_be_read_are_told_before_anything_is_trained(start, place, tmp_path, capsys):
    folder = tiny_training.boxes(tmp_path / "boxes")
    (folder / "pieces").mkdir()
    (folder / "pieces/3.png").write_bytes(b"no picture")
    assert train.main(arguments(folder, start, tmp_path / "out")) == 1
    assert "pieces/3.png cannot be read" in capsys.readouterr().err


def test_a_network_without_an_encoder_does_not_speak_of_pickers(place, weights, tmp_path, capsys):
    config = json.loads((weights / "config.json").read_text())
    (weights / "config.json").write_text(json.dumps({**config, "architecture": tiny_training.TINY}))
    options = ["--evaluate", str(weights), "--data", str(place), "--validation", "4", "--out", str(tmp_path / "out")]
    assert train.main(options) == 0
    assert "pick" not in capsys.readouterr().out
    assert weights_format.PICKER not in metrics_of(tmp_path / "out")
