"""Random changes: photo and mask move together, chance comes from the seed alone."""

import numpy as np
import pytest

from segmenter.datasets import augment

STILL = augment.Strength((1.0, 1.0), 0.0, 0.0, 0.0, 0.0, 0.0)
PLAIN = augment.Strength(colour=0.0, damage=0.0)


@pytest.fixture
def marked():
    """A photo that is red exactly where its mask is set."""
    target = np.zeros((90, 90), np.float32)
    target[20:60, 30:70] = 1
    target[50:75, 40:48] = 1
    photo = np.zeros((90, 90, 3), np.uint8)
    photo[..., 0] = target * 255
    return photo, target, np.ones_like(target)


@pytest.mark.parametrize("seed", range(12))
def test_photo_and_mask_move_together(marked, seed):
    photo, target, weight = augment.augment(*marked, 60, np.random.default_rng(seed), PLAIN)
    assert photo.shape == (60, 60, 3) and photo.dtype == np.uint8
    assert target.shape == (60, 60) and target.dtype == np.float32
    inside = weight > 0
    assert inside.mean() > 0.2
    red, mask = photo[..., 0][inside] > 127, target[inside] > 0.5
    assert (red & mask).sum() > 0.96 * (red | mask).sum() > 0


def test_without_strength_only_a_flip_is_left(marked):
    photo, target, weight = marked
    kinds = set()
    for seed in range(20):
        got, got_target, got_weight = augment.augment(*marked, 90, np.random.default_rng(seed), STILL)
        flipped = np.array_equal(got, photo[:, ::-1])
        assert flipped or np.array_equal(got, photo)
        np.testing.assert_array_equal(got_target, target[:, ::-1] if flipped else target)
        assert (got_weight == 1).all()
        kinds.add(flipped)
    assert kinds == {True, False}


def test_what_comes_from_outside_the_photo_weighs_nothing(marked):
    smaller = augment.Strength((0.5, 0.5), 0.0, 0.0, 0.0, 0.0, 0.0)
    _, _, weight = augment.augment(*marked, 80, np.random.default_rng(0), smaller)
    assert weight[20:60, 20:60].mean() > 0.95
    assert weight.mean() == pytest.approx(0.25, abs=0.02)


def test_the_same_seed_gives_the_same_sample_and_another_seed_another(marked):
    first, again, other = (augment.augment(*marked, 60, np.random.default_rng(seed))[0] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_doubt_keeps_its_sign(marked):
    photo, target, _ = marked
    _, _, weight = augment.augment(photo, target, np.full_like(target, -1), 60, np.random.default_rng(1))
    assert set(np.unique(weight)) <= {-1.0, 0.0}


@pytest.mark.parametrize("change", [augment.shift_colours, augment.damage])
def test_colours_and_damage_keep_the_form_and_do_something(change):
    photo = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    results = [change(photo, np.random.default_rng(seed)) for seed in range(10)]
    assert all(result.shape == photo.shape and result.dtype == np.uint8 for result in results)
    assert sum((result != photo).any() for result in results) >= 4
