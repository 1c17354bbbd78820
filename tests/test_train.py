"""The command line: what it prints, writes, and says when something is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import train
from segmenter import card, dataset

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(tmp_path):
    """Twelve photos of a red box on grey."""
    rng = np.random.default_rng(0)
    place = tmp_path / "boxes"
    for part in ("images", "masks"):
        (place / part).mkdir(parents=True)
    for number in range(12):
        mask = np.zeros((40, 40), np.uint8)
        top, left = rng.integers(4, 16, 2)
        mask[top : top + 18, left : left + 18] = 255
        photo = np.where(mask[..., None] > 0, (210, 40, 40), rng.integers(90, 130, (40, 40, 3)))
        Image.fromarray(photo.astype(np.uint8)).save(place / "images" / f"{number}.png")
        Image.fromarray(mask).save(place / "masks" / f"{number}.png")
    return place


def test_the_summary_is_kerases_own_of_the_articles_network(capsys):
    assert train.main(["--summary", "--architecture", "unet_256"]) == 0
    printed = capsys.readouterr().out
    assert "(None, 256, 256, 3)" in printed and "(None, 256, 256, 1)" in printed
    assert "Total params: 34," in printed and printed.count("UpSampling2D") == 5


@pytest.fixture
def own_hub(server, monkeypatch):
    """A Hub of this test's own that everything talks to."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", "writer")
    return server


def test_training_leaves_a_whole_weights_folder_says_how_good_it_is_and_publishes_it(
    folder, tmp_path, capsys, own_hub
):
    out = tmp_path / "out"
    arguments = ["--data", str(folder), "--size", "32", "--start", "scratch", "--epochs", "2",
                 "--validation", "4", "--out", str(out), "--push-to-hub", "writer/boxes"]  # fmt: skip
    assert train.main(arguments) == 0
    names = {path.name for path in out.iterdir()}
    assert names == {"README.md", "config.json", "model.weights.h5", "model.tflite", "history.csv", "metrics.json",
                     "samples.png", "overlays"}  # fmt: skip
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["sources"]["validation"]["photos"] == 4 == len(list((out / "overlays").iterdir()))
    printed = capsys.readouterr().out
    assert "8 photos to train on, 4 to validate on" in printed
    assert f"IoU {metrics['sources']['validation']['iou']:.3f}" in printed and "minutes in all" in printed
    assert "published as writer/boxes@v1" in printed
    published = own_hub.files("writer/boxes", "v1")
    assert published.keys() - {".gitattributes"} == names - {"history.csv", "overlays"}
    assert all(data == (out / name).read_bytes() for name, data in published.items() if name in names)


def test_a_push_that_fails_says_how_to_do_it_later(weights, own_hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "reader")
    options = train.parse_arguments(["--push-to-hub", "writer/boxes"])
    with pytest.raises(RuntimeError) as failure:
        train.publish(weights, options)
    assert "no right to write" in str(failure.value)
    assert f"python -m segmenter.hub push {weights} writer/boxes" in str(failure.value)


def test_credits_go_on_to_weights_that_were_trained_on_from_these(weights):
    assert card.read_credits(weights) == card.read_credits(weights / "nowhere") == []
    card.write_card(weights, ["made by Somebody", "and by another"])
    assert card.read_credits(weights) == ["made by Somebody", "and by another"]


def test_chairs97_is_split_77_and_20_without_parting_a_chair():
    pairs = dataset.read_folder(train.CHAIRS97)
    kept, held_out = dataset.split(pairs, 20, seed=0)
    assert (len(kept), len(held_out)) == (77, 20)
    chairs = [{name for pair in side for name in pair.groups} for side in (kept, held_out)]
    assert chairs[0].isdisjoint(chairs[1])


@pytest.mark.parametrize("arguments, words", [
    (["--data", "nowhere"], "put the photos in images/"),
    (["--start", "nowhere"], "nowhere"),
    (["--architecture", "unet_256", "--start", "imagenet"], "only unet_lite0 has a pretrained encoder"),
    (["--size", "100", "--start", "scratch"], "multiple of 32"),
    (["--validation", "97"], "ask for fewer"),
    (["--evaluate", "nowhere"], "no weights at 'nowhere'"),
    (["--push-to-hub", "chairs"], "expected OWNER/NAME"),
])  # fmt: skip
def test_mistakes_get_one_clear_line(arguments, words, capsys):
    assert train.main(arguments) == 1
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said


def test_a_result_never_overwrites_another(tmp_path):
    first = train.free_folder(tmp_path / "run")
    first.mkdir()
    assert [train.free_folder(tmp_path / "run").name, first.name] == ["run-2", "run"]


def test_help_comes_without_waiting_for_a_network():
    told = subprocess.run([sys.executable, "train.py", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0 and "--architecture" in told.stdout
