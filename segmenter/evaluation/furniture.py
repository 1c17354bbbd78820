"""How the default weights are judged: on the held-out photos of their collection, those from the wild first.

The figures are of what people get: scraps beside the main piece are left out, as is the default everywhere,
but where a photo's mask marks all pieces of a room.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from segmenter.datasets.collection import EMPTY
from segmenter.datasets.pairs import Case
from segmenter.evaluation.calibration import Reliability
from segmenter.evaluation.evaluate import Judged, Predict, evaluate
from segmenter.inference.pieces import without_scraps

WHOLE_ROOMS = ("wild_voc2012", "rooms")  # sources whose masks mark every seat, however small
HARD = ("wild_caltech101", "wild_duts")  # single pieces in photos by strangers
EMPTY_AREA = 0.01  # share of a picture without furniture that may be called furniture before it counts as a mistake
LISTED = 20  # mistakes that are named


def judge(
    predict: Predict,
    sources: Mapping[str, Iterable[Case]],
    threshold: float,
    longest: int | None = None,
    main: Callable[[np.ndarray, float], np.ndarray] = without_scraps,
) -> tuple[dict[str, Any], list[Judged]]:
    """Judge a segmenter on a collection.

    Args:
        predict: function of a photo (uint8 H × W × 3) → probability map (float32 H × W).
        sources: name → photos with their masks; those called `EMPTY` are pictures without furniture.
        threshold: 0 … 1.
        longest: see `evaluate.evaluate`.
        main: function of (map, threshold) → the map of the main piece; of a network that was not made to say how
            sure it is, `pieces.heaviest`.

    Returns:
        (metrics, judged) as `evaluate.evaluate`; the metrics also have `empty` (see `judge_empty`),
        `worst_tenth` (mean IoU of the worst tenth of the photos of `HARD` together) and `reliability` (see
        `calibration.Reliability`), where there are photos for them.
    """
    reliability = Reliability()

    def main_piece(photo: np.ndarray) -> np.ndarray:
        return main(predict(photo), threshold)

    metrics: dict[str, Any] = {}
    judged: list[Judged] = []
    for name, cases in sources.items():
        if name == EMPTY:
            metrics[EMPTY] = judge_empty(main_piece, cases, threshold)
            continue
        look = predict if name in WHOLE_ROOMS else main_piece
        found, some = evaluate(look, {name: cases}, threshold, longest, reliability.add)
        metrics = {**metrics, **found, "sources": {**metrics.get("sources", {}), **found["sources"]}}
        judged += some
    judged.sort(key=lambda each: each[0].iou)
    hard = sorted(row["iou"] for name in HARD for row in metrics["sources"].get(name, {}).get("worst_first", []))
    if hard:
        metrics["worst_tenth"] = round(float(np.mean(hard[: max(1, len(hard) // 10)])), 4)
    metrics["reliability"] = reliability.diagram()
    return metrics, judged


def judge_empty(predict: Predict, cases: Iterable[Case], threshold: float) -> dict[str, Any]:
    """How often furniture is seen where there is none.

    Returns:
        dict: `photos`; `furnished`, the share of them of whose area more than `EMPTY_AREA` is called furniture;
        `area`, the mean share so called; `worst`, up to `LISTED` of {`name`, `area`}, the worst first.
    """
    rows = [{"name": case.name, "area": round(float((predict(case.photo) >= threshold).mean()), 4)} for case in cases]
    rows.sort(key=lambda row: -row["area"])
    wrong = [row for row in rows if row["area"] > EMPTY_AREA]
    count = max(1, len(rows))
    return {
        "photos": len(rows),
        "furnished": round(len(wrong) / count, 4),
        "area": round(sum(row["area"] for row in rows) / count, 4),
        "worst": wrong[:LISTED],
    }
