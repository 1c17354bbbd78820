"""The furniture's own colours: freed from the old background at the rim, and spread beyond it for a soft edge."""

import cv2
import numpy as np

from segmenter.inference import tiles

FINE = 1 / 400  # radius in which rim colours are gathered, as a share of the longer side
ROUGH_SIDE = 768  # longest side on which they are gathered from farther off
ROUGH_RADIUS = 12
SCARCE = 0.001  # a window's mean weight below which the colour from farther off counts more


def clean_colours(photo: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The furniture's own colours, without the old background's at the rim.

    Colours of furniture and of background are gathered from the surroundings of each rim pixel,
    and then moved together so that mixed by alpha they give the photo.

    Args:
        photo: uint8, H × W × 3, RGB.
        alpha: float32, H × W, 0 … 1.

    Returns:
        uint8, H × W × 3, RGB; where alpha is 0 or 1, the photo's own colours.

    Reference: Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021.
    """
    colours = photo.copy()
    rough = _rough_colours(photo, alpha)
    radius = max(2, round(max(alpha.shape) * FINE))
    for tile in tiles.tiles(*alpha.shape):
        core = tiles.core(tile)
        rim = (alpha[core] > 0) & (alpha[core] < 1)
        if not rim.any():
            continue
        outer, inner = tiles.grown(tile, radius, alpha.shape)
        near = [tiles.window(values, outer, alpha.shape) for values in rough]
        cleaned = _unmix(photo[outer].astype(np.float32), alpha[outer], radius, *near)[inner]
        cleaned = np.clip(np.rint(cleaned), 0, 255).astype(np.uint8)
        np.copyto(colours[core], cleaned, where=rim[..., np.newaxis])
    return colours


def _rough_colours(photo, alpha):
    """Smooth furniture and background colours everywhere: float32, h × w × 3, at a smaller size."""
    small = tiles.shrink(photo, ROUGH_SIDE)
    opacity = cv2.resize(alpha, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32)
    return [_gather(small, weight, ROUGH_RADIUS, small) for weight in (opacity**4, (1.0 - opacity) ** 4)]


def _gather(colours, weight, radius, otherwise):
    """Weighted mean colour in the window; `otherwise`, where it holds too little weight."""
    window = (2 * radius + 1, 2 * radius + 1)
    total = cv2.boxFilter(weight, -1, window)[..., np.newaxis]
    sums = cv2.boxFilter(colours * weight[..., np.newaxis], -1, window)
    return (sums + SCARCE * otherwise) / (total + SCARCE)


def _unmix(photo, alpha, radius, inside, outside):
    """Furniture colours of a tile, from estimates of both colours: float32, h × w × 3, 0 … 255."""
    opacity = alpha[..., np.newaxis]
    # Twice: the smooth estimates from farther off first, then what they leave in the neighbourhood.
    error = photo - opacity * inside - (1.0 - opacity) * outside
    near_inside = _gather(inside + opacity * error, alpha**4, radius, inside)
    near_outside = _gather(outside + (1.0 - opacity) * error, (1.0 - alpha) ** 4, radius, outside)
    error = photo - opacity * near_inside - (1.0 - opacity) * near_outside
    return near_inside + opacity * error


def spread_colours(colours: np.ndarray, solid: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The furniture's colours beyond its edge, for an alpha that was blurred over it.

    Args:
        colours: uint8, H × W × 3, RGB, right where `solid` is above 0.
        solid: float32, H × W, 0 … 1: the alpha before the blur.
        alpha: float32, H × W, 0 … 1: after it.

    Returns:
        uint8, H × W × 3, RGB; where `solid` is above 0, the given colours.
    """
    small = tiles.shrink(colours, ROUGH_SIDE)
    weight = cv2.resize(solid, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA) ** 2
    small = small.astype(np.float32)
    radius = ROUGH_RADIUS
    while radius < 2 * max(weight.shape):  # from far off where there is nothing nearer
        radius *= 2
    spread = small
    while radius >= ROUGH_RADIUS // 4:
        spread = _gather(small, weight, radius, spread)
        radius //= 2
    result = colours.copy()
    for tile in tiles.tiles(*alpha.shape):
        core = tiles.core(tile)
        beyond = (solid[core] == 0) & (alpha[core] > 0)
        if beyond.any():
            found = np.clip(np.rint(tiles.window(spread, core, alpha.shape)), 0, 255).astype(np.uint8)
            np.copyto(result[core], found, where=beyond[..., np.newaxis])
    return result
