"""Where a result may be wrong: places to check, and one figure for all of it.

A place is one of three kinds. An *island* is a piece of the mask apart from the largest: a scrap, or one in which
nothing is sure. A *gap* is a piece of the background that the mask encloses and in which nothing is sure. An
*area* is any other stretch along or inside the furniture that is lukewarm and thicker than an outline's ordinary
softness. Sure is what lies farther than `alpha.UNSURE` from the threshold.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np

from segmenter.inference.pieces import LEAST
from segmenter.render import alpha
from segmenter.render.constants import CONSTANTS

LISTED = CONSTANTS["uncertainty"]["listed"]  # places of each kind that are listed at most
SPECK = CONSTANTS["uncertainty"]["speck"]  # a piece or gap below this share of the photo is not worth a click
SPECK_PIXELS = CONSTANTS["uncertainty"]["speck_pixels"]
WORTH = CONSTANTS["uncertainty"][
    "worth"
]  # nor is an area, or a gap or piece in which nothing is sure, below this share of the mask
AREA_SIDE = CONSTANTS["uncertainty"]["area_side"]  # longer side of the map on which areas are looked for, in pixels
THICK = CONSTANTS["uncertainty"][
    "thick"
]  # an area holds a square of this side there: an outline's ordinary softness is thinner


def find(probabilities: np.ndarray, threshold: float = 0.5, settled: Iterable[Sequence[float]] = ()) -> dict[str, Any]:
    """What a person may want to look at, the weightiest first.

    A place weighs as much as its expected number of wrong pixels: the sum of 1 − p over an island,
    of p over a gap, of the smaller of both over an area.

    Args:
        probabilities: float32, H × W, 0 … 1: as choices and corrections leave it.
        threshold: 0 … 1.
        settled: points [x, y], in shares of width and height, that a person has decided about: the island or gap
            that holds one of them is no longer listed.

    Returns:
        dict of plain JSON values:
        `check`: how many places there are to check;
        `islands`, `gaps`, `areas`: at most `LISTED` each, dicts of `box` [left, top, right, bottom] and `at`
            [x, y], a point well inside, as shares of width and height; `area`, as a share of the
            photo; `confidence`, the mean probability that it is what it is taken for;
        `near`: share of the photo's pixels whose probability is within `alpha.UNSURE` of the threshold;
        `doubtfulness`: see there.
    """
    inside = alpha.mask(probabilities, threshold)
    answered = [(_index(x, inside.shape[1]), _index(y, inside.shape[0])) for x, y in settled]
    islands, gaps = _islands(probabilities, inside, threshold), _gaps(probabilities, inside, threshold)
    areas = _areas(probabilities, threshold, islands + gaps)
    islands, gaps = (
        [piece for piece in pieces if not any(piece.holds(*point) for point in answered)] for pieces in (islands, gaps)
    )
    return {
        "check": len(islands) + len(gaps) + len(areas),
        "islands": [_as_json(piece) for piece in islands[:LISTED]],
        "gaps": [_as_json(piece) for piece in gaps[:LISTED]],
        "areas": [_as_json(piece) for piece in areas[:LISTED]],
        "near": float(_near(probabilities, threshold).mean()),
        "doubtfulness": doubtfulness(probabilities, threshold),
    }


def doubtfulness(probabilities: np.ndarray, threshold: float = 0.5) -> float:
    """How doubtful a result is, 0 (sure) … 1: one minus the IoU to be expected of its mask.

    With m the mask and p the probabilities, taken at their word, the expected intersection with the
    truth is Σ m·p and the expected union Σ max(m, p). Where nothing is found it is 1, as a photo
    that somebody sends usually shows something.
    """
    inside = alpha.mask(probabilities, threshold)
    intersection = float(probabilities.sum(where=inside, dtype=np.float64))
    beyond = float(probabilities.sum(dtype=np.float64)) - intersection
    return 1 - intersection / (int(inside.sum()) + beyond) if intersection > 0 else 1.0


def _near(probabilities, threshold):
    return np.abs(probabilities - np.float32(threshold)) <= alpha.UNSURE


class _Piece:
    """A connected piece of a bool array: its pixels within its box."""

    def __init__(self, labels, label, statistics, values):
        left, top, width, height, self.count = statistics.tolist()
        self.box, self.frame = (left, top, left + width, top + height), labels.shape
        self.slices = np.s_[top : top + height, left : left + width]
        self.pixels = labels[self.slices] == label
        self.values = values[self.slices][self.pixels]  # the probabilities in it

    def holds(self, x, y):
        left, top, right, bottom = self.box
        return left <= x < right and top <= y < bottom and bool(self.pixels[y - top, x - left])

    @property
    def share(self):
        return self.count / (self.frame[0] * self.frame[1])


def _pieces(kind, values, connectivity, least):
    """The connected pieces of a bool array of at least `least` pixels."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(kind.astype(np.uint8), connectivity=connectivity)
    large = np.flatnonzero(statistics[1:count, cv2.CC_STAT_AREA] >= least) + 1
    return [_Piece(labels, label, statistics[label], values) for label in large.tolist()]


