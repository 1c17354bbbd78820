"""The verdict follows from the figures."""

import numpy as np
import pytest

from segmenter.evaluation import report
from segmenter.evaluation.evaluate import evaluate, evaluate_at_best
from segmenter.evaluation.report import verdict
from tests.evaluation.reports import CONFIG, judge, make_case, make_history, write


def kinds(metrics, **settings):
    return [reason["kind"] for reason in report.complete(metrics, **settings)["verdict"]["reasons"]]


def test_the_verdict_follows_the_curves():
    metrics, _ = judge(20, 0.85)
    assert "overfitted" in kinds(metrics, history=make_history(gap=0.2))
    assert "overfitted" not in kinds(metrics, history=make_history(gap=0.01))
    weak = [{**row, "dice": row["dice"] - 0.3, "val_dice": row["val_dice"] - 0.3} for row in make_history(gap=0.01)]
    assert "underfitted" in kinds(metrics, history=weak)
    assert "underfitted" not in kinds(metrics, history=make_history(gap=0.01))
    falling = make_history(30, val_loss=np.linspace(1, 0.5, 30).tolist())
    assert "unfinished" in kinds(metrics, history=falling, config=CONFIG)
    assert "unfinished" not in kinds(metrics, history=falling[:20], config=CONFIG)  # stopped early


def test_the_verdict_follows_the_comparison():
    good, poor = judge(20, 0.9)[0], judge(20, 0.6, seed=3)[0]
    assert "better" in kinds(good, before=poor)
    worse = report.complete(poor, before=good)["verdict"]
    assert "worse" in [reason["kind"] for reason in worse["reasons"]]
    assert "the weights it started from are better" in worse["sentence"]
    assert "unchanged" in kinds(good, before=judge(20, 0.9, seed=1)[0])


def rows_with(key, values, ious):
    """Metrics whose photos have one trait of given values and are alike in all others."""
    metrics, _ = judge(len(ious))
    alike = {"area": 0.3, "at_frame": 0.0, "contrast": 30.0, "thin": 0.05, "missed": 0.1, "extra": 0.1, "sure_wrong": 0}
    rows = [
        {**row, **alike, key: value, "iou": iou}
        for row, value, iou in zip(metrics["sources"]["validation"]["worst_first"], values, ious)
    ]
    metrics["sources"]["validation"] |= {"worst_first": rows, "iou": round(float(np.mean(ious)), 4)}
    return metrics


@pytest.mark.parametrize(
    "key, hard, easy, word",
    [
        ("area", 0.03, 0.3, "small"),
        ("at_frame", 0.2, 0.0, "frame"),
        ("contrast", 5.0, 40.0, "alike"),
        ("thin", 0.6, 0.1, "thin"),
    ],
)
def test_what_the_worst_have_in_common_is_found_where_it_is_there(key, hard, easy, word):
    rng = np.random.default_rng(0)
    values = np.array([hard] * 10 + [easy] * 20) * rng.uniform(0.9, 1.1, 30)
    ious = np.round(np.array([0.6] * 10 + [0.9] * 20) + rng.normal(0, 0.03, 30), 4).tolist()
    found = report.complete(rows_with(key, values.tolist(), ious))["verdict"]["reasons"]
    found = next(reason for reason in found if reason["kind"] == "in_common")
    assert found["figures"]["trait"] == key and word in found["help"]
    assert found["figures"]["iou"] == pytest.approx(np.mean(ious[:10]), abs=1e-3)
    assert found["figures"]["iou_elsewhere"] == pytest.approx(np.mean(ious[10:]), abs=1e-3)


def test_nothing_is_found_in_common_where_it_is_chance():
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(200):
        rows = [
            {"iou": iou, **dict(zip(("area", "at_frame", "contrast", "thin"), values))}
            for iou, values in zip(rng.uniform(0.3, 1, 20), rng.uniform(0, 1, (20, 4)))
        ]
        found += verdict._in_common({}, rows, {}) is not None
    assert found <= 16  # about one in twenty


def test_rank_correlation_equals_its_definition():
    rng = np.random.default_rng(2)
    a, b = rng.permutation(15), rng.permutation(15)
    plain = 1 - 6 * ((a - b) ** 2).sum() / (15 * (15**2 - 1))  # without ties
    assert verdict.rank_correlation(a, b) == pytest.approx(plain)
    assert verdict.rank_correlation([1, 1, 2, 2], [3, 3, 5, 5]) == pytest.approx(1)
    assert verdict.rank_correlation([1, 1, 1], [1, 2, 3]) == 0


def test_masks_the_network_contradicts_are_named():
    metrics = rows_with("sure_wrong", [0.4, 0.0] + [0.01] * 16, [0.5] + [0.9] * 17)
    reason = next(r for r in report.complete(metrics)["verdict"]["reasons"] if r["kind"] == "masks")
    assert metrics["sources"]["validation"]["worst_first"][0]["name"] in reason["text"]
    assert reason["figures"] == {"count": 1, "photos": 18}
    weak = rows_with("sure_wrong", [0.4] + [0.01] * 17, [0.5] * 18)  # says more on the network than on a mask
    assert "masks" not in kinds(weak)


@pytest.mark.parametrize("iou, level", [(0.96, "excellent"), (0.92, "good"), (0.85, "fair"), (0.3, "poor")])
def test_the_level_follows_the_mean(iou, level):
    metrics, _ = judge(12)
    metrics["sources"]["validation"]["iou"] = iou
    stated = report.complete(metrics)["verdict"]
    assert stated["level"] == level and f"{iou:.0%}" in stated["sentence"].replace("\N{NO-BREAK SPACE}", "")
    assert "\n" not in stated["sentence"] and stated["sentence"].endswith(".")


def shy(count=12):
    """A segmenter that is right about every box but gives it 0.33, and its photos."""
    cases = [make_case(number) for number in range(count)]
    reply = {case.photo.tobytes(): np.where(case.truth, 0.33, 0.02).astype(np.float32) for case in cases}
    return lambda photo: reply[photo.tobytes()], lambda: {"validation": iter(cases)}


def threshold_text(metrics):
    reasons = report.complete(metrics)["verdict"]["reasons"]
    return next(reason["text"] for reason in reasons if reason["kind"] == "threshold")


def test_after_training_the_best_threshold_is_the_default_from_now_on(tmp_path):
    predict, sources = shy()
    metrics, judged = evaluate_at_best(predict, sources)
    assert "which is its default from now on" in threshold_text(metrics)
    assert "is the app's default with these weights" in write(tmp_path, metrics, judged)[1]


@pytest.mark.parametrize("threshold, words", [(0.5, "Nothing was changed"), (0.3, "where it was measured")])
def test_judging_weights_alone_sets_no_default_and_claims_none(threshold, words, tmp_path):
    predict, sources = shy()
    metrics, judged = evaluate(predict, sources(), threshold)
    best = report.complete(metrics)["best_threshold"]
    metrics, judged = evaluate(predict, sources(), threshold if threshold == 0.5 else best["threshold"])
    assert words in threshold_text(metrics)
    page = write(tmp_path, metrics, judged)[1]
    for text in (threshold_text(metrics), page):
        assert "from now on" not in text and "default with these weights" not in text
    assert "No weights were changed" in page


def test_weights_judged_at_their_own_threshold_are_not_said_to_stay_at_another(tmp_path):
    metrics, judged = judge(12)
    page = write(tmp_path, metrics, judged)[1]
    assert "The threshold stays" not in page and "No threshold is better than the usual" in page
