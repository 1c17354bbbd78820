"""Clicks → the piece that is meant, with a picker whose answers are known (what has the clicked colour)."""

import json
import shutil

import numpy as np
import pytest

from segmenter import Segmenter
from segmenter.inference import picking, predictor
from segmenter.inference.network import Network, Seen
from tests import colour_picker

RED, BLUE, GREY = (230, 20, 20), (20, 40, 220), (200, 200, 205)


@pytest.fixture(scope="module")
def segmenter(tiny_weights, tmp_path_factory):
    folder = shutil.copytree(tiny_weights, tmp_path_factory.mktemp("picker") / "weights")
    return Segmenter.load(colour_picker.write(folder))


@pytest.fixture(scope="module")
def photo():
    photo = np.full((240, 320, 3), GREY, np.uint8)
    photo[60:200, 30:130] = RED
    photo[60:200, 170:290] = BLUE
    return photo


def iou(mask, photo, colour):
    truth = (photo == colour).all(axis=2)
    return (mask & truth).sum() / (mask | truth).sum()


def test_a_click_says_which_piece(segmenter, photo):
    assert segmenter.can_pick
    for colour, point in ((RED, (80, 130)), (BLUE, (230, 100))):
        piece = segmenter.probabilities(photo, points=[point])
        assert piece.shape == (240, 320) and piece.dtype == np.float32 and not piece.flags.writeable
        assert iou(piece >= 0.5, photo, colour) > 0.95


def test_the_map_of_all_furniture_is_the_same_with_a_picker_and_without(segmenter, tiny_weights, photo):
    plain = Segmenter.load(tiny_weights).probabilities(photo)
    np.testing.assert_allclose(segmenter.probabilities(photo), plain, atol=1e-5)


def test_furniture_is_completed_where_the_weights_say_that_it_pays(segmenter, tmp_path, monkeypatch):
    photo = np.full((64, 64, 3), GREY, np.uint8)
    photo[10:54, 10:50] = (165, 13, 13)
    photo[10:25, 10:50] = (136, 13, 13)  # of which the network is not sure; the colour is nearly the same
    chair, seat = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    chair[10:54, 10:50] = seat[25:54, 10:50] = True
    plain = Segmenter(segmenter.folder)
    assert not plain.completes
    found = plain.probabilities(photo, refine=False) >= 0.5
    assert (found & seat).sum() / (found | seat).sum() > 0.9
    folder = shutil.copytree(segmenter.folder, tmp_path / "weights")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "completes": True}))
    monkeypatch.setattr(predictor, "CACHE_BYTES", 0)
    completing = Segmenter(folder)
    asked = []
    for name in ("see", "pick"):
        ask = getattr(Network, name)
        monkeypatch.setattr(Network, name, lambda *given, ask=ask, name=name: asked.append(name) or ask(*given))
    found = completing.probabilities(photo, second_look=False, refine=False)
    assert ((found >= 0.5) & chair).sum() / ((found >= 0.5) | chair).sum() > 0.9
    assert asked == ["see", "see", "pick"]  # the photo and its mirror image
    np.testing.assert_array_equal(completing.probabilities(photo, second_look=False, refine=False), found)
    assert len(asked) == 3  # the answers are kept


def test_the_same_clicks_give_the_same_piece_whatever_was_asked_before(segmenter, photo):
    clicks = {"points": [(80, 130), (230, 100)], "labels": [1, 0]}
    segmenter.probabilities(photo, points=[(80, 130)])
    found = segmenter.probabilities(photo, **clicks)
    fresh = Segmenter.load(segmenter.folder).probabilities(photo, **clicks)
    np.testing.assert_array_equal(found, fresh)