def _smallest(shape):
    return max(SPECK_PIXELS, SPECK * shape[0] * shape[1])


def _islands(probabilities, inside, threshold):
    """The pieces of the mask that may be none of the furniture, the weightiest first."""
    pieces = _pieces(inside, probabilities, 8, _smallest(inside.shape))
    if not pieces:
        return []
    heaviest = max(float(piece.values.sum()) for piece in pieces)
    largest, worth = max(pieces, key=lambda piece: piece.count), WORTH * inside.sum()
    unsure = [
        piece
        for piece in pieces
        if piece is not largest and (piece.values.sum() < LEAST * heaviest or _nothing_is_sure(piece, worth, threshold))
    ]
    return _weightiest_first(unsure, lambda values: 1 - values)


def _gaps(probabilities, inside, threshold):
    """The pieces of the background that the mask encloses and in which nothing is sure, the weightiest first."""
    height, width = inside.shape
    worth = WORTH * inside.sum()
    unsure = [
        piece
        for piece in _pieces(~inside, probabilities, 4, _smallest(inside.shape))
        if piece.box[0] > 0
        and piece.box[1] > 0
        and piece.box[2] < width
        and piece.box[3] < height
        and _nothing_is_sure(piece, worth, threshold)
    ]
    return _weightiest_first(unsure, lambda values: values)


def _nothing_is_sure(piece, least, threshold):
    return piece.count >= least and bool(_near(piece.values, threshold).all())


def _areas(probabilities, threshold, listed):
    """What is lukewarm and thick, apart from the pieces that are listed already, the weightiest first."""
    small = _shrink(probabilities, AREA_SIDE)
    inside = alpha.mask(small, threshold)
    near = _near(small, threshold).astype(np.uint8)
    near = cv2.morphologyEx(near, cv2.MORPH_OPEN, np.ones((THICK, THICK), np.uint8)) == 1
    areas = _pieces(near, small, 8, max(1, WORTH * inside.sum()))
    areas = [area for area in areas if not any(_overlap(area, piece) for piece in listed)]
    return _weightiest_first(areas, lambda values: np.minimum(values, 1 - values)) if inside.any() else []


def _overlap(area, piece):
    """Whether an area and a piece, which may be of maps of two sizes, have a pixel in common."""
    down, across = np.nonzero(area.pixels)
    x = ((across + area.box[0] + 0.5) * piece.frame[1] / area.frame[1]).astype(int) - piece.box[0]
    y = ((down + area.box[1] + 0.5) * piece.frame[0] / area.frame[0]).astype(int) - piece.box[1]
    within = (x >= 0) & (y >= 0) & (x < piece.pixels.shape[1]) & (y < piece.pixels.shape[0])
    return bool(piece.pixels[y[within], x[within]].any())


def _weightiest_first(pieces, wrong):
    for piece in pieces:
        piece.wrong = float(wrong(piece.values).sum(dtype=np.float64))
    return sorted(pieces, key=lambda piece: (-piece.wrong, piece.box))


def _as_json(piece):
    left, top, right, bottom = piece.box
    height, width = piece.frame
    depth = cv2.distanceTransform(np.pad(piece.pixels.astype(np.uint8), 1), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    return {
        "box": [left / width, top / height, right / width, bottom / height],
        "area": piece.share,
        "at": [(left + int(x) + 0.5) / width, (top + int(y) + 0.5) / height],
        "confidence": 1 - piece.wrong / piece.count,
    }


def _index(share, length):
    return min(int(share * length), length - 1)


def _shrink(probabilities, longest):
    height, width = probabilities.shape
    scale = min(1.0, longest / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(probabilities, size, interpolation=cv2.INTER_AREA)
