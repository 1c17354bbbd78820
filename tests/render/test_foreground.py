"""Rims without the old background's colour, and soft edges in the furniture's own."""

import numpy as np
import pytest

from segmenter.render import foreground


@pytest.fixture
def mixture():
    """(photo, alpha, the furniture's colours): a warm soft-edged ring on a blue ground, mixed in known shares."""
    y, x = np.mgrid[0:240, 0:300].astype(np.float32)
    distance = np.hypot(x - 150, y - 120)
    alpha = np.clip((80 - distance) / 6 + 0.5, 0, 1) * np.clip((distance - 30) / 6 + 0.5, 0, 1)
    truth = np.dstack([180 + 0.2 * x, 90 + 0.2 * y, 40 + 0 * x])
    background = np.dstack([20 + 0 * x, 60 + 0.3 * x, 220 - 0.2 * y])
    photo = truth * alpha[..., None] + background * (1 - alpha[..., None])
    return np.rint(photo).astype(np.uint8), alpha, truth


def test_colours_are_recovered_from_a_known_mixture(mixture):
    photo, alpha, truth = mixture
    clean = foreground.clean_colours(photo, alpha).astype(float)
    rim = (alpha > 0.05) & (alpha < 0.95)
    assert np.abs(photo[rim] - truth[rim]).mean() > 40  # the old background shows
    assert np.abs(clean[rim] - truth[rim]).mean() < 6
    assert np.quantile(np.abs(clean[rim] - truth[rim]), 0.99) < 25


def test_colours_away_from_the_rim_are_untouched(mixture):
    photo, alpha, _ = mixture
    clean = foreground.clean_colours(photo, alpha)
    assert clean.dtype == np.uint8
    away = (alpha == 0) | (alpha == 1)
    np.testing.assert_array_equal(clean[away], photo[away])


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_flat_alpha_is_no_trouble(mixture, value):
    photo, alpha, _ = mixture
    clean = foreground.clean_colours(photo, np.full_like(alpha, value))
    assert clean.shape == photo.shape


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (3, 2), (257, 5), (2000, 40)])
def test_odd_sizes(shape):
    rng = np.random.default_rng(0)
    photo, alpha = rng.integers(0, 256, (*shape, 3), np.uint8), rng.random(shape, np.float32)
    assert foreground.clean_colours(photo, alpha).shape == photo.shape
    assert foreground.spread_colours(photo, np.zeros(shape, np.float32), alpha).shape == photo.shape


def test_strips_are_the_whole(mixture, monkeypatch):
    photo, alpha, _ = mixture
    clean = foreground.clean_colours(photo, alpha)
    monkeypatch.setattr(foreground, "STRIP", 4 * foreground.TILE)
    np.testing.assert_array_equal(foreground.clean_colours(photo, alpha), clean)
    assert (clean != photo).any()


@pytest.mark.parametrize("longest", [1600, 60])
def test_bands_of_rows_are_gathered_as_the_whole_is(mixture, monkeypatch, longest):
    photo, alpha = mixture[0], mixture[1]
    monkeypatch.setattr(foreground, "FINE_SIDE", longest)  # as it is, and in small
    whole = foreground.clean_colours(photo, alpha)
    for rows in (7, 64):
        monkeypatch.setattr(foreground, "STRIP", rows)
        assert np.abs(foreground.clean_colours(photo, alpha).astype(int) - whole).max() <= 1
