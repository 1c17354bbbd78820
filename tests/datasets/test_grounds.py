"""What lies on a floor: rugs hide it and nothing else, and shadows lie flat from the foot of what casts them."""

import numpy as np
import pytest

from segmenter.datasets import grounds

SIZE = 96


@pytest.mark.parametrize("seed", range(12))
def test_a_rug_hides_the_floor_where_it_lies_and_nothing_elsewhere(seed):
    checks = np.where(np.indices((SIZE, SIZE)).sum(axis=0) % 2, 190, 70).astype(np.uint8)
    photo = np.repeat(checks[..., np.newaxis], 3, axis=2)
    plain = np.full_like(photo, 130)  # as light as the checks are on the mean
    floor = np.random.default_rng(seed).uniform(0.55, 0.95) * SIZE
    laid, covered = grounds.lay_rug(photo, floor, np.random.default_rng(seed))
    other, _ = grounds.lay_rug(plain, floor, np.random.default_rng(seed))
    assert laid.dtype == np.uint8 and covered.dtype == np.float32 and 0 <= covered.min() <= covered.max() <= 1
    np.testing.assert_array_equal(laid[covered == 0], photo[covered == 0])
    inside = covered[: int(floor)] == 1  # below, the dark edge shows a little of the floor
    assert np.abs(laid[: int(floor)][inside].astype(int) - other[: int(floor)][inside]).mean() < 6
    assert (covered[int(floor)] > 0.5).any()  # what stands there stands on it
    assert covered.mean() > 0.01


def test_rugs_differ():
    photo = np.full((SIZE, SIZE, 3), 130, np.uint8)
    areas, colours = [], []
    for seed in range(40):
        laid, covered = grounds.lay_rug(photo, 0.8 * SIZE, np.random.default_rng(seed))
        areas.append(covered.mean())
        colours.append(laid[covered > 0.9].mean())
    assert max(areas) > 4 * min(areas) and np.ptp(colours) > 100


def post():
    """A post of 10 × 30 pixels, whose foot is row 59."""
    alpha = np.zeros((SIZE, SIZE), np.float32)
    alpha[30:60, 43:53] = 1
    return alpha


@pytest.mark.parametrize("seed", range(12))
def test_a_shadow_lies_flat_from_the_foot_and_holds_as_much_of_the_outline_as_it_is_flat(seed):
    shadow = grounds.cast_shadow(post(), np.random.default_rng(seed))
    assert shadow.dtype == np.float32 and 0 <= shadow.min() <= shadow.max() <= 0.75
    rows = np.flatnonzero(shadow.max(axis=1) > 0.1)
    assert rows[0] <= 60 <= rows[-1] + 3  # it begins at the foot
    length = max(59 - rows[0], rows[-1] - 59)
    assert 0.15 * 30 - 3 <= length <= 0.6 * 30 + 3  # and reaches a part of the height away from it
    assert shadow.sum() / shadow.max() == pytest.approx(10 * length, rel=0.4)


def test_shadows_fall_to_all_sides():
    sides = set()
    for seed in range(40):
        rows, columns = np.nonzero(grounds.cast_shadow(post(), np.random.default_rng(seed)) > 0.1)
        sides.add((rows.mean() > 59, columns.mean() > 48))
    assert len(sides) == 4


def test_what_is_not_there_casts_no_shadow():
    assert grounds.cast_shadow(np.zeros((20, 30), np.float32), np.random.default_rng(0)).max() == 0
