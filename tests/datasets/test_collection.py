"""The default weights' data: what trains, what never does, and pasted pictures with exact masks."""

import csv

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets import collection as furniture, copy_paste

MAGENTA = (230, 20, 220)


def write_table(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def save(array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, lossless=True)


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """A collection of a few tiny pictures; those for validation are pure blue."""
    place = tmp_path_factory.mktemp("collection")
    mask = np.zeros((24, 24), np.uint8)
    mask[6:20, 8:16] = 255
    kinds = [("cut", "chair"), ("outline", "chair"), ("outline", "sofa"), ("outline+unknown", "table")]
    rows = []
    for fold in (0, 1):
        for number, (kind, classes) in enumerate(kinds):
            name = f"{fold}{number}.jpg"
            colour = (0, 0, 255) if fold == 0 else (255, 255, 255)
            save(np.where(mask[..., None] > 0, 90, np.array(colour)).astype(np.uint8), place / "photos/images" / name)
            save(mask, place / "photos/masks" / f"{fold}{number}.png")
            rows.append({"file": name, "classes": classes, "mask": kind, "group": number, "fold": fold})
    write_table(place / "photos/photos.csv", rows)
    for part, colour in (("train", 120), ("val", 0)):
        save(np.full((24, 24, 3), colour, np.uint8), place / f"scenes/{part}/images/scene.jpg")
        save(mask, place / f"scenes/{part}/masks/scene.png")
    cutout = np.full((20, 12, 4), 255, np.uint8)
    cutout[..., :3] = MAGENTA
    rows = []
    for fold, category in ((0, "chair"), (1, "chair"), (2, "lamp")):
        name = f"{category}_{fold}.webp"
        save(cutout, place / "renders/cutouts" / name)
        save(np.zeros((16, 16), np.uint8), place / "renders/shadows" / f"{category}_{fold}.png")
        rows.append({"file": name, "fold": fold, "category": category, "frame": 40, "x0": 10, "y0": 8})
    write_table(place / "renders/renders.csv", rows)
    save(np.full((30, 40, 3), (40, 160, 60), np.uint8), place / "backgrounds/green.jpg")
    write_table(place / "backgrounds/backgrounds.csv", [{"file": "green.jpg"}])
    return place


def test_no_validation_picture_trains(collection):
    mixture = furniture.Mixture(collection, 16)
    assert len(mixture.photos) == 4 and len(mixture.scenes) == 1
    for square in mixture.photos:
        outside = square.photo[square.target == 0].astype(int)
        assert outside.min() > 200  # white; the validation photos' ground is blue
    assert mixture.scenes[0].photo.mean() > 100  # the validation scene is black
    assert [thing.category for thing in furniture.rendered_objects(collection)] == ["chair", "lamp"]


def test_validation_is_the_rest_by_source(collection):
    found = furniture.validation_pairs(collection)
    assert {name: len(pairs) for name, pairs in found.items()} == {
        "scenes": 1, "photos_cut": 1, "photos_outline": 2, "photos_outline+unknown": 1,
    }  # fmt: skip
    assert all(pair.photo.name.startswith("0") for pair in found["photos_cut"] + found["photos_outline"])
    assert found["scenes"][0].photo.parts[-3] == "val"
    assert len(furniture.watched_pairs(found)) == 3


def test_outlines_of_things_with_gaps_are_doubted(collection):
    doubted = {
        (row["mask"], row["classes"]): bool((square.weight < 0).any())
        for row, square in furniture.training_photos(collection, 24)
    }
    assert doubted == {
        ("cut", "chair"): False, ("outline", "chair"): True, ("outline", "sofa"): False,
        ("outline+unknown", "table"): True,
    }  # fmt: skip


def test_an_object_out_of_a_white_photo_brings_no_white_along(collection):
    (thing,) = furniture.cut_objects(furniture.training_photos(collection, 48))
    assert thing.cutout[..., 3].max() == 255 and thing.shadow is None
    seen = thing.cutout[..., 3] > 10
    assert thing.cutout[..., :3][seen].max() < 140  # the object is grey 90 on white


@pytest.fixture
def magenta():
    cutout = np.full((30, 20, 4), 255, np.uint8)
    cutout[..., :3] = MAGENTA
    shadow = np.zeros((16, 16), np.float32)
    return lambda category: copy_paste.Object(cutout, category, shadow, 40.0, (10.0, 5.0))


GREEN = [np.full((30, 40, 3), (40, 160, 60), np.uint8)]


def test_the_mask_of_a_pasted_picture_is_where_the_object_is(magenta, monkeypatch):
    for name in ("shift_colours", "damage"):  # leave the colours, so that they tell the truth
        monkeypatch.setattr(furniture.augmentation, name, lambda picture, rng: picture)
    black = np.zeros((64, 64, 3), np.uint8)
    monkeypatch.setattr(furniture.compose, "plain_room", lambda height, width, rng: black)
    monkeypatch.setattr(furniture.compose, "harmonise", lambda cutout, background, strength: cutout)
    draw = furniture.Pasted([magenta("chair")], GREEN, 64)
    seen = 0
    for seed in range(20):
        picture, target, weight = draw(0, np.random.default_rng(seed))
        is_magenta = picture[..., 0].astype(int) - picture[..., 1] > 100
        assert is_magenta[target > 0.9].all() and not is_magenta[target < 0.1].any()
        assert (weight == 1).all()
        seen += is_magenta.any()
    assert seen > 15


def test_a_table_beside_others_is_unknown_and_a_lamp_is_never_alone(magenta):
    tables, lamps = (furniture.Pasted([magenta(kind)], GREEN, 64) for kind in ("table", "lamp"))
    for seed in range(30):
        _, target, weight = tables(0, np.random.default_rng(seed))
        assert (weight == 1).all() or target.max() == 0  # alone it is the furniture, else no loss
        _, target, weight = lamps(0, np.random.default_rng(seed))
        assert target.max() == 0
    weights = [tables(0, np.random.default_rng(seed))[2].min() for seed in range(30)]
    assert {0.0, 1.0} <= set(weights)


def test_a_sample_follows_its_seed(collection):
    mixture = furniture.Mixture(collection, 32)
    samples = [mixture(0, np.random.default_rng(seed)) for seed in (4, 4, 5)]
    for first, again in zip(samples[0], samples[1]):
        np.testing.assert_array_equal(first, again)
    assert (samples[0][0] != samples[2][0]).any()
    for picture, target, weight in (mixture(0, np.random.default_rng(seed)) for seed in range(30)):
        assert picture.shape == (32, 32, 3) and picture.dtype == np.uint8
        assert target.shape == weight.shape == (32, 32) and 0 <= target.min() <= target.max() <= 1
