"""How good a segmenter is: IoU, Dice, boundary F, gaps, the threshold curve; figures and pictures.

Everything is measured as the page would show it: on the photo's own pixels, after the second look
and the sharpening of edges.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from segmenter.errors import ReportError
from segmenter.evaluation import difficulty
from segmenter.render import alpha
from segmenter.render.heatmap import heatmap
from segmenter.datasets.pairs import Case

METRICS = "metrics.json"
SAMPLES = "samples.png"
THRESHOLDS = np.round(np.arange(0.05, 1.0, 0.05), 2)
DEFAULT_THRESHOLD = 0.5
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
ENOUGH = 10  # photos to judge by, below which the threshold stays as it is
CLEARLY = 2.0  # standard errors, from where on a difference is taken for one
WORTHWHILE = 0.002  # of IoU; less than that nobody sees
SURE = 0.4  # farther than this from the threshold, the segmenter is sure
COLUMNS = (  # of the CSV, as far as the figures have them
    "source", "name", "iou", "iou_before", "dice", "dice_before", "boundary_f", "boundary_f_before", "gaps",
    "gap_pixels", "missed", "extra", "sure_wrong", "area", "at_frame", "contrast", "thin",
)  # fmt: skip


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


def _mistakes(case, mask, probabilities, threshold):
    """(missed, extra, sure_wrong) of a `Score`."""
    size = int((case.truth & case.known).sum())
    if not size:
        return (float("nan"),) * 3
    missed, extra = case.truth & ~mask & case.known, mask & ~case.truth & case.known
    sure = (probabilities <= max(0.1, threshold - SURE)) | (probabilities >= min(0.9, threshold + SURE))
    wrong = int(((missed | extra) & sure).sum())
    return float(missed.sum() / size), float(extra.sum() / size), wrong / (size + int(extra.sum()))


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


def _mean(values):
    return round(float(np.mean(list(values))), 4)


class Kept(Sequence):
    """A judged photo, shrunk and compressed; it unpacks to (Score, Case, map) as a tuple would.

    Hundreds of photos as they are do not fit in memory; for pictures of the result this is enough.
    """

    def __init__(self, score, case, probabilities, longest):
        scale = min(1.0, longest / max(case.truth.shape))
        size = max(1, round(case.truth.shape[1] * scale)), max(1, round(case.truth.shape[0] * scale))
        self.score, self.name = score, case.name
        grey = [case.truth * np.uint8(255), case.known * np.uint8(255), np.rint(probabilities * 255).astype(np.uint8)]
        photo, *grey = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (case.photo, *grey))
        self._photo = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        self._grey = cv2.imencode(".png", np.vstack(grey))[1]

    def unpack(self):
        photo = cv2.imdecode(self._photo, cv2.IMREAD_COLOR)[..., ::-1].copy()
        truth, known, grey = np.split(cv2.imdecode(self._grey, cv2.IMREAD_GRAYSCALE), 3)
        case = Case(self.name, photo, truth >= 128, known >= 128)
        return self.score, case, grey.astype(np.float32) / 255

    def __getitem__(self, index):
        return self.score if index == 0 else self.unpack()[index]  # sorting asks for the score alone

    def __iter__(self):
        return iter(self.unpack())

    def __len__(self):
        return 3


def evaluate(predict, sources, threshold=DEFAULT_THRESHOLD, longest=None):
    """Judge a segmenter on several sets of photos.

    Args:
        predict: function of a photo (uint8 H × W × 3) → probability map (float32 H × W).
        sources: name → iterable of Case.
        threshold: 0 … 1.
        longest: what is kept of each photo for pictures is shrunk to this longer side and
            compressed (see `Kept`); kept as it is by default. The figures are of the full size.

    Returns:
        (metrics, judged): metrics is plain JSON: per source the summary, the threshold curve and
        every photo's figures and traits, worst first; judged is a list of (Score, Case, map), worst
        first.
    """
    metrics, judged = {"threshold": threshold, "thresholds": THRESHOLDS.tolist(), "sources": {}}, []
    for name, cases in sources.items():
        found, curves, rows = [], [], []
        for case in cases:
            probabilities = predict(case.photo)
            one = score(case, probabilities, threshold)
            found.append((one, case, probabilities) if longest is None else Kept(one, case, probabilities, longest))
            curves.append(threshold_curve(case, probabilities))
            rows.append(_rounded({**asdict(one), **difficulty.measure(case.photo, case.truth, case.known)}))
        found.sort(key=lambda each: each[0].iou)
        metrics["sources"][name] = {
            **summarise([each[0] for each in found]),
            "iou_by_threshold": np.round(np.mean(curves, axis=0), 4).tolist(),
            "iou_error_by_threshold": _paired_error(np.array(curves)),
            "worst_first": sorted(rows, key=lambda row: row["iou"]),
        }
        judged += found
    judged.sort(key=lambda each: each[0].iou)
    return metrics, judged


def _paired_error(curves):
    """Standard error of the mean difference between the IoU at each threshold and at the default one.

    Args:
        curves: float64, photos × thresholds.

    Returns:
        list of float, one a threshold; None for a single photo.
    """
    if len(curves) < 2:
        return None
    gains = curves - curves[:, [THRESHOLDS.tolist().index(DEFAULT_THRESHOLD)]]
    return np.round(gains.std(axis=0, ddof=1) / np.sqrt(len(curves)), 5).tolist()


def _rounded(row):
    return {
        key: (None if value != value else round(value, 4)) if isinstance(value, float) else value
        for key, value in row.items()
    }


def best_threshold(metrics):
    """The threshold that suits the network best, as far as the photos can tell.

    The mean IoU is flat around its maximum, so that the maximum itself is a matter of chance: chosen on
    ten photos, it costs others 0.0009 (chairs97) to 0.004 of IoU (rendered rooms) on average, compared
    with leaving 0.5 as it is; chosen as here, 0.0002 at most. So (1) the middle of the plateau is taken, the thresholds around the maximum whose mean lies within one standard error
    of it (the "one standard error rule" of Breiman et al., "Classification and Regression Trees",
    1984; here with the error of the paired differences to 0.5), and (2) it replaces 0.5 only where at
    least `ENOUGH` photos say that it is better, by more than `CLEARLY` standard errors of the paired
    difference and by `WORTHWHILE` at least. Several sources count by their photos.

    Args:
        metrics: as `evaluate` gives them.

    Returns:
        dict: `threshold`; `iou` and `iou_at_default`, the mean IoU there and at 0.5; `highest`, the
        threshold of the highest mean; `plateau`, its first and last threshold; `gain` and `error`
        of the plateau's middle over 0.5; `moved`, whether `threshold` is another than 0.5.
    """
    curve, error = _pooled_curves(list(metrics["sources"].values()))
    levels, default = metrics["thresholds"], metrics["thresholds"].index(DEFAULT_THRESHOLD)
    top = int(np.argmax(curve))
    flat = curve >= curve[top] - np.maximum(error[top], WORTHWHILE / 4)
    first = last = top
    while first > 0 and flat[first - 1]:
        first -= 1
    while last < len(flat) - 1 and flat[last + 1]:
        last += 1
    middles = sorted({(first + last) // 2, (first + last + 1) // 2}, key=lambda index: abs(index - default))
    gain = float(curve[middles[0]] - curve[default])
    photos = sum(source["photos"] for source in metrics["sources"].values())
    sure = photos >= ENOUGH and gain >= WORTHWHILE and gain > CLEARLY * float(error[middles[0]])
    chosen = middles[0] if sure else default
    return {
        "threshold": levels[chosen],
        "iou": round(float(curve[chosen]), 4),
        "iou_at_default": round(float(curve[default]), 4),
        "highest": levels[top],
        "plateau": [levels[first], levels[last]],
        "gain": round(gain, 4),
        "error": round(float(error[middles[0]]), 4) if np.isfinite(error).all() else None,
        "moved": bool(chosen != default),
    }


def _pooled_curves(sources):
    """(Mean IoU at each threshold, standard error of its difference to 0.5) over all photos of `sources`."""
    share = np.array([source["photos"] for source in sources], float)
    share /= share.sum()
    errors = [source.get("iou_error_by_threshold") for source in sources]
    if any(error is None for error in errors):  # a single photo, or metrics of an older kind: anything may be
        errors = [np.full(len(sources[0]["iou_by_threshold"]), np.inf)]
        share_of_error = np.ones(1)
    else:
        share_of_error = share
    curve = share @ np.array([source["iou_by_threshold"] for source in sources])
    return curve, np.sqrt(share_of_error**2 @ np.square(errors))


def evaluate_at_best(predict, sources, longest=None):
    """`evaluate` at 0.5, or, where `best_threshold` is sure of another one, at that.

    Args:
        predict: as for `evaluate`.
        sources: function without arguments that gives what `evaluate` takes, anew each time.
        longest: as for `evaluate`.

    Returns:
        (metrics, judged), as `evaluate`. `metrics["best_threshold"]` is what `best_threshold` says.
    """
    metrics, judged = evaluate(predict, sources(), DEFAULT_THRESHOLD, longest)
    best = best_threshold(metrics)
    if best["moved"]:
        metrics, judged = evaluate(predict, sources(), best["threshold"], longest)
    return {**metrics, "best_threshold": best}, judged


def pool(folds):
    """The metrics of several folds as one: every photo was judged by a network that never saw it.

    Args:
        folds: list of metrics of `evaluate`, over different photos.

    Returns:
        metrics, as `evaluate` has them; the means are over all photos. Where the folds' thresholds
        differ, `threshold` is their median.
    """
    names = list(dict.fromkeys(name for fold in folds for name in fold["sources"]))
    pooled = {
        "threshold": float(np.median([fold["threshold"] for fold in folds])),
        "thresholds": folds[0]["thresholds"],
        "sources": {},
    }
    for name in names:
        parts = [fold["sources"][name] for fold in folds if name in fold["sources"]]
        rows = sorted((row for part in parts for row in part["worst_first"]), key=lambda row: row["iou"])
        curve, error = _pooled_curves(parts)
        pooled["sources"][name] = {
            **summarise([_as_score(row) for row in rows]),
            "iou_by_threshold": np.round(curve, 4).tolist(),
            "iou_error_by_threshold": np.round(error, 5).tolist() if np.isfinite(error).all() else None,
            "worst_first": rows,
        }
    return pooled


def _as_score(row):
    gaps = float("nan") if row["gaps"] is None else row["gaps"]
    return Score(row["name"], row["iou"], row["dice"], row["boundary_f"], gaps, row["gap_pixels"])


def fold_summary(folds):
    """The figures of each fold, a plain list for folds.json: a dict a fold, over all its photos."""
    lines = []
    for number, fold in enumerate(folds, 1):
        rows = [row for source in fold["sources"].values() for row in source["worst_first"]]
        figures = summarise([_as_score(row) for row in rows])
        kept = ("photos", "iou", "dice", "boundary_f", "gap_accuracy")
        lines.append({"fold": number, **{key: figures[key] for key in kept}})
    return lines


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
    picture = heatmap(case.photo, probabilities)
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


def write_report(out, metrics, judged, weights=None):
    """Write metrics.json and samples.png into a folder, which is made where it is missing.

    Args:
        out: the folder.
        metrics, judged: as `evaluate` gives them.
        weights: the weights folder they were measured with; the SHA-256 of its network is noted.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    if weights is not None:
        found = hashlib.sha256((Path(weights) / "model.tflite").read_bytes()).hexdigest()
        metrics = {"weights_sha256": found, **metrics}
    text = json.dumps(metrics, indent=1, allow_nan=False)
    sheet = io.BytesIO()
    Image.fromarray(sample_sheet(judged, metrics["threshold"])).quantize(256).save(sheet, "PNG")
    write_whole(out / METRICS, (text + "\n").encode("utf-8"))
    write_whole(out / SAMPLES, sheet.getvalue())


