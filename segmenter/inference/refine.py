"""From the network's coarse map to the photo's own pixels: outlines that follow the photo's edges.

All work is done near the outline: most of a photo is sure, and stays as the network said.
"""

import math

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from segmenter.inference import tiles
from segmenter.inference.preprocessing import resize

# The fit is made on fewer pixels, as models change slowly from pixel to pixel. So its window reaches as far as the
# network's outline may be off: some pixels of its square. A second, finer one was no better.
LONGEST = 171  # longest side of the photo as the fit sees it, in pixels; a whole number of times less than its own,
STEP = 3  # which is so many at least
RADIUS = 3  # of the window in which map and colours are related, in pixels of the fit
SMOOTHNESS = 5e-5  # the guided filter's epsilon: colour variance below this counts as noise
DOUBT = 0.02  # weight of a pixel of probability 0.5 in the fit, where a sure one has 1
FAINT = 1e-3  # map variance below this is no outline
SURE = (
    0.8  # within this of 0 or 1 (as |2p − 1|), the map is more and more trusted over the photo: no specks, no pinholes
)
CERTAIN = 0.01  # what is this near to 0 or 1 stays as it is
SHARPEN = 0.5  # contrast added where the photo explains the outline
STEEP = 15  # from this slope on (probability per colour range), the fit's smooth colours count, against noise
FLAT = 0.02  # a block whose probabilities differ by less has no outline
BLOCK = 32  # side of the blocks in which the fit is made, in its pixels
AT_ONCE = 32  # blocks that are fitted together: what they take fits into a processor's cache
TILE = 128  # side of the photo's tiles that are followed or passed over
SUM = np.full((1, 4), 1 / 255, np.float32)  # of four channels of 0 … 255, as cv2.transform takes it


