"""A piece from nearby: the picker is asked once more of the part of the photo that shows it, as large as may be.

The legs of a chair at the back of a room are thinner than a pixel of the picker's square of the whole photo.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from segmenter.inference import preprocessing, second_look, tiles
from segmenter.inference.second_look import Box

MARGIN = 0.15  # of the longer side of what is shown, added on every side
WORTHWHILE = 0.85  # a box of more than this share of the photo shows the picker little new
LONGEST = 1280  # pixels of the photo's longer side that are kept: a piece of a quarter of it fills the picker's square

Click = tuple[tuple[float, float], int]  # x and y as shares, and a label: 1 this piece, 0 not this


class Part(NamedTuple):
    """A part of a photo, and where it lies."""

    photo: np.ndarray  # uint8, h × w × 3
    window: tiles.Window  # rows and columns of the whole
    shape: tuple[int, int]  # of the whole, height first

    def clicks(self, clicked: Sequence[Click]) -> tuple[Click, ...]:
        """Those that lie on it, as shares of its sides, of clicks as shares of the whole's."""
        rows, columns = self.window
        (height, width), (down, across) = self.shape, self.photo.shape[:2]
        moved = ((((x * width - columns.start) / across, (y * height - rows.start) / down), k) for (x, y), k in clicked)
        return tuple(((x, y), label) for (x, y), label in moved if 0 <= x < 1 and 0 <= y < 1)

    def of(self, square: np.ndarray) -> np.ndarray:
        """What a map of the whole (float32, size × size) shows of it: float32, size × size."""
        return preprocessing.resize(tiles.window(square, self.window, self.shape), *square.shape)


def box_around(piece: np.ndarray, clicked: Sequence[Click]) -> Box | None:
    """Where a piece and the clicks on it lie, with some room around them; None where there is no piece.

    Args:
        piece: float32, size × size, 0 … 1.
        clicked: as shares of the square.
    """
    mask = (piece >= 0.5).view(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        return None
    side = len(piece)
    corners = [(left / side, top / side), ((left + width) / side, (top + height) / side)]
    x, y = zip(*corners, *(place for place, label in clicked if label))
    margin = max(MARGIN * max(max(x) - min(x), max(y) - min(y)), 1 / side)
    return (
        max(0.0, min(x) - margin),
        max(0.0, min(y) - margin),
        min(1.0, max(x) + margin),
        min(1.0, max(y) + margin),
    )


def is_small(piece: np.ndarray, clicked: Sequence[Click]) -> bool:
    """Whether there is a piece, and a look at it from nearby shows something new."""
    box = box_around(piece, clicked)
    return box is not None and second_look.area(box) <= WORTHWHILE


def part(photo: np.ndarray, box: Box) -> Part:
    """The part of a photo (uint8, H × W × 3) in a box."""
    height, width = photo.shape[:2]
    left, top, right, bottom = second_look.to_pixels(box, width, height)
    window = slice(top, bottom), slice(left, right)
    return Part(np.ascontiguousarray(photo[window]), window, (height, width))


def is_cut(near: np.ndarray, box: Box) -> bool:
    """Whether a piece that is seen in a box (float32, size × size, 0 … 1) goes on beyond it."""
    left, top, right, bottom = box
    mask = near >= 0.5
    sides = (mask[:, 0], left > 0), (mask[0], top > 0), (mask[:, -1], right < 1), (mask[-1], bottom < 1)
    return any(within and side.any() for side, within in sides)


def join(piece: np.ndarray, near: np.ndarray, box: Box, shape: Sequence[int]) -> np.ndarray:
    """A piece with what is seen of it from nearby in its place.

    Args:
        piece: float32, size × size, 0 … 1: what is known of it in the whole photo.
        near: float32, size × size, 0 … 1: what is seen of it in the box.
        box: as shares of the photo.
        shape: of the photo, height first.

    Returns:
        float32, h × w, 0 … 1, as fine as the look from nearby, see `second_look.canvas_shape`.
    """
    canvas = preprocessing.from_network(piece, *second_look.canvas_shape(shape, len(piece), second_look.area(box)))
    left, top, right, bottom = second_look.to_pixels(box, canvas.shape[1], canvas.shape[0])
    canvas[top:bottom, left:right] = preprocessing.from_network(near, bottom - top, right - left)
    return canvas
