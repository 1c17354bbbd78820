"""Clicks as the network takes them.

A click is a place in the photo and a label: 1 where it lies on the piece that is meant, 0 where it does not.
Places are shares of the photo's width and height here, 0 … 1, so that they mean the same at every size.
"""

from collections.abc import Sequence

import cv2
import numpy as np

RADIUS = 0.013  # of a disc, as a share of the square's side: a fingertip more than a pixel


def depth(region: np.ndarray) -> np.ndarray:
    """How far each pixel of a region lies from its border and from the picture's, in pixels; 0 outside of it.

    Args:
        region: bool, H × W.
    """
    padded = np.pad(region, 1).astype(np.uint8)
    return cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]


def pixel(point: Sequence[float], shape: tuple[int, ...]) -> tuple[int, int]:
    """The (row, column) of a click, x and y as shares, on a picture of this shape."""
    (x, y), (height, width) = point, shape[:2]
    return min(int(y * height), height - 1), min(int(x * width), width - 1)


def so_far(piece: np.ndarray) -> np.ndarray:
    """A piece as the picker is told it: float32, size × size → size/2 × size/2."""
    side = piece.shape[0] // 2
    return cv2.resize(piece, (side, side), interpolation=cv2.INTER_AREA)


def draw(points: Sequence[Sequence[float]], labels: Sequence[int], before: np.ndarray) -> np.ndarray:
    """The prompts of a picker: where was clicked, and what the piece was so far.

    Args:
        points: (x, y) as shares of the photo's width and height, 0 … 1.
        labels: of each point, 1 (this piece) or 0 (not this).
        before: float32, s × s, 0 … 1, the piece so far; zeros before the first click.

    Returns:
        float32, s × s × 3: discs of 1 on the piece, discs of 1 beside it, `before`.
    """
    side = before.shape[0]
    result = np.zeros((side, side, 3), np.float32)
    radius = max(1.5, RADIUS * side)
    for (x, y), label in zip(points, labels):
        row, column = pixel((x, y), before.shape)
        reach = int(radius) + 1
        rows = np.arange(max(0, row - reach), min(side, row + reach + 1))[:, np.newaxis]
        columns = np.arange(max(0, column - reach), min(side, column + reach + 1))
        disc = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        part = result[rows[0, 0] : rows[-1, 0] + 1, columns[0] : columns[-1] + 1, 0 if label else 1]
        part[disc] = 1.0
    result[..., 2] = before
    return result
