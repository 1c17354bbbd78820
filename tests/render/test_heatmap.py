"""The yellower, the surer."""

import numpy as np
import pytest

from segmenter.render.heatmap import SHADE, YELLOW, heatmap


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)


@pytest.fixture
def wild():
    return np.random.default_rng(1).random((60, 100), np.float32)


def test_heatmap_follows_its_formula(photo, wild):
    picture = heatmap(photo, wild, opacity=0.6)
    for y, x in ((0, 0), (17, 80), (59, 99)):
        p = float(wild[y, x])
        shaded = photo[y, x] * (1 - SHADE * 0.6 * (1 - p))
        expected = shaded * (1 - 0.6 * p) + np.array(YELLOW) * 0.6 * p
        np.testing.assert_allclose(picture[y, x], expected, atol=0.51)


def test_heatmap_without_opacity_is_the_photo(photo, wild):
    np.testing.assert_array_equal(heatmap(photo, wild, opacity=0), photo)


def test_a_map_of_another_size_is_refused(photo, wild):
    with pytest.raises(ValueError, match="size|photo"):
        heatmap(photo, wild[:-1])
