"""Where training starts from, and what follows from the photos."""

import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

import train
from segmenter import errors
from segmenter.datasets.batches import load_square
from segmenter.datasets.pairs import read_folder
from segmenter.datasets.provenance import CHAIRS97
from segmenter.models import efficientnet_lite, registry, unet
from segmenter.training import starts, weights_folder
from tests import tiny_training


def test_what_weights_know_before_training_is_the_dice_of_their_masks():
    pairs = read_folder(CHAIRS97)[:3]
    start = starts.find_start(train.parse_arguments([]))
    found = []
    model, _ = weights_folder.load_folder(start.folder)
    for pair in pairs:
        square = load_square(pair, start.size)
        mask = model.predict(square.photo[None] / np.float32(255), verbose=0)[0, ..., 0] >= 0.5
        truth = square.target >= 0.5
        found.append(2 * (mask & truth).sum() / (mask.sum() + truth.sum()))
    assert starts.dice_before(start, pairs) == pytest.approx(np.mean(found), abs=2e-3)
    assert np.mean(found) > 0.8


@pytest.fixture(scope="module")
def inverse(tmp_path_factory):
    """Chairs97 with all but the chairs for the object."""
    place = tmp_path_factory.mktemp("inverse")
    shutil.copytree(CHAIRS97 / "images", place / "images")
    (place / "masks").mkdir()
    for path in (CHAIRS97 / "masks").iterdir():
        Image.fromarray(255 - np.asarray(Image.open(path))).save(place / "masks" / path.name)
    return place


def settled(place, *more):
    """Start and recipe that train.py settles on for eight photos."""
    options = train.parse_arguments(["--data", str(place), *more])
    return starts.settle(starts.find_start(options), options, read_folder(place)[:8])


def test_weights_that_know_such_photos_are_refined(capsys):
    start, recipe = settled(CHAIRS97)
    assert start.folder == starts.DEFAULT_WEIGHTS and recipe.keep_statistics
    assert "is only refined" in capsys.readouterr().out


def test_weights_that_find_little_of_what_the_masks_show_make_way_for_the_encoder(inverse, monkeypatch, capsys):
    monkeypatch.setattr(efficientnet_lite, "imagenet_checkpoint", lambda name: b"at hand")
    start, recipe = settled(inverse)
    assert (start.name, start.folder, start.architecture) == ("imagenet", None, registry.PRETRAINED)
    assert recipe == settled(inverse, "--start", "imagenet")[1]
    assert "encoder is the better start" in capsys.readouterr().out


@pytest.mark.parametrize("asked", [["--start", str(starts.DEFAULT_WEIGHTS)], ["--architecture", registry.DEFAULT], []])
def test_weights_that_were_asked_for_learn_anew_and_so_does_who_is_offline(asked, inverse, monkeypatch, capsys):
    def offline(name):
        assert not asked, "nobody may fetch another start than was asked for"
        raise errors.EncoderWeightsError("there is no network")

    monkeypatch.setattr(efficientnet_lite, "imagenet_checkpoint", offline)
    start, recipe = settled(inverse, *asked)
    refined = settled(CHAIRS97, *asked)[1]
    assert start.folder == starts.DEFAULT_WEIGHTS
    assert recipe.learning_rate > refined.learning_rate and not recipe.keep_statistics
    printed = capsys.readouterr().out
    assert "learns anew" in printed and ("there is no network" in printed) == (not asked)


@pytest.mark.parametrize(
    "arguments, architecture",
    [
        ([], "unet_lite2"),
        (["--architecture", "unet_lite0"], "unet_lite0"),
        (["--collection", "--data", "tests"], "unet_lite2_context"),
    ],
)
def test_the_encoder_alone_begins_with_the_network_that_suits_the_data(arguments, architecture):
    options = train.parse_arguments(["--start", "imagenet", *arguments])
    assert starts.find_start(options).architecture == architecture


def kept(folder, seed, architecture=tiny_training.TINY):
    """A weights folder with random weights; returns the folder and the weights."""
    keras.utils.set_random_seed(seed)
    model = unet.build_unet(architecture, 32)
    weights_folder.save_folder(model, folder, {"architecture": architecture, "size": 32, "threshold": 0.5, "steps": []})
    return folder, model.get_weights()


@pytest.fixture
def networks(monkeypatch):
    monkeypatch.setitem(registry.NETWORKS, tiny_training.TINY, tiny_training.LIKE_THIS)
    monkeypatch.setitem(registry.NETWORKS, "unet_other", tiny_training.LIKE_THIS)


def test_training_starts_from_the_mean_of_several_weights_and_says_so(networks, tmp_path):
    (first, a), (second, b), (third, c) = (kept(tmp_path / name, seed) for seed, name in enumerate(("a", "b", "c")))
    arguments = ["--start", str(first), "--average", str(second), str(third), "--epochs", "1", "--samples", "4"]
    start = starts.find_start(train.parse_arguments(arguments))
    for mean, *parts in zip(starts.build(start).get_weights(), a, b, c):
        np.testing.assert_allclose(mean, sum(parts) / 3, atol=1e-6)
    place = tiny_training.boxes(tmp_path / "boxes")
    out = ["--data", str(place), "--validation", "4", "--out", str(tmp_path / "out")]
    assert train.main([*arguments, *out]) == 0
    (step,) = json.loads((tmp_path / "out/config.json").read_text())["steps"]
    assert (step["started_from"], step["averaged_with"]) == ("a", ["b", "c"])
    assert "| the mean of a and b, c |" in (tmp_path / "out/README.md").read_text()


def test_only_networks_of_one_kind_have_a_mean(networks, tmp_path):
    (first, _), (second, _) = kept(tmp_path / "a", 0), kept(tmp_path / "b", 0, "unet_other")
    with pytest.raises(ValueError, match="b holds a unet_other, and .*a a unet_tiny; only networks of one kind"):
        starts.find_start(train.parse_arguments(["--start", str(first), "--average", str(second)]))
