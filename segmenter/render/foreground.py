"""The furniture's own colours: freed from the old background at the rim, and spread beyond it for a soft edge."""

import math
from collections.abc import Iterator

import cv2
import numpy as np

from segmenter.inference import tiles

FINE_SIDE = 1000  # longest side on which rim colours are gathered
FINE = 1 / 400  # radius in which they are, as a share of the longer side
ROUGH_SIDE = 256  # longest side on which they are gathered from farther off
ROUGH_RADIUS = 4
SCARCE = 0.001  # a window's mean weight below which the colour from farther off counts more
TILE = 64  # side of the tiles that are passed over where they have no rim
STRIP = 2 * TILE  # rows that are cleaned at a time, which a processor's cache holds


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
    colours = np.empty_like(photo)
    for rows, strip in clean_strips(photo, alpha):
        colours[rows] = strip
    return colours


def clean_strips(photo: np.ndarray, alpha: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """The same, strip by strip, for who needs no more than one at a time.

    Yields:
        (rows, their colours): uint8, at most `STRIP` × W × 3, RGB, a copy.
    """
    times = math.ceil(max(alpha.shape) / FINE_SIDE)
    small, opacity = tiles.reduce(photo, times), tiles.reduce(alpha, times)
    rough = _rough_colours(small, opacity)
    # Used again for each strip, as new memory takes longer to be had than all that is put there
    room = np.zeros((2, min(STRIP, len(small)) + 2, small.shape[1], 4), np.float32)
    for top in range(0, len(photo), STRIP):
        rows = slice(top, min(top + STRIP, len(photo)))
        band = _band(rows, len(photo), len(small))
        gathered = room[:, : band.stop - band.start]
        _gather_colours(small, opacity, rough, band, gathered)
        colours = photo[rows].copy()
        for tile in _rim_tiles(alpha, rows):
            place = colours[tile[0] - top : tile[1] - top, tile[2] : tile[3]]
            _clean(place, alpha, tile, gathered, (band.start, len(small)))
        yield rows, colours


def _band(rows, height, small_height):
    """The rows of a picture made smaller that are looked at for some rows of the whole."""
    if height == small_height:
        return rows
    scale = small_height / height
    return slice(max(0, int(rows.start * scale) - 1), min(small_height, int(np.ceil(rows.stop * scale)) + 1))


def _clean(colours, alpha, tile, gathered, band):
    """Clean the photo's colours on a tile, in place; `gathered` are a band of rows, see `tiles.window`."""
    core = tiles.core(tile)
    inside, outside = (tiles.window(values, core, alpha.shape, band) for values in gathered)
    opacity = _four(alpha[core])
    error = _error(_with_ones(colours), opacity, inside, outside)
    error *= opacity
    cleaned = cv2.cvtColor(cv2.add(inside, error, dtype=cv2.CV_8U), cv2.COLOR_RGBA2RGB)  # rounded, 0 … 255
    rim = (alpha[core] > 0) & (alpha[core] < 1)
    cv2.copyTo(cleaned, rim.view(np.uint8), colours)


# In all that follows colours have a fourth channel of ones beside them, in which weights add up, and what
# is one value for each pixel is kept four times: numpy is several times as fast where shapes agree.


def _gather_colours(photo, alpha, rough, rows, found):
    """Estimate the furniture's and the background's colours near the rim.

    Args:
        photo: uint8, h × w × 3.
        alpha: float32, h × w.
        rough: as `_rough_colours` gives them.
        rows: slice of the rows that are wanted.
        found: float32, 2 × rows × w × 4, for both, 0 … 255; away from the rim nothing is put there.
    """
    radius = max(2, round(max(alpha.shape) * FINE))
    for tile in _rim_tiles(alpha, rows):
        # One pixel more than the tile, as it may be looked at enlarged
        (around, columns), _ = tiles.grown(tile, 1, alpha.shape)
        top, bottom = max(around.start, rows.start), min(around.stop, rows.stop)
        outer, inner = tiles.grown((top, bottom, columns.start, columns.stop), radius, alpha.shape)
        core = slice(top - rows.start, bottom - rows.start), columns
        shown, opacity = _with_ones(photo[outer]), _four(alpha[outer])
        inside, outside = (tiles.window(values, outer, alpha.shape) for values in rough)
        # What the smooth estimates from farther off leave is added in the neighbourhood.
        error = _error(shown, opacity, inside, outside)
        error_inside = error * opacity
        found[0][core] = _gather(inside + error_inside, _fourth_power(opacity), radius, inside)[inner]
        found[1][core] = _gather(outside + error - error_inside, _fourth_power(1 - opacity), radius, outside)[inner]


def _rim_tiles(alpha, rows):
    """The tiles of some rows (a slice) of an alpha in which something is neither 0 nor 1."""
    alpha = alpha[rows]
    height, width = alpha.shape
    rim = (alpha > 0) & (alpha < 1)
    for side, axis in ((height, 0), (width, 1)):
        rim = np.logical_or.reduceat(rim, np.arange(0, side, TILE), axis=axis)
    for (top, bottom, left, right), is_rim in zip(tiles.tiles(height, width, TILE), rim.flat, strict=True):
        if is_rim:
            yield rows.start + top, rows.start + bottom, left, right


def _rough_colours(photo, alpha):
    """Smooth furniture and background colours everywhere: float32, h × w × 4, at a smaller size."""
    times = math.ceil(max(alpha.shape) / ROUGH_SIDE)
    small, opacity = tiles.reduce(photo, times), tiles.reduce(alpha, times)
    shown = _with_ones(small)
    return [_gather(shown, _four(_fourth_power(weight)), ROUGH_RADIUS, shown) for weight in (opacity, 1 - opacity)]


def _with_ones(colours):
    """uint8, h × w × 3 → float32, h × w × 4, of which the last is 1."""
    shown = cv2.cvtColor(colours, cv2.COLOR_RGB2RGBA).astype(np.float32)
    shown[..., 3] = 1
    return shown


def _four(values):
    """h × w → h × w × 4, four times the same."""
    return cv2.merge([values] * 4)


def _fourth_power(values):
    return np.square(np.square(values))


def _gather(colours, weight, radius, otherwise):
    """Weighted mean colour in the window; `otherwise`, where it holds too little weight."""
    sums = cv2.boxFilter(colours * weight, -1, (2 * radius + 1, 2 * radius + 1))
    sums = cv2.scaleAdd(otherwise, SCARCE, sums)
    sums *= _four(1 / sums[..., 3])
    return sums


def _error(photo, alpha, inside, outside):
    """What the two colours, mixed by alpha, are off the photo."""
    error = photo - outside
    mixed = inside - outside
    mixed *= alpha
    error -= mixed
    return error


def spread_colours(colours: np.ndarray, solid: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The furniture's colours beyond its edge, for an alpha that was blurred over it.

    Args:
        colours: uint8, H × W × 3, RGB, right where `solid` is above 0.
        solid: float32, H × W, 0 … 1: the alpha before the blur.
        alpha: float32, H × W, 0 … 1: after it.

    Returns:
        uint8, H × W × 3, RGB; where `solid` is above 0, the given colours.
    """
    times = math.ceil(max(alpha.shape) / ROUGH_SIDE)
    small, weight = tiles.reduce(colours, times), tiles.reduce(solid, times) ** 2
    small, weight = _with_ones(small), _four(weight)
    radius = ROUGH_RADIUS
    while radius < 2 * max(weight.shape[:2]):  # from far off where there is nothing nearer
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
            found = np.clip(np.rint(tiles.window(spread, core, alpha.shape)[..., :3]), 0, 255).astype(np.uint8)
            np.copyto(result[core], found, where=beyond[..., np.newaxis])
    return result
