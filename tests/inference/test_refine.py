"""Outlines that follow the photo."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segmenter.inference import refine

EXAMPLES = Path(refine.__file__).parents[1] / "data" / "examples"


@pytest.fixture
def slats():
    """(photo, mask): dark slats with gaps of their own width, before a light noisy wall."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:400, 0:560]
    mask = (x > 100) & (x < 460) & (y > 60) & (y < 340) & ((x - 100) % 40 < 20)
    photo = np.where(mask[..., None], np.uint8([90, 50, 30]), np.uint8([205, 200, 190]))
    return np.clip(photo + rng.normal(0, 4, photo.shape), 0, 255).astype(np.uint8), mask


def blurred(mask, side=64, shift=0.0):
    """What a coarse network sees of a mask: small, soft, and off by some of its own pixels."""
    small = cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    matrix = np.float32([[1, 0, shift], [0, 1, shift]])
    small = cv2.warpAffine(small, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    return np.clip(cv2.GaussianBlur(small, (0, 0), 0.8), 0, 1)


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def stretched(coarse, photo):
    return cv2.resize(coarse, photo.shape[1::-1])


def test_refined_map_has_the_photos_size_and_range(slats):
    photo, mask = slats
    result = refine.refine(photo, blurred(mask))
    assert result.shape == mask.shape and result.dtype == np.float32
    assert 0 <= result.min() and result.max() <= 1


def test_outline_moves_to_the_photos_edge(slats):
    photo, mask = slats
    coarse = blurred(mask, 128, shift=0.7)
    assert iou(stretched(coarse, photo) >= 0.5, mask) < 0.8
    assert iou(refine.refine(photo, coarse) >= 0.5, mask) > 0.97


def test_gaps_stay_open(slats):
    photo, mask = slats
    gaps = np.zeros_like(mask)
    gaps[62:338, 102:438] = ~mask[62:338, 102:438]
    assert (refine.refine(photo, blurred(mask, 96)) < 0.5)[gaps].mean() > 0.99


def test_sure_regions_stay_sure(slats):
    photo, _ = slats
    y, x = np.mgrid[0:400, 0:560]
    sofa = (x > 150) & (x < 400) & (y > 100) & (y < 300)  # its inside is full of edges that mean nothing
    result = refine.refine(photo, blurred(sofa))
    assert result[130:270, 180:370].min() > 0.95
    assert result[:70].max() < 0.05 and result[:, 430:].max() < 0.05


def test_where_the_photo_says_nothing_the_map_stays():
    photo = np.full((300, 300, 3), 128, np.uint8)
    coarse = blurred(np.pad(np.ones((100, 100), bool), 100))
    np.testing.assert_allclose(refine.refine(photo, coarse), stretched(coarse, photo), atol=0.1)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_flat_map_stays_flat(value):
    photo = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    np.testing.assert_allclose(refine.refine(photo, np.full((8, 8), value, np.float32)), value, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (3, 2), (257, 5), (2000, 40)])
def test_odd_sizes(shape):
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (*shape, 3), np.uint8)
    result = refine.refine(photo, rng.random((16, 16), np.float32))
    assert result.shape == shape and np.isfinite(result).all()


def test_grey_photo_is_no_harder_than_a_coloured_one(slats):
    photo, mask = slats
    grey = np.repeat(photo[..., :1], 3, axis=2)
    assert iou(refine.refine(grey, blurred(mask, 128, 0.7)) >= 0.5, mask) > 0.97


def test_blocks_and_tiles_leave_no_seams(slats, monkeypatch):
    photo, mask = slats
    in_tiles = refine.refine(photo, blurred(mask))
    monkeypatch.setattr(refine, "TILE", 600)
    monkeypatch.setattr(refine, "BLOCK", 200)  # the fit's 187 × 133 pixels in one
    at_once = refine.refine(photo, blurred(mask))
    # A tile that is all but flat is skipped, hence not zero.
    assert np.abs(in_tiles - at_once).max() < 0.05


def windows(values):
    """What is in the window around each pixel: h × w × pixels of the window (× channels)."""
    reach, side = refine.RADIUS, 2 * refine.RADIUS + 1
    padded = np.pad(values, [(reach, reach), (reach, reach), *[(0, 0)] * (values.ndim - 2)], mode="symmetric")
    seen = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    seen = seen.reshape(*values.shape, side * side)
    return np.moveaxis(seen, -1, 2)


