"""Judge a segmenter on sets of photos whose masks are known."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np

from segmenter.datasets.pairs import Case
from segmenter.evaluation import difficulty
from segmenter.evaluation.metrics import DEFAULT_THRESHOLD, THRESHOLDS, Score, score, summarise, threshold_curve
from segmenter.evaluation.threshold import best_threshold, paired_error

Predict = Callable[[np.ndarray], np.ndarray]  # photo (uint8 H × W × 3) → probability map (float32 H × W)
Sources = Mapping[str, Iterable[Case]]  # name → photos with their masks


class Kept(Sequence[Any]):
    """A judged photo, shrunk and compressed; it unpacks to (Score, Case, map) as a tuple would.

    Hundreds of photos as they are do not fit in memory; for pictures of the result this is enough.
    """

    def __init__(self, score: Score, case: Case, probabilities: np.ndarray, longest: int) -> None:
        scale = min(1.0, longest / max(case.truth.shape))
        size = max(1, round(case.truth.shape[1] * scale)), max(1, round(case.truth.shape[0] * scale))
        self.score, self.name = score, case.name
        grey = [case.truth * np.uint8(255), case.known * np.uint8(255), np.rint(probabilities * 255).astype(np.uint8)]
        photo, *grey = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (case.photo, *grey))
        self._photo = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        self._grey = cv2.imencode(".png", np.vstack(grey))[1]

    def unpack(self) -> tuple[Score, Case, np.ndarray]:
        """(Score, Case, map), each as small as it was kept."""
        photo = np.asarray(cv2.imdecode(self._photo, cv2.IMREAD_COLOR))[..., ::-1].copy()
        truth, known, grey = np.split(np.asarray(cv2.imdecode(self._grey, cv2.IMREAD_GRAYSCALE)), 3)
        case = Case(self.name, photo, truth >= 128, known >= 128)
        return self.score, case, grey.astype(np.float32) / 255

    def __getitem__(self, index: Any) -> Any:
        return self.score if index == 0 else self.unpack()[index]  # sorting asks for the score alone

    def __iter__(self) -> Iterator[Any]:
        return iter(self.unpack())

    def __len__(self) -> int:
        return 3


Judged = Kept | tuple[Score, Case, np.ndarray]


def evaluate(
    predict: Predict,
    sources: Sources,
    threshold: float = DEFAULT_THRESHOLD,
    longest: int | None = None,
    observe: Callable[[Case, np.ndarray], None] | None = None,
) -> tuple[dict[str, Any], list[Judged]]:
    """Judge a segmenter on several sets of photos.

    Args:
        predict: function of a photo (uint8 H × W × 3) → probability map (float32 H × W).
        sources: name → iterable of Case.
        threshold: 0 … 1.
        longest: what is kept of each photo for pictures is shrunk to this longer side and
            compressed (see `Kept`); kept as it is by default. The figures are of the full size.
        observe: called with each Case and its map, for figures of another kind.

    Returns:
        (metrics, judged): metrics is plain JSON: per source the summary, the threshold curve and
        every photo's figures and traits, worst first; judged is a list of (Score, Case, map), worst
        first.
    """
    metrics: dict[str, Any] = {"threshold": threshold, "thresholds": THRESHOLDS.tolist(), "sources": {}}
    judged: list[Judged] = []
    for name, cases in sources.items():
        found: list[Judged] = []
        curves, rows = [], []
        for case in cases:
            probabilities = predict(case.photo)
            if observe:
                observe(case, probabilities)
            one = score(case, probabilities, threshold)
            found.append((one, case, probabilities) if longest is None else Kept(one, case, probabilities, longest))
            curves.append(threshold_curve(case, probabilities))
            rows.append(_rounded({**asdict(one), **difficulty.measure(case.photo, case.truth, case.known)}))
        found.sort(key=lambda each: each[0].iou)
        metrics["sources"][name] = {
            **summarise([each[0] for each in found]),
            "iou_by_threshold": np.round(np.mean(curves, axis=0), 4).tolist(),
            "iou_error_by_threshold": paired_error(np.array(curves)),
            "worst_first": sorted(rows, key=lambda row: row["iou"]),
        }
        judged += found
    judged.sort(key=lambda each: each[0].iou)
    return metrics, judged


def evaluate_at_best(
    predict: Predict, sources: Callable[[], Sources], longest: int | None = None
) -> tuple[dict[str, Any], list[Judged]]:
    """`evaluate` at 0.5, or, where `best_threshold` is sure of another one, at that.

    Args:
        predict: as for `evaluate`.
        sources: function without arguments that gives what `evaluate` takes, anew each time.
        longest: as for `evaluate`.

    Returns:
        (metrics, judged), as `evaluate`. `metrics["best_threshold"]` is what `best_threshold` says,
        with `applied`: that the figures are at this threshold, which becomes the network's own.
    """
    metrics, judged = evaluate(predict, sources(), DEFAULT_THRESHOLD, longest)
    best = best_threshold(metrics)
    if best["moved"]:
        metrics, judged = evaluate(predict, sources(), best["threshold"], longest)
    return {**metrics, "best_threshold": {**best, "applied": True}}, judged


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: (None if value != value else round(value, 4)) if isinstance(value, float) else value
        for key, value in row.items()
    }
