"""A second look from nearby at what is small in a photo."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from segmenter.inference import preprocessing

SEEN = 0.2  # the second look goes where the first gave at least this probability
MARGIN = 0.15  # of the object's box, added on every side
MAX_LOOKS = 3
WORTHWHILE = 0.8  # a box of more than this share of the photo shows the network little new
KEEPS = 0.85  # a second look that keeps less than this of what the first was sure of is misled by the crop,
GROWS = 2.0  # as is one that sees more than this many times as much
CANVAS = 1024  # longest side of the map on which the looks are joined, in pixels,
FINER = 1.5  # but at most so many of them for each of the network's, where it looks from nearest

Box = tuple[float, float, float, float]  # left, top, right, bottom as shares of the photo's width and height


def boxes(square: np.ndarray) -> list[Box]:
    """Where a second look is worthwhile: around the objects that are small in the photo.

    Args:
        square: float32, s × s, 0 … 1: what the network says of the whole photo.

    Returns:
        at most `MAX_LOOKS` boxes, which do not overlap.
    """
    found = _merge_overlapping([_with_margin(box) for box in _object_boxes(square)])
    return [box for box in found if area(box) <= WORTHWHILE]


def join(
    photo: np.ndarray, square: np.ndarray, parts: list[Box], look: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """A coarse map with what is seen from nearby blended in.

    Args:
        photo: uint8, H × W × 3.
        square: float32, s × s, 0 … 1: what the network says of all of it.
        parts: where to look from nearby, as `boxes` gives them.
        look: is asked what the network says of each part of the photo: float32, s × s.

    Returns:
        float32, h × w, 0 … 1; `square` itself where no closer look counts.
    """
    if not parts:
        return square
    height, width = photo.shape[:2]
    canvas = preprocessing.from_network(square, *canvas_shape(photo.shape, len(square), min(map(area, parts))))
    counts = False
    for box in parts:
        left, top, right, bottom = to_pixels(box, width, height)
        near = look(photo[top:bottom, left:right])
        zoom = area(box) ** -0.5  # the finer it sees, the more it counts beside the first look
        counts |= _blend(canvas, near, to_pixels(box, canvas.shape[1], canvas.shape[0]), zoom / (1 + zoom))
    return canvas if counts else square


def canvas_shape(shape: Sequence[int], side: int, smallest: float) -> tuple[int, int]:
    """Height and width of a map that is as fine as a look from nearby, but no finer than the photo.

    Args:
        shape: of the photo, height first.
        side: of the network's square.
        smallest: area of the smallest box that is looked at, as a share of the photo's.
    """
    height, width = shape[:2]
    scale = min(1.0, min(CANVAS, FINER * side / smallest**0.5) / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _blend(canvas, near, box, share):
    """Put the second look into its box of the canvas, in place, unless it is misled; returns whether it was put there.

    Within the box it has its share of the mean of both, 0 … 1, and less towards the box's border. What it
    sees apart from anything the first look saw is left out: a second look makes known objects
    clearer, it does not find new ones.
    """
    left, top, right, bottom = box
    far = canvas[top:bottom, left:right]
    near = preprocessing.from_network(near, *far.shape)
    seen_near, sure_far = near >= SEEN, far >= 0.5
    if (seen_near & sure_far).sum() < KEEPS * sure_far.sum() or seen_near.sum() > GROWS * (far >= SEEN).sum():
        return False
    _, labels = cv2.connectedComponents(seen_near.astype(np.uint8), connectivity=8)
    known = np.unique(labels[far >= SEEN])
    near = np.where(np.isin(labels, known), near, np.minimum(near, far))
    weight = np.outer(_fade(far.shape[0]), _fade(far.shape[1]))
    far += share * weight * (near - far)
    return True


def _fade(length):
    """float32, `length`: 0 at both ends, rising to 1 within half of the margin."""
    ramp = max(1.0, length * MARGIN / (1 + 2 * MARGIN) / 2)
    position = np.arange(length, dtype=np.float32) + 0.5
    return np.clip(np.minimum(position, length - position) / ramp, 0.0, 1.0)


def _object_boxes(square):
    """Boxes, as shares, of the connected parts that the first look saw, the weightiest first."""
    side, seen = square.shape[0], square >= SEEN
    count, labels = cv2.connectedComponents(seen.view(np.uint8))
    weight = np.bincount(labels[seen], weights=square[seen], minlength=count)  # of the background 0
    boxes = []
    for label in np.argsort(-weight)[:MAX_LOOKS]:
        if weight[label] < max(weight.max() / 20, 8):  # a speck is not worth a look
            break
        left, top, width, height = cv2.boundingRect((labels == label).view(np.uint8))
        boxes.append((left / side, top / side, (left + width) / side, (top + height) / side))
    return boxes


def _with_margin(box):
    left, top, right, bottom = box
    across, down = MARGIN * (right - left), MARGIN * (bottom - top)
    return max(0.0, left - across), max(0.0, top - down), min(1.0, right + across), min(1.0, bottom + down)


def _merge_overlapping(boxes):
    """Join boxes that overlap until none do."""
    boxes = list(boxes)
    for i, a in enumerate(boxes):
        for j, b in enumerate(boxes[:i]):
            if min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1]):
                rest = [box for k, box in enumerate(boxes) if k not in (i, j)]
                joined = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
                return _merge_overlapping([*rest, joined])
    return boxes


def area(box: Box) -> float:
    """Of a box, as a share of the photo's."""
    return (box[2] - box[0]) * (box[3] - box[1])


def to_pixels(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """A box of shares in whole pixels, at least one each way."""
    left, top = min(int(box[0] * width), width - 1), min(int(box[1] * height), height - 1)
    right, bottom = max(left + 1, round(box[2] * width)), max(top + 1, round(box[3] * height))
    return left, top, right, bottom