def naive_models(colours, p):
    """(h × w × 4, h × w): weighted ridge regression in each pixel's window, then the means of the models."""
    weight = windows((2 * p - 1) ** 2 + refine.DOUBT)
    weight /= weight.sum(axis=2, keepdims=True)
    near, near_p = windows(colours), windows(p)
    centre, centre_p = (weight[..., None] * near).sum(axis=2), (weight * near_p).sum(axis=2)
    off, off_p = near - centre[:, :, None], near_p - centre_p[..., None]
    covariance = np.einsum("yxn,yxni,yxnj->yxij", weight, off, off) + refine.SMOOTHNESS * np.eye(3)
    with_p = np.einsum("yxn,yxni,yxn->yxi", weight, off, off_p)
    slopes = np.linalg.solve(covariance, with_p[..., None])[..., 0]
    explained = (slopes * with_p).sum(axis=2)
    trust = np.clip(explained / ((weight * off_p**2).sum(axis=2) + refine.FAINT), 0, 1)
    models = np.dstack([slopes, centre_p - (slopes * centre).sum(axis=2)])
    share = windows(trust**2 + 1e-3)
    share /= share.sum(axis=2, keepdims=True)
    return (share[..., None] * windows(models)).sum(axis=2), (share * windows(trust)).sum(axis=2)


def naive_follow(photo, coarse, times):
    """The filter over the whole frame, in float64, fitted on so many times fewer pixels a side."""
    size = [side // times for side in photo.shape[1::-1]]
    coarse = stretched(coarse, photo)
    colours, p = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (photo / 255.0, np.float64(coarse)))
    models, trust = naive_models(colours, p)
    steepness = np.minimum(np.linalg.norm(models[..., :3], axis=2, keepdims=True) / refine.STEEP, 1)
    models[..., 3] += (steepness * models[..., :3] * colours).sum(axis=2)
    models[..., :3] *= 1 - steepness
    p = coarse.astype(np.float64)
    models, trust = stretched(models, photo), stretched(trust, photo)
    followed = np.clip((models[..., :3] * photo / 255).sum(axis=2) + models[..., 3], 0, 1)
    trust = trust * np.minimum((1 - np.abs(2 * p - 1)) / refine.SURE, 1)
    p = p + (followed - p) * trust
    return np.clip(p + (p - 0.5) * refine.SHARPEN * trust, 0, 1).astype(np.float32)


def test_the_band_gives_what_the_whole_frame_does(slats):
    photo, mask = slats
    coarse = blurred(mask, 96, shift=0.4)
    expected = naive_follow(photo, coarse, 4)  # 140 pixels across
    off = np.abs(refine.refine(photo, coarse) - expected)
    assert off.max() < 0.06 and off.mean() < 2e-3


def test_nothing_moves_however_odd_the_sides_are(slats):
    """What does not fill a pixel of the fit changes nothing elsewhere."""
    photo, mask = (cv2.resize(each, (700, 400)) for each in (slats[0], slats[1].astype(np.float32)))  # 5 times 140 × 80
    coarse = cv2.GaussianBlur(mask, (0, 0), 6)
    whole = refine.refine(photo, coarse)
    odd = refine.refine(photo[:-4, :-4], coarse[:-4, :-4])  # 696 / 5 leaves one over, and 396 / 5 too
    assert np.abs(whole - cv2.resize(coarse, (700, 400))).max() > 0.3  # there is much to follow
    np.testing.assert_allclose(odd[:-60, :-60], whole[:-64, :-64], atol=1e-4)


def test_fit_and_solve_agree_with_a_naive_loop():
    """One pixel's model against weighted ridge regression written out."""
    rng = np.random.default_rng(0)
    colours = rng.random((13, 13, 3), np.float32)
    p = np.clip(colours @ np.float32([0.5, -0.3, 0.4]) + 0.2, 0, 1)
    weight = (2 * p - 1) ** 2 + refine.DOUBT
    w = weight.ravel() / weight.sum()
    flat = colours.reshape(-1, 3)
    centred = flat - w @ flat
    covariance = centred.T @ (w[:, None] * centred)
    right = centred.T @ (w * (p.ravel() - w @ p.ravel()))
    expected = np.linalg.solve(covariance + refine.SMOOTHNESS * np.eye(3), right)
    c = covariance
    matrix = [np.float32([[value]]) for value in (c[0, 0], c[0, 1], c[0, 2], c[1, 1], c[1, 2], c[2, 2])]
    solved = refine._solve(matrix, [np.float32([[value]]) for value in right])
    np.testing.assert_allclose(np.ravel(solved), expected, rtol=1e-3)


def test_real_examples_come_closer_to_the_exact_mask():
    """A wobbly map of 256 × 256, half a network pixel off: the outline must come much nearer."""
    before, after = [], []
    for name in ("01_wooden_chair_corner", "06_thin_legged_chair"):
        photo = np.asarray(Image.open(EXAMPLES / "images" / f"{name}.jpg"))
        mask = np.asarray(Image.open(EXAMPLES / "masks" / f"{name}.png")) >= 128
        coarse = blurred(mask, 256, shift=0.7)
        before.append(iou(stretched(coarse, photo) >= 0.5, mask))
        after.append(iou(refine.refine(photo, coarse) >= 0.5, mask))
    assert np.mean(after) > np.mean(before) + 0.05
    assert np.mean(after) > 0.93