def write_whole(path, data):
    """Write a file beside its place and move it there, so that it is never half there.

    Args:
        path: where to; what is there already stays as it is until the new file is whole.
        data: bytes.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name[:100]}.{os.getpid()}.part")  # names end at 255 bytes
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_csv(metrics, path):
    """Write the figures of all photos as a table, a row a photo, worst first within each source.

    Args:
        metrics: as `evaluate` or `report.complete` gives them. The columns are `COLUMNS`, as far as
            some photo has them; what a photo lacks is left empty.
        path: the file; what it holds already is replaced.

    Raises:
        ReportError: it cannot be written there.
    """
    rows = [
        {"source": name, **row} for name, source in metrics["sources"].items() for row in source["worst_first"]
    ]
    columns = [column for column in COLUMNS if any(column in row for row in rows)]
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, extrasaction="ignore", restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    try:
        write_whole(path, text.getvalue().encode("utf-8-sig"))  # the mark tells spreadsheets that it is UTF-8
    except OSError as error:
        raise ReportError(
            f"the table cannot be written to {path}: {error.strerror or error}; name a file in a folder that "
            "is there and that you may write to"
        ) from error


def write_overlays(folder, judged, threshold):
    """Write one overlay picture a photo, numbered worst first."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number, (_, case, found) in enumerate(judged, 1):
        name = f"{number:03d}-{Path(case.name).stem}.jpg"
        Image.fromarray(overlay(case, found, threshold)).save(folder / name, quality=88)
