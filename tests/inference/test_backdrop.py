"""Before a plain backdrop the photo decides where the network is in doubt, and nowhere else."""

import math

import cv2
import numpy as np
import pytest

from segmenter.inference import backdrop

SEAT = np.s_[60:70, 30:110]
SPINDLES = np.s_[20:60, 35:110:10]
GAP = np.s_[25:55, 37:43]


def shop_photo(ground=(250, 248, 245), wood=(120, 80, 40)):
    """A seat with spindles before one colour, and what a network of few pixels makes of it."""
    photo = np.full((100, 140, 3), ground, np.uint8)
    photo[SEAT] = photo[SPINDLES] = wood
    probabilities = np.zeros((100, 140), np.float32)
    probabilities[20:60, 30:110] = 0.55
    probabilities[SPINDLES] = 0.3
    probabilities[SEAT] = 0.995
    return photo, probabilities


def after(photo, probabilities):
    result = probabilities.copy()
    backdrop.consult(photo, result)
    return result


@pytest.mark.parametrize("ground, wood", [((250, 248, 245), (120, 80, 40)), ((30, 60, 120), (230, 225, 220))])
def test_spindles_stand_out_and_gaps_open(ground, wood):
    photo, probabilities = shop_photo(ground, wood)
    found = after(photo, probabilities)
    assert (found[SPINDLES] > 0.6).all() and (found[GAP] < 0.3).all()
    np.testing.assert_array_equal(found[SEAT], probabilities[SEAT])  # the network was sure
    assert not found[80:].any()


def test_of_one_piece_gaps_open_and_nothing_that_stands_out_is_added():
    photo, probabilities = shop_photo()
    whole, piece = after(photo, probabilities), probabilities.copy()
    backdrop.consult(photo, piece, adds=False)
    np.testing.assert_array_equal(piece, np.minimum(whole, probabilities))
    assert (piece[GAP] < 0.3).all() and (piece[SPINDLES] == probabilities[SPINDLES]).any()


def test_before_no_plain_backdrop_nothing_changes():
    photo, probabilities = shop_photo()
    noise = np.random.default_rng(0).integers(-60, 61, photo.shape)
    room = np.clip(photo // 2 + 60 + cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 1.5) * 4, 0, 255).astype(
        np.uint8
    )
    np.testing.assert_array_equal(after(room, probabilities), probabilities)
    assert backdrop.find(room, probabilities) is None


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_where_no_backdrop_is_seen_or_nothing_else_the_map_stays(value):
    photo = np.full((40, 50, 3), 255, np.uint8)
    probabilities = np.full((40, 50), value, np.float32)
    np.testing.assert_array_equal(after(photo, probabilities), probabilities)


def test_a_backdrop_that_darkens_slowly_is_plain():
    photo, probabilities = shop_photo()
    light = np.linspace(1, 0.6, photo.shape[1])[:, np.newaxis]
    found = after((photo * light).astype(np.uint8), probabilities)
    assert (found[SPINDLES] > 0.6).all() and (found[GAP] < 0.45).all()


@pytest.mark.parametrize(
    "colour, is_raised", [((213, 211, 208), False), ((100, 99, 98), True), ((250, 205, 205), True)]
)
def test_a_shadow_is_no_furniture(colour, is_raised):
    photo, probabilities = shop_photo()
    photo[75:85, 30:110], probabilities[75:85, 30:110] = colour, 0.3
    found = after(photo, probabilities)[75:85, 30:110]
    assert (found > 0.5).all() if is_raised else (found <= 0.3 + 1e-6).all()


def test_wall_and_floor_are_a_backdrop_of_two_colours():
    photo, probabilities = shop_photo()
    photo[65:] = np.where(photo[65:] > 200, np.uint8([150, 170, 175]), photo[65:])  # the floor begins behind the seat
    photo[70:95, 30:34], probabilities[70:95, 30:34] = (120, 80, 40), 0.3  # a leg
    photo[70:95, 34:40], probabilities[70:95, 34:40] = (150, 170, 175), 0.55
    found = after(photo, probabilities)
    assert (found[SPINDLES] > 0.6).all() and (found[GAP] < 0.3).all()
    assert (found[72:95, 30:34] > 0.6).all() and (found[72:95, 34:40] < 0.4).all()


def test_furniture_that_looks_like_its_backdrop_stays_before_it():
    photo, probabilities = np.full((100, 140, 3), 250, np.uint8), np.zeros((100, 140), np.float32)
    probabilities[30:70, 40:100] = 0.995
    probabilities[50:70] *= 0.9
    photo[30:50, 40:100] = (120, 80, 40)
    assert (after(photo, probabilities)[50:70, 40:100] < 0.6).all()  # all of which the network is sure is brown
    photo[30:50, 40:100] = 248
    assert (after(photo, probabilities)[50:70, 40:100] > 0.8).all()


def naive(photo, probabilities):
    """The same pixel by pixel, for photos as small as the backdrop's picture."""
    found, result = backdrop.find(photo, probabilities), probabilities.copy()
    for y, x in np.ndindex(probabilities.shape):
        if not backdrop.LOW <= probabilities[y, x] <= backdrop.HIGH:
            continue
        sides = found.brighter[y, x, :3].astype(float), found.darker[y, x, :3].astype(float)
        evidence = min(naive_evidence(photo[y, x].astype(float), side, found.brighter[y, x, 3]) for side in sides)
        logit = math.log(probabilities[y, x] / (1 - probabilities[y, x]))
        logit += evidence * (backdrop.ADD if evidence > 0 else found.take) * found.darker[y, x, 3]
        result[y, x] = 1 / (1 + math.exp(-logit))
    return result


def naive_evidence(colour, ground, allowed):
    apart = max(abs(colour - ground)) / allowed - 1
    light = sum(colour * ground) / sum(ground * ground)
    if apart >= 0 and backdrop.SHADE < light < 1:
        apart = max(0, max(abs(colour - light * ground)) / allowed - 1)
    return min(1, max(-1, backdrop.STEEP * apart))


@pytest.mark.parametrize("strip", [2**20, 700])
def test_oracle_pixel_by_pixel_gives_the_same(strip, monkeypatch):
    photo, probabilities = shop_photo()
    rng = np.random.default_rng(1)
    photo = np.clip(photo + rng.normal(0, 3, photo.shape), 0, 255).astype(np.uint8)
    wanted = naive(photo, probabilities)
    monkeypatch.setattr(backdrop, "STRIP_PIXELS", strip)
    found = after(photo, probabilities)
    assert (found != probabilities).any()
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_a_large_photo_is_judged_as_a_small_one():
    photo, probabilities = shop_photo()
    size = (140 * 7, 100 * 7)
    large = cv2.resize(photo, size, interpolation=cv2.INTER_NEAREST)
    found = after(large, cv2.resize(probabilities, size, interpolation=cv2.INTER_NEAREST))
    small = after(photo, probabilities)
    np.testing.assert_array_equal(found[3::7, 3::7] >= 0.5, small >= 0.5)
