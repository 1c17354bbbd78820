"""The figures of a segmenter on one photo, and their means: IoU, Dice, boundary F, gaps, the threshold curve.

Everything is measured as the page would show it: on the photo's own pixels, after the second look
and the sharpening of edges.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from segmenter.datasets.pairs import Case
from segmenter.render import alpha

THRESHOLDS = np.round(np.arange(0.05, 1.0, 0.05), 2)
DEFAULT_THRESHOLD = 0.5
BOUNDARY_TOLERANCE = 0.008  # of the diagonal, as in Perazzi et al. (see boundary_f)
SURE = 0.4  # farther than this from the threshold, the segmenter is sure


@dataclass(frozen=True)
class Score:
    """The figures of one photo. `gaps` is NaN where the truth has no gap to speak of.

    `missed` is the share of the object that was not found, `extra` what was found beside it, in
    shares of the object; `sure_wrong` the share of both together (the union) that is wrong although
    the segmenter was sure of it, as where a mask is drawn wrongly. They are NaN without an object.
    """

    name: str
    iou: float
    dice: float
    boundary_f: float
    gaps: float
    gap_pixels: int
    missed: float = float("nan")
    extra: float = float("nan")
    sure_wrong: float = float("nan")


def iou(mask: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None) -> float:
    """Intersection over union of two bool masks over the known pixels; 1 if both are empty."""
    mask, truth = _known_only(mask, truth, known)
    union = (mask | truth).sum()
    return float((mask & truth).sum() / union) if union else 1.0


def dice(mask: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None) -> float:
    """Dice coefficient of two bool masks over the known pixels; 1 if both are empty."""
    mask, truth = _known_only(mask, truth, known)
    total = mask.sum() + truth.sum()
    return float(2 * (mask & truth).sum() / total) if total else 1.0


def _known_only(mask, truth, known):
    return (mask, truth) if known is None else (mask & known, truth & known)


def boundary_f(mask: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None) -> float:
    """F measure of the outlines: how many of their pixels have a counterpart within the tolerance.

    Reference: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object
    Segmentation", CVPR 2016.

    Args:
        mask, truth, known: bool, H × W. Unknown pixels count as background of both, so that an outline
            within a rim that nobody could tell is right wherever it runs there.

    Returns:
        0 … 1; 1 if neither has an outline.
    """
    reach = max(1, round(BOUNDARY_TOLERANCE * float(np.hypot(*truth.shape))))
    kernel = _disc(reach)
    mask, truth = _known_only(mask, truth, known)
    found, expected = _inner_outline(mask), _inner_outline(truth)
    if not found.any() or not expected.any():
        return float(found.any() == expected.any())
    precision = (cv2.dilate(expected.astype(np.uint8), kernel) > 0)[found].mean()
    recall = (cv2.dilate(found.astype(np.uint8), kernel) > 0)[expected].mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _disc(radius):
    """All pixels within `radius` of the middle one (OpenCV's own ellipse lacks some of them)."""
    steps = np.arange(-radius, radius + 1)
    return (steps[:, None] ** 2 + steps[None] ** 2 <= radius**2).astype(np.uint8)


def _inner_outline(mask):
    mask = mask.astype(np.uint8)
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE)  # the frame is no outline
    return (mask == 1) & (cv2.erode(padded, np.ones((3, 3), np.uint8))[1:-1, 1:-1] == 0)


def gaps(truth: np.ndarray) -> np.ndarray:
    """The background that shows through furniture: with a piece of it on both sides in the same row.

    That is what lies between legs, between slats and under arms, piece by piece (what lies between
    two separate chairs is no gap).

    Args:
        truth: bool, H × W.

    Returns:
        bool, H × W.
    """
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(truth.astype(np.uint8), connectivity=8)
    between = np.zeros(truth.shape, bool)
    for label in range(1, count):
        left, top, width, height, area = statistics[label]
        if area < truth.size / 2000:  # a crumb encloses nothing
            continue
        rows = slice(top, top + height), slice(left, left + width)
        piece = labels[rows] == label
        from_left = np.logical_or.accumulate(piece, axis=1)
        from_right = np.logical_or.accumulate(piece[:, ::-1], axis=1)[:, ::-1]
        between[rows] |= from_left & from_right
    return between & ~truth


def score(case: Case, probabilities: np.ndarray, threshold: float) -> Score:
    """The figures of one photo at one threshold.

    Args:
        case: Case.
        probabilities: float32, H × W, 0 … 1.
        threshold: 0 … 1.

    Returns:
        Score.
    """
    mask = alpha.mask(probabilities, threshold)
    open_pixels = gaps(case.truth) & case.known
    count = int(open_pixels.sum())
    right = float((~mask)[open_pixels].mean()) if count else float("nan")
    return Score(
        case.name,
        iou(mask, case.truth, case.known),
        dice(mask, case.truth, case.known),
        boundary_f(mask, case.truth, case.known),
        right,
        count,
        *_mistakes(case, mask, probabilities, threshold),
    )


def _mistakes(case: Case, mask: np.ndarray, probabilities: np.ndarray, threshold: float) -> tuple[float, float, float]:
    """(missed, extra, sure_wrong) of a `Score`."""
    size = int((case.truth & case.known).sum())
    if not size:
        return float("nan"), float("nan"), float("nan")
    missed, extra = case.truth & ~mask & case.known, mask & ~case.truth & case.known
    sure = (probabilities <= max(0.1, threshold - SURE)) | (probabilities >= min(0.9, threshold + SURE))
    wrong = int(((missed | extra) & sure).sum())
    return float(missed.sum() / size), float(extra.sum() / size), wrong / (size + int(extra.sum()))


def threshold_curve(case: Case, probabilities: np.ndarray) -> np.ndarray:
    """IoU of one photo at each of `THRESHOLDS`, from one pass over its pixels.

    Returns:
        float64, one value a threshold.
    """
    levels = np.searchsorted(THRESHOLDS, probabilities[case.known] + 1e-7, side="right")
    truth = case.truth[case.known]
    inside = np.bincount(levels[truth], minlength=len(THRESHOLDS) + 1)[::-1].cumsum()[::-1][1:]
    outside = np.bincount(levels[~truth], minlength=len(THRESHOLDS) + 1)[::-1].cumsum()[::-1][1:]
    union = truth.sum() + outside
    return np.where(union > 0, inside / np.maximum(union, 1), 1.0)


def summarise(scores: Sequence[Score]) -> dict[str, Any]:
    """The means over photos, as plain JSON; gaps are counted by pixel over all photos.

    `iou_spread` is the standard deviation between photos, None for a single one.
    """
    pixels = sum(each.gap_pixels for each in scores)
    right = sum(each.gaps * each.gap_pixels for each in scores if each.gap_pixels)
    found = [each.iou for each in scores]
    return {
        "photos": len(scores),
        "iou": _mean(found),
        "dice": _mean(each.dice for each in scores),
        "boundary_f": _mean(each.boundary_f for each in scores),
        "gap_accuracy": round(right / pixels, 4) if pixels else None,
        "gap_pixels": pixels,
        "iou_lowest": round(min(found), 4),
        "iou_median": round(float(np.median(found)), 4),
        "iou_highest": round(max(found), 4),
        "iou_spread": round(float(np.std(found, ddof=1)), 4) if len(found) > 1 else None,
    }


def _mean(values: Iterable[float]) -> float:
    return round(float(np.mean(list(values))), 4)
