"""Clicks on a photo → the piece that is meant."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from cachetools import LRUCache

from segmenter.inference import clicks, close_up, completing, pieces, preprocessing, tiles

if TYPE_CHECKING:  # who only checks clicks needs no network
    from segmenter.inference.network import Network

WHOLE = 0.8  # who is given so much of a part of the furniture is given all of it
MAX_CLICKS = 50  # clicks on one piece; whoever needs more has a brush
KEPT = 8  # pieces so far of one photo
ALONE = 0.9  # of a part of the furniture: who is told it, and leaves so much of it, says that it is one piece
MUCH = 0.07  # of the piece so far: a click that adds more may have been taken for one on another piece
ISLAND = 0.1  # of the heaviest part's weight: a lighter part of a piece, apart from it, is something else
LOOKS = 2  # from nearby at most: where the first shows that the piece goes on, another one shows more of it
NEAR = 5  # pixels of the square: a click means a change that is no farther from it
EDGE = 10  # pixels of the square: a click that says "not this" so near the edge of the piece means what is there
REACH = 3  # times the click's distance from the edge: so far from such a click the piece changes
LITTLE = 0.03  # of the piece: who says "not this" at its edge takes no more from it beyond that reach

Clicks = tuple[close_up.Click, ...]
Asked = tuple[Clicks, bool]  # clicks, and whether pieces are looked at from nearby


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
    """A photo as a picker sees it: as it is and as its mirror image, whose mean counts, and a piece of it from nearby.

    What it makes of a doubtful part often depends on the side it sees it from.

    Args:
        network: Network that can pick.
        photo: uint8, H × W × 3, RGB.
    """

    def __init__(self, network: "Network", photo: np.ndarray) -> None:
        self.network = network
        self.photo = tiles.shrink(photo, close_up.LONGEST).copy()  # the caller's may change
        square = preprocessing.to_network(photo, network.size)
        self.seen = network.see(square), network.see(square[:, :, ::-1])
        self.furniture = (self.seen[0].furniture + self.seen[1].furniture[:, ::-1]) / 2
        self._so_far: LRUCache[Asked, np.ndarray] = LRUCache(KEPT)  # the pieces at some clicks, for who makes one more
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        squares = self.furniture.nbytes + KEPT * 4 * self.network.size**2
        return self.photo.nbytes + sum(each.nbytes for each in self.seen) + squares

    def ask(self, clicked: Clicks, before: np.ndarray) -> np.ndarray:
        """Clicks, and the piece so far (float32, size/2 × size/2, 0 … 1) → the piece: float32, size × size, 0 … 1."""
        points, labels = zip(*clicked)
        piece = self.network.pick(self.seen[0], clicks.draw(points, labels, before))
        return (piece + _mirrored(self.network, self.seen[1], clicked, before)) / 2

    def piece(self, clicked: Clicks, closer: bool = True) -> np.ndarray:
        """The piece at some clicks. Each is told what it was so far.

        Args:
            clicked: as shares of the photo.
            closer: whether it is looked at again from nearby, where it is small.

        Returns:
            float32, h × w, 0 … 1: of all of the photo, in whatever shape.
        """
        ask = self._first if len(clicked) == 1 else self._further
        piece = without_islands(ask(clicked, closer), clicked)
        with self._lock:
            self._so_far[clicked, closer] = self._squeezed(piece)
        return piece

    def _first(self, clicked, closer):
        """The piece at one click, which says least: the picker is asked twice, the second time with what it made of it.

        The first time it is told which part of the furniture was clicked. Where it would take only some of that,
        several pieces touch, and it is asked without.
        """
        piece = self._whole_part(clicked)
        if piece is None:
            piece = self.ask(clicked, clicks.so_far(np.zeros_like(self.furniture)))
        if not (closer and close_up.is_small(piece, clicked)):
            return complete(self.ask(clicked, clicks.so_far(piece)), self.furniture, clicked)
        return self._look_closer(clicked, complete(piece, self.furniture, clicked))

    def _further(self, clicked, closer):
        """The piece at several clicks. Of what the last one changes, what is elsewhere stays as it was.

        Where the last one would add much, the picker may have taken up another piece like the first. It is asked from
        nearby alone then: what that adds is added instead, if all clicks agree with it and it is less.
        """
        before, (_, label) = self._so_far_at(clicked[:-1], closer), clicked[-1]
        piece = changed_at(clicked[-1][0], before, self.ask(clicked, clicks.so_far(before)))
        piece = complete(piece, self.furniture, clicked)
        if not closer:
            return piece
        if close_up.is_small(piece, clicked):
            piece = self._look_closer(clicked, piece)
        added = _added(before, self._squeezed(piece))
        if not label or added <= MUCH * (before >= 0.5).sum():
            return piece
        less = self._look_closer(clicked, before, last=True)
        return less if agrees(less, clicked) and _added(before, self._squeezed(less)) < added else piece

    def _look_closer(self, clicked, piece, last=False):
        """A piece with what is seen of it from nearby; itself where that is not what was clicked, or is cut off.

        Args:
            last: whether it changes only at the last click.
        """
        known = piece
        for _ in range(LOOKS):
            box = close_up.box_around(known, clicked)
            if box is None:
                break
            near = self._nearby(clicked, known, box, last)
            if near is None:
                break
            joined = close_up.join(known, near, box, self.photo.shape)
            if not close_up.is_cut(near, box):
                return joined
            known = self._squeezed(joined)
        return piece

    def _nearby(self, clicked, piece, box, last):
        """What is seen of a piece in a box, from the other side: float32, size × size; None where clicks disagree."""
        part = close_up.part(self.photo, box)
        before, here = part.of(piece), part.clicks(clicked)
        seen = self.network.see(preprocessing.to_network(part.photo, self.network.size)[:, :, ::-1])
        near = _mirrored(self.network, seen, here, clicks.so_far(before))
        if last:
            near = changed_at(here[-1][0], before, near)
        return near if agrees(near, here) else None

    def _squeezed(self, piece):
        """A piece of any shape as float32, size × size."""
        return preprocessing.resize(piece, *self.furniture.shape)

    def _whole_part(self, clicked):
        """What the picker makes of the part of the furniture that was clicked; None where that is not one piece."""
        _, labels = cv2.connectedComponents((self.furniture >= completing.LINK).astype(np.uint8))
        label = labels[clicks.pixel(clicked[0][0], labels.shape)]
        part = np.where(labels == label, self.furniture, np.float32(0))
        if not label or (part >= 0.5).mean() <= completing.SMALLEST:
            return None
        piece = self.ask(clicked, clicks.so_far(part))
        return piece if (piece[part >= 0.5] >= 0.5).mean() >= ALONE else None

    def _so_far_at(self, clicked, closer):
        with self._lock:
            kept = self._so_far.get((clicked, closer))
        return self._squeezed(self.piece(clicked, closer)) if kept is None else kept


def _mirrored(network, seen, clicked, before):
    """What the picker makes of a mirror image, turned back."""
    places, labels = zip(*clicked)
    prompts = clicks.draw([(1 - x, y) for x, y in places], labels, before[:, ::-1])
    return network.pick(seen, prompts)[:, ::-1]


def agrees(piece: np.ndarray, clicked: Clicks) -> bool:
    """Whether a piece (float32, h × w, 0 … 1) has what was clicked, and nothing of what was clicked as not of it."""
    return all((piece[clicks.pixel(place, piece.shape)] >= 0.5) == bool(label) for place, label in clicked)


def without_islands(piece: np.ndarray, clicked: Clicks) -> np.ndarray:
    """A piece (float32, h × w, 0 … 1) without the parts beside it that are small and that nobody clicked."""
    places = [clicks.pixel(place, piece.shape) for place, label in clicked if label]
    return pieces.heaviest(piece, keep=[(x, y) for y, x in places], least=ISLAND)


def _added(before, after):
    """How many pixels a piece has gained."""
    return int(((after >= 0.5) & (before < 0.5)).sum())


def changed_at(click: tuple[float, float], before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """A piece before a click, with those of its changes that the click is in or beside.

    Of a click on the piece's edge that takes much of it, only what lies around it counts: whoever says that a strip
    of wall is not of the sofa does not mean the cushion beside it.

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
    piece = np.where(changed & ~np.isin(parts, list(near)), before, after) if near else after
    return _within_reach((y, x), before, piece)


