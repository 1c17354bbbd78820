"""Training pictures drawn from a collection: their masks are exact, and what is no furniture never counts."""

import numpy as np
import pytest

from segmenter.datasets import collection, copy_paste, mixture
from tests.datasets import tiny_collection
from tests.datasets.tiny_collection import MAGENTA

GREEN = np.full((30, 40, 3), (40, 160, 60), np.uint8)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tiny_collection.write(tmp_path_factory.mktemp("collection"))


@pytest.fixture
def true_colours(monkeypatch):
    """Leaves the colours as they are, so that they tell what a pixel shows."""
    for name in ("shift_colours", "damage"):
        monkeypatch.setattr(mixture.augment, name, lambda picture, rng, strength=1.0: picture)
    monkeypatch.setattr(mixture.compositing, "harmonise", lambda cutout, background, strength: cutout)
    black = np.zeros((64, 64, 3), np.uint8)
    monkeypatch.setattr(mixture.compositing, "plain_room", lambda height, width, rng: black)


def magenta(category):
    cutout = np.full((30, 20, 4), 255, np.uint8)
    cutout[..., :3] = MAGENTA
    return copy_paste.Object(cutout, category, np.zeros((16, 16), np.float32), 40.0, (10.0, 5.0))


def is_magenta(picture):
    return picture[..., 0].astype(int) - picture[..., 1] > 100


def shows_magenta(picture):
    """In a shadow too."""
    red, green, _ = np.moveaxis(picture.astype(int), 2, 0)
    return red > 2 * green + 10


@pytest.fixture(autouse=True)
def nothing_is_drawn(monkeypatch):
    monkeypatch.setattr(mixture, "BARRED", 0.0)


def pasted(place, category):
    things = mixture.Things(collection.read_pictures(place, "objects"), 64)
    return mixture.Pasted([[magenta(category)]], mixture.Backgrounds([GREEN], [], []), things, 64)


def test_the_mask_of_a_pasted_picture_is_where_the_furniture_is_seen(place, true_colours):
    draw, seen = pasted(place, "chair"), 0
    for seed in range(30):
        picture, target, weight = draw(np.random.default_rng(seed))
        assert shows_magenta(picture)[target > 0.9].all() and not is_magenta(picture)[target < 0.1].any()
        assert (weight == 1).all()
        seen += is_magenta(picture).any()
    assert seen > 25


def test_a_rug_and_shadows_are_no_furniture_whatever_was_known_below_them(place, true_colours, monkeypatch):
    monkeypatch.setattr(mixture, "RUGS", 1.0)
    monkeypatch.setattr(mixture, "SUNNY", 1.0)
    laid = []

    def lay_rug(photo, floor, rng):  # the whole floor
        laid.append(floor)
        rug = (np.indices(photo.shape[:2])[0] > 20).astype(np.float32)
        return np.where(rug[..., np.newaxis] > 0, 230, photo).astype(np.uint8), rug

    monkeypatch.setattr(mixture.grounds, "lay_rug", lay_rug)
    draw = pasted(place, "chair")
    monkeypatch.setattr(
        draw, "backgrounds", lambda size, rng: (np.zeros((64, 64, 3), np.uint8), *np.zeros((2, 64, 64)))
    )
    for seed in range(20):
        picture, target, weight = draw(np.random.default_rng(seed))
        assert shows_magenta(picture)[target > 0.9].all() and not is_magenta(picture)[target < 0.1].any()
        assert (weight[21:] == 1).all()  # beyond the rug, only what stands there is known
    assert len(laid) == 20


def test_drawn_furniture_counts_and_its_gaps_do_not(place, true_colours, monkeypatch):
    monkeypatch.setattr(mixture, "BARRED", 1.0)
    monkeypatch.setitem(mixture.COVERED, "pasted", 0.0)
    monkeypatch.setattr(mixture, "RUGS", 0.0)
    crib = np.full((40, 40, 4), 255, np.uint8)
    crib[..., :3] = MAGENTA
    crib[5:35, 5:35, 3] = np.tile(np.repeat(np.array([255, 0], np.uint8), 3), 5)
    monkeypatch.setattr(mixture.barred, "draw", lambda rng: copy_paste.Object(crib, "crib"))
    draw, open_to = pasted(place, "lamp"), 0
    for seed in range(20):
        picture, target, weight = draw(np.random.default_rng(seed))
        assert shows_magenta(picture)[target > 0.9].all() and not is_magenta(picture)[target < 0.1].any()
        assert (weight == 1).all()
        rows = [row for row in target if (row > 0.9).any()]
        open_to += any((np.diff((row > 0.5).astype(int)) > 0).sum() > 2 for row in rows)
    assert open_to > 10


