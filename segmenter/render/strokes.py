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
STRETCH = 256.0  # pixels of a stroke's way that are looked at together; a longer line is looked at alone
AT_ONCE = 1_000_000  # distances that are worked out together
MOST_LISTED = 2_000_000  # pixels of a rim that are listed: the list takes 16 bytes each
LISTED_COST = 8  # times as long to look at a pixel of the list as to see whether one is of the rim

Pixels = tuple[np.ndarray, ...]  # their rows and columns


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
        cv2.subtract(band, covered, band)
    result = covered.astype(np.float32)
    # The rim of a stroke that lies over itself may be short, however long its way is.
    listed = np.nonzero(band) if cv2.countNonZero(band) <= MOST_LISTED else None
    for part in _parts(points, radius):
        for rows, columns in _near(part, radius, band, listed):
            _cover(result, rows, columns, part, radius)
    return result


def _parts(points: np.ndarray, radius: float) -> Iterator[np.ndarray]:
    """The stroke's way in parts: m × 2, one long line or several short ones after each other."""
    most = max(STRETCH, 2 * radius)
    first, length = 0, 0.0
    for number, way in enumerate(np.hypot(*np.diff(points, axis=0).T)):
        length += way
        if length >= most or number + 2 == len(points):
            yield points[first : number + 2]
            first, length = number + 1, 0.0


def _near(part: np.ndarray, radius: float, band: np.ndarray, listed: Pixels | None) -> Iterator[Pixels]:
    """The band's pixels of which a part may cover something, and a few more: some at a time, each at most once.

    Args:
        part: m × 2.
        radius: in pixels.
        band: uint8, height × width; 1 in the band.
        listed: all of the band's pixels, row by row, where they are few.
    """
    height, width = band.shape
    low, high = np.floor(part.min(axis=0) - radius - 1), np.ceil(part.max(axis=0) + radius + 2)
    left, top = np.clip(low, 0, (width, height)).astype(int)
    right, bottom = np.clip(high, 0, (width, height)).astype(int)
    if left >= right or top >= bottom:
        return
    is_long = len(part) == 2 and np.hypot(*(part[1] - part[0])) >= STRETCH
    looks = max(bottom - top, right - left) * 3 * (radius + 2) if is_long else (bottom - top) * (right - left)
    if listed is not None:
        rows, columns = listed
        first, last = np.searchsorted(rows, [top, bottom])
        if LISTED_COST * (last - first) < looks:
            inside = (columns[first:last] >= left) & (columns[first:last] < right)
            yield rows[first:last][inside], columns[first:last][inside]
            return
    if is_long and abs(part[1, 1] - part[0, 1]) >= abs(part[1, 0] - part[0, 0]):
        yield from _along(part, radius, band)
    elif is_long:
        yield from ((rows, columns) for columns, rows in _along(part[:, ::-1], radius, band.T))
    else:
        rows, columns = np.nonzero(band[top:bottom, left:right])
        yield rows + top, columns + left


def _along(line: np.ndarray, radius: float, band: np.ndarray) -> Iterator[Pixels]:
    """The band's pixels near a line that goes down more than across, from each row those beside it."""
    height, width = band.shape
    (x, y), (across, down) = line[0], line[1] - line[0]
    low, high = sorted(line[:, 1])
    rows = np.arange(max(0, math.floor(low - radius - 1)), min(height, math.ceil(high + radius + 2)))
    middle = x + across / down * (np.clip(rows, low, high) - y)
    reach = (radius + 1) * math.hypot(1, across / down) + 1  # along a row
    count = min(2 * math.ceil(reach) + 1, width)
    starts = np.clip(np.floor(middle - reach), 0, width - count).astype(int)
    step = max(1, AT_ONCE // count)
    for first in range(0, len(rows), step):
        columns = starts[first : first + step, None] + np.arange(count)
        row, column = np.nonzero(band[rows[first : first + step, None], columns])
        yield rows[first + row], columns[row, column]


def _cover(result: np.ndarray, rows: np.ndarray, columns: np.ndarray, part: np.ndarray, radius: float) -> None:
    """Raise what is covered of some pixels, in place, to what a part of the stroke covers."""
    levels, places = result.reshape(-1), rows * result.shape[1] + columns
    before = levels[places]
    open_yet = before < 1
    if not open_yet.all():
        before, places, rows, columns = (each[open_yet] for each in (before, places, rows, columns))
    if len(places):
        covered = np.clip(radius + 0.5 - distances(columns, rows, part), 0, 1)
        levels[places] = np.maximum(before, covered.astype(np.float32))


def distances(columns: np.ndarray, rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    """From each pixel (its x and y: n each) to the line through the points (m × 2): float64, n."""
    nearest = np.full(len(columns), np.inf)
    step = max(1, AT_ONCE // (len(points) - 1))
    for first in range(0, len(columns), step):
        part = slice(first, first + step)
        squares = _squares(columns[part], rows[part], points)
        nearest[part] = np.sqrt(squares.min(axis=0))
    return nearest


def _squares(columns: np.ndarray, rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The squares of the distances from n pixels to each of the lines between the points: float64, (m − 1) × n."""
    starts, ways = points[:-1, :, None], np.diff(points, axis=0)[:, :, None]
    lengths = np.maximum((ways**2).sum(axis=1), 1e-12)
    x, y = columns - starts[:, 0], rows - starts[:, 1]
    along = np.clip((x * ways[:, 0] + y * ways[:, 1]) / lengths, 0, 1)
    x -= along * ways[:, 0]
    y -= along * ways[:, 1]
    return x * x + y * y
