"""Pieces picked by clicks: what corrections may say of them, and which map they leave."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from segmenter.errors import PhotoError
from segmenter.render import corrections, picks
from segmenter.render.options import Choices
from segmenter.render.render import produce
from tests.standin import PIECES, PickingSegmenter, RedSegmenter, two_and_a_ball

pytestmark = pytest.mark.usefixtures("nothing_is_doubtful")
PHOTO = two_and_a_ball(320, 240)
SEGMENTER = PickingSegmenter()


def pick(do, *names, without=()):
    points = [list(PIECES[name]) for name in (*names, *without)]
    return {"do": do, "points": points, "labels": [1] * len(names) + [0] * len(without)}


def alone(name):
    """The piece's own pixels, from how the photo was drawn."""
    x, y = PIECES[name]
    colour = PHOTO[int(y * 240), int(x * 320)].astype(int)
    return (np.abs(PHOTO.astype(int) - colour).max(axis=2) < 3).astype(bool)


def looked(*edits, **settings):
    return picks.look(SEGMENTER, PHOTO, Choices(**settings), edits) >= 0.5


def same(mask, *names):
    return np.mean(mask != np.any([alone(name) for name in names], axis=0)) < 0.005


def test_without_picks_the_map_is_the_segmenters():
    stroke = {"do": "keep", "radius": 0.05, "points": [[0.1, 0.1]]}
    assert np.array_equal(picks.look(SEGMENTER, PHOTO, Choices(), [stroke]), SEGMENTER.probabilities(PHOTO))


def test_only_keeps_one_piece_of_two_that_touch():
    assert same(looked(pick("only", "red")), "red")
    assert same(looked(pick("only", "brown")), "brown")


def test_add_puts_a_piece_to_the_furniture_and_to_other_pieces():
    assert same(looked(pick("add", "blue")), "red", "brown", "blue")
    assert same(looked(pick("only", "red"), pick("add", "blue")), "red", "blue")


def test_take_takes_a_piece_from_the_furniture_and_from_others():
    assert same(looked(pick("take", "brown")), "red")
    assert same(looked(pick("only", "red"), pick("add", "blue"), pick("take", "red")), "blue")


def test_the_last_only_undoes_what_was_picked_before_it():
    assert same(looked(pick("only", "red"), pick("add", "blue"), pick("only", "brown")), "brown")


def test_a_click_beside_the_piece_takes_that_away():
    assert same(looked(pick("only", "red", "brown", without=["brown"])), "red")


def test_a_small_piece_that_was_added_is_no_scrap():
    edits = [pick("add", "blue")]
    chosen = picks.look(SEGMENTER, PHOTO, Choices(), edits)
    assert same(corrections.apply(chosen, edits, 0.5, "main") >= 0.5, "red", "brown", "blue")


def test_produce_asks_the_segmenter_for_the_pieces():
    edits = [pick("only", "red"), pick("add", "blue")]
    choices = Choices(what="mask")
    mask = np.asarray(Image.open(io.BytesIO(produce(PHOTO, SEGMENTER, choices, edits).data)))
    assert same(mask > 0, "red", "blue")
    assert produce(PHOTO, SEGMENTER, choices) == produce(PHOTO, SEGMENTER.probabilities(PHOTO), choices.at(0.5))


def test_produce_takes_the_segmenters_threshold_where_none_is_chosen():
    class Timid(PickingSegmenter):
        threshold = 0.9

    found = produce(PHOTO, Timid(), Choices(what="mask"))
    assert found == produce(PHOTO, Timid().probabilities(PHOTO), Choices(what="mask", threshold=0.9))
    assert found != produce(PHOTO, Timid(), Choices(what="mask", threshold=0.5))


@pytest.mark.parametrize("do", ["only", "add", "take"])
def test_produce_says_what_to_do_where_a_map_alone_is_given(do):
    with pytest.raises(PhotoError, match=r"produce\(photo, segmenter, choices, edits\)"):
        produce(PHOTO, SEGMENTER.probabilities(PHOTO), Choices(), [pick(do, "red")])


def test_produce_says_where_weights_cannot_pick():
    with pytest.raises(PhotoError, match="not trained to pick"):
        produce(PHOTO, RedSegmenter(), Choices(), [pick("only", "red")])


def test_strokes_come_after_picks_wherever_they_stand():
    stroke = {"do": "erase", "radius": 0.2, "points": [list(PIECES["red"])]}
    finished = [
        corrections.apply(picks.look(SEGMENTER, PHOTO, Choices(), edits), edits, 0.5, "main")
        for edits in ([stroke, pick("only", "red")], [pick("only", "red"), stroke])
    ]
    assert np.array_equal(*finished)
    assert 0 < (finished[0] >= 0.5).sum() < alone("red").sum()


