"""The figures of a cross-validation."""

import numpy as np
import pytest

from segmenter.evaluation.evaluate import evaluate
from segmenter.evaluation.folds import fold_summary, pool
from tests.evaluation.cases import make_case


def test_folds_pooled_are_as_if_judged_at_once():
    cases = [make_case(number % 4, f"{number}.jpg") for number in range(9)]
    rng = np.random.default_rng(0)
    reply = [np.clip(case.truth * 0.5 + rng.random(case.truth.shape) * 0.6, 0, 1).astype(np.float32) for case in cases]

    def judge(part):
        answers = iter(reply[part])
        return evaluate(lambda photo: next(answers), {"validation": cases[part]})[0]

    at_once, parts = judge(slice(None)), [judge(slice(0, 4)), judge(slice(4, 9))]
    pooled = pool(parts)["sources"]["validation"]
    for key, value in at_once["sources"]["validation"].items():
        if key not in ("worst_first", "iou_error_by_threshold"):  # the spread between folds is left out of the error
            assert pooled[key] == (None if value is None else pytest.approx(value, abs=2e-4)), key
    assert [row["iou"] for row in pooled["worst_first"]] == sorted(row["iou"] for row in pooled["worst_first"])
    lines = fold_summary(parts)
    assert [line["photos"] for line in lines] == [4, 5] and lines[0]["iou"] == pytest.approx(
        parts[0]["sources"]["validation"]["iou"], abs=1e-4
    )
