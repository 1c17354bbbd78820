"""Half of a chair becomes the whole, and nothing else changes."""

import numpy as np
import pytest

from segmenter.inference import clicks, completing

SIZE = 64


def box(rows, columns, value=1.0):
    result = np.zeros((SIZE, SIZE), np.float32)
    result[rows, columns] = value
    return result


SEAT, CHAIR = box(slice(30, 50), slice(20, 44)), box(slice(8, 50), slice(20, 44))
HALF = np.maximum(SEAT, 0.2 * CHAIR)  # the map is sure of the seat, and lukewarm about the back


def completed(coarse, piece):
    asked = []
    found = completing.complete(coarse, SIZE, lambda part: asked.append(part) or piece)
    return found, asked


def test_a_part_is_completed_where_the_map_is_lukewarm():
    found, (part,) = completed(HALF, CHAIR)
    np.testing.assert_array_equal(found >= 0.5, CHAIR >= 0.5)
    np.testing.assert_array_equal(part.map, SEAT)  # what is below `LINK` is not of the part


def test_a_map_of_another_shape_is_completed_at_its_own():
    wide = np.repeat(HALF, 3, axis=1)
    found, _ = completed(wide, CHAIR)
    assert found.shape == wide.shape and (found >= wide).all()
    np.testing.assert_array_equal(found[:, 1::3] >= 0.5, CHAIR >= 0.5)


def test_the_gaps_of_a_chair_stay_open():
    open_back = HALF.copy()
    open_back[8:20, 24:27] = 0  # narrower than what may be added
    whole = np.where(CHAIR > 0, np.float32(1), np.float32(0))
    before = np.maximum(open_back, box(slice(8, 20), slice(20, 24)) + box(slice(8, 20), slice(27, 44)))
    found, asked = completed(np.maximum(before, 0.2 * box(slice(8, 60), slice(46, 56))), whole)
    assert asked and not found[9:17, 25].any()
    assert (found[21:29, 22:42] >= 0.5).all()


def test_nobody_is_asked_about_a_part_that_stands_out():
    found, asked = completed(SEAT, CHAIR)
    assert found is SEAT and not asked


def test_nobody_is_asked_about_what_may_be_no_furniture():
    found, asked = completed(np.maximum(0.7 * SEAT, 0.2 * CHAIR), CHAIR)
    assert found.max() < 0.75 and not asked


@pytest.mark.parametrize(
    "piece",
    [box(slice(8, 29), slice(20, 44)), np.ones((SIZE, SIZE), np.float32), 0.7 * CHAIR, 0 * CHAIR],
    ids=["another", "everything", "unsure", "nothing"],
)
def test_a_piece_that_is_not_the_part_changes_nothing(piece):
    found, asked = completed(HALF, piece)
    assert asked and found is HALF


def test_parts_are_the_heavy_ones_and_come_by_weight():
    lighter, light = box(slice(5, 17), slice(45, 62)), box(slice(55, 60), slice(2, 8))
    first, second = completing.parts(SEAT + lighter + light)
    np.testing.assert_array_equal(first.map, SEAT)
    np.testing.assert_array_equal(second.map, lighter)
    assert not completing.parts(np.zeros((SIZE, SIZE), np.float32))


def test_the_click_falls_where_the_part_is_thickest():
    bar = np.maximum(box(slice(20, 24), slice(0, 64)), box(slice(14, 30), slice(40, 56)))
    (part,) = completing.parts(bar)
    x, y = part.middle
    assert 44 <= x * SIZE <= 52 and 18 <= y * SIZE <= 26


def test_the_part_is_given_in_half_the_size():
    (part,) = completing.parts(SEAT)
    np.testing.assert_allclose(clicks.so_far(part.map), SEAT.reshape(SIZE // 2, 2, SIZE // 2, 2).mean(axis=(1, 3)))
