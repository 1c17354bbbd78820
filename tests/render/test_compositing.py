"""Pasting against Pillow's own alpha compositing, and placing without fringes."""

import numpy as np
import pytest
from PIL import Image

from segmenter.render import compositing


@pytest.fixture
def pieces():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (30, 40, 3), np.uint8), rng.integers(0, 256, (30, 40, 4), np.uint8)


def test_pasting_equals_pillows_compositing(pieces):
    background, cutout = pieces
    expected = Image.fromarray(background).convert("RGBA")
    expected.alpha_composite(Image.fromarray(cutout))
    found = compositing.paste(background, cutout)
    np.testing.assert_allclose(found.astype(int), np.asarray(expected)[..., :3].astype(int), atol=1)


def test_a_shadow_darkens_the_background_but_not_the_object(pieces):
    background, cutout = pieces
    cutout[..., 3] = 0
    cutout[:10, :, 3] = 255
    found = compositing.paste(background, cutout, np.full((30, 40), 0.5, np.float32))
    np.testing.assert_array_equal(found[:10], cutout[:10, :, :3])
    np.testing.assert_allclose(found[10:].astype(int), background[10:] / 2, atol=1)


def test_placing_keeps_the_objects_colour_up_to_its_rim():
    cutout = np.zeros((20, 20, 4), np.uint8)  # what is transparent is black underneath
    cutout[5:15, 5:15] = (200, 100, 50, 255)
    moved = compositing.place(cutout, np.array([[1.7, 0, 3.3], [0, 1.7, 2.6]]), 50, 50)
    seen = moved[..., 3] > 20
    assert seen.sum() == pytest.approx((10 * 1.7) ** 2, rel=0.2)
    assert np.abs(moved[seen][:, :3].astype(int) - (200, 100, 50)).max() <= 8


def test_harmonising_moves_the_brightness_toward_the_backgrounds():
    cutout = np.full((8, 8, 4), 100, np.uint8)
    cutout[..., 3] = 255
    background = np.full((8, 8, 3), 180, np.uint8)
    none, some, most = (
        compositing.harmonise(cutout, background, strength)[..., :3].mean() for strength in (0.0, 0.5, 1.0)
    )
    assert none == 100 and 110 < some < most and 150 < most <= 180


def test_grey_stays_grey_in_a_green_room_unless_tint_is_asked_for():
    steel, room = np.full((8, 8, 4), 120, np.uint8), np.empty((8, 8, 3), np.uint8)
    steel[..., 3], room[:] = 255, (60, 140, 70)
    plain, tinted = (compositing.harmonise(steel, room, 0.5, tint)[0, 0, :3].astype(int) for tint in (False, True))
    assert np.ptp(plain) == 0 and plain[0] < 120
    assert np.ptp(tinted) > 20


def test_an_empty_cutout_is_left_as_it_is():
    empty = np.zeros((8, 8, 4), np.uint8)
    np.testing.assert_array_equal(compositing.harmonise(empty, np.full((8, 8, 3), 9, np.uint8), 1.0), empty)


def test_rooms_are_of_the_asked_size_seeded_and_various():
    rooms = [compositing.plain_room(40, 60, np.random.default_rng(seed)) for seed in (0, 0, 1, 2)]
    assert all(room.shape == (40, 60, 3) and room.dtype == np.uint8 for room in rooms)
    np.testing.assert_array_equal(rooms[0], rooms[1])
    assert len({room.tobytes() for room in rooms}) == 3
