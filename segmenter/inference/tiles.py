"""A large picture tile by tile, so that what is flat can be passed over and memory stays bounded.

A tile is (top, bottom, left, right) in pixels, bottom and right exclusive.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from segmenter.inference import preprocessing

TILE = 256  # side of a tile, in pixels

Tile = tuple[int, int, int, int]
Window = tuple[slice, slice]  # rows and columns


def shrink(picture: np.ndarray, longest: int) -> np.ndarray:
    """A picture or map made smaller, by area averages, if its longer side has more pixels than `longest`."""
    height, width = picture.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return picture
    return preprocessing.resize(picture, max(1, round(height * scale)), max(1, round(width * scale)))


def reduce(picture: np.ndarray, times: int) -> np.ndarray:
    """A picture or map with so many times fewer pixels a side, which is much quicker than `shrink`.

    What is left of a side that cannot be divided is left out, unless that is all of it.
    """
    if times == 1:
        return picture
    down, across = (max(1, side // times) for side in picture.shape[:2])
    return cv2.resize(picture[: down * times, : across * times], (across, down), interpolation=cv2.INTER_AREA)


def tiles(height: int, width: int, side: int | None = None) -> Iterator[Tile]:
    """The tiles of a picture, row by row; together they cover it, and no two overlap.

    Args:
        height, width: of the picture, in pixels.
        side: of a tile, in pixels; `TILE` by default.
    """
    side = side or TILE
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield top, min(top + side, height), left, min(left + side, width)


def core(tile: Tile) -> Window:
    """The slices of a tile."""
    return slice(tile[0], tile[1]), slice(tile[2], tile[3])


def grown(tile: Tile, margin: int, shape: tuple[int, ...]) -> tuple[Window, Window]:
    """A tile with its surroundings.

    Args:
        margin: how much is added on every side, in pixels, as far as the picture reaches.
        shape: of the picture; its height and width count.

    Returns:
        (slices of the tile and its surroundings, slices of the tile within those).
    """
    top, bottom, left, right = tile
    y, x = max(0, top - margin), max(0, left - margin)
    outer = slice(y, min(bottom + margin, shape[0])), slice(x, min(right + margin, shape[1]))
    return outer, (slice(top - y, bottom - y), slice(left - x, right - x))


def window(values: np.ndarray, part: Window, shape: Sequence[int], band: tuple[int, int] | None = None) -> np.ndarray:
    """A part of `values` as if they had been resized to `shape`, without resizing all of them.

    Args:
        values: float32, h × w or h × w × channels (at most 4).
        part: slices of rows and columns at the size of `shape`.
        shape: whose height and width count.
        band: (first row, height) where `values` are some rows alone of a picture of that height.
    """
    rows, columns = part
    top, height = band or (0, values.shape[0])
    down, across = height / shape[0], values.shape[1] / shape[1]
    if down == across == 1:
        return values[rows.start - top : rows.stop - top, columns]
    matrix = np.array(
        [
            [across, 0, across * (columns.start + 0.5) - 0.5],
            [0, down, down * (rows.start + 0.5) - 0.5 - top],
        ],
        np.float64,
    )
    size = (columns.stop - columns.start, rows.stop - rows.start)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(values, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
