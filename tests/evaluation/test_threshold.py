"""The threshold moves where the photos are sure of another one, and only there."""

import numpy as np
import pytest

from segmenter.evaluation.metrics import THRESHOLDS
from segmenter.evaluation.threshold import best_threshold


def metrics_of(curves):
    """Metrics with given IoU curves, photos × thresholds."""
    curves, levels = np.array(curves), THRESHOLDS.tolist()
    gains = curves - curves[:, [levels.index(0.5)]]
    error = (gains.std(axis=0, ddof=1) / np.sqrt(len(curves))).tolist() if len(curves) > 1 else None
    source = {"photos": len(curves), "iou_by_threshold": curves.mean(axis=0).tolist(), "iou_error_by_threshold": error}
    return {"thresholds": levels, "sources": {"validation": source}}


def curves_with_top(top, count, noise=0.01, height=0.9, drop=0.3, seed=0):
    """IoU curves, highest near the threshold `top`, lifted and tilted at random from photo to photo."""
    rng = np.random.default_rng(seed)
    return [
        height - drop * (THRESHOLDS - top) ** 2 + rng.normal(0, 0.1) + rng.normal(0, noise) * (THRESHOLDS - 0.5)
        for _ in range(count)
    ]


@pytest.mark.parametrize("top", [0.3, 0.75])
def test_the_threshold_moves_where_the_photos_are_sure(top):
    best = best_threshold(metrics_of(curves_with_top(top, 20)))
    assert best["moved"] and best["threshold"] == pytest.approx(top, abs=0.051)
    assert best["plateau"][0] <= top <= best["plateau"][1]
    assert best["gain"] == pytest.approx(best["iou"] - best["iou_at_default"], abs=2e-4)


@pytest.mark.parametrize(
    "curves",
    [
        curves_with_top(0.3, 9),  # too few photos
        curves_with_top(0.3, 1),
        curves_with_top(0.6, 20, noise=0.6, seed=3),  # photos that contradict each other
        curves_with_top(0.55, 20),  # better, but by nothing to speak of
        [np.full(19, 0.7)] * 20,
    ],
)
def test_the_threshold_stays_where_they_are_not(curves):
    best = best_threshold(metrics_of(curves))
    assert best["threshold"] == 0.5 and not best["moved"] and best["iou"] == best["iou_at_default"]


def test_the_middle_of_a_plateau_is_taken_not_its_highest_point():
    level = np.where((THRESHOLDS > 0.59) & (THRESHOLDS < 0.91), 0.9, 0.8)
    level[17] += 0.0001  # the highest by chance, at 0.9
    best = best_threshold(metrics_of([level] * 12))
    assert best["highest"] == 0.9 and best["plateau"] == [0.6, 0.9] and best["threshold"] == 0.75
