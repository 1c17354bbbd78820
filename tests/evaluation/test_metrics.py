"""The figures against naive loops."""

import numpy as np
import pytest

from segmenter.datasets.pairs import Case
from segmenter.evaluation import metrics
from tests.evaluation.cases import make_case


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
    assert metrics.iou(mask, truth, known) == pytest.approx(both / either)
    assert metrics.dice(mask, truth, known) == pytest.approx(2 * both / (found + true))


def test_two_empty_masks_agree():
    empty = np.zeros((8, 8), bool)
    assert metrics.iou(empty, empty) == metrics.dice(empty, empty) == 1
    assert metrics.boundary_f(empty, empty) == 1
    assert metrics.iou(empty, ~empty) == 0


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
    assert metrics.boundary_f(mask, truth) == pytest.approx(expected)


def test_boundary_f_leaves_the_unknown_out():
    truth = np.zeros((100, 100), bool)
    truth[20:80, 20:80] = True
    mask = truth.copy()
    mask[20:80, 60:80] = False
    known = np.ones_like(truth)
    assert metrics.boundary_f(mask, truth, known) < 0.9
    known[:, 50:] = False
    assert metrics.boundary_f(mask, truth, known) == 1


def test_boundary_f_forgives_an_outline_within_an_unknown_rim():
    truth = np.zeros((80, 80), bool)
    truth[20:60, 20:60] = True
    known = np.ones_like(truth)
    known[16:64, 16:64] = False  # nobody could tell where the outline runs in a rim of eight pixels
    known[24:56, 24:56] = True
    wide, narrow, off = (np.zeros_like(truth) for _ in range(3))
    wide[17:63, 17:63], narrow[23:57, 23:57], off[34:46, 34:46] = True, True, True
    assert metrics.boundary_f(wide, truth, known) == metrics.boundary_f(narrow, truth, known) == 1
    assert metrics.boundary_f(off, truth, known) < 0.1


def test_gaps_are_what_lies_between_parts_of_one_piece():
    chair = np.zeros((60, 100), bool)
    chair[20:24, 10:40] = True  # a seat
    chair[24:50, 10:13] = chair[24:50, 37:40] = True  # two legs
    expected = np.zeros_like(chair)
    expected[24:50, 13:37] = True
    np.testing.assert_array_equal(metrics.gaps(chair), expected)
    two = chair | np.roll(chair, 50, axis=1)  # what lies between two chairs is no gap
    np.testing.assert_array_equal(metrics.gaps(two), expected | np.roll(expected, 50, axis=1))


@pytest.mark.parametrize("seed", range(3))
def test_the_threshold_curve_equals_iou_at_each_threshold(seed):
    rng = np.random.default_rng(seed)
    case = Case("x", None, *random_masks(seed)[:2])
    probabilities = np.round(rng.random((23, 31)), 2).astype(np.float32)
    curve = metrics.threshold_curve(case, probabilities)
    expected = [metrics.iou(probabilities >= np.float32(t), case.truth, case.known) for t in metrics.THRESHOLDS]
    np.testing.assert_allclose(curve, expected)


def test_mistakes_are_counted_by_kind():
    case = make_case(0, "x.jpg")  # 20 rows of 30
    found = np.roll(case.truth, 6, axis=1) * np.float32(0.6)  # unsure of all it finds, sure of the rest
    one = metrics.score(case, found, 0.5)
    assert one.missed == one.extra == pytest.approx(6 / 30)
    assert one.sure_wrong == pytest.approx(6 / 36)
