"""The threshold that suits a network, as far as the photos it was judged on can tell."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from segmenter.evaluation.metrics import DEFAULT_THRESHOLD, THRESHOLDS

ENOUGH = 10  # photos to judge by, below which the threshold stays as it is
CLEARLY = 2.0  # standard errors, from where on a difference is taken for one
WORTHWHILE = 0.002  # of IoU; less than that nobody sees


def best_threshold(metrics: dict[str, Any]) -> dict[str, Any]:
    """The threshold that suits the network best, as far as the photos can tell.

    The mean IoU is flat around its maximum, so that the maximum itself is a matter of chance: chosen on
    ten photos, it costs others 0.0009 (chairs97) to 0.004 of IoU (rendered rooms) on average, compared
    with leaving 0.5 as it is; chosen as here, 0.0002 at most. So (1) the middle of the plateau is taken,
    the thresholds around the maximum whose mean lies within one standard error of it (the "one standard error rule" of Breiman et al., "Classification and Regression Trees",
    1984; here with the error of the paired differences to 0.5), and (2) it replaces 0.5 only where at
    least `ENOUGH` photos say that it is better, by more than `CLEARLY` standard errors of the paired
    difference and by `WORTHWHILE` at least. Several sources count by their photos.

    Args:
        metrics: as `evaluate.evaluate` gives them.

    Returns:
        dict: `threshold`; `iou` and `iou_at_default`, the mean IoU there and at 0.5; `highest`, the
        threshold of the highest mean; `plateau`, its first and last threshold; `gain` and `error`
        of the plateau's middle over 0.5; `moved`, whether `threshold` is another than 0.5.
    """
    curve, error = pooled_curves(list(metrics["sources"].values()))
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


def pooled_curves(sources: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """(Mean IoU at each threshold, standard error of its difference to 0.5) over all photos of `sources`."""
    share = np.array([source["photos"] for source in sources], float)
    share /= share.sum()
    curve = share @ np.array([source["iou_by_threshold"] for source in sources])
    errors = [source.get("iou_error_by_threshold") for source in sources]
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):  # a single photo, or metrics of an older kind: anything may be
        return curve, np.full(len(curve), np.inf)
    return curve, np.sqrt(share**2 @ np.square(known))


def paired_error(curves: np.ndarray) -> list[float] | None:
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
