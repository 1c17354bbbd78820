"""Clicks on a photo → the piece that is meant."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from segmenter.inference import clicks

if TYPE_CHECKING:  # who only checks clicks needs no network
    from segmenter.inference.network import Network, Seen

WHOLE = 0.8  # who is given so much of a part of the furniture is given all of it
MAX_CLICKS = 50  # clicks on one piece; whoever needs more has a brush


def check(
    points: Sequence[Sequence[float]], labels: Sequence[int], shape: tuple[int, ...]
) -> list[tuple[float, float]]:
    """The clicks as shares of the photo's width and height.

    Args:
        points: (x, y) in pixels of the photo.
        labels: of each, 1 (this piece) or 0 (not this).
        shape: of the photo, height first.

    Raises:
        ValueError: they are no clicks on such a photo; the message says why.
    """
    given = np.asarray(points, dtype=object)
    if given.ndim != 2 or given.shape[1] != 2 or len(given) != len(labels):
        raise ValueError("points are pairs of x and y in pixels, with a label for each: 1 this piece, 0 not this")
    if len(given) > MAX_CLICKS:
        raise ValueError(f"{len(given)} points are too many; at most {MAX_CLICKS} are possible")
    if any(label not in (0, 1) for label in labels):
        raise ValueError("a label is 1 where the point lies on the piece, and 0 where it does not")
    if 1 not in labels:
        raise ValueError("at least one point must lie on the piece (label 1)")
    height, width = shape[:2]
    shares = []
    for x, y in given.tolist():
        numbers = isinstance(x, (int, float)) and isinstance(y, (int, float))
        if not numbers or not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"the point ({x}, {y}) does not lie on the photo of {width} × {height} pixels")
        shares.append(((x + 0.5) / width, (y + 0.5) / height))
    return shares


def pick(
    network: "Network",
    seen: "Seen",
    points: Sequence[tuple[float, float]],
    labels: Sequence[int],
) -> np.ndarray:
    """The piece of a square: click by click, each time told what it was so far.

    Args:
        network: Network that can pick.
        seen: what it saw of the square.
        points: as shares of the square.
        labels: 1 or 0 for each.

    Returns:
        float32, size × size, 0 … 1.
    """
    side = network.size // 2
    piece = None
    before = np.zeros((side, side), np.float32)
    for count in range(1, len(points) + 1):
        piece = network.pick(seen, clicks.draw(points[:count], labels[:count], before))
        before = cv2.resize(piece, (side, side), interpolation=cv2.INTER_AREA)
    assert piece is not None, "there is at least one click"
    return complete(piece, seen.furniture, points, labels)


def complete(
    piece: np.ndarray, furniture: np.ndarray, points: Sequence[tuple[float, float]], labels: Sequence[int]
) -> np.ndarray:
    """A piece without the holes that clicks leave in furniture that stands alone.

    The connected parts of the furniture are taken whole where they were clicked, and the piece has nearly all of
    them anyway; but for holes with a click that says so.

    Args:
        piece, furniture: float32, size × size, 0 … 1.
        points, labels: as for `pick`.

    Returns:
        float32, size × size, 0 … 1, nowhere less than `piece`.
    """
    height, width = furniture.shape
    pixels = [(min(int(y * height), height - 1), min(int(x * width), width - 1)) for x, y in points]
    _, parts = cv2.connectedComponents((furniture >= 0.5).astype(np.uint8))
    clicked = {parts[pixel] for pixel, label in zip(pixels, labels) if label} - {0}
    whole = [part for part in clicked if (piece[parts == part] >= 0.5).mean() >= WHOLE]
    lacking = np.isin(parts, whole) & (piece < furniture)
    _, holes = cv2.connectedComponents((lacking & (piece < 0.5)).astype(np.uint8))
    wanted = {holes[pixel] for pixel, label in zip(pixels, labels) if not label} - {0}
    return np.where(lacking & ~np.isin(holes, list(wanted)), furniture, piece)
