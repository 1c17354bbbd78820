"""From a map to a mask and to opacity."""

import cv2
import numpy as np
import pytest

from segmenter.render import alpha


@pytest.fixture
def ramp():
    """A map that rises from 0 to 1 over ten columns in the middle, on 60 × 100 pixels."""
    row = np.clip((np.arange(100) - 44.5) / 10, 0, 1)
    return np.tile(row, (60, 1)).astype(np.float32)


@pytest.fixture
def wild():
    return np.random.default_rng(1).random((60, 100), np.float32)


def test_mask_includes_the_threshold_itself():
    probabilities = np.float32([[0, 0.25, 0.5, 0.75]])
    np.testing.assert_array_equal(alpha.mask(probabilities, 0.5), [[False, False, True, True]])


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.9])
def test_alpha_is_half_at_the_threshold_and_agrees_with_the_mask(ramp, threshold):
    opacity = alpha.alpha(ramp, threshold)
    assert opacity.dtype == np.float32 and opacity.min() == 0 and opacity.max() == 1
    at_threshold = np.interp(threshold, ramp[0, 44:56], opacity[0, 44:56])
    assert at_threshold == pytest.approx(0.5, abs=0.15)  # between two columns of a steep ramp
    np.testing.assert_array_equal(opacity >= 0.5, alpha.mask(ramp, threshold))


def test_alpha_is_exactly_half_at_the_outline():
    probabilities = np.tile(np.float32([0, 0, 0.4, 0.5, 0.6, 1, 1]), (7, 1))
    np.testing.assert_allclose(alpha.alpha(probabilities, 0.5)[3], [0, 0, 0.25, 0.5, 0.75, 1, 1], atol=1e-6)


def test_alpha_grows_with_the_map_and_shrinks_with_the_threshold(wild):
    more = np.minimum(wild + np.random.default_rng(2).random(wild.shape, np.float32) * 0.3, 1)
    assert (alpha.alpha(more, 0.5) >= alpha.alpha(wild, 0.5)).all()
    falling = [alpha.alpha(wild, threshold) for threshold in np.linspace(0.05, 0.95, 10)]
    assert all((low >= high).all() for low, high in zip(falling, falling[1:]))


def test_the_lukewarm_inside_is_solid_not_half_transparent():
    probabilities = np.zeros((80, 80), np.float32)
    probabilities[20:60, 20:60] = 0.56
    opacity = alpha.alpha(probabilities, 0.5)
    assert (opacity[25:55, 25:55] == 1).all()
    assert (opacity[:15] == 0).all()


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_alpha_at_the_ends_of_the_slider(ramp, threshold):
    opacity = alpha.alpha(ramp, threshold)
    assert np.isfinite(opacity).all()
    np.testing.assert_array_equal(opacity >= 0.5, alpha.mask(ramp, threshold))


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (700, 530), (1, 900)])
def test_oracle_the_whole_map_at_once_gives_the_same_opacity(shape, threshold):
    rng = np.random.default_rng(3)
    probabilities = cv2.GaussianBlur(rng.random(shape, np.float32), (0, 0), 12)
    probabilities = np.clip((probabilities - 0.5) * 12 + 0.5, 0, 1)  # large lukewarm and flat places
    radius = alpha.rim(shape)
    kernel, inside = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8), (probabilities >= threshold).astype(np.uint8)
    below, above = (np.float32(max(min(alpha.RAMP, room), 1e-6)) for room in (threshold, 1 - threshold))
    offset = probabilities - np.float32(threshold)
    expected = np.clip(0.5 + 0.5 * offset / np.where(offset < 0, below, above), 0, 1)
    expected[cv2.erode(inside, kernel) == 1], expected[cv2.dilate(inside, kernel) == 0] = 1, 0
    np.testing.assert_array_equal(alpha.alpha(probabilities, threshold), expected)
