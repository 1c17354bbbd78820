"""Clicks that a person would make, by rule: into the middle of what is meant, then of the largest mistake."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import cv2
import numpy as np

from segmenter.datasets.pairs import Case
from segmenter.evaluation import metrics
from segmenter.inference.clicks import depth

MOST = 10  # clicks on one piece
BARS = (0.85, 0.90)  # of IoU, from which a piece counts as cut out
WORSE = 0.05  # of IoU, that a click may not cost
LISTED = 20  # pieces that are named, the worst

Pick = Callable[[np.ndarray, list[tuple[int, int]], list[int]], np.ndarray]


class Click(NamedTuple):
    """A click: its column and row in pixels, and whether it is on the piece."""

    x: int
    y: int
    label: int


def next_click(truth: np.ndarray, mask: np.ndarray, known: np.ndarray | None = None) -> Click | None:
    """The next click of the rule that the field's benchmarks go by: the middle of the largest mistake.

    The largest is the one that reaches farthest from its own border. Reference: Xu et al., "Deep Interactive
    Object Selection", CVPR 2016.

    Args:
        truth, mask: bool, H × W: the piece, and what is taken for it (nothing before the first click).
        known: bool, H × W; where it is False nothing is a mistake.

    Returns:
        Click; None where there is no mistake.
    """
    known = np.ones(truth.shape, bool) if known is None else known
    lost, added = truth & ~mask & known, mask & ~truth & known
    depths = depth(lost), depth(added)
    label = int(depths[0].max() >= depths[1].max())
    deep = depths[1 - label]
    y, x = divmod(int(np.argmax(deep)), deep.shape[1])
    return Click(x, y, label) if deep[y, x] else None


def judge(pick: Pick, cases: Iterable[Case], threshold: float = 0.5, most: int = MOST) -> dict[str, Any]:
    """How many clicks it takes until a piece is cut out.

    Args:
        pick: function of (photo, points, labels) → probability map of the piece, float32 H × W.
        cases: what is to be picked.
        threshold: 0 … 1.
        most: clicks on one piece, 3 or more, after which it is given up.

    Returns:
        dict of plain JSON: `pieces`, how many; `clicked`, how many clicks they took together; `iou`, means after 1, 2
        and 3 clicks; `anywhere`, the mean after one click that is not in the middle, but anywhere on the piece;
        `clicks`, mean clicks until an IoU of 0.85 and 0.90 (`most` where it is not reached); `worse`, the share of
        second clicks that cost more than `WORSE` of IoU; after one click `thin`, the share of thin parts that is found,
        and `gaps`, the share of gaps that stays open (None where there are none); `worst_first`, name and IoU after
        each click of the `LISTED` pieces with the lowest IoU after one.
    """
    rows, anywhere, thin, gaps = [], [], [0, 0], [0, 0]
    rng = np.random.default_rng(0)
    for case in cases:
        ious, first = _clicked(pick, case, threshold, most)
        if not ious:  # nothing of the piece is known
            continue
        rows.append({"name": case.name, "iou": [round(each, 4) for each in ious]})
        y, x = divmod(int(rng.choice(np.flatnonzero(case.truth & case.known))), case.truth.shape[1])
        anywhere.append(metrics.iou(pick(case.photo, [(x, y)], [1]) >= threshold, case.truth, case.known))
        for count, region, right in ((thin, _thin(case.truth), first), (gaps, metrics.gaps(case.truth), ~first)):
            count[0] += int((region & case.known & right).sum())
            count[1] += int((region & case.known).sum())
    after = np.array([[*row["iou"], *[row["iou"][-1]] * most][:most] for row in rows]).reshape(len(rows), most)
    return {
        "pieces": len(rows),
        "clicked": sum(len(row["iou"]) for row in rows),
        "iou": [_mean(after[:, number]) for number in range(3)],
        "anywhere": _mean(anywhere),
        "clicks": {str(bar): _mean(_needed(after, bar)) for bar in BARS},
        "worse": _mean(after[:, 1] < after[:, 0] - WORSE),
        "thin": round(thin[0] / thin[1], 4) if thin[1] else None,
        "gaps": round(gaps[0] / gaps[1], 4) if gaps[1] else None,
        "worst_first": sorted(rows, key=lambda row: row["iou"][0])[:LISTED],
    }


def _clicked(pick, case, threshold, most):
    """(IoU after each click, the mask after the first)."""
    points, labels, ious = [], [], []
    mask = first = np.zeros(case.truth.shape, bool)
    while len(ious) < most:
        click = next_click(case.truth, mask, case.known)
        if click is None or (len(ious) >= 3 and ious[-1] >= max(BARS)):
            break
        points.append((click.x, click.y))
        labels.append(click.label)
        mask = pick(case.photo, points, labels) >= threshold
        ious.append(metrics.iou(mask, case.truth, case.known))
        first = mask if len(ious) == 1 else first
    return ious, first


def _needed(after, bar):
    """How many clicks each piece took: its first that reached the bar."""
    reached = after >= bar
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, after.shape[1])


def _thin(truth):
    """What of a piece a disc of 1.5 % of the picture's longer side does not fit into."""
    radius = max(1, round(0.0075 * max(truth.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return truth & (cv2.morphologyEx(truth.astype(np.uint8), cv2.MORPH_OPEN, disc) == 0)


def _mean(values):
    return round(float(np.mean(values)), 4) if len(values) else 0.0
