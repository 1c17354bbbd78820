"""Whose photos trained is known by the photos, whatever their folder is called."""

import json
import shutil
from pathlib import Path

import pytest

import train
from segmenter.datasets import provenance
from segmenter.hub import model_card
from segmenter.training import experiment
from tests.tiny_training import boxes

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
OURS = "97 rendered pictures"


def card_after_training_on(place, folder):
    """The text of the model card that weights trained on a place get."""
    options = train.parse_arguments(["--data", str(place)])
    data = experiment.read_data(options, 32)
    for name in ("config.json", "metrics.json"):
        shutil.copy(WEIGHTS / name, folder)
    config = json.loads((folder / "config.json").read_text())
    config["steps"] = [{**config["steps"][0], "data": data.name, "started_from": "scratch"}]
    (folder / "config.json").write_text(json.dumps(config))
    model_card.write_card(folder, experiment.credits(options, data))
    return (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", provenance.KNOWN_NAMES)
def test_photos_of_ones_own_are_not_given_our_origin_by_a_folders_name(tmp_path, name):
    card = card_after_training_on(boxes(tmp_path / name), tmp_path)
    assert "not stated here; ask them" in card
    assert OURS not in card and "public collection" not in card and "## Credits" not in card


def test_chairs97_keeps_its_origin_under_another_name(tmp_path):
    shutil.copytree(provenance.CHAIRS97, tmp_path / "mine")
    card = card_after_training_on(tmp_path / "mine", tmp_path)
    assert OURS in card and "chairs97/ATTRIBUTION.md" in card


def test_one_picture_of_ours_among_others_is_credited_only(tmp_path):
    photos = sorted((boxes(tmp_path / "mixed") / "images").iterdir())
    shutil.copy(provenance.CHAIRS97 / "images" / "chairs97_001.jpg", tmp_path / "mixed" / "images")
    mixed = [*photos, tmp_path / "mixed" / "images" / "chairs97_001.jpg"]
    assert provenance.has_bundled(mixed) and provenance.recorded_name("mixed", mixed) == "mixed"
    assert not provenance.has_bundled(photos)


def test_an_empty_set_is_not_ours():
    assert provenance.recorded_name("empty", []) == "empty" and not provenance.has_bundled([])
