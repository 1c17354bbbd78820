"""The furniture alone, as a picture with transparent background."""

import cv2
import numpy as np

from segmenter.inference.pieces import without_scraps
from segmenter.render import alpha, foreground


def cut(
    photo: np.ndarray,
    probabilities: np.ndarray,
    threshold: float = 0.5,
    pieces: str = "main",
    *,
    softness: float = 0.0,
    shift: float = 0.0,
) -> np.ndarray:
    """The furniture alone.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, H × W, 0 … 1.
        threshold: how sure it must be, 0 … 1.
        pieces: "main" for the furniture that the photo is about, without scraps beside it, as
            `segmenter.inference.pieces` tells them; "all" for whatever reaches the threshold.
        softness: how far the edge is blurred: the standard deviation in thousandths of the photo's
            longer side, from 0.
        shift: how far the edge is moved, in the same unit; above 0 the object grows.

    Returns:
        cutout: uint8, H × W × 4, RGBA, straight alpha. The rim's colours are the furniture's
        own, without the old background; where alpha is 0, the colour is 0 too.

    Raises:
        ValueError: the map is not of the photo's size, or `pieces` is neither of these words.
    """
    if pieces not in ("main", "all"):
        raise ValueError(f"pieces is 'main' or 'all', not {pieces!r}")
    if pieces == "main":
        probabilities = without_scraps(probabilities, threshold)
    alpha.check_same_size(photo, probabilities)
    unit = max(photo.shape) / 1000
    opacity = alpha.grow(alpha.alpha(probabilities, threshold), shift * unit)
    if not softness:
        return _with_opacity(foreground.clean_strips(photo, opacity), opacity)
    colours = foreground.clean_colours(photo, opacity)
    solid, opacity = opacity, alpha.soften(opacity, softness * unit)
    colours = foreground.spread_colours(colours, solid, opacity)
    strips = (slice(top, top + foreground.STRIP) for top in range(0, len(colours), foreground.STRIP))
    return _with_opacity(((rows, colours[rows]) for rows in strips), opacity)


def _with_opacity(strips, opacity):
    """uint8 colours, strip by strip, and float32 opacity as one uint8 picture: RGBA, all 0 where nothing is to be seen."""
    cutout = np.zeros((*opacity.shape, 4), np.uint8)  # what is never written to takes no memory
    for rows, colours in strips:
        alpha_channel = cv2.convertScaleAbs(opacity[rows], alpha=255)  # rounded
        cv2.copyTo(cv2.merge([*cv2.split(colours), alpha_channel]), alpha_channel, cutout[rows])
    return cutout
