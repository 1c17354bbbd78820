"""From a probability map to a mask and to opacity: pure functions, cheap enough for a slider."""

import math

import cv2
import numpy as np

from segmenter.inference import tiles
from segmenter.render.constants import CONSTANTS

RAMP = CONSTANTS["alpha"]["ramp"]  # alpha goes from 0 to 1 within this much probability on either side of the threshold
RIM = CONSTANTS["alpha"]["rim"]  # and within this share of the photo's longer side on either side of the outline
LEVELS = 8  # of alpha that are moved one by one where an outline is moved
UNSURE = CONSTANTS["alpha"]["unsure"]  # a pixel this near the threshold is one the network is unsure of


def mask(probabilities: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """What is furniture at this threshold.

    Args:
        probabilities: float32, H × W, 0 … 1.
        threshold: 0 … 1.

    Returns:
        mask: bool, H × W.
    """
    return probabilities >= threshold


def alpha(probabilities: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Opacity: 1 inside the mask, 0 outside, and a soft ramp along its outline.

    Near the outline, alpha is a straight line through 0.5 at the threshold that reaches 0 and 1
    `RAMP` below and above it (sooner where 0 or 1 is nearer than that). Farther from the outline
    than `RIM` it is 0 or 1, so that what the network is lukewarm about does not turn out
    half-transparent.

    Args:
        probabilities: float32, H × W, 0 … 1.
        threshold: 0 … 1.

    Returns:
        float32, H × W, 0 … 1. It grows with the probabilities and shrinks with the threshold.
    """
    result, radius = np.zeros(probabilities.shape, np.float32), rim(probabilities.shape)
    for tile in tiles.tiles(*probabilities.shape):
        outer, inner = tiles.grown(tile, radius, probabilities.shape)
        part = probabilities[outer]
        least, most, *_ = cv2.minMaxLoc(part)
        if most < threshold:  # no outline is near, as in most tiles
            continue
        result[tiles.core(tile)] = 1 if least >= threshold else _alpha(part, threshold, radius)[inner]
    return result


def _alpha(probabilities, threshold, radius):
    """`alpha` of a part of a map; right where it is farther than `radius` from where the part ends."""
    below, above = _ramp(threshold)
    ramp = probabilities - np.float32(threshold)
    ramp *= np.where(ramp < 0, 1 / (2 * below), 1 / (2 * above))
    ramp += np.float32(0.5)
    inside = mask(probabilities, threshold).view(np.uint8)
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    np.maximum(ramp, cv2.erode(inside, kernel), out=ramp)  # 1 well inside, and nowhere less than 0
    return np.minimum(ramp, cv2.dilate(inside, kernel), out=ramp)  # 0 well outside, and nowhere more than 1


def rim(shape: tuple[int, ...]) -> int:
    """How far from the outline alpha is soft at most, in pixels, on a map of this shape."""
    return max(2, round(max(shape) * RIM))


def alpha_inverse(opacity: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """The probabilities of which `alpha` makes these opacities near an outline: float32, 0 … 1."""
    below, above = _ramp(threshold)
    offset = 2 * opacity - 1
    return np.clip(threshold + offset * np.where(offset < 0, below, above), 0, 1).astype(np.float32)


def _ramp(threshold):
    """How far below and above the threshold alpha is 0 and 1."""
    return np.float32(max(min(RAMP, threshold), 1e-6)), np.float32(max(min(RAMP, 1.0 - threshold), 1e-6))


def grow(opacity: np.ndarray, distance: float) -> np.ndarray:
    """Move the outline by a distance, keeping how soft it is: each level of alpha moves alike.

    Args:
        opacity: float32, H × W, 0 … 1.
        distance: in pixels, fractions included; below 0 the object shrinks.

    Returns:
        float32, H × W, 0 … 1; `opacity` itself where the distance is 0.
    """
    if distance == 0:
        return opacity
    result = np.zeros_like(opacity)
    core = _near(opacity > 0, math.ceil(abs(distance)) + 1)
    inner = opacity[core]
    if inner.size:  # an object that shrinks is a background that grows
        result[core] = _grow(inner, distance) if distance > 0 else 1 - _grow(1 - inner, -distance)
    return result


def _grow(opacity, distance):
    result = np.zeros_like(opacity)
    for level in range(LEVELS):
        below = (opacity < (level + 0.5) / LEVELS).astype(np.uint8)
        if below.all():  # of nothing, the distance is undefined
            continue
        away = cv2.distanceTransform(below, cv2.DIST_L2, cv2.DIST_MASK_5)
        result += np.clip(1 + distance - away, 0, 1) / LEVELS
    return np.minimum(result, 1, out=result)


def soften(opacity: np.ndarray, sigma: float) -> np.ndarray:
    """Alpha with its edge blurred by a Gaussian of this standard deviation in pixels."""
    result = np.zeros_like(opacity)
    core = _near(opacity > 0, math.ceil(3 * sigma) + 1)
    inner = opacity[core]
    if not inner.size:
        return result
    scale = max(1.0, sigma / 4)  # a wide blur is as good on fewer pixels
    size = [max(1, round(side / scale)) for side in inner.shape[::-1]]
    small = cv2.resize(inner, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / scale, borderType=cv2.BORDER_REPLICATE)
    result[core] = cv2.resize(small, inner.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return result


def _near(inside, margin):
    """The slices of the box round what is inside (bool, H × W), and `margin` pixels more."""
    box = box_of(inside)
    if box is None:
        return np.s_[0:0, 0:0]
    left, top, right, bottom = box
    return np.s_[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin]


def box_of(inside: np.ndarray) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of what is True in a bool array, right and bottom exclusive, or None."""
    columns, rows = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    if not len(columns):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def check_same_size(photo: np.ndarray, probabilities: np.ndarray) -> None:
    """See that a map belongs to a photo.

    Raises:
        ValueError: the map is not of the photo's size.
    """
    if photo.shape[:2] != probabilities.shape:
        raise ValueError(f"the map is {probabilities.shape}, but the photo {photo.shape[:2]}, in pixels")
