"""The figures against naive loops, and the report that is written."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets import pairs
from segmenter.evaluation import difficulty, metrics as evaluation


def random_masks(seed, shape=(23, 31)):
    rng = np.random.default_rng(seed)
    return [rng.random(shape) > 0.5 for _ in range(3)]


@pytest.mark.parametrize("seed", range(4))
def test_iou_and_dice_equal_counting(seed):
    mask, truth, known = random_masks(seed)
    both = either = found = true = 0
    for m, t, k in zip(mask.ravel(), truth.ravel(), known.ravel()):
        both += m and t and k
        either += (m or t) and k
        found += m and k
        true += t and k
    assert evaluation.iou(mask, truth, known) == pytest.approx(both / either)
    assert evaluation.dice(mask, truth, known) == pytest.approx(2 * both / (found + true))


def test_two_empty_masks_agree():
    empty = np.zeros((8, 8), bool)
    assert evaluation.iou(empty, empty) == evaluation.dice(empty, empty) == 1
    assert evaluation.boundary_f(empty, empty) == 1
    assert evaluation.iou(empty, ~empty) == 0


def outline_pixels(mask):
    """Foreground with background beside it (frame excluded), by a loop."""
    found = []
    for y, x in np.argwhere(mask):
        around = mask[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        if not around.all():
            found.append((y, x))
    return np.array(found)


def test_boundary_f_equals_a_naive_search_for_counterparts():
    mask, truth = np.zeros((2, 150, 200), bool)
    mask[40:100, 50:120] = True
    truth[42:110, 50:118] = True
    reach = round(0.008 * 250)
    a, b = outline_pixels(mask), outline_pixels(truth)
    near = (((a[:, None] - b[None]) ** 2).sum(axis=2)) <= reach**2
    precision, recall = near.any(axis=1).mean(), near.any(axis=0).mean()
    expected = 2 * precision * recall / (precision + recall)
    assert 0.5 < expected < 1
    assert evaluation.boundary_f(mask, truth) == pytest.approx(expected)


def test_boundary_f_leaves_the_unknown_out():
    truth = np.zeros((100, 100), bool)
    truth[20:80, 20:80] = True
    mask = truth.copy()
    mask[20:80, 60:80] = False
    known = np.ones_like(truth)
    assert evaluation.boundary_f(mask, truth, known) < 0.9
    known[:, 50:] = False
    assert evaluation.boundary_f(mask, truth, known) == 1


def test_gaps_are_what_lies_between_parts_of_one_piece():
    chair = np.zeros((60, 100), bool)
    chair[20:24, 10:40] = True  # a seat
    chair[24:50, 10:13] = chair[24:50, 37:40] = True  # two legs
    expected = np.zeros_like(chair)
    expected[24:50, 13:37] = True
    np.testing.assert_array_equal(evaluation.gaps(chair), expected)
    two = chair | np.roll(chair, 50, axis=1)  # what lies between two chairs is no gap
    np.testing.assert_array_equal(evaluation.gaps(two), expected | np.roll(expected, 50, axis=1))


def make_case(seed, name):
    rng = np.random.default_rng(seed)
    truth = np.zeros((40, 50), bool)
    truth[10:30, 10 + seed : 40] = True
    photo = rng.integers(0, 256, (40, 50, 3), np.uint8)
    return pairs.Case(name, photo, truth, np.ones_like(truth))


@pytest.mark.parametrize("seed", range(3))
def test_the_threshold_curve_equals_iou_at_each_threshold(seed):
    rng = np.random.default_rng(seed)
    case = pairs.Case("x", None, *random_masks(seed)[:2])
    probabilities = np.round(rng.random((23, 31)), 2).astype(np.float32)
    curve = evaluation.threshold_curve(case, probabilities)
    expected = [
        evaluation.iou(probabilities >= np.float32(t), case.truth, case.known) for t in evaluation.THRESHOLDS
    ]
    np.testing.assert_allclose(curve, expected)


@pytest.fixture
def judged():
    cases = [make_case(seed, f"case{seed}.jpg") for seed in range(4)]
    reply = {case.photo.tobytes(): case.truth * np.float32(0.9) for case in cases}
    spoiled = reply[cases[2].photo.tobytes()]
    spoiled[:20] = 0
    return evaluation.evaluate(lambda photo: reply[photo.tobytes()], {"all": cases, "two": cases[:2]}, 0.5)


def test_the_evaluation_finds_the_worst_and_means_over_photos(judged):
    metrics, cases = judged
    assert metrics["sources"]["two"]["iou"] == metrics["sources"]["two"]["boundary_f"] == 1
    assert metrics["sources"]["all"]["photos"] == 4
    assert metrics["sources"]["all"]["iou"] == pytest.approx((3 + 0.5) / 4, abs=1e-4)
    assert metrics["sources"]["all"]["worst_first"][0]["name"] == "case2.jpg"
    assert cases[0][1].name == "case2.jpg"
    curve = metrics["sources"]["two"]["iou_by_threshold"]
    assert curve[metrics["thresholds"].index(0.5)] == 1 and curve[-1] == 0


def test_the_report_can_be_read_back_and_looked_at(judged, tmp_path):
    metrics, cases = judged
    (tmp_path / "model.tflite").write_bytes(b"weights")
    evaluation.write_report(tmp_path, metrics, cases, tmp_path)
    evaluation.write_overlays(tmp_path / "overlays", cases, 0.5)
    stored = json.loads((tmp_path / "metrics.json").read_text())
    assert stored["sources"] == json.loads(json.dumps(metrics["sources"]))
    assert len(stored["weights_sha256"]) == 64
    assert Image.open(tmp_path / "samples.png").width == 6 * evaluation.TILE
    assert sorted(path.name for path in (tmp_path / "overlays").iterdir())[0] == "001-case2.jpg"


@pytest.mark.parametrize("iou, word", [(0.97, "excellent"), (0.92, "good"), (0.85, "fair"), (0.2, "not good")])
def test_the_words_follow_the_figures(iou, word):
    source = {"photos": 20, "iou": iou, "dice": 0.9, "boundary_f": 0.8, "gap_accuracy": 0.955}
    words = evaluation.in_words({"sources": {"validation": source}})
    assert f"IoU {iou:.3f}" in words and "20 photos" in words and "96%" in words and word in words


def metrics_of(curves, levels=evaluation.THRESHOLDS.tolist()):
    """Metrics with given IoU curves, photos × thresholds."""
    curves = np.array(curves)
    gains = curves - curves[:, [levels.index(0.5)]]
    error = (gains.std(axis=0, ddof=1) / np.sqrt(len(curves))).tolist() if len(curves) > 1 else None
    source = {"photos": len(curves), "iou_by_threshold": curves.mean(axis=0).tolist(), "iou_error_by_threshold": error}
    return {"thresholds": levels, "sources": {"validation": source}}


def curves_with_top(top, count, noise=0.01, height=0.9, drop=0.3, seed=0):
    """IoU curves, highest near the threshold `top`, lifted and tilted at random from photo to photo."""
    rng = np.random.default_rng(seed)
    return [height - drop * (evaluation.THRESHOLDS - top) ** 2 + rng.normal(0, 0.1)
            + rng.normal(0, noise) * (evaluation.THRESHOLDS - 0.5) for _ in range(count)]  # fmt: skip


@pytest.mark.parametrize("top", [0.3, 0.75])
def test_the_threshold_moves_where_the_photos_are_sure(top):
    best = evaluation.best_threshold(metrics_of(curves_with_top(top, 20)))
    assert best["moved"] and best["threshold"] == pytest.approx(top, abs=0.051)
    assert best["plateau"][0] <= top <= best["plateau"][1]
    assert best["gain"] == pytest.approx(best["iou"] - best["iou_at_default"], abs=2e-4)


@pytest.mark.parametrize("curves", [
    curves_with_top(0.3, 9),  # too few photos
    curves_with_top(0.3, 1),
    curves_with_top(0.6, 20, noise=0.6, seed=3),  # photos that contradict each other
    curves_with_top(0.55, 20),  # better, but by nothing to speak of
    [np.full(19, 0.7)] * 20,
])  # fmt: skip
def test_the_threshold_stays_where_they_are_not(curves):
    best = evaluation.best_threshold(metrics_of(curves))
    assert best["threshold"] == 0.5 and not best["moved"] and best["iou"] == best["iou_at_default"]


def test_the_middle_of_a_plateau_is_taken_not_its_highest_point():
    level = np.where((evaluation.THRESHOLDS > 0.59) & (evaluation.THRESHOLDS < 0.91), 0.9, 0.8)
    level[17] += 0.0001  # the highest by chance, at 0.9
    best = evaluation.best_threshold(metrics_of([level] * 12))
    assert best["highest"] == 0.9 and best["plateau"] == [0.6, 0.9] and best["threshold"] == 0.75


def test_judging_goes_on_at_the_best_threshold():
    cases = [make_case(number, f"{number}.jpg") for number in range(4)] * 3
    shy = {case.photo.tobytes(): np.where(case.truth, 0.33, 0.02).astype(np.float32) for case in cases}
    metrics, judged = evaluation.evaluate_at_best(lambda photo: shy[photo.tobytes()], lambda: {"all": iter(cases)}, 64)
    assert metrics["threshold"] == metrics["best_threshold"]["threshold"] < 0.33
    assert metrics["sources"]["all"]["iou"] == 1 and metrics["best_threshold"]["iou_at_default"] == 0
    assert len(judged) == 12


def test_what_is_kept_small_looks_like_what_was_judged():
    rng = np.random.default_rng(1)
    photo = np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((50, 50, 1))).astype(np.uint8)
    truth = np.zeros((300, 400), bool)
    truth[100:200, 100:300] = True
    case = pairs.Case("x.jpg", photo, truth, truth | (np.arange(400) < 350))
    probabilities = (truth * 0.8).astype(np.float32)
    kept = evaluation.Kept("score", case, probabilities, 200)
    score, small, found = kept
    assert (score, small.name, kept[0], kept[1].name) == ("score", "x.jpg", "score", "x.jpg")
    assert small.photo.shape == (150, 200, 3) and small.truth.shape == found.shape == (150, 200)
    np.testing.assert_array_equal(small.truth, truth[::2, ::2])
    np.testing.assert_array_equal(small.known, case.known[::2, ::2])
    assert np.abs(found - probabilities[::2, ::2]).max() < 1 / 255
    assert np.abs(small.photo.astype(int) - photo[::2, ::2]).mean() < 6


def test_mistakes_are_counted_by_kind():
    case = make_case(0, "x.jpg")  # 20 rows of 30
    found = np.roll(case.truth, 6, axis=1) * np.float32(0.6)  # unsure of all it finds, sure of the rest
    one = evaluation.score(case, found, 0.5)
    assert one.missed == one.extra == pytest.approx(6 / 30)
    assert one.sure_wrong == pytest.approx(6 / 36)


def test_folds_pooled_are_as_if_judged_at_once():
    cases = [make_case(number % 4, f"{number}.jpg") for number in range(9)]
    rng = np.random.default_rng(0)
    reply = [np.clip(case.truth * 0.5 + rng.random(case.truth.shape) * 0.6, 0, 1).astype(np.float32) for case in cases]

    def judge(part):
        answers = iter(reply[part])
        return evaluation.evaluate(lambda photo: next(answers), {"validation": cases[part]})[0]

    at_once, parts = judge(slice(None)), [judge(slice(0, 4)), judge(slice(4, 9))]
    pooled = evaluation.pool(parts)["sources"]["validation"]
    for key, value in at_once["sources"]["validation"].items():
        if key not in ("worst_first", "iou_error_by_threshold"):  # the spread between folds is left out of the error
            assert pooled[key] == (None if value is None else pytest.approx(value, abs=2e-4)), key
    assert [row["iou"] for row in pooled["worst_first"]] == sorted(row["iou"] for row in pooled["worst_first"])
    lines = evaluation.fold_summary(parts)
    assert [line["photos"] for line in lines] == [4, 5] and lines[0]["iou"] == pytest.approx(
        parts[0]["sources"]["validation"]["iou"], abs=1e-4
    )


def test_the_table_has_a_row_a_photo(judged, tmp_path):
    metrics, _ = judged
    evaluation.write_csv(metrics, tmp_path / "figures.csv")
    with open(tmp_path / "figures.csv", newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 and {row["source"] for row in rows} == {"all", "two"}
    for row, wanted in zip(rows, metrics["sources"]["all"]["worst_first"]):
        assert row["name"] == wanted["name"] and float(row["iou"]) == wanted["iou"]
        assert row["gaps"] == ("" if wanted["gaps"] is None else str(wanted["gaps"]))
    with pytest.raises(evaluation.ReportError, match="in a folder that is there"):
        evaluation.write_csv(metrics, tmp_path / "nowhere" / "figures.csv")


def box(width, height, shape=(300, 400), at=(100, 120), colour=(200, 60, 60), ground=(60, 60, 200)):
    truth = np.zeros(shape, bool)
    truth[at[0] : at[0] + height, at[1] : at[1] + width] = True
    return np.where(truth[..., None], colour, ground).astype(np.uint8), truth


def test_traits_of_pictures_made_to_have_them():
    plain = difficulty.measure(*box(120, 100))
    assert plain["area"] == pytest.approx(0.1, rel=0.03) and plain["at_frame"] == 0 and plain["thin"] < 0.05
    cut_off = difficulty.measure(*box(120, 100, at=(200, 120)))
    assert cut_off["at_frame"] == pytest.approx(120 / (2 * (300 + 400)), rel=0.05)
    assert difficulty.measure(*box(120, 3))["thin"] > 0.95
    alike = difficulty.measure(*box(120, 100, ground=(195, 62, 60)))
    assert alike["contrast"] < 5 < 60 < plain["contrast"]
    empty = difficulty.measure(*box(0, 0))
    assert empty == {"area": 0, "at_frame": 0, "contrast": None, "thin": None}
    full = difficulty.measure(*box(400, 300, at=(0, 0)))
    assert full["area"] == full["at_frame"] == 1 and full["contrast"] is None


def test_a_photos_traits_leave_the_unknown_out():
    photo, truth = box(120, 100)
    known = np.ones_like(truth)
    known[:, 180:] = False
    assert difficulty.measure(photo, truth, known)["area"] == pytest.approx(0.05, rel=0.05)
