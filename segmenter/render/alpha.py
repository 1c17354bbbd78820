"""What is made of a photo and its probability map: pure functions, cheap enough for a slider."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from segmenter.inference import refine

RAMP = 0.2  # alpha goes from 0 to 1 within this much probability on either side of the threshold
RIM = 1 / 400  # and within this share of the photo's longer side on either side of the outline
LEVELS = 8  # of alpha that are moved one by one where an outline is moved

YELLOW = (255, 214, 10)  # of the heatmap: the yellower, the surer
SHADE = 0.55  # how dark the heatmap makes what is surely background

UNSURE = 0.2  # a pixel this near the threshold is one the network is unsure of
PLACES = (
    ("top left", "top", "top right"),
    ("left", "centre", "right"),
    ("bottom left", "bottom", "bottom right"),
)


def mask(probabilities, threshold=0.5):
    """What is furniture at this threshold.

    Args:
        probabilities: float32, H × W, 0 … 1.
        threshold: 0 … 1.

    Returns:
        mask: bool, H × W.
    """
    return probabilities >= threshold


def alpha(probabilities, threshold=0.5):
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
    below, above = _ramp(threshold)
    offset = probabilities - np.float32(threshold)
    ramp = np.clip(0.5 + 0.5 * offset / np.where(offset < 0, below, above), 0.0, 1.0)
    inside = mask(probabilities, threshold).astype(np.uint8)
    radius = rim(inside.shape)
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    ramp[cv2.erode(inside, kernel) == 1] = 1.0
    ramp[cv2.dilate(inside, kernel) == 0] = 0.0
    return ramp.astype(np.float32, copy=False)


def rim(shape):
    """How far from the outline alpha is soft at most, in pixels, on a map of this shape."""
    return max(2, round(max(shape) * RIM))


def alpha_inverse(opacity, threshold=0.5):
    """The probabilities of which `alpha` makes these opacities near an outline: float32, 0 … 1."""
    below, above = _ramp(threshold)
    offset = 2 * opacity - 1
    return np.clip(threshold + offset * np.where(offset < 0, below, above), 0, 1).astype(np.float32)


def _ramp(threshold):
    """How far below and above the threshold alpha is 0 and 1."""
    return np.float32(max(min(RAMP, threshold), 1e-6)), np.float32(max(min(RAMP, 1.0 - threshold), 1e-6))


def cut(photo, probabilities, threshold=0.5, softness=0.0, shift=0.0):
    """The furniture alone.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, H × W, 0 … 1.
        threshold: how sure it must be, 0 … 1.
        softness: how far the edge is blurred: the standard deviation in thousandths of the photo's
            longer side, from 0.
        shift: how far the edge is moved, in the same unit; above 0 the object grows.

    Returns:
        cutout: uint8, H × W × 4, RGBA, straight alpha. The rim's colours are the furniture's
        own, without the old background; where alpha is 0, the colour is 0 too.

    Raises:
        ValueError: the map is not of the photo's size.
    """
    _check_same_size(photo, probabilities)
    unit = max(photo.shape) / 1000
    opacity = grow(alpha(probabilities, threshold), shift * unit)
    colours = refine.clean_colours(photo, opacity)
    if softness:
        solid, opacity = opacity, soften(opacity, softness * unit)
        colours = refine.spread_colours(colours, solid, opacity)
    opacity = np.rint(opacity * 255.0).astype(np.uint8)
    cutout = np.dstack([colours, opacity])
    cutout[opacity == 0] = 0
    return cutout


def grow(opacity, distance):
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


def soften(opacity, sigma):
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


def box_of(inside):
    """(left, top, right, bottom) of what is True in a bool array, right and bottom exclusive, or None."""
    columns, rows = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    if not len(columns):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def heatmap(photo, probabilities, opacity=0.7):
    """The map over the photo: the yellower, the surer.

    Per pixel, with p the probability: the photo is darkened to `photo · (1 − SHADE · opacity · (1 − p))`,
    and then `YELLOW` is mixed in with weight `opacity · p`.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, H × W, 0 … 1.
        opacity: 0 (the photo alone) … 1 (plain yellow where it is surest).

    Returns:
        uint8, H × W × 3, RGB.

    Raises:
        ValueError: the map is not of the photo's size.
    """
    _check_same_size(photo, probabilities)
    yellow = np.asarray(YELLOW, np.float32)
    picture = np.empty_like(photo)
    for top in range(0, len(photo), 256):  # in strips, as float32 takes four times the photo's memory
        rows = slice(top, top + 256)
        p = probabilities[rows, :, np.newaxis]
        weight = opacity * p
        shaded = photo[rows] * (1.0 - SHADE * opacity * (1.0 - p))
        picture[rows] = np.rint(shaded + (yellow - shaded) * weight)
    return picture


def outline(probabilities, threshold=0.5):
    """The mask's contours, holes included.

    Returns:
        list of float32 arrays, n × 2: closed polygons of (x, y) pixel coordinates.
    """
    inside = mask(probabilities, threshold).astype(np.uint8)
    contours, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [contour.reshape(-1, 2).astype(np.float32) for contour in contours]


@dataclass(frozen=True)
class Description:
    """A result in figures, for the page to put into words."""

    coverage: float  # share of the photo inside the mask, 0 … 1
    confidence: float  # mean probability inside the mask, 0 … 1; 0 where the mask is empty
    pieces: int  # sizeable separate parts of the mask
    unsure: float  # area the network is unsure of, beyond an outline's ordinary softness, per mask area
    unsure_where: str | None  # one of `PLACES`, relative to the mask's box; None if nothing to speak of
    box: tuple | None  # (left, top, right, bottom) of the mask in pixels, right and bottom exclusive


def describe(probabilities, threshold=0.5):
    """The result at a threshold in figures.

    Args:
        probabilities: float32, H × W, 0 … 1.
        threshold: 0 … 1.

    Returns:
        Description.
    """
    inside = mask(probabilities, threshold)
    coverage = float(inside.mean())
    if not coverage:
        return Description(0.0, 0.0, 0, 0.0, None, None)
    confidence = float(probabilities.mean(where=inside, dtype=np.float64))
    small = _shrink(probabilities, 384)
    unsure, where = _unsure(small, threshold)
    return Description(coverage, confidence, _count_pieces(small, threshold), unsure, where, box_of(inside))


def _shrink(probabilities, longest):
    height, width = probabilities.shape
    scale = min(1.0, longest / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(probabilities, size, interpolation=cv2.INTER_AREA)


def _count_pieces(small, threshold):
    """Parts that are at least a twentieth of the largest and a two-thousandth of the photo."""
    inside = mask(small, threshold).astype(np.uint8)
    count, _, statistics, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    areas = statistics[1:count, cv2.CC_STAT_AREA]
    return int((areas >= max(areas.max(initial=0) / 20, small.size / 2000)).sum()) if len(areas) else 0


def _unsure(small, threshold):
    """(Share, place) of the unsure area that is thicker than an outline's ordinary softness."""
    inside = mask(small, threshold)
    near = (np.abs(small - threshold) <= UNSURE).astype(np.uint8)
    near = cv2.morphologyEx(near, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)).astype(bool)
    if not near.any() or not inside.any():
        return 0.0, None
    share = float(near.sum() / inside.sum())
    if share < 0.01:
        return share, None
    rows, columns = np.nonzero(inside)
    near_rows, near_columns = np.nonzero(near)
    vertical = _third(near_rows.mean(), rows.min(), rows.max() + 1)
    horizontal = _third(near_columns.mean(), columns.min(), columns.max() + 1)
    return share, PLACES[vertical][horizontal]


def _third(position, start, end):
    return int(np.clip(3 * (position + 0.5 - start) / (end - start), 0, 2))


def to_png(picture):
    """A picture as the bytes of a PNG file, without loss.

    Args:
        picture: uint8, H × W × 4 (RGBA, straight alpha), H × W × 3 (RGB) or H × W (grey).

    Returns:
        bytes.
    """
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    # The lightest compression: at 12 megapixels the default one takes seconds.
    _, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return data.tobytes()


def _check_same_size(photo, probabilities):
    if photo.shape[:2] != probabilities.shape:
        raise ValueError(f"the map is {probabilities.shape}, but the photo {photo.shape[:2]}, in pixels")