def test_clicks_in_pixels_mean_what_the_segmenter_takes_them_for():
    found = picks.from_pixels([[100, 120], [200, 121]], [1, 0], PHOTO.shape)
    direct = SEGMENTER.probabilities(PHOTO, points=[[100, 120], [200, 121]], labels=[1, 0])
    assert np.array_equal(picks.look(SEGMENTER, PHOTO, Choices(), [found]), direct)


@pytest.mark.parametrize("x, y", [(0, 0), (319, 239), (100, 7), (318.5, 3.25)])
def test_pixels_come_back_as_they_went(x, y):
    asked = []

    class Recording(PickingSegmenter):
        def probabilities(self, photo, points=None, labels=None):
            asked.extend(points or ())
            return np.zeros(photo.shape[:2], np.float32)

    picks.look(Recording(), PHOTO, Choices(), [picks.from_pixels([[x, y]], None, PHOTO.shape)])
    assert asked == [(x, y)]


@pytest.mark.parametrize(
    "points, labels",
    [
        ([[320, 10]], [1]),
        ([[10, -1]], [1]),
        ([[10, 10]], [0]),
        ([[10]], [1]),
        ("here", [1]),
        (5, None),
        ([[1, 2]], [1, 1]),
    ],
)
def test_clicks_that_are_none_are_refused_in_words(points, labels):
    with pytest.raises(PhotoError, match="These clicks cannot be used: "):
        picks.from_pixels(points, labels, PHOTO.shape)


@pytest.mark.parametrize(
    "bad",
    [
        {"do": "only", "points": [[0.5, 0.5]]},
        {"do": "only", "points": [], "labels": []},
        {"do": "only", "points": [[0.5, 1.5]], "labels": [1]},
        {"do": "only", "points": [[0.5, 0.5]], "labels": [0]},
        {"do": "only", "points": [[0.5, 0.5]], "labels": [True]},
        {"do": "only", "points": [[0.5, 0.5]], "labels": [1, 1]},
        {"do": "keep", "points": [[0.5, 0.5]], "labels": [1]},
        {"do": "add", "points": [[0.5, 0.5]] * 51, "labels": [1] * 51},
    ],
)
def test_a_pick_that_is_none_is_refused(bad):
    with pytest.raises(PhotoError, match="In the corrections, "):
        corrections.check([bad])


def test_so_many_picks_are_refused():
    with pytest.raises(PhotoError, match="at most 40"):
        corrections.check([pick("add", "red")] * 41)
    assert len(corrections.check([pick("add", "red")] * 40)) == 40


def test_weights_that_cannot_pick_say_so():
    with pytest.raises(PhotoError, match="not trained to pick"):
        picks.look(RedSegmenter(), PHOTO, Choices(), [pick("only", "red")])


def test_a_training_pair_tells_picked_pieces_apart():
    edits = corrections.check([pick("only", "red"), pick("add", "brown"), pick("add", "blue")])
    chosen = picks.look(SEGMENTER, PHOTO, Choices(), edits)
    data = corrections.training_pair(
        PHOTO, chosen, 0.5, edits, name="two", numbered=lambda mask: picks.numbered(SEGMENTER, PHOTO, edits, mask)
    )
    with zipfile.ZipFile(io.BytesIO(data)) as pair:
        mask = np.asarray(Image.open(io.BytesIO(pair.read("masks/two.png"))))
        numbers = np.asarray(Image.open(io.BytesIO(pair.read("pieces/two.png"))))
    assert np.array_equal(numbers > 0, mask == 255)
    for number, name in enumerate(("red", "brown", "blue"), 1):
        assert np.mean((numbers == number) != alone(name)) < 0.005


def test_what_was_painted_beside_the_picked_pieces_belongs_to_the_nearest_or_is_one_of_its_own():
    edits = [pick("only", "red")]
    mask = alone("red")
    mask[100:110, 40:60] = True  # touches the red piece
    mask[5:25, 290:310] = True  # touches nothing
    numbers = picks.numbered(SEGMENTER, PHOTO, edits, mask)
    assert set(np.unique(numbers[100:110, 40:60])) == {1}
    assert set(np.unique(numbers[5:25, 290:310])) == {2}
    assert np.array_equal(numbers > 0, mask)


def test_a_pair_without_picks_has_no_pieces():
    assert picks.numbered(SEGMENTER, PHOTO, [], alone("red")) is None
