"""Samples for the picker: one piece is the target of each, and nothing else is."""

import numpy as np
import pytest

from segmenter.datasets import barred, collection, mixture, piece_samples
from segmenter.datasets.copy_paste import Object
from tests.datasets import tiny_collection

SIZE = 64


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tiny_collection.write(tmp_path_factory.mktemp("collection"))


def draw(source, seed):
    return source(np.random.default_rng(seed))


def test_a_sample_is_a_photo_with_one_piece_of_it(place):
    source = piece_samples.PieceSamples(place, SIZE)
    many = set()
    for number in range(12):
        samples = source(number, np.random.default_rng(number))
        many.add(len(samples))
        for photo, target, weight in samples:
            assert photo is samples[0][0] and photo.shape == (SIZE, SIZE, 3) and photo.dtype == np.uint8
            assert target.shape == weight.shape == (SIZE, SIZE)
            assert 0 <= target.min() and target.max() <= 1
        assert sum(target for _, target, _ in samples).max() < 1.01  # no pixel is of two pieces
        again = source(number, np.random.default_rng(number))
        np.testing.assert_array_equal(samples[-1][1], again[-1][1])
    assert many == {1, 2}


def test_now_the_one_and_now_the_other_piece_of_a_scene_is_meant(place, monkeypatch):
    monkeypatch.setattr(piece_samples.augment, "augment", lambda *sample: sample[:3])
    found = [draw(piece_samples.ScenePieces(place, SIZE), seed)[1] for seed in range(20)]
    box, smaller = 14.0 * 8, 8.0 * 4  # the one beside it, see tiny_collection.box_mask
    assert {tuple(target.sum() for target in targets) for targets in found} == {(box, smaller), (smaller, box)}


def test_the_neighbour_that_is_learnt_beside_a_piece_touches_it():
    layers = [np.zeros((SIZE, SIZE), np.float32) for _ in range(3)]
    for layer, columns in zip(layers, (slice(0, 10), slice(40, 60), slice(11, 20))):
        layer[10:30, columns] = 1
    meant, neighbour = piece_samples.with_neighbour(layers, 0)
    assert meant is layers[0] and neighbour is layers[2]
    assert piece_samples.with_neighbour(layers[:1], 0) == layers[:1]


def test_validation_scenes_never_train(place):
    trained = {photo for photo, _, _ in piece_samples.ScenePieces(place, SIZE).pieces}
    assert trained and not trained & {photo for photo, _ in collection.scene_pieces(place, "val")}


def test_what_hides_a_piece_is_not_of_it(place, monkeypatch):
    colours = [(250, 10, 10), (10, 250, 10), (10, 10, 250)]
    things = [Object(np.full((20, 20, 4), (*colour, 255), np.uint8), "chair") for colour in colours]
    monkeypatch.setattr(piece_samples, "THING", 0.0)
    monkeypatch.setattr(piece_samples, "BARRED", 0.0)
    monkeypatch.setattr(piece_samples.augment, "augment", lambda *sample: sample[:3])
    monkeypatch.setattr(piece_samples.compositing, "harmonise", lambda cutout, photo, strength: cutout)

    def black(size, rng):
        return np.zeros((size, size, 3), np.uint8), None, None

    in_front = mixture.Things(collection.read_pictures(place, "objects"), SIZE)
    pasted = piece_samples.PastedPieces([things], black, in_front, SIZE)
    shown = 0
    for seed in range(20):
        photo, targets, _ = draw(pasted, seed)
        for target in targets:
            inside = photo[target > 0.99].argmax(axis=1)
            shown += len(inside) > 0
            assert len(set(inside)) <= 1  # one object's colour alone, a little darker where a shadow falls
    assert shown > 20


@pytest.mark.parametrize("share, mixed", [(0.0, True), (1.0, False)])
def test_often_all_that_is_pasted_is_of_one_model(place, monkeypatch, share, mixed):
    monkeypatch.setattr(piece_samples, "ALIKE", share)
    monkeypatch.setattr(piece_samples, "THING", 0.0)
    monkeypatch.setattr(piece_samples, "BARRED", 0.0)
    monkeypatch.setattr(piece_samples.augment, "augment", lambda *sample: sample[:3])
    things = [Object(np.full((20, 20, 4), 255, np.uint8), "chair", model=model) for model in "aabbcc"]
    pasted = piece_samples.PastedPieces(
        [things], lambda size, rng: (np.zeros((size, size, 3), np.uint8), None, None), None, SIZE
    )
    drawn, put = [], piece_samples.put
    monkeypatch.setattr(piece_samples, "put", lambda thing, *rest: drawn.append(thing) or put(thing, *rest))
    models, views = set(), set()
    for seed in range(30):
        drawn.clear()
        draw(pasted, seed)
        models.add(len({thing.model for thing in drawn}))
        views.add(len({id(thing) for thing in drawn}))
    assert (max(models) > 1) == mixed and max(views) > 1


def test_some_of_what_is_pasted_is_furniture_of_bars(place, monkeypatch):
    monkeypatch.setattr(piece_samples, "THING", 0.0)
    things = [Object(np.full((20, 20, 4), 255, np.uint8), "box")]
    pasted = piece_samples.PastedPieces(
        [things], lambda size, rng: (np.zeros((size, size, 3), np.uint8), None, None), None, SIZE
    )
    drawn, put = [], piece_samples.put
    monkeypatch.setattr(piece_samples, "put", lambda thing, *rest: drawn.append(thing) or put(thing, *rest))
    for seed in range(60):
        draw(pasted, seed)
    share = np.mean([thing.category != "box" for thing in drawn])
    assert 0.15 < share < 0.45 and {"box"} < {thing.category for thing in drawn} <= {"box", *barred.PIECES}


def test_pieces_to_judge_by_are_those_of_scenes_that_never_trained(place):
    sources = {name: list(each) for name, each in collection.validation_pieces(place).items()}
    (seat,) = sources["scenes_seats"]
    assert seat.name == "scene 1" and seat.truth.sum() == 14 * 8 + 8 * 4
    assert sources["scenes_others"] == sources["scenes_touching"] == []
    assert len(sources["wild_duts"]) == 1 and len(sources["photos_cut"]) == 1
