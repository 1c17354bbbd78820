"""Clicks as the network takes them.

A click is a place in the photo and a label: 1 where it lies on the piece that is meant, 0 where it does not.
Places are shares of the photo's width and height here, 0 … 1, so that they mean the same at every size.
"""

from collections.abc import Sequence

import numpy as np

RADIUS = 0.013  # of a disc, as a share of the square's side: a fingertip more than a pixel


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
        column, row = min(int(x * side), side - 1), min(int(y * side), side - 1)
        reach = int(radius) + 1
        rows = np.arange(max(0, row - reach), min(side, row + reach + 1))[:, np.newaxis]
        columns = np.arange(max(0, column - reach), min(side, column + reach + 1))
        disc = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        part = result[rows[0, 0] : rows[-1, 0] + 1, columns[0] : columns[-1] + 1, 0 if label else 1]
        part[disc] = 1.0
    result[..., 2] = before
    return result
