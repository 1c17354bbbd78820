"""Clicks by rule, and the figures of them, against counting by hand."""

from dataclasses import replace

import numpy as np
import pytest

from segmenter.datasets.pairs import Case
from segmenter.evaluation import clicking


def box(top, bottom, left, right, shape=(40, 60)):
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def case(truth, known=None):
    photo = np.zeros((*truth.shape, 3), np.uint8)
    return Case("piece", photo, truth, np.ones(truth.shape, bool) if known is None else known)


def naive_depth(region):
    """From each pixel of a region, the distance to the nearest that is outside of it or of the picture."""
    outside = np.argwhere(~np.pad(region, 1)) - 1
    depth = np.zeros(region.shape)
    for y, x in np.argwhere(region):
        depth[y, x] = np.sqrt(((outside - (y, x)) ** 2).sum(axis=1).min())
    return depth


def test_the_first_click_is_the_deepest_place_of_the_piece():
    rng = np.random.default_rng(3)
    truth = box(5, 30, 10, 40) & (rng.random((40, 60)) < 0.98)
    click = clicking.next_click(truth, np.zeros_like(truth))
    depth = naive_depth(truth)
    assert click and click.label == 1 and depth[click.y, click.x] == pytest.approx(depth.max(), abs=1e-3)


def test_the_next_click_is_in_the_largest_mistake():
    truth = box(5, 35, 5, 30)
    added = clicking.next_click(truth, truth | box(10, 20, 40, 50))
    assert added.label == 0 and 40 <= added.x < 50 and 10 <= added.y < 20
    lost = clicking.next_click(truth, truth & ~box(5, 35, 5, 20))
    assert lost.label == 1 and lost.x < 20
    assert clicking.next_click(truth, truth) is None


def test_nothing_is_a_mistake_where_nobody_knows():
    truth, unknown = box(5, 35, 5, 30), box(0, 40, 0, 20)
    click = clicking.next_click(truth, np.zeros_like(truth), ~unknown)
    assert click and click.x >= 20
    assert clicking.next_click(unknown, np.zeros_like(truth), ~unknown) is None


def test_the_figures_are_those_of_counting():
    truth = box(4, 36, 4, 44)
    half = box(4, 36, 4, 24)
    answers = {1: half, 2: box(4, 36, 4, 20), 3: truth}

    def pick(photo, points, labels):
        assert len(points) == len(labels) and labels[0] == 1
        return answers[min(3, len(points))].astype(np.float32)

    found = clicking.judge(pick, [case(truth)])
    assert found["pieces"] == 1 and found["iou"] == [0.5, 0.4, 1.0]
    assert found["clicks"] == {"0.85": 3.0, "0.9": 3.0}
    assert found["worse"] == 1.0  # the second click cost 0.1
    assert found["clicked"] == 3  # it was right by then
    assert found["worst_first"] == [{"name": "piece", "iou": [0.5, 0.4, 1.0]}]


def test_one_click_anywhere_is_tried_too_and_is_the_same_every_time():
    truth, places = box(4, 36, 4, 44), []
    middle = clicking.next_click(truth, np.zeros_like(truth))
    assert middle

    def pick(photo, points, labels):
        places.append(points[0])
        return (truth if points[0] != (middle.x, middle.y) else np.zeros_like(truth)).astype(np.float32)

    first = clicking.judge(pick, [case(truth)] * 30, most=3)
    assert first["iou"][0] == 0.0 and first["anywhere"] > 0.9
    others = set(places) - {(middle.x, middle.y)}
    assert len(others) > 20 and all(truth[y, x] for x, y in others)
    assert clicking.judge(pick, [case(truth)] * 30, most=3) == first


def test_a_piece_that_is_never_found_takes_all_clicks():
    found = clicking.judge(lambda *_: np.zeros((40, 60), np.float32), [case(box(4, 36, 4, 44))], most=4)
    assert found["clicks"] == {"0.85": 4.0, "0.9": 4.0} and found["iou"] == [0.0, 0.0, 0.0]


def test_thin_parts_and_gaps_are_counted_apart():
    truth = box(4, 20, 4, 44) | box(20, 38, 6, 7) | box(20, 38, 41, 42)  # two legs of one pixel
    without_legs = box(4, 20, 4, 44)
    found = clicking.judge(lambda *_: without_legs.astype(np.float32), [case(truth)], most=3)
    assert found["thin"] < 0.2 and found["gaps"] == 1.0  # a disc does not fit into corners either
    filled = without_legs | box(20, 38, 6, 42)
    found = clicking.judge(lambda *_: filled.astype(np.float32), [case(truth)], most=3)
    assert found["thin"] == 1.0 and found["gaps"] == 0.0


def test_the_worst_twenty_pieces_are_named():
    truths = [box(4, 36, 4, 6 + number) for number in range(25)]  # the pick is always of 20 columns from the left
    cases = [replace(case(truth), name=str(number)) for number, truth in enumerate(truths)]
    found = clicking.judge(lambda *_: box(4, 36, 4, 24).astype(np.float32), cases, most=3)
    names = [row["name"] for row in found["worst_first"]]
    assert found["pieces"] == 25 and len(names) == 20 and names[:3] == ["0", "1", "2"]
    ious = [row["iou"][0] for row in found["worst_first"]]
    assert ious == sorted(ious)


def test_a_piece_of_which_nothing_is_known_does_not_count():
    truth = box(4, 36, 4, 44)
    found = clicking.judge(lambda *_: truth.astype(np.float32), [case(truth, ~truth), case(truth)])
    assert found["pieces"] == 1 and found["iou"] == [1.0, 1.0, 1.0]
    nothing = clicking.judge(lambda *_: truth.astype(np.float32), [case(truth, ~truth)])
    assert nothing["pieces"] == 0 and nothing["worst_first"] == []
