"""Pictures of a result: a photo with its heatmap and outlines, and a sheet of the worst, the median and the best."""

from collections.abc import Sequence

import cv2
import numpy as np

from segmenter.datasets.pairs import Case
from segmenter.evaluation.evaluate import Judged
from segmenter.render.heatmap import heatmap

TILE = 256  # pixels a side, in samples.png
TRUE_COLOUR, FOUND_COLOUR = (40, 110, 255), (255, 255, 255)


def overlay(case: Case, probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """The photo with the heatmap, the found outline in white and the true one in blue.

    Returns:
        uint8, H × W × 3, RGB.
    """
    picture = heatmap(case.photo, probabilities)
    for mask, colour in ((case.truth, TRUE_COLOUR), (probabilities >= threshold, FOUND_COLOUR)):
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, colour, max(1, round(max(mask.shape) / 300)))
    return picture


def sample_sheet(judged: Sequence[Judged], threshold: float, each: int = 6) -> np.ndarray:
    """A contact sheet: the worst, the median and the best, photo over overlay.

    Args:
        judged: list of (Score, Case, map), worst first.
        each: pictures in a row.

    Returns:
        uint8, RGB.
    """
    middle = max(0, len(judged) // 2 - each // 2)
    rows = [judged[:each], judged[middle : middle + each], judged[-each:]]
    sheet = []
    for row in rows:
        tiles = [[case.photo, overlay(case, found, threshold)] for _, case, found in row]
        tiles += [[np.full((1, 1, 3), 255, np.uint8)] * 2] * (each - len(row))
        for line in zip(*tiles):
            sheet.append(np.hstack([_tile(picture) for picture in line]))
    return np.vstack(sheet)


def _tile(picture: np.ndarray) -> np.ndarray:
    """A picture fitted into a white square with a thin margin."""
    inner = TILE - 6
    scale = inner / max(picture.shape[:2])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    tile = np.full((TILE, TILE, 3), 255, np.uint8)
    top, left = (TILE - size[1]) // 2, (TILE - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile
