"""The probability map as the page and the files show it: a colour over the photo."""

import numpy as np

from segmenter.render.alpha import check_same_size
from segmenter.render.constants import CONSTANTS

YELLOW = tuple(CONSTANTS["heatmap"]["yellow"])  # the yellower, the surer
SHADE = CONSTANTS["heatmap"]["shade"]  # how dark the heatmap makes what is surely background
OPACITY = CONSTANTS["heatmap"]["opacity"]
STRIP = 256  # rows at a time, as float32 takes four times the photo's memory


def heatmap(photo: np.ndarray, probabilities: np.ndarray, opacity: float = OPACITY) -> np.ndarray:
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
    check_same_size(photo, probabilities)
    yellow = np.asarray(YELLOW, np.float32)
    picture = np.empty_like(photo)
    for top in range(0, len(photo), STRIP):
        rows = slice(top, top + STRIP)
        p = probabilities[rows, :, np.newaxis]
        weight = opacity * p
        shaded = photo[rows] * (1.0 - SHADE * opacity * (1.0 - p))
        picture[rows] = np.rint(shaded + (yellow - shaded) * weight)
    return picture
