"""What a run comes to: history, comparison, folds, findings."""

import json

import numpy as np
import pytest

from segmenter.evaluation.report import summary
from tests.evaluation.reports import judge, make_history


def test_epochs_that_ran_twice_count_once():
    rows = make_history(4)
    again = [{**rows[2], "val_loss": 0.001}, {**rows[3], "val_loss": 0.5}]
    epochs = summary.read_history([*rows, *again])
    assert [row["epoch"] for row in epochs] == [1, 2, 3, 4]
    assert summary.summarise_history(epochs)["best_epoch"] == 3


def test_drops_of_the_learning_rate_are_marked_but_a_slow_fall_is_not():
    drops = summary.summarise_history(summary.read_history(make_history()))["drops"]
    assert drops == [{"epoch": 7, "from": 1e-3, "to": 1e-4}]
    slowly = make_history(12, learning_rate=[1e-3 * 0.9**epoch for epoch in range(12)])
    assert summary.summarise_history(summary.read_history(slowly))["drops"] == []


def test_the_comparison_counts_photo_by_photo():
    after, _ = judge(12)
    before = json.loads(json.dumps(after))
    rows = before["sources"]["validation"]["worst_first"]
    for row, change in zip(rows, [0.1] * 5 + [-0.2] * 3 + [0.004] * 4):
        row["iou"] = round(row["iou"] - change, 4)
    metrics, comparison = summary.compare(after, before)
    assert (comparison["better"], comparison["worse"], comparison["same"]) == (5, 3, 4)
    changes = [0.1] * 5 + [-0.2] * 3 + [0.004] * 4
    assert comparison["change"] == pytest.approx(np.mean(changes), abs=1e-4)
    assert comparison["error"] == pytest.approx(np.std(changes, ddof=1) / np.sqrt(12), abs=1e-4)
    assert metrics["sources"]["validation"]["worst_first"][0]["iou_before"] == rows[0]["iou"]
    assert "iou_before" not in after["sources"]["validation"]["worst_first"][0]
    others = json.loads(json.dumps(before).replace("photo", "another"))
    others["sources"]["validation"]["photos"] = 12
    assert summary.compare(after, others) == (after, None)


def test_the_folds_have_a_mean_and_a_spread(whole):
    metrics, page = whole
    ious = [fold["iou"] for fold in metrics["folds"]["each"]]
    assert metrics["folds"]["mean"]["iou"] == pytest.approx(np.mean(ious), abs=1e-4)
    assert metrics["folds"]["spread"]["iou"] == pytest.approx(np.std(ious, ddof=1), abs=1e-4)
    assert "Fold by fold" in page


def test_findings_are_brought_together_by_kind(whole):
    found = whole[0]["findings"]
    assert [(one["level"], one["count"], one["files"]) for one in found["each"]] == [
        ("error", 2, ["b.jpg", "c.jpg"]),
        ("warning", 1, ["a.jpg"]),
    ]
    assert summary.read_findings([]) == {"each": []}
    assert summary.read_findings(["something"])["each"][0]["problem"] == "something"
