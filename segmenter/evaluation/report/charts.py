"""The geometry of the page's charts: lines, dots and ticks, in per mille of the plot's width and height.

Only lines are drawn as SVG, stretched to the plot; words and dots are ordinary elements placed in
per cent, so that they keep their size on a phone. y grows downwards.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

SIDE = 1000  # of the plot's coordinates


class Axis:
    """Values from `low` to `high` on 0 … `SIDE`; `flip` for the upright axis. What lies beyond stops at the edge."""

    def __init__(self, low: float, high: float, flip: bool = False) -> None:
        self.low, self.high, self.flip = low, high if high > low else low + 1, flip

    def __call__(self, value: float) -> float:
        share = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return round(SIDE * (1 - share if self.flip else share), 1)

    def ticks(self, most: int = 5, whole: bool = False) -> list[dict[str, Any]]:
        """Round numbers on the axis: list of {at, text}, `at` in per cent from the left or the top."""
        step = _round_step((self.high - self.low) / most)
        step = max(1, step) if whole else step
        first = math.ceil(self.low / step - 1e-9)
        values = [step * number for number in range(first, math.floor(self.high / step + 1e-9) + 1)]
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return [{"at": self(value) / 10, "text": f"{value:.{digits}f}"} for value in values]


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5 times a power of ten from `rough` up."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))


def path(points: Sequence[tuple[float, float | None]]) -> str:
    """An SVG path through (x, y); it is broken where y is None, and a lone point is a dot of a line."""
    parts, pen_down = [], False
    for index, (x, y) in enumerate(points):
        if y is not None:
            parts.append(f"{'L' if pen_down else 'M'}{x:g} {y:g}")
            alone = not pen_down and (index + 1 == len(points) or points[index + 1][1] is None)
            parts.append("h0.1" if alone else "")
        pen_down = y is not None
    return "".join(parts)


def curves(history: dict[str, Any], training: str, validation: str) -> dict[str, Any] | None:
    """A chart of one quantity in training and in validation, epoch by epoch.

    Args:
        history: as `summary.summarise_history` gives it.
        training, validation: keys of its epochs.

    Returns:
        dict for the template; None where no epoch has a finite figure.
    """
    epochs = history["epochs"]
    values = {key: [row.get(key) for row in epochs] for key in (training, validation)}
    finite = [value for found in values.values() for value in found if value is not None]
    if not finite:
        return None
    first, last = epochs[0]["epoch"], epochs[-1]["epoch"]
    x = Axis(first - 0.5, last + 0.5) if len(epochs) == 1 else Axis(first, last)
    y, clipped = _upright(finite, bounded="dice" in validation)
    best = next((row for row in epochs if row["epoch"] == history["best_epoch"]), None)
    lines = [
        {
            "kind": kind,
            "path": path(
                [(x(row["epoch"]), None if value is None else y(value)) for row, value in zip(epochs, values[key])]
            ),
        }
        for kind, key in (("training", training), ("validation", validation))
    ]
    return {
        "lines": lines,
        "x": x.ticks(6, whole=True),
        "y": y.ticks(4),
        "drops": [x(drop["epoch"]) / 10 for drop in history["drops"]],
        "best": None
        if best is None or best.get(validation) is None
        else {"at": x(best["epoch"]) / 10, "height": y(best[validation]) / 10},
        "clipped": clipped,
    }


def _upright(finite: list[float], bounded: bool) -> tuple[Axis, bool]:
    """(Axis, whether something lies beyond it): single wild values must not flatten the rest."""
    low, high = min(finite), max(finite)
    if bounded:
        return Axis(max(0.0, math.floor(low * 10) / 10), 1.0, flip=True), False
    usual = float(np.percentile(finite, 90))
    clipped = high > 1.6 * usual > 0
    high = 1.15 * usual if clipped else high
    margin = 0.06 * (high - low) or 0.1
    return Axis(max(0.0, low - margin), high + margin, flip=True), clipped


def thresholds(levels: list[float], curve: list[float], best: dict[str, Any]) -> dict[str, Any]:
    """IoU against the threshold, with the plateau and the chosen threshold."""
    x = Axis(0.0, 1.0)
    low = min(curve)
    y = Axis(max(0.0, math.floor(20 * low) / 20), min(1.0, math.ceil(20 * max(curve) + 0.2) / 20), flip=True)
    at = levels.index(best["threshold"])
    return {
        "lines": [{"kind": "validation", "path": path([(x(level), y(iou)) for level, iou in zip(levels, curve)])}],
        "x": x.ticks(5),
        "y": y.ticks(4),
        "band": [x(level) / 10 for level in best["plateau"]],
        "best": {"at": x(best["threshold"]) / 10, "height": y(curve[at]) / 10},
    }


def photos(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Every photo's IoU, worst first, with a line to what it was before.

    Args:
        rows: photos' figures, worst first.
    """
    found = [row["iou"] for row in rows] + [row["iou_before"] for row in rows if "iou_before" in row]
    x = Axis(-0.5, len(rows) - 0.5)
    y = Axis(max(0.0, math.floor(10 * min(found)) / 10), 1.0, flip=True)
    better, worse, dots, dots_before = [], [], [], []
    for place, row in enumerate(rows):
        dots.append((x(place), y(row["iou"])))
        if "iou_before" in row:
            dots_before.append((x(place), y(row["iou_before"])))
            rising = row["iou"] >= row["iou_before"]
            (better if rising else worse).append(f"M{x(place):g} {y(row['iou_before']):g}V{y(row['iou']):g}")
    return {
        "better": "".join(better),
        "worse": "".join(worse),
        "dots": "".join(f"M{at:g} {height:g}h0.1" for at, height in dots),
        "dots_before": "".join(f"M{at:g} {height:g}h0.1" for at, height in dots_before),
        "y": y.ticks(4),
        "many": len(rows) > 120,
    }
