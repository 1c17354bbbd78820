import numpy as np
import pytest

from segmenter.inference import close_up


def piece(top, bottom, left, right, side=100):
    result = np.zeros((side, side), np.float32)
    result[top:bottom, left:right] = 0.9
    return result


@pytest.mark.parametrize(
    "clicked, box",
    [
        ((), (0.24, 0.34, 0.76, 0.66)),
        ((((0.4, 0.5), 1),), (0.24, 0.34, 0.76, 0.66)),
        ((((0.5, 0.9), 1),), (0.225, 0.325, 0.775, 0.975)),  # a click on what is not found yet
        ((((0.5, 0.9), 0),), (0.24, 0.34, 0.76, 0.66)),  # what is not meant need not be seen
    ],
)
def test_a_box_holds_the_piece_and_what_was_clicked_of_it(clicked, box):
    assert close_up.box_around(piece(40, 60, 30, 70), clicked) == pytest.approx(box)


def test_a_box_stays_on_the_photo_and_there_is_none_without_a_piece():
    assert close_up.box_around(piece(0, 100, 2, 98), ()) == (0.0, 0.0, 1.0, 1.0)
    assert close_up.box_around(np.zeros((100, 100), np.float32), (((0.5, 0.5), 1),)) is None


@pytest.mark.parametrize("side", [1, 2, 3, 7, 100])
def test_every_click_on_the_piece_lies_in_its_part(side):
    photo = np.zeros((side, 2 * side, 3), np.uint8)
    for x in range(2 * side):
        click = (((x + 0.5) / (2 * side), 0.5 / side), 1)
        part = close_up.part(photo, close_up.box_around(piece(99, 100, 99, 100), (click,)))
        ((column, row), label), *rest = part.clicks((click,))
        assert label == 1 and not rest
        down, across = part.photo.shape[:2]
        assert (int(column * across) + part.window[1].start, int(row * down) + part.window[0].start) == (x, 0)


def test_a_part_shows_the_photo_and_the_map_of_it_and_no_clicks_beside_it():
    photo = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    part = close_up.part(photo, (0.25, 0.5, 0.75, 1.0))
    np.testing.assert_array_equal(part.photo, photo[30:, 20:60])
    assert part.clicks((((0.1, 0.1), 1), ((0.5, 0.75), 0))) == (((0.5, 0.5), 0),)
    ramp = np.tile(np.linspace(0, 1, 20, dtype=np.float32), (20, 1))
    np.testing.assert_allclose(
        part.of(ramp),
        np.tile(np.interp(np.linspace(0.2625, 0.7375, 20), np.linspace(0.025, 0.975, 20), ramp[0]), (20, 1)),
        atol=0.02,
    )


def test_what_is_seen_from_nearby_takes_its_place_and_all_else_stays():
    far, near = np.full((32, 32), 0.25, np.float32), np.full((32, 32), 0.75, np.float32)
    joined = close_up.join(far, near, (0.5, 0.0, 1.0, 0.5), (300, 400, 3))
    assert joined.dtype == np.float32 and joined.shape == (72, 96)  # as fine as half the photo in 32 pixels, and a half
    expected = np.full_like(joined, 0.25)
    expected[:36, 48:] = 0.75
    np.testing.assert_array_equal(joined, expected)
    assert close_up.join(far, near, (0.5, 0.0, 1.0, 0.5), (30, 40, 3)).shape == (30, 40)  # no finer than the photo


def test_a_piece_in_nearly_all_of_the_photo_is_not_small_and_neither_is_none():
    assert close_up.is_small(piece(0, 80, 0, 80), ())  # its box takes 0.92 × 0.92 of the photo
    assert not close_up.is_small(piece(0, 85, 0, 85), ())
    assert not close_up.is_small(np.zeros((100, 100), np.float32), ())


@pytest.mark.parametrize(
    "box, cut",
    [
        ((0.1, 0.1, 0.9, 0.5), False),
        ((0.1, 0.1, 0.7, 0.5), True),  # on the right
        ((0.2, 0.1, 0.9, 0.5), True),  # on the left
        ((0.1, 0.2, 0.9, 0.5), True),  # above
        ((0.1, 0.1, 0.9, 0.4), True),  # below
    ],
)
def test_a_piece_is_cut_where_it_goes_on_beyond_the_box(box, cut):
    shown = close_up.part(np.zeros((100, 100, 3), np.uint8), box).of(piece(20, 40, 20, 70))
    assert close_up.is_cut(shown, box) == cut


def test_what_the_photo_itself_cuts_off_is_whole():
    assert not close_up.is_cut(np.ones((8, 8), np.float32), (0.0, 0.0, 1.0, 1.0))