def refine(photo: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Bring a coarse map to the photo's size, so that its outlines follow the photo's edges.

    Around each pixel the map is written as a linear function of the photo's colours, fitted to
    the pixels the network is sure of, and that function is applied to the photo's own pixels.
    Where the colours do not explain the map, it stays as it is.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, h × w, 0 … 1: the same view at any size and squeezed to any shape.

    Returns:
        probability map: float32, H × W, 0 … 1.

    Reference: He, Sun & Tang, "Guided Image Filtering", ECCV 2010; fitted at a smaller size than
    applied as in He & Sun, "Fast Guided Filter", arXiv:1505.00996. Weighing each pixel by
    how sure it is, and trusting each fit by the variance it explains, are ours.
    """
    times = max(STEP, math.ceil(max(photo.shape) / LONGEST))
    coarse = resize(probabilities, *photo.shape[:2])
    return _apply(photo, coarse, *_fit(tiles.reduce(photo, times), tiles.reduce(coarse, times)), times)


def _fit(guide, coarse):
    """Local linear models of the map on the colours, one around each pixel.

    Args:
        guide: uint8, h × w × 3.
        coarse: float32, h × w.

    Returns:
        (models, trust): float32, h × w × 4, the weight of each colour (of 0 … 1) and a constant;
        float32, h × w, 0 … 1, how much of the map's variance the model explains. Both are 0 where there
        is no outline.
    """
    height, width = coarse.shape
    down, across = -(-height // BLOCK), -(-width // BLOCK)
    colours, p = (_blocks(picture, down, across) for picture in (guide, coarse))
    rows, columns = np.nonzero(p.max(axis=(2, 3)) - p.min(axis=(2, 3)) >= FLAT)
    models = np.zeros((down, BLOCK, across, BLOCK, 4), np.float32)
    trust = np.zeros((down, BLOCK, across, BLOCK), np.float32)
    for start in range(0, len(rows), AT_ONCE):
        y, x = rows[start : start + AT_ONCE], columns[start : start + AT_ONCE]
        planes = np.moveaxis(colours[y, x], 1, 0).astype(np.float32, order="C")  # 3 × blocks × side × side
        planes *= np.float32(1 / 255)
        fitted, trust[y, :, x] = _fit_blocks(planes, p[y, x])
        models[y, :, x] = np.moveaxis(fitted, 0, -1)
    models = models.reshape(down * BLOCK, across * BLOCK, 4)[:height, :width]
    trust = trust.reshape(down * BLOCK, across * BLOCK)[:height, :width]
    return np.ascontiguousarray(models), np.ascontiguousarray(trust)


def _blocks(picture, down, across):
    """A picture as overlapping blocks, each with the surroundings that its fit reaches: a view of
    down × across (× channels) × side × side."""
    margin = 2 * RADIUS
    bottom, right = down * BLOCK - picture.shape[0], across * BLOCK - picture.shape[1]
    padded = cv2.copyMakeBorder(picture, margin, margin + bottom, margin, margin + right, cv2.BORDER_REFLECT)
    side = BLOCK + 2 * margin
    return sliding_window_view(padded, (side, side), axis=(0, 1))[::BLOCK, ::BLOCK]


def _fit_blocks(colours, p):
    """The models of several blocks.

    Args:
        colours: float32, 3 × blocks × side × side, 0 … 1.
        p: float32, blocks × side × side.

    Returns:
        (models, trust): float32, 4 × blocks × inner × inner and blocks × inner × inner, as `_fit` says;
        inner is the side without 2 · `RADIUS` pixels at either end.
    """
    weight = np.square(2.0 * p - 1.0) + np.float32(DOUBT)
    red, green, blue = colours
    of_colours = (red, green, blue, red * red, red * green, red * blue, green * green, green * blue, blue * blue)
    mean = _window_means(weight, [p, p * p, *of_colours, *(colours * p)])
    mean_p, mean_pp, means, products, with_p = mean[0], mean[1], mean[2:5], mean[5:11], mean[11:]
    covariance = with_p - means * mean_p
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    slopes = _solve([xy - means[i] * means[j] for xy, (i, j) in zip(products, pairs)], covariance)
    explained = sum(slope * c for slope, c in zip(slopes, covariance))
    trust = np.clip(explained / (mean_pp - mean_p * mean_p + FAINT), 0.0, 1.0)
    constant = mean_p - sum(slope * m for slope, m in zip(slopes, means))

    # Every pixel lies in many windows: average their models, the trustworthy ones foremost.
    models = _window_means(trust * trust + np.float32(1e-3), [*slopes, constant, trust])
    margin = 2 * RADIUS
    return _without_noise(models[:4], colours[..., margin:-margin, margin:-margin]), models[4]


def _window_means(weight, planes):
    """Weighted means over the window around each pixel: planes × blocks × (side − 2 · RADIUS) squared.

    All planes and blocks lie below each other as one tall picture. Where they meet, means are of two of
    them, and are cut away.
    """
    stack = np.empty((1 + len(planes), *weight.shape), np.float32)
    stack[0] = weight
    for plane, values in zip(stack[1:], planes):
        np.multiply(weight, values, out=plane)
    side = 2 * RADIUS + 1
    sums = cv2.boxFilter(stack.reshape(-1, stack.shape[-1]), -1, (side, side)).reshape(stack.shape)
    sums = sums[..., RADIUS:-RADIUS, RADIUS:-RADIUS]
    return sums[1:] * (1 / sums[0])


def _without_noise(models, colours):
    """The same models, of which the steep ones hear less of the photo's own pixels.

    Where furniture and background differ little, the models are steep and would turn the photo's
    noise into holes and specks, so the steeper they are, the more the fit's colours count, which are
    means of many pixels.
    """
    slopes = models[:3]
    steepness = np.minimum(np.sqrt(np.square(slopes).sum(axis=0)) * np.float32(1 / STEEP), 1)
    constant = models[3] + steepness * (slopes * colours).sum(axis=0)
    return np.concatenate([slopes * (1 - steepness), constant[np.newaxis]])


def _solve(matrix, right):
    """Solve a symmetric 3 × 3 system at every pixel by LDLᵀ, which holds in float32 where
    cofactors do not: the channels of a grey photo are all but dependent."""
    a, b, c, d, e, f = matrix
    x, y, z = right
    a = a + SMOOTHNESS
    u, v = b / a, c / a
    d = np.maximum(d + SMOOTHNESS - u * b, SMOOTHNESS)
    e = e - u * c
    w = e / d
    f = np.maximum(f + SMOOTHNESS - v * c - w * e, SMOOTHNESS)
    y = y - u * x
    third = (z - v * x - w * y) / f
    second = y / d - w * third
    return x / a - u * second - v * third, second, third


def _apply(photo, result, models, trust, times):
    """The models applied to the unsure parts of a photo that may be larger than the one they were fitted on.

    Args:
        photo: uint8, H × W × 3.
        result: float32, H × W: the coarse map in the photo's size; it is changed in place and returned.
        models, trust: as `_fit` gives them.
        times: how many times as many pixels a side the photo has as what they were fitted on.
    """
    height, width = result.shape
    fitted = [side * times for side in trust.shape]  # a few pixels less than the photo, or more
    for tile in tiles.tiles(height, width, TILE):
        core = tiles.core(tile)
        p = result[core]
        least, most, *_ = cv2.minMaxLoc(p)
        if most < CERTAIN or least > 1 - CERTAIN:
            continue
        trusted = tiles.window(trust, core, fitted)
        if trusted.max() < 1e-3:
            continue
        # A fourth channel of 255 beside the colours takes the models' constant.
        colours = cv2.cvtColor(photo[core], cv2.COLOR_RGB2RGBA).astype(np.float32)
        colours *= tiles.window(models, core, fitted)
        followed = np.clip(cv2.transform(colours, SUM), 0.0, 1.0)
        trusted = trusted * np.minimum((1 - np.abs(2 * p - 1)) * np.float32(1 / SURE), 1)
        p += (followed - p) * trusted
        p += (p - np.float32(0.5)) * (trusted * np.float32(SHARPEN))
        np.clip(p, 0, 1, out=p)
    return result
