"""Where a result may be wrong: what lies near the threshold, loose pieces, enclosed gaps, and one figure for all."""

import cv2
import numpy as np

from segmenter.render import alpha

LISTED = 12  # pieces, and gaps, that are listed at most
SPECK = 1e-5  # a piece or gap below this share of the photo is not worth a click
SPECK_PIXELS = 4


def find(probabilities, threshold=0.5):
    """What a person may want to look at, the weightiest first.

    A piece weighs as much as its expected number of wrong pixels: the sum of 1 − p over an island,
    of p over a gap. The largest piece is taken as the object itself and is no island.

    Args:
        probabilities: float32, H × W, 0 … 1.
        threshold: 0 … 1.

    Returns:
        dict of plain JSON values:
        `near`: share of the photo's pixels whose probability is within `alpha.UNSURE` of the threshold;
        `doubtfulness`: see there;
        `islands`, `gaps`: at most `LISTED` each, dicts of `box` [left, top, right, bottom] and `at`
            [x, y], a point well inside, as shares of width and height; `area`, as a share of the
            photo; `confidence`, the mean probability that it is what it is taken for;
        `more`: how many islands and gaps there are besides.
    """
    inside = alpha.mask(probabilities, threshold)
    islands, gaps = _islands(probabilities, inside), _gaps(probabilities, inside)
    return {
        "near": float((np.abs(probabilities - np.float32(threshold)) <= alpha.UNSURE).mean()),
        "doubtfulness": doubtfulness(probabilities, threshold),
        "islands": [_told(piece, inside.shape) for piece in islands[:LISTED]],
        "gaps": [_told(piece, inside.shape) for piece in gaps[:LISTED]],
        "more": max(0, len(islands) - LISTED) + max(0, len(gaps) - LISTED),
    }


def doubtfulness(probabilities, threshold=0.5):
    """How doubtful a result is, 0 (sure) … 1: one minus the IoU to be expected of its mask.

    With m the mask and p the probabilities, taken at their word, the expected intersection with the
    truth is Σ m·p and the expected union Σ max(m, p). Where nothing is found it is 1, as a photo
    that somebody sends usually shows something.
    """
    inside = alpha.mask(probabilities, threshold)
    intersection = float(probabilities.sum(where=inside, dtype=np.float64))
    beyond = float(probabilities.sum(dtype=np.float64)) - intersection
    return 1 - intersection / (int(inside.sum()) + beyond) if intersection > 0 else 1.0


def _islands(probabilities, inside):
    """All pieces of the mask but the largest, the weightiest first."""
    pieces = _pieces(inside, 1 - probabilities, 8)
    if pieces:
        pieces.remove(max(pieces, key=lambda piece: piece[1]))
    return _sorted(pieces, inside.shape)


def _gaps(probabilities, inside):
    """All pieces of the background that the mask encloses, the weightiest first."""
    height, width = inside.shape
    pieces = [
        piece for piece in _pieces(~inside, probabilities, 4)
        if piece[0][0] > 0 and piece[0][1] > 0 and piece[0][2] < width and piece[0][3] < height
    ]  # fmt: skip
    return _sorted(pieces, inside.shape)


def _pieces(kind, wrong, connectivity):
    """The connected pieces of a bool array: tuples of (box, area, sum of `wrong`, its labels, its label)."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(kind.astype(np.uint8), connectivity=connectivity)
    sums = np.bincount(labels.ravel(), weights=wrong.ravel(), minlength=count)
    pieces = []
    for label in range(1, count):
        left, top, width, height, area = statistics[label].tolist()
        pieces.append(((left, top, left + width, top + height), area, float(sums[label]), labels, label))
    return pieces


def _sorted(pieces, shape):
    smallest = max(SPECK_PIXELS, SPECK * shape[0] * shape[1])
    return sorted((piece for piece in pieces if piece[1] >= smallest), key=lambda piece: (-piece[2], piece[0]))


def _told(piece, shape):
    """A piece as plain JSON."""
    (left, top, right, bottom), area, wrong, labels, label = piece
    height, width = shape
    shape_of_it = np.pad((labels[top:bottom, left:right] == label).astype(np.uint8), 1)
    depth = cv2.distanceTransform(shape_of_it, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    return {
        "box": [left / width, top / height, right / width, bottom / height],
        "area": area / (height * width),
        "at": [(left + int(x) + 0.5) / width, (top + int(y) + 0.5) / height],
        "confidence": 1 - wrong / area,
    }