def test_a_photo_that_is_prepared_is_not_seen_again_at_the_first_click(segmenter, photo, monkeypatch):
    fresh, seen = Segmenter.load(segmenter.folder), []
    monkeypatch.setattr(Network, "see", lambda network, square, see=Network.see: seen.append(1) or see(network, square))
    fresh.prepare(photo)
    assert len(seen) == 2  # it and its mirror image
    found = fresh.probabilities(photo, points=[(80, 130)])
    assert len(seen) == 3  # and the piece, from nearby
    np.testing.assert_array_equal(found, segmenter.probabilities(photo, points=[(80, 130)]))


def test_weights_without_a_picker_cannot_be_prepared(tiny_weights, photo):
    with pytest.raises(ValueError, match="not trained to pick"):
        Segmenter.load(tiny_weights).prepare(photo)


def test_a_small_piece_is_looked_at_from_nearby(segmenter):
    photo = np.full((256, 320, 3), GREY, np.uint8)
    photo[101:142, 103:134] = RED
    click = {"points": [(120, 115)], "refine": False}
    far, near = (segmenter.probabilities(photo, second_look=closer, **click) >= 0.5 for closer in (False, True))
    assert iou(near, photo, RED) > 0.9 > iou(far, photo, RED)


class Told:
    """A network that notes what it is told, and answers with what it is given, to both views alike."""

    size = 8

    def __init__(self, answers):
        self.answers, self.told = list(answers), []

    def see(self, square):
        return Seen({"furniture": np.zeros((1, 8, 8, 1), np.float32), "photo": square})

    def pick(self, seen, prompts):
        self.told.append((seen.maps["photo"], prompts))
        return self.answers[(len(self.told) - 1) // 2]


def test_each_click_is_told_what_the_piece_was_so_far_and_the_first_is_looked_at_twice():
    answers = [np.full((8, 8), share, np.float32) for share in (0.25, 0.5, 0.75)]
    network = Told(answers)
    views = picking.Views(network, np.zeros((8, 8, 3), np.uint8))
    found = views.piece((((0.5, 0.5), 1), ((0.1, 0.1), 0)), closer=False)
    first, again, second = (prompts for _, prompts in network.told[::2])
    assert first[..., 1:].sum() == 0 and first[..., 0].any()
    np.testing.assert_array_equal(first[..., :2], again[..., :2])
    np.testing.assert_allclose(again[..., 2], 0.25)
    assert second[..., 1].any()
    np.testing.assert_array_equal(first[..., 0], second[..., 0])
    np.testing.assert_allclose(second[..., 2], 0.5)
    np.testing.assert_array_equal(found, answers[2])


class Furnished(Told):
    """Where the furniture is the left half."""

    def see(self, square):
        furniture = np.zeros((1, 8, 8, 1), np.float32)
        furniture[:, :, :4] = 1
        return Seen({"furniture": furniture if square.flat[0] else furniture[:, :, ::-1], "photo": square})


@pytest.mark.parametrize("taken, alone", [(4, True), (2, False)])
def test_the_first_click_tells_the_part_that_it_is_in_unless_that_is_several_pieces(taken, alone):
    piece = np.zeros((8, 8), np.float32)
    piece[:, :taken] = piece[:, 8 - taken :] = 1  # the same in the mirror
    network = Furnished([piece] * 3)
    photo = np.zeros((8, 8, 3), np.uint8)
    photo[:, :4] = 255
    picking.Views(network, photo).piece((((0.2, 0.5), 1),), closer=False)
    told = [prompts[..., 2] for _, prompts in network.told[::2]]
    assert len(told) == (2 if alone else 3)
    np.testing.assert_array_equal(told[0], np.tile(np.float32([1, 1, 0, 0]), (4, 1)))
    assert alone or not told[1].any()
    np.testing.assert_array_equal(told[-1], np.tile(piece[0].reshape(4, 2).mean(axis=1), (4, 1)))


def test_the_mirror_image_is_asked_too_and_the_mean_counts():
    ramp = np.tile(np.linspace(0, 1, 8, dtype=np.float32), (8, 1))
    network, photo = Told([ramp]), np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    before = np.tile(np.linspace(0, 1, 4, dtype=np.float32), (4, 1))
    found = picking.Views(network, photo).ask((((0.3, 0.6), 1),), before)
    np.testing.assert_allclose(found, 0.5)  # the same ramp from both sides
    (there, prompts), (mirrored, back) = network.told
    np.testing.assert_array_equal(mirrored, there[:, :, ::-1])
    np.testing.assert_array_equal(back, prompts[:, ::-1])


def test_one_more_click_asks_for_nothing_again_that_is_known():
    network = Told([np.zeros((8, 8), np.float32)] * 100)
    views = picking.Views(network, np.zeros((8, 8, 3), np.uint8))
    asked = []
    for count in range(1, 6):
        views.piece(tuple(((0.1 * each, 0.5), 1) for each in range(count)))
        asked.append(len(network.told))
    assert np.diff([0, *asked]).tolist() == [4, 2, 2, 2, 2]


@pytest.mark.parametrize(
    "points, labels, words",
    [
        ([], [], "points are pairs"),
        ([(1, 2, 3)], [1], "points are pairs"),
        ([(1, 2)], [1, 0], "with a label for each"),
        ([1, 2], [1, 1], "points are pairs"),
        ([(320, 5)], [1], r"does not lie on the photo of 320 × 240"),
        ([(5, -1)], [1], "does not lie on"),
        ([(float("nan"), 5)], [1], "does not lie on"),
        ([("5", 5)], [1], "does not lie on"),
        ([(5, 5)], [2], "a label is 1"),
        ([(5, 5)], [0], "at least one point must lie on the piece"),
        ([(5, 5)] * 51, [1] * 51, "at most 50"),
    ],
)
def test_what_is_no_click_on_the_photo_is_refused(segmenter, photo, points, labels, words):
    with pytest.raises(ValueError, match=words):
        segmenter.probabilities(photo, points=points, labels=labels)


def test_weights_without_a_picker_say_so(tiny_weights, photo):
    plain = Segmenter.load(tiny_weights)
    assert not plain.can_pick
    with pytest.raises(ValueError, match="not trained to pick single pieces"):
        plain.probabilities(photo, points=[(5, 5)])


def maps():
    """(a piece with a hole, furniture: that piece whole with a leg it lacks, and another): float32, 40 × 40."""
    furniture = np.zeros((40, 40), np.float32)
    furniture[5:25, 5:25] = 0.9
    furniture[25:30, 6:8] = 0.7
    furniture[5:25, 30:38] = 0.8
    piece = np.where(np.indices((40, 40))[1] < 26, furniture, 0)
    piece[25:30] = 0.1
    piece[10:13, 10:14] = 0.2
    return piece, furniture


def test_holes_in_a_piece_that_stands_alone_are_filled():
    piece, furniture = maps()
    found = picking.complete(piece, furniture, (((0.2, 0.2), 1),))
    np.testing.assert_array_equal(found[:, :26], np.maximum(piece, furniture)[:, :26])
    np.testing.assert_array_equal(found[:, 26:], piece[:, 26:])  # and nothing of what stands beside it


def test_a_hole_that_was_asked_for_stays():
    piece, furniture = maps()
    found = picking.complete(piece, furniture, (((0.2, 0.2), 1), ((0.3, 0.28), 0)))
    np.testing.assert_array_equal(found[10:13, 10:14], piece[10:13, 10:14])
    np.testing.assert_array_equal(found[25:30], np.maximum(piece, furniture)[25:30])  # and its leg all the same


@pytest.mark.parametrize(
    "place",
    [
        (0.99, 0.99),  # a click beside all furniture
        (0.85, 0.3),  # a click on what the piece has nothing of
    ],
)
def test_other_pieces_stay_as_they_are(place):
    piece, furniture = maps()
    np.testing.assert_array_equal(picking.complete(piece, furniture, ((place, 1),)), piece)


def test_half_of_what_hangs_together_may_be_meant():
    piece, furniture = maps()
    piece[5:13] = 0  # one of two chairs that touch
    np.testing.assert_array_equal(picking.complete(piece, furniture, (((0.2, 0.5), 1),)), piece)


def test_a_further_click_changes_what_it_is_in_and_nothing_elsewhere():
    before = np.zeros((40, 40), np.float32)
    before[10:30, 5:20] = 0.9
    after = before.copy()
    after[10:30, 20:25] = 0.8  # where the click is: more of the piece
    after[12:16, 8:12] = 0.1  # and a hole far from it
    found = picking.changed_at((22.5 / 40, 0.5), before, after)
    np.testing.assert_array_equal(found >= 0.5, (before >= 0.5) | (after >= 0.5))
    np.testing.assert_array_equal(found[10:30, 20:25], after[10:30, 20:25])
    elsewhere = picking.changed_at((38.5 / 40, 38.5 / 40), before, after)
    np.testing.assert_array_equal(elsewhere, after)  # nobody clicks for nothing


def edge_click():
    """A piece, and what is left of it after a click on its upper rim that takes its right half too."""
    before = np.zeros((100, 100), np.float32)
    before[20:80, 10:90] = 0.9
    after = before.copy()
    after[20:24] = 0.1
    after[20:60, 50:] = 0.1
    return before, after


def test_a_click_on_the_rim_of_a_piece_takes_no_more_than_what_is_beside_it():
    before, after = edge_click()
    row, column = 22, 60
    found = picking.changed_at(((column + 0.5) / 100, (row + 0.5) / 100), before, after)
    assert found[row, column] < 0.5
    y, x = np.nonzero((before >= 0.5) & (found < 0.5))
    assert np.hypot(y - row, x - column).max() <= picking.REACH * 3  # the click is 3 pixels deep in the piece
    np.testing.assert_array_equal(found[60:], before[60:])


@pytest.mark.parametrize("row, column", [(45, 65), (22, 95)])
def test_a_click_far_from_the_rim_takes_what_it_takes(row, column):
    before, after = edge_click()
    found = picking.changed_at(((column + 0.5) / 100, (row + 0.5) / 100), before, after)
    np.testing.assert_array_equal(found, after)


def test_a_click_on_the_rim_may_take_a_little_wherever_it_is():
    before, after = edge_click()
    after[24:] = before[24:]
    after[20:24] = before[20:24]
    after[20:22, 20:80] = 0.1  # a strip, of 2.5 % of the piece
    found = picking.changed_at((0.505, 0.205), before, after)
    np.testing.assert_array_equal(found, after)


def islands():
    """A piece of two parts, one of them an eighth of the other, and a speck beside them."""
    piece = np.zeros((100, 100), np.float32)
    piece[10:50, 10:50] = 0.9  # 1,600 pixels
    piece[70:90, 10:20] = 0.9  # 200
    piece[70:75, 60:80] = 0.9  # 100
    return piece


@pytest.mark.parametrize(
    "places, kept",
    [
        ([(0.3, 0.3)], [True, True, False]),
        ([(0.3, 0.3), (0.7, 0.72)], [True, True, True]),  # it was clicked
    ],
)
def test_small_parts_beside_a_piece_are_its_own_only_where_they_were_clicked(places, kept):
    piece = islands()
    found = picking.without_islands(piece, tuple((place, 1) for place in places))
    for place, is_kept in zip([(30, 30), (80, 15), (72, 70)], kept):
        assert (found[place] >= 0.5) == is_kept
    assert (found <= piece).all()


def test_a_click_that_says_no_keeps_no_small_part():
    found = picking.without_islands(islands(), (((0.3, 0.3), 1), ((0.7, 0.72), 0)))
    assert found[72, 70] < 0.5
