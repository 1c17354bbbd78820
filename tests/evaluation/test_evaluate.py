"""Judging a segmenter on sets of photos."""

import numpy as np
import pytest

from segmenter.datasets.pairs import Case
from segmenter.evaluation import evaluate
from tests.evaluation.cases import judge_four, make_case


def test_the_evaluation_finds_the_worst_and_means_over_photos():
    metrics, cases = judge_four()
    assert metrics["sources"]["two"]["iou"] == metrics["sources"]["two"]["boundary_f"] == 1
    assert metrics["sources"]["all"]["photos"] == 4
    assert metrics["sources"]["all"]["iou"] == pytest.approx((3 + 0.5) / 4, abs=1e-4)
    assert metrics["sources"]["all"]["worst_first"][0]["name"] == "case2.jpg"
    assert cases[0][1].name == "case2.jpg"
    curve = metrics["sources"]["two"]["iou_by_threshold"]
    assert curve[metrics["thresholds"].index(0.5)] == 1 and curve[-1] == 0


def test_judging_goes_on_at_the_best_threshold():
    cases = [make_case(number, f"{number}.jpg") for number in range(4)] * 3
    shy = {case.photo.tobytes(): np.where(case.truth, 0.33, 0.02).astype(np.float32) for case in cases}
    metrics, judged = evaluate.evaluate_at_best(lambda photo: shy[photo.tobytes()], lambda: {"all": iter(cases)}, 64)
    assert metrics["threshold"] == metrics["best_threshold"]["threshold"] < 0.33
    assert metrics["sources"]["all"]["iou"] == 1 and metrics["best_threshold"]["iou_at_default"] == 0
    assert len(judged) == 12


def test_what_is_kept_small_looks_like_what_was_judged():
    rng = np.random.default_rng(1)
    photo = np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((50, 50, 1))).astype(np.uint8)
    truth = np.zeros((300, 400), bool)
    truth[100:200, 100:300] = True
    case = Case("x.jpg", photo, truth, truth | (np.arange(400) < 350))
    probabilities = (truth * 0.8).astype(np.float32)
    kept = evaluate.Kept("score", case, probabilities, 200)
    score, small, found = kept
    assert (score, small.name, kept[0], kept[1].name) == ("score", "x.jpg", "score", "x.jpg")
    assert small.photo.shape == (150, 200, 3) and small.truth.shape == found.shape == (150, 200)
    np.testing.assert_array_equal(small.truth, truth[::2, ::2])
    np.testing.assert_array_equal(small.known, case.known[::2, ::2])
    assert np.abs(found - probabilities[::2, ::2]).max() < 1 / 255
    assert np.abs(small.photo.astype(int) - photo[::2, ::2]).mean() < 6
