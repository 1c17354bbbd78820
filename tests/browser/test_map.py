"""map.js says of a map what the engine says of it: the page must not promise another file than it gives."""

import cv2
import numpy as np
import pytest

from segmenter.render import alpha
from segmenter.render.heatmap import heatmap


def blobs(seed, height=300, width=400):
    """uint8: a few soft ellipses of different certainty, one of them often cut by the border."""
    random = np.random.default_rng(seed)
    grey = np.zeros((height, width), np.uint8)
    for _ in range(6):
        centre = (int(random.integers(width)), int(random.integers(height)))
        axes = (int(random.integers(5, 90)), int(random.integers(5, 70)))
        cv2.ellipse(grey, centre, axes, float(random.integers(180)), 0, 360, int(random.integers(60, 256)), -1)
    return cv2.GaussianBlur(grey, (0, 0), float(random.uniform(1, 6)))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threshold", [0.15, 0.5, 0.77])  # none of them a value of 8 bits
def test_the_figures_agree(script, seed, threshold):
    grey = blobs(seed)
    inside = (grey.astype(np.float32) / 255 >= threshold).astype(np.uint8)
    small = cv2.resize(grey, (384, 288), interpolation=cv2.INTER_AREA) / 255 >= threshold
    areas = cv2.connectedComponentsWithStats(small.astype(np.uint8), connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    found = script("describe(histogram(map), shrink(map, 384), threshold)", grey, threshold=threshold)
    assert found["coverage"] == pytest.approx(inside.mean(), abs=0.005)
    assert found["pieces"] == (areas >= max(areas.max(initial=0) / 20, small.size / 2000)).sum()


@pytest.mark.parametrize("threshold", [0.01, 0.15, 0.5, 0.99])
def test_alpha_agrees(script, threshold):
    grey = blobs(1)
    pixels = script(
        "(() => { const out = new Uint32Array(map.values.length);"
        " cutOut(map, threshold, new Uint32Array(out.length), out); return Array.from(out, word => word >>> 24); })()",
        grey,
        threshold=threshold,
    )
    wanted = np.rint(alpha.alpha(grey.astype(np.float32) / 255, threshold) * 255)
    assert np.abs(np.reshape(pixels, grey.shape) - wanted).max() <= 1


def test_the_heatmap_s_colours_agree(script):
    grey = np.arange(256, dtype=np.uint8)[np.newaxis]
    photo = np.random.default_rng(0).integers(0, 256, (1, 256, 3), np.uint8)
    wanted = heatmap(photo, grey.astype(np.float32) / 255)
    words = np.array(script("Array.from(heatColours())", grey), np.uint32)
    colours = words.view(np.uint8).reshape(1, 256, 4).astype(float)
    opacity = colours[..., 3:] / 255
    assert np.abs(colours[..., :3] * opacity + photo * (1 - opacity) - wanted).max() <= 3


@pytest.mark.parametrize("seed", range(4))
def test_outlines_close_around_the_mask(script, seed):
    grey, threshold = blobs(seed), 0.5
    curves = script("outlines(map, threshold)", grey, threshold=threshold)
    scale = 8  # draw the curves finely and fill them: what is inside must be the mask
    polygons = [(np.reshape(curve, (-1, 2)) * scale).round().astype(np.int32) for curve in curves]
    canvas = np.zeros((grey.shape[0] * scale, grey.shape[1] * scale), np.uint8)
    cv2.fillPoly(canvas, polygons, 1)  # even-odd, so holes stay open
    middles = canvas[scale // 2 :: scale, scale // 2 :: scale].astype(bool)
    assert (middles != (grey >= threshold * 255)).mean() < 0.002


def test_an_empty_map_has_no_outline_and_no_furniture(script):
    grey = np.zeros((5, 7), np.uint8)
    assert script("outlines(map, 0.5)", grey) == []
    assert script("describe(histogram(map), shrink(map, 384), 0.5)", grey)["coverage"] == 0


def test_a_full_map_is_outlined_along_the_border(script):
    (curve,) = script("outlines(map, 0.5)", np.full((4, 6), 255, np.uint8))
    points = np.reshape(curve, (-1, 2))
    assert points.min() < 0.5 and points[:, 0].max() > 5.5 and points[:, 1].max() > 3.5
