"""The default weights' data: what trains, what never does, and what its masks mean."""

import pytest

from segmenter.datasets import collection
from tests.datasets import tiny_collection


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tiny_collection.write(tmp_path_factory.mktemp("collection"))


@pytest.mark.parametrize("name, count", [("photos", 5), ("objects", 2), ("rooms", 2)])
def test_pictures_of_fold_0_never_train(place, name, count):
    pictures = collection.read_pictures(place, name)
    assert len(pictures) == count
    for picture in pictures:
        photo, _, _ = picture.read()
        assert photo[0, 0, 0] > 150  # a validation picture's ground is pure blue


def test_validation_renders_and_scenes_never_train(place):
    assert [thing.category for thing in collection.rendered_objects(place)] == ["chair", "lamp"]
    (scene,) = collection.training_scenes(place)
    assert scene.read()[0].mean() > 100  # the validation scene is black


def test_validation_is_the_rest_by_source_the_wild_first(place):
    found = collection.validation_pairs(place)
    assert {name: len(pairs) for name, pairs in found.items()} == {
        "wild_duts": 1,
        "wild_voc2012": 1,
        "rooms": 1,
        "scenes": 1,
        "photos_cut": 1,
        "photos_others": 4,
        "empty": 1,
    }
    assert list(found)[0] == "wild_duts"
    assert found["rooms"][0].photo.name == "room0.webp"  # in the other one the seat is too small to judge
    assert found["scenes"][0].photo.parts[-3] == "val"
    wild = {pair.photo for name, pairs in found.items() if name.startswith("wild") for pair in pairs}
    assert not wild & {pair.photo for pair in collection.watched_pairs(found)}


def test_what_a_level_of_grey_means(place):
    (person,) = collection.validation_pairs(place)["rooms"]
    mask, known = person.mask.read()
    assert mask[10, 10] and known.all() and not mask[12, 20]  # 64 is a person: background
    (unknown,) = collection.validation_pairs(place)["wild_duts"]
    mask, known = unknown.mask.read()
    assert mask[10, 10] and not known[12, 20] and known[10, 10]  # 128 is unknown
    _, target, weight = next(p for p in collection.read_pictures(place, "rooms") if p.row["seat"] != "0").read()
    assert target[10, 10] == 1 and target[12, 20] == 0 and (weight == 1).all()


def test_nothing_counts_in_a_picture_without_furniture(place):
    (pair,) = collection.empty_pairs(place)
    mask, known = pair.mask.read()
    assert not mask.any() and known.all()
    _, target, weight = collection.read_pictures(place, "objects")[0].read_empty()
    assert target.max() == 0 and weight.min() == 1


def test_outlines_of_things_with_gaps_are_doubted(place):
    doubted = {
        (each.row["mask"], each.row["classes"]): bool((each.read()[2] < 0).any())
        for each in collection.read_pictures(place, "photos")
    }
    assert doubted == {
        ("cut", "chair"): False,
        ("outline", "chair"): True,
        ("outline", "sofa"): False,
        ("outline+unknown", "table"): True,
        ("refined", "chair"): False,
    }


def test_an_object_out_of_a_white_photo_brings_no_white_along(place):
    (picture,) = (each for each in collection.read_pictures(place, "photos") if each.row["mask"] == "cut")
    thing = collection.cut_photo(picture)
    assert thing.cutout[..., 3].max() == 255 and thing.shadow is None
    seen = thing.cutout[..., 3] > 10
    assert thing.cutout[..., :3][seen].max() < 140  # the object is grey 90 on white