def test_a_table_beside_others_is_unknown_and_a_lamp_is_never_alone(place):
    tables, lamps = pasted(place, "table"), pasted(place, "lamp")
    for seed in range(30):
        _, target, weight = tables(np.random.default_rng(seed))
        assert (weight == 1).all() or target.max() == 0  # alone it is the furniture, else no loss
        assert lamps(np.random.default_rng(seed))[1].max() == 0
    assert {0.0, 1.0} <= {float(tables(np.random.default_rng(seed))[2].min()) for seed in range(30)}


def test_a_thing_in_front_is_no_furniture_and_never_hides_all_of_it(place, true_colours):
    things = mixture.Things(collection.read_pictures(place, "objects"), 64)
    target = np.zeros((64, 64), np.float32)
    target[20:50, 20:50] = 1
    photo = np.where(target[..., None] > 0, np.array(MAGENTA), 255).astype(np.uint8)
    covered = 0
    for seed in range(40):
        picture, left, weight = things.cover((photo, target, np.zeros_like(target)), np.random.default_rng(seed))
        assert left.sum() >= mixture.LEAST_LEFT * target.sum()
        hidden = (target > 0.5) & (left < 0.02)
        assert not is_magenta(picture)[hidden].any()
        assert (weight[hidden] == 1).all()  # what a thing shows is known, whatever was not known behind it
        covered += hidden.any()
    assert covered > 15


def test_pictures_without_furniture_have_an_empty_target(place):
    draw = mixture.Mixture(place, 32)
    for seed in range(10):
        assert draw.draws["empty"](np.random.default_rng(seed))[1].max() == 0
    things = mixture.Mixture(place, 32, "things")
    assert any(things(0, np.random.default_rng(seed))[1].max() > 0.5 for seed in range(10))


def test_the_few_marked_photos_are_drawn_more_often():
    rows = [{"mask": "refined", "classes": "bed"}] * 99 + [{"mask": "marked", "classes": "cabinet"}]
    chances = mixture.photo_chances([collection.Picture(None, None, row) for row in rows])
    assert chances.sum() == pytest.approx(1) and chances[-1] == pytest.approx(mixture.MARKED)


def test_pictures_in_which_furniture_is_seen_are_drawn_more_often(place):
    draw = mixture.Mixture(place, 32)
    names = [picture.photo.name for picture in draw.draws["empty"].pictures]

    def sees(squares):  # furniture all over the second picture, and nowhere else
        found = np.zeros((*squares.shape[:3], 1), np.float32)
        found[1] = 0.9
        return found

    assert draw.harden(sees) == 0.5
    rng, counts = np.random.default_rng(1), dict.fromkeys(names, 0)
    for _ in range(1000):
        counts[draw.draws["empty"]._pick(rng).photo.name] += 1
    assert counts[names[1]] / counts[names[0]] == pytest.approx(mixture.HARDER, rel=0.2)


def test_rooms_with_people_on_seats_are_drawn_the_most_and_bare_ones_are_told():
    rows = [
        {"seat": seat, "living": living, "rest_is_background": rest}
        for seat, living, rest in (("0.2", "0.2", "yes"), ("0.2", "0", "yes"), ("0", "0.3", "yes"), ("0", "0.3", "no"))
    ]
    chances = mixture.room_chances([collection.Picture(None, None, row) for row in rows])
    assert chances[0] > chances[1] > chances[2] == chances[3]
    assert [mixture.is_bare(row) for row in rows] == [False, False, True, False]


def test_a_sample_follows_its_seed(place):
    draw = mixture.Mixture(place, 32)
    samples = [draw(0, np.random.default_rng(seed)) for seed in (4, 4, 5)]
    for first, again in zip(samples[0], samples[1]):
        np.testing.assert_array_equal(first, again)
    assert (samples[0][0] != samples[2][0]).any()
    for picture, target, weight in (draw(0, np.random.default_rng(seed)) for seed in range(40)):
        assert picture.shape == (32, 32, 3) and picture.dtype == np.uint8
        assert target.shape == weight.shape == (32, 32) and 0 <= target.min() <= target.max() <= 1
