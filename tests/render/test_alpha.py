"""Pure functions of (photo, map, choices)."""

import io

import numpy as np
import pytest
from PIL import Image

from segmenter.render import alpha as cutout


@pytest.fixture
def ramp():
    """A map that rises from 0 to 1 over ten columns in the middle, on 60 × 100 pixels."""
    row = np.clip((np.arange(100) - 44.5) / 10, 0, 1)
    return np.tile(row, (60, 1)).astype(np.float32)


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)


@pytest.fixture
def wild():
    return np.random.default_rng(1).random((60, 100), np.float32)


def test_mask_includes_the_threshold_itself():
    probabilities = np.float32([[0, 0.25, 0.5, 0.75]])
    np.testing.assert_array_equal(cutout.mask(probabilities, 0.5), [[False, False, True, True]])


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.9])
def test_alpha_is_half_at_the_threshold_and_agrees_with_the_mask(ramp, threshold):
    alpha = cutout.alpha(ramp, threshold)
    assert alpha.dtype == np.float32 and alpha.min() == 0 and alpha.max() == 1
    at_threshold = np.interp(threshold, ramp[0, 44:56], alpha[0, 44:56])
    assert at_threshold == pytest.approx(0.5, abs=0.15)  # between two columns of a steep ramp
    np.testing.assert_array_equal(alpha >= 0.5, cutout.mask(ramp, threshold))


def test_alpha_is_exactly_half_at_the_outline():
    probabilities = np.tile(np.float32([0, 0, 0.4, 0.5, 0.6, 1, 1]), (7, 1))
    np.testing.assert_allclose(cutout.alpha(probabilities, 0.5)[3], [0, 0, 0.25, 0.5, 0.75, 1, 1], atol=1e-6)


def test_alpha_grows_with_the_map_and_shrinks_with_the_threshold(wild):
    more = np.minimum(wild + np.random.default_rng(2).random(wild.shape, np.float32) * 0.3, 1)
    assert (cutout.alpha(more, 0.5) >= cutout.alpha(wild, 0.5)).all()
    falling = [cutout.alpha(wild, threshold) for threshold in np.linspace(0.05, 0.95, 10)]
    assert all((low >= high).all() for low, high in zip(falling, falling[1:]))


def test_the_lukewarm_inside_is_solid_not_half_transparent():
    probabilities = np.zeros((80, 80), np.float32)
    probabilities[20:60, 20:60] = 0.56
    alpha = cutout.alpha(probabilities, 0.5)
    assert (alpha[25:55, 25:55] == 1).all()
    assert (alpha[:15] == 0).all()


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_alpha_at_the_ends_of_the_slider(ramp, threshold):
    alpha = cutout.alpha(ramp, threshold)
    assert np.isfinite(alpha).all()
    np.testing.assert_array_equal(alpha >= 0.5, cutout.mask(ramp, threshold))


def test_cut_has_form_alpha_and_colours(photo, ramp):
    rgba = cutout.cut(photo, ramp, threshold=0.5)
    assert rgba.shape == (60, 100, 4) and rgba.dtype == np.uint8
    np.testing.assert_array_equal(rgba[..., 3], np.rint(cutout.alpha(ramp, 0.5) * 255))
    np.testing.assert_array_equal(rgba[:, 60:, :3], photo[:, 60:])
    assert (rgba[rgba[..., 3] == 0] == 0).all()


def test_cut_leaves_the_old_background_behind():
    probabilities = np.clip((np.hypot(*np.mgrid[-60:60, -60:60]) - 35) / -8 + 0.5, 0, 1).astype(np.float32)
    alpha = cutout.alpha(probabilities)
    orange, blue = np.float32([220, 120, 30]), np.float32([20, 40, 230])
    photo = np.rint(orange * alpha[..., None] + blue * (1 - alpha[..., None])).astype(np.uint8)
    rgba = cutout.cut(photo, probabilities)
    rim = (rgba[..., 3] > 12) & (rgba[..., 3] < 243)
    assert rim.any()
    assert np.abs(photo[rim] - orange).mean() > 50
    assert np.abs(rgba[rim][:, :3] - orange).mean() < 3


def test_heatmap_follows_its_formula(photo, wild):
    picture = cutout.heatmap(photo, wild, opacity=0.6)
    for y, x in ((0, 0), (17, 80), (59, 99)):
        p = float(wild[y, x])
        shaded = photo[y, x] * (1 - cutout.SHADE * 0.6 * (1 - p))
        expected = shaded * (1 - 0.6 * p) + np.array(cutout.YELLOW) * 0.6 * p
        np.testing.assert_allclose(picture[y, x], expected, atol=0.51)


def test_heatmap_without_opacity_is_the_photo(photo, wild):
    np.testing.assert_array_equal(cutout.heatmap(photo, wild, opacity=0), photo)


@pytest.mark.parametrize("function", [cutout.cut, cutout.heatmap])
def test_a_map_of_another_size_is_refused(photo, wild, function):
    with pytest.raises(ValueError, match="size|photo"):
        function(photo, wild[:-1])


def test_outline_has_the_hole_too():
    probabilities = np.zeros((50, 50), np.float32)
    probabilities[10:40, 10:40] = 1
    probabilities[20:30, 20:30] = 0
    contours = cutout.outline(probabilities)
    assert len(contours) == 2
    outer = max(contours, key=np.ptp)
    np.testing.assert_array_equal([outer.min(axis=0), outer.max(axis=0)], [[10, 10], [39, 39]])


def chairs(*boxes, shape=(300, 400), value=0.9):
    probabilities = np.full(shape, 0.02, np.float32)
    for top, bottom, left, right in boxes:
        probabilities[top:bottom, left:right] = value
    return probabilities


def test_description_counts_and_measures():
    description = cutout.describe(chairs((50, 150, 40, 140), (100, 200, 250, 350)), 0.5)
    assert description.coverage == pytest.approx(20_000 / 120_000)
    assert description.confidence == pytest.approx(0.9)
    assert description.pieces == 2
    assert description.unsure == 0 and description.unsure_where is None
    assert description.box == (40, 50, 350, 200)


def test_specks_are_no_pieces():
    assert cutout.describe(chairs((50, 150, 40, 140), (200, 203, 300, 303))).pieces == 1


def test_nothing_found():
    description = cutout.describe(chairs(), 0.5)
    assert (description.coverage, description.confidence, description.pieces) == (0, 0, 0)
    assert description.box is None


@pytest.mark.parametrize(
    "patch, place",
    [
        ((60, 110, 60, 110), "top left"),
        ((130, 170, 175, 225), "centre"),
        ((190, 240, 290, 340), "bottom right"),
        ((60, 100, 175, 225), "top"),
        ((130, 170, 60, 110), "left"),
    ],
)
def test_where_it_is_unsure(patch, place):
    probabilities = chairs((50, 250, 50, 350))
    top, bottom, left, right = patch
    probabilities[top:bottom, left:right] = 0.45
    description = cutout.describe(probabilities, 0.5)
    assert description.unsure_where == place
    area = (bottom - top) * (right - left)
    assert description.unsure == pytest.approx(area / (60_000 - area), rel=0.15)


def test_an_outlines_ordinary_softness_is_not_called_unsure(ramp):
    assert cutout.describe(ramp).unsure_where is None


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_is_lossless(channels):
    shape = (33, 47) if channels == 1 else (33, 47, channels)
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    image = Image.open(io.BytesIO(cutout.to_png(picture)))
    assert image.format == "PNG" and image.mode == {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    np.testing.assert_array_equal(np.asarray(image), picture)
