"""Clicks on a photo → the piece that is meant."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from cachetools import LRUCache

from segmenter.inference import clicks, completing

if TYPE_CHECKING:  # who only checks clicks needs no network
    from segmenter.inference.network import Network

WHOLE = 0.8  # who is given so much of a part of the furniture is given all of it
MAX_CLICKS = 50  # clicks on one piece; whoever needs more has a brush
KEPT = 8  # pieces so far of one photo
ALONE = 0.9  # of a part of the furniture: who is told it, and leaves so much of it, says that it is one piece
MUCH = 0.3  # of the piece so far: a click that adds more may have been taken for one on another piece
NEAR = 5  # pixels of the square: a click means a change that is no farther from it

Clicks = tuple[tuple[tuple[float, float], int], ...]  # ((x, y), label) of each, as shares of the square


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


class Views:
    """A square as a picker sees it: as it is and as its mirror image, whose mean counts.

    What it makes of a doubtful part often depends on the side it sees it from.

    Args:
        network: Network that can pick.
        square: float32, 1 × size × size × 3, 0 … 1.
    """

    def __init__(self, network: "Network", square: np.ndarray) -> None:
        self.network = network
        self.seen = network.see(square), network.see(square[:, :, ::-1])
        self.furniture = (self.seen[0].furniture + self.seen[1].furniture[:, ::-1]) / 2
        self._so_far: LRUCache[Clicks, np.ndarray] = LRUCache(KEPT)  # the pieces at some clicks, for who makes one more
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return sum(each.nbytes for each in self.seen) + self.furniture.nbytes + KEPT * 4 * self.network.size**2

    def ask(self, clicked: Clicks, before: np.ndarray) -> np.ndarray:
        """Clicks, and the piece so far (float32, size/2 × size/2, 0 … 1) → the piece: float32, size × size, 0 … 1."""
        points, labels = zip(*clicked)
        mirrored = [(1 - x, y) for x, y in points]
        piece = self.network.pick(self.seen[0], clicks.draw(points, labels, before))
        other = self.network.pick(self.seen[1], clicks.draw(mirrored, labels, before[:, ::-1]))
        return (piece + other[:, ::-1]) / 2

    def piece(self, clicked: Clicks) -> np.ndarray:
        """The piece at some clicks: float32, size × size, 0 … 1. Each is told what it was so far."""
        piece = self._first(clicked) if len(clicked) == 1 else self._further(clicked)
        with self._lock:
            self._so_far[clicked] = piece
        return piece

    def _first(self, clicked):
        """The piece at one click, which says least: the picker is asked twice, the second time with what it made of it.

        The first time it is told which part of the furniture was clicked. Where it would take only some of that,
        several pieces touch, and it is asked without.
        """
        part = self._part_at(clicked[0][0])
        if part is not None:
            piece = self.ask(clicked, clicks.so_far(part))
            if (piece[part >= 0.5] >= 0.5).mean() >= ALONE:
                return self.ask(clicked, clicks.so_far(piece))
        piece = self.ask(clicked, clicks.so_far(np.zeros_like(self.furniture)))
        return self.ask(clicked, clicks.so_far(piece))

    def _further(self, clicked):
        """The piece at several clicks. Of what the last one changes, what is elsewhere stays as it was.

        Where the last one would add much, the picker may have taken up another piece like the first. It is asked
        for that click alone then: what that gives is added instead, if all clicks agree with it and it is less.
        """
        so_far, (click, label) = self._so_far_at(clicked[:-1]), clicked[-1]
        piece = changed_at(click, so_far, self.ask(clicked, clicks.so_far(so_far)))
        if not label or _added(so_far, piece) <= MUCH * (so_far >= 0.5).sum():
            return piece
        alone = self.ask(clicked[-1:], clicks.so_far(np.zeros_like(so_far)))
        agrees = all((alone[clicks.pixel(place, alone.shape)] >= 0.5) == bool(each) for place, each in clicked)
        less = changed_at(click, so_far, np.maximum(so_far, alone))
        return less if agrees and _added(so_far, less) < _added(so_far, piece) else piece

    def _part_at(self, click):
        """The connected part of the furniture at a place, 0 elsewhere; None where there is none."""
        _, labels = cv2.connectedComponents((self.furniture >= completing.LINK).astype(np.uint8))
        label = labels[clicks.pixel(click, labels.shape)]
        part = np.where(labels == label, self.furniture, np.float32(0))
        return part if label and (part >= 0.5).mean() > completing.SMALLEST else None

    def _so_far_at(self, clicked):
        with self._lock:
            kept = self._so_far.get(clicked)
        return self.piece(clicked) if kept is None else kept


def _added(before, after):
    """How many pixels a piece has gained."""
    return int(((after >= 0.5) & (before < 0.5)).sum())


def changed_at(click: tuple[float, float], before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """A piece before a click, with those of its changes that the click is in or beside.

    Args:
        click: x and y as shares of the square.
        before, after: float32, size × size, 0 … 1.

    Returns:
        float32, size × size, 0 … 1; `after` where no change is near, as then the click may say what was there already.
    """
    changed = (before >= 0.5) != (after >= 0.5)
    _, parts = cv2.connectedComponents(changed.astype(np.uint8), connectivity=8)
    y, x = clicks.pixel(click, before.shape)
    near = set(np.unique(parts[max(0, y - NEAR) : y + NEAR + 1, max(0, x - NEAR) : x + NEAR + 1]).tolist()) - {0}
    return np.where(changed & ~np.isin(parts, list(near)), before, after) if near else after


def pick(views: Views, points: Sequence[tuple[float, float]], labels: Sequence[int]) -> np.ndarray:
    """The piece of a square, as whole as the furniture that it is of.

    Args:
        views: Views of the square.
        points: as shares of the square.
        labels: 1 or 0 for each.

    Returns:
        float32, size × size, 0 … 1.
    """
    clicked = tuple(zip(points, labels, strict=True))
    return complete(views.piece(clicked), views.furniture, points, labels)


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
    pixels = [clicks.pixel(point, furniture.shape) for point in points]
    _, parts = cv2.connectedComponents((furniture >= 0.5).astype(np.uint8))
    clicked = {parts[pixel] for pixel, label in zip(pixels, labels) if label} - {0}
    whole = [part for part in clicked if (piece[parts == part] >= 0.5).mean() >= WHOLE]
    lacking = np.isin(parts, whole) & (piece < furniture)
    _, holes = cv2.connectedComponents((lacking & (piece < 0.5)).astype(np.uint8))
    wanted = {holes[pixel] for pixel, label in zip(pixels, labels) if not label} - {0}
    return np.where(lacking & ~np.isin(holes, list(wanted)), furniture, piece)
