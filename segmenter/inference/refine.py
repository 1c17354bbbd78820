"""From the network's coarse map to the photo's own pixels: outlines that follow the photo's edges.

It is done tile by tile, and tiles without an edge are skipped: most of a photo is sure.
"""

import cv2
import numpy as np

from segmenter.inference import tiles

# The photo is followed twice: roughly, to move an outline that is off by a few of the network's
# pixels, and finely. Longest sides in pixels; a smaller photo is followed in its own size.
ROUGH, FINE = 512, 1536
RADIUS = 6  # of the window in which map and colours are related, in pixels at either size
SMOOTHNESS = 5e-5  # the guided filter's epsilon: colour variance below this counts as noise
DOUBT = 0.02  # weight of a pixel of probability 0.5 in the fit, where a sure one has 1
FAINT = 1e-3  # map variance below this is no outline
SURE = (
    0.8  # within this of 0 or 1 (as |2p − 1|), the map is more and more trusted over the photo: no specks, no pinholes
)
SHARPEN = 0.5  # contrast added where the photo explains the outline
STEEP = 15  # from this slope on (probability per colour range), colours are smoothed against noise
SMOOTHING = 1.2  # standard deviation of that smoothing, in pixels of the size the model was fitted at
FLAT = 0.02  # a tile whose probabilities differ by less has no outline


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

    Reference: He, Sun & Tang, "Guided Image Filtering", ECCV 2010; applied at a larger size
    than fitted as in He & Sun, "Fast Guided Filter", arXiv:1505.00996. Weighing each pixel by
    how sure it is, and trusting each fit by the variance it explains, are ours.
    """
    rough = tiles.shrink(photo, ROUGH)
    coarse = _resize(probabilities, rough)
    coarse = _apply(rough, coarse, *_fit(rough, coarse))
    fine = tiles.shrink(photo, FINE)
    coarse = _resize(coarse, fine)
    return _apply(photo, coarse, *_fit(fine, coarse))


def _resize(values, like):
    return cv2.resize(values, (like.shape[1], like.shape[0]), interpolation=cv2.INTER_LINEAR)


def _fit(guide, coarse):
    """Local linear models of the map on the colours, one around each pixel.

    Args:
        guide: uint8, h × w × 3.
        coarse: float32, h × w.

    Returns:
        (model, trust): float32, h × w × 4, the weight of each colour (of 0 … 1) and a constant;
        float32, h × w, 0 … 1, how much of the map's variance the model explains.
    """
    model = np.zeros((*coarse.shape, 4), np.float32)
    trust = np.zeros(coarse.shape, np.float32)
    for tile in tiles.tiles(*coarse.shape):
        outer, inner = tiles.grown(tile, 2 * RADIUS, coarse.shape)
        p = coarse[outer]
        if p.max() - p.min() < FLAT:
            continue
        core = tiles.core(tile)
        tile_model, tile_trust = _fit_tile(guide[outer].astype(np.float32) / 255.0, p)
        model[core], trust[core] = tile_model[inner], tile_trust[inner]
    return model, trust


def _box(values):
    side = 2 * RADIUS + 1
    return cv2.boxFilter(values, -1, (side, side), borderType=cv2.BORDER_REFLECT)


def _fit_tile(colours, p):
    weight = np.square(2.0 * p - 1.0) + DOUBT
    share = 1.0 / _box(weight)

    def mean(values):  # weighted by sureness, over the window
        return _box(weight * values) * share

    red, green, blue = (np.ascontiguousarray(colours[..., channel]) for channel in range(3))
    means = [mean(red), mean(green), mean(blue)]
    mean_p = mean(p)
    covariance = [mean(colour * p) - m * mean_p for colour, m in zip((red, green, blue), means)]
    products = (red * red, red * green, red * blue, green * green, green * blue, blue * blue)
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    matrix = [mean(xy) - means[i] * means[j] for xy, (i, j) in zip(products, pairs)]
    slopes = _solve(matrix, covariance)
    explained = sum(slope * c for slope, c in zip(slopes, covariance))
    trust = np.clip(explained / (mean(p * p) - mean_p * mean_p + FAINT), 0.0, 1.0)
    constant = mean_p - sum(slope * m for slope, m in zip(slopes, means))

    # Every pixel lies in many windows: average their models, the trustworthy ones foremost.
    weight = trust * trust + 1e-3
    share = 1.0 / _box(weight)
    return np.dstack([mean(part) for part in (*slopes, constant)]), mean(trust)


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


def _apply(photo, coarse, model, trust):
    """The models applied to a photo that may be larger than the one they were fitted on."""
    height, width = photo.shape[:2]
    result = _resize(coarse, photo)
    sigma = SMOOTHING * max(1.0, max(height, width) / max(coarse.shape))
    for tile in tiles.tiles(height, width):
        core = tiles.core(tile)
        trusted = tiles.window(trust, core, photo.shape)
        if trusted.max() < 1e-3:
            continue
        slopes = tiles.window(model, core, photo.shape)
        p = result[core]
        trusted = trusted * np.minimum((1.0 - np.abs(2.0 * p - 1.0)) / SURE, 1.0)
        followed = _follow(photo, tile, slopes, sigma)
        p += (followed - p) * trusted
        p += (p - 0.5) * (SHARPEN * trusted)
    return np.clip(result, 0.0, 1.0, out=result)


def _follow(photo, tile, slopes, sigma):
    """The linear models' probabilities for a tile of the photo: float32, h × w, 0 … 1.

    Where furniture and background differ little, the models are steep and would turn the photo's
    noise into holes and specks, so the steeper they are, the more the colours are smoothed.
    """
    reach = round(3 * sigma)
    outer, inner = tiles.grown(tile, reach, photo.shape)
    sharp = photo[outer].astype(np.float32) / 255.0
    smooth = cv2.GaussianBlur(sharp, (2 * reach + 1, 2 * reach + 1), sigma)[inner]
    steepness = np.sqrt(np.square(slopes[..., :3]).sum(axis=2, keepdims=True))
    colours = sharp[inner] + (smooth - sharp[inner]) * np.minimum(steepness / STEEP, 1.0)
    followed = (slopes[..., :3] * colours).sum(axis=2) + slopes[..., 3]
    return np.clip(followed, 0.0, 1.0)
