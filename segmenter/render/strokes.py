"""How much of each pixel the stroke of a round brush covers, in time that grows with the stroke's length alone.

A stroke of radius R pixels covers of each pixel clip(R − d + ½, 0, 1), d being the distance from the
pixel's centre to the line through the points: what a canvas draws with round caps and joins and a line
2R wide.
"""

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import ArrayLike

FINE = 16  # strokes are drawn on a grid this much finer than a pixel (a power of two)
MAX_THICKNESS = 32767  # of the lines that OpenCV draws
STRETCH, PIECE = 256.0, 64.0  # pixels of a stroke's way that are looked at together, and of a long line
AT_ONCE = 1_000_000  # distances that are worked out together


def coverage(points: ArrayLike, radius: float, height: int, width: int) -> np.ndarray:
    """How much of each pixel a stroke covers: float32, height × width, 0 … 1, as this module says above.

    Args:
        points: n × 2, (x, y) in pixels: the first pixel's centre is at (½, ½).
        radius: in pixels.
    """
    points = np.asarray(points, np.float64) - 0.5  # whole numbers are pixels' centres now
    points = np.repeat(points, 2, axis=0) if len(points) == 1 else points
    grid = [np.rint(points * FINE).astype(np.int32)]
    covered, band = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    # Only near the rim it matters how far a pixel is exactly.
    thickness = min(2 * math.ceil(radius + 2), MAX_THICKNESS)
    cv2.polylines(band, grid, False, 1, thickness, shift=FINE.bit_length() - 1)
    if radius >= 4:
        cv2.polylines(covered, grid, False, 1, 2 * math.floor(radius - 2), shift=FINE.bit_length() - 1)
        band[covered == 1] = 0
    result = covered.astype(np.float32)
    for first, last, box in _stretches(points, radius, height, width):
        _cover(result[box], band[box], points[first : last + 1] - (box[1].start, box[0].start), radius)
    return result


def _stretches(points: np.ndarray, radius: float, height: int, width: int) -> Iterator[tuple[int, int, tuple]]:
    """The stroke's way in parts: (number of the first and of the last point, the box of all pixels that it covers).

    Pixels outside of a box are too far away for that part to cover anything of them. A line that is longer than a
    part comes several times, each time with the box of another piece of it.
    """
    most = max(STRETCH, 2 * radius)
    ways = np.hypot(*np.diff(points, axis=0).T)
    first, length = 0, 0.0
    for number, way in enumerate(ways):
        length += way
        if length < most and number + 1 < len(ways):
            continue
        pieces = max(1, math.ceil(way / max(PIECE, 2 * radius))) if number == first else 1
        ends = points[first : number + 2] if pieces == 1 else np.linspace(points[first], points[first + 1], pieces + 1)
        for piece in range(pieces):
            near = ends if pieces == 1 else ends[piece : piece + 2]
            low, high = np.floor(near.min(axis=0) - radius - 1), np.ceil(near.max(axis=0) + radius + 2)
            left, top = np.clip(low, 0, (width, height)).astype(int)
            right, bottom = np.clip(high, 0, (width, height)).astype(int)
            if left < right and top < bottom:
                yield first, number + 1, (slice(top, bottom), slice(left, right))
        first, length = number + 1, 0.0


def _cover(part: np.ndarray, band: np.ndarray, points: np.ndarray, radius: float) -> None:
    """Raise what is covered of the band's pixels, in place, to what the line through these points covers."""
    rows, columns = np.nonzero((band == 1) & (part < 1))
    if len(rows):
        covered = np.clip(radius + 0.5 - distances(np.stack([columns, rows], axis=1), points), 0, 1)
        part[rows, columns] = np.maximum(part[rows, columns], covered.astype(np.float32))


def distances(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """From each pixel (n × 2: x, y) to the line through the points (m × 2): float64, n."""
    starts, ways = points[:-1], np.diff(points, axis=0)
    lengths = np.maximum((ways**2).sum(axis=1), 1e-12)
    nearest = np.full(len(pixels), np.inf)
    step = max(1, AT_ONCE // len(starts))
    for first in range(0, len(pixels), step):
        x, y = pixels[first : first + step, :1] - starts[:, 0], pixels[first : first + step, 1:] - starts[:, 1]
        along = np.clip((x * ways[:, 0] + y * ways[:, 1]) / lengths, 0, 1)
        squares = (x - along * ways[:, 0]) ** 2 + (y - along * ways[:, 1]) ** 2
        nearest[first : first + step] = np.sqrt(squares.min(axis=1))
    return nearest
