"""The figures against naive loops, and the report that is written."""

import json

import numpy as np
import pytest
from PIL import Image

from segmenter import dataset, evaluation


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
    return dataset.Case(name, photo, truth, np.ones_like(truth))


@pytest.mark.parametrize("seed", range(3))
def test_the_threshold_curve_equals_iou_at_each_threshold(seed):
    rng = np.random.default_rng(seed)
    case = dataset.Case("x", None, *random_masks(seed)[:2])
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