def _within_reach(pixel, before, after):
    """A piece after a click, as it was before far from a click on its edge that would take much of it."""
    mask = before >= 0.5
    if not mask[pixel] or (mask & (after < 0.5)).sum() <= LITTLE * mask.sum():
        return after
    inside = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    if inside[pixel] > EDGE:
        return after
    y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
    far = np.hypot(y - pixel[0], x - pixel[1]) > max(NEAR, REACH * inside[pixel])
    return np.where(far, before, after)


def complete(piece: np.ndarray, furniture: np.ndarray, clicked: Clicks) -> np.ndarray:
    """A piece without the holes that clicks leave in furniture that stands alone.

    The connected parts of the furniture are taken whole where they were clicked, and the piece has nearly all of
    them anyway; but for holes with a click that says so.

    Args:
        piece, furniture: float32, size × size, 0 … 1.
        clicked: as shares of the square.

    Returns:
        float32, size × size, 0 … 1, nowhere less than `piece`.
    """
    pixels = [(clicks.pixel(place, furniture.shape), label) for place, label in clicked]
    _, parts = cv2.connectedComponents((furniture >= 0.5).astype(np.uint8))
    chosen = {parts[pixel] for pixel, label in pixels if label} - {0}
    whole = [part for part in chosen if (piece[parts == part] >= 0.5).mean() >= WHOLE]
    lacking = np.isin(parts, whole) & (piece < furniture)
    _, holes = cv2.connectedComponents((lacking & (piece < 0.5)).astype(np.uint8))
    wanted = {holes[pixel] for pixel, label in pixels if not label} - {0}
    return np.where(lacking & ~np.isin(holes, list(wanted)), furniture, piece)
