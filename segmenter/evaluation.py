"""How good a segmenter is: IoU, Dice, boundary F, gaps, the threshold curve; figures and pictures.

Everything is measured as the page would show it: on the photo's own pixels, after the second look
and the sharpening of edges.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from segmenter import cutout
from segmenter.dataset import Case

METRICS = "metrics.json"
SAMPLES = "samples.png"
THRESHOLDS = np.round(np.arange(0.05, 1.0, 0.05), 2)
BOUNDARY_TOLERANCE = 0.008  # of the diagonal, as in Perazzi et al. (see boundary_f)
VERDICTS = (  # from this mean IoU up
    (0.95, "That is excellent: the outlines are right nearly to the pixel."),
    (0.90, "That is good: the cutouts can be used as they are, but for a leg or an edge here and there."),
    (0.80, "That is fair: the objects are found, but many outlines want a correction by hand. "
           "More photos of the kind that fails would help most; the worst are shown first."),
    (0.00, "That is not good enough to use: the objects are found only in part. More photos, masks that "
           "are drawn with care, or a start from pretrained weights would help."),
)  # fmt: skip
TILE = 256  # pixels a side, in samples.png


@dataclass(frozen=True)
class Score:
    """The figures of one photo. `gaps` is NaN where the truth has no gap to speak of."""

    name: str
    iou: float
    dice: float
    boundary_f: float
    gaps: float
    gap_pixels: int


def iou(mask, truth, known=None):
    """Intersection over union of two bool masks over the known pixels; 1 if both are empty."""
    mask, truth = _known_only(mask, truth, known)
    union = (mask | truth).sum()
    return float((mask & truth).sum() / union) if union else 1.0


def dice(mask, truth, known=None):
    """Dice coefficient of two bool masks over the known pixels; 1 if both are empty."""
    mask, truth = _known_only(mask, truth, known)
    total = mask.sum() + truth.sum()
    return float(2 * (mask & truth).sum() / total) if total else 1.0


def _known_only(mask, truth, known):
    return (mask, truth) if known is None else (mask & known, truth & known)


def boundary_f(mask, truth, known=None):
    """F measure of the outlines: how many of their pixels have a counterpart within the tolerance.

    Reference: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object
    Segmentation", CVPR 2016.

    Args:
        mask, truth, known: bool, H × W. Outlines within the tolerance of unknown pixels are left out.

    Returns:
        0 … 1; 1 if neither has an outline.
    """
    reach = max(1, round(BOUNDARY_TOLERANCE * float(np.hypot(*truth.shape))))
    kernel = _disc(reach)
    found, expected = _inner_outline(mask), _inner_outline(truth)
    if known is not None:
        clear = cv2.dilate((~known).astype(np.uint8), kernel) == 0
        found, expected = found & clear, expected & clear
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


def gaps(truth):
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


def score(case, probabilities, threshold):
    """The figures of one photo at one threshold.

    Args:
        case: Case.
        probabilities: float32, H × W, 0 … 1.
        threshold: 0 … 1.

    Returns:
        Score.
    """
    mask = cutout.mask(probabilities, threshold)
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
    )


def threshold_curve(case, probabilities):
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


def summarise(scores):
    """The means over photos, as plain JSON; gaps are counted by pixel over all photos."""
    pixels = sum(each.gap_pixels for each in scores)
    right = sum(each.gaps * each.gap_pixels for each in scores if each.gap_pixels)
    return {
        "photos": len(scores),
        "iou": _mean(each.iou for each in scores),
        "dice": _mean(each.dice for each in scores),
        "boundary_f": _mean(each.boundary_f for each in scores),
        "gap_accuracy": round(right / pixels, 4) if pixels else None,
        "gap_pixels": pixels,
    }


def _mean(values):
    return round(float(np.mean(list(values))), 4)


def evaluate(predict, sources, threshold=0.5):
    """Judge a segmenter on several sets of photos.

    Args:
        predict: function of a photo (uint8 H × W × 3) → probability map (float32 H × W).
        sources: name → iterable of Case.
        threshold: 0 … 1.

    Returns:
        (metrics, judged): metrics is plain JSON: per source the summary, the threshold curve and
        every photo's figures, worst first; judged is a list of (Score, Case, map), worst first.
    """
    metrics, judged = {"threshold": threshold, "thresholds": THRESHOLDS.tolist(), "sources": {}}, []
    for name, cases in sources.items():
        found, curves = [], []
        for case in cases:
            probabilities = predict(case.photo)
            found.append((score(case, probabilities, threshold), case, probabilities))
            curves.append(threshold_curve(case, probabilities))
        found.sort(key=lambda each: each[0].iou)
        metrics["sources"][name] = {
            **summarise([each[0] for each in found]),
            "iou_by_threshold": np.round(np.mean(curves, axis=0), 4).tolist(),
            "worst_first": [_rounded(each[0]) for each in found],
        }
        judged += found
    judged.sort(key=lambda each: each[0].iou)
    return metrics, judged


def _rounded(one):
    return {
        key: (None if value != value else round(value, 4)) if isinstance(value, float) else value
        for key, value in asdict(one).items()
    }


def in_words(metrics):
    """What the figures mean, in plain sentences, one line a source and one verdict."""
    lines = []
    for name, source in metrics["sources"].items():
        gaps_text = "" if source["gap_accuracy"] is None else (
            f"; {source['gap_accuracy']:.0%} of the gaps' pixels are left open"
        )  # fmt: skip
        lines.append(
            f"{name}: IoU {source['iou']:.3f}, Dice {source['dice']:.3f}, boundary F "
            f"{source['boundary_f']:.3f} on {source['photos']} photos that did not train{gaps_text}."
        )
    worst = min(source["iou"] for source in metrics["sources"].values())
    return "\n".join([*lines, _verdict(worst)])


def _verdict(worst):
    for limit, words in VERDICTS:
        if worst >= limit:
            return words
    return VERDICTS[-1][1]


def overlay(case, probabilities, threshold):
    """The photo with the heatmap, the found outline in white and the true one in blue.

    Returns:
        uint8, H × W × 3, RGB.
    """
    picture = cutout.heatmap(case.photo, probabilities)
    for mask, colour in ((case.truth, (40, 110, 255)), (probabilities >= threshold, (255, 255, 255))):
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, colour, max(1, round(max(mask.shape) / 300)))
    return picture


def sample_sheet(judged, threshold, each=6):
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


def _tile(picture):
    """A picture fitted into a white square with a thin margin."""
    inner = TILE - 6
    scale = inner / max(picture.shape[:2])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    tile = np.full((TILE, TILE, 3), 255, np.uint8)
    top, left = (TILE - size[1]) // 2, (TILE - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile


def write_report(out, metrics, judged, weights):
    """Write metrics.json and samples.png into a folder, which is made where it is missing.

    Args:
        out: the folder.
        metrics, judged: as `evaluate` gives them.
        weights: the weights folder they were measured with; the SHA-256 of its network is noted.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    found = hashlib.sha256((Path(weights) / "model.tflite").read_bytes()).hexdigest()
    text = json.dumps({"weights_sha256": found, **metrics}, indent=1, allow_nan=False)
    (out / METRICS).write_text(text + "\n", encoding="utf-8")
    Image.fromarray(sample_sheet(judged, metrics["threshold"])).quantize(256).save(out / SAMPLES)


def write_overlays(folder, judged, threshold):
    """Write one overlay picture a photo, numbered worst first."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number, (_, case, found) in enumerate(judged, 1):
        name = f"{number:03d}-{Path(case.name).stem}.jpg"
        Image.fromarray(overlay(case, found, threshold)).save(folder / name, quality=88)
