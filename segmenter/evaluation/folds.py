"""The figures of a cross-validation: several folds as one, and side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from segmenter.evaluation.metrics import Score, summarise
from segmenter.evaluation.threshold import pooled_curves


def pool(folds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The metrics of several folds as one: every photo was judged by a network that never saw it.

    Args:
        folds: list of metrics of `evaluate.evaluate`, over different photos.

    Returns:
        metrics, as `evaluate.evaluate` has them; the means are over all photos. Where the folds' thresholds
        differ, `threshold` is their median.
    """
    names = list(dict.fromkeys(name for fold in folds for name in fold["sources"]))
    pooled: dict[str, Any] = {
        "threshold": float(np.median([fold["threshold"] for fold in folds])),
        "thresholds": folds[0]["thresholds"],
        "sources": {},
    }
    for name in names:
        parts = [fold["sources"][name] for fold in folds if name in fold["sources"]]
        rows = sorted((row for part in parts for row in part["worst_first"]), key=lambda row: row["iou"])
        curve, error = pooled_curves(parts)
        pooled["sources"][name] = {
            **summarise([_as_score(row) for row in rows]),
            "iou_by_threshold": np.round(curve, 4).tolist(),
            "iou_error_by_threshold": np.round(error, 5).tolist() if np.isfinite(error).all() else None,
            "worst_first": rows,
        }
    return pooled


def _as_score(row: dict[str, Any]) -> Score:
    gaps = float("nan") if row["gaps"] is None else row["gaps"]
    return Score(row["name"], row["iou"], row["dice"], row["boundary_f"], gaps, row["gap_pixels"])


def fold_summary(folds: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The figures of each fold, a plain list for folds.json: a dict a fold, over all its photos."""
    lines = []
    for number, fold in enumerate(folds, 1):
        rows = [row for source in fold["sources"].values() for row in source["worst_first"]]
        figures = summarise([_as_score(row) for row in rows])
        kept = ("photos", "iou", "dice", "boundary_f", "gap_accuracy")
        lines.append({"fold": number, **{key: figures[key] for key in kept}})
    return lines
