"""The loss against plain arithmetic in numpy, and what it must not see."""

import numpy as np
import pytest

from segmenter.models import losses


def batch(target, weight):
    return np.stack([target, weight], axis=-1).astype(np.float32)[np.newaxis]


@pytest.fixture
def example():
    rng = np.random.default_rng(0)
    target = (rng.random((9, 7)) > 0.6).astype(np.float32)
    weight = rng.choice([0.0, 1.0, 3.0], (9, 7)).astype(np.float32)
    p = rng.uniform(0.05, 0.95, (9, 7)).astype(np.float32)
    return target, weight, p


def test_it_is_weighted_cross_entropy_plus_dice(example):
    target, weight, p = example
    entropy = dice_top = dice_bottom = 0.0
    for t, w, q in zip(target.ravel(), weight.ravel(), p.ravel()):
        entropy -= w * (np.log(q) if t else np.log(1 - q))
        dice_top += 2 * w * t * q
        dice_bottom += w * (t + q)
    expected = entropy / (weight.sum() + 1) + 1 - (dice_top + 1) / (dice_bottom + 1)
    found = losses.cross_entropy_and_dice(batch(target, weight), p[None, ..., None])
    np.testing.assert_allclose(np.asarray(found), [expected], rtol=1e-5)


def test_unknown_pixels_carry_no_loss_and_no_dice(example):
    target, weight, p = example
    other = np.where(weight == 0, 1 - p, p)
    other_target = np.where(weight == 0, 1 - target, target)
    for function in (losses.cross_entropy_and_dice, losses.dice):
        np.testing.assert_array_equal(
            np.asarray(function(batch(target, weight), p[None, ..., None])),
            np.asarray(function(batch(other_target, weight), other[None, ..., None])),
        )


def test_where_nothing_is_furniture_only_the_entropy_counts(example):
    _, weight, p = example
    found = losses.cross_entropy_and_dice(batch(np.zeros_like(p), weight), p[None, ..., None])
    expected = -(weight * np.log(1 - p)).sum() / (weight.sum() + 1)
    np.testing.assert_allclose(np.asarray(found), [expected], rtol=1e-5)


def test_doubtful_furniture_counts_only_where_the_network_does_not_see_a_gap():
    target = np.ones((1, 4))
    doubtful = batch(target, np.full((1, 4), -2.0))
    p = np.array([[0.9, 0.6, 0.4, 0.01]], np.float32)
    seen_as_gap = batch(target, [[2.0, 2.0, 0.0, 0.0]])
    np.testing.assert_allclose(
        np.asarray(losses.cross_entropy_and_dice(doubtful, p[None, ..., None])),
        np.asarray(losses.cross_entropy_and_dice(seen_as_gap, p[None, ..., None])),
        rtol=1e-6,
    )


@pytest.mark.parametrize(
    "target, p, expected",
    [
        ([[1, 1, 0, 0]], [[0.9, 0.8, 0.1, 0.2]], 1.0),
        ([[1, 1, 0, 0]], [[0.9, 0.1, 0.9, 0.2]], (2 * 1 + 1) / (4 + 1)),
        ([[0, 0, 0, 0]], [[0.1, 0.1, 0.1, 0.2]], 1.0),
    ],
)
def test_dice_of_known_masks(target, p, expected):
    p = np.array(p, np.float32)[None, ..., None]
    np.testing.assert_allclose(np.asarray(losses.dice(batch(target, np.ones((1, 4))), p)), [expected])
