"""Clicks as pictures of discs."""

import numpy as np
import pytest

from segmenter.inference import clicks


def test_every_click_is_a_disc_in_its_channel_around_its_place():
    before = np.full((100, 100), 0.25, np.float32)
    drawn = clicks.draw([(0.205, 0.705), (0.9, 0.1)], [1, 0], before)
    y, x = np.mgrid[:100, :100]
    for channel, (column, row) in enumerate([(20, 70), (90, 10)]):
        expected = (x - column) ** 2 + (y - row) ** 2 <= max(1.5, clicks.RADIUS * 100) ** 2
        np.testing.assert_array_equal(drawn[..., channel], expected)
    np.testing.assert_array_equal(drawn[..., 2], before)
    assert drawn.dtype == np.float32


@pytest.mark.parametrize("place", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.999, 0.001)])
@pytest.mark.parametrize("side", [8, 33, 160])
def test_a_click_at_the_rim_is_cut_off_there(place, side):
    drawn = clicks.draw([place], [1], np.zeros((side, side), np.float32))
    assert drawn.shape == (side, side, 3) and drawn[..., 0].sum() > 0
    row, column = (min(int(share * side), side - 1) for share in place[::-1])
    assert drawn[row, column, 0] == 1


def test_without_clicks_only_the_piece_so_far_is_there():
    drawn = clicks.draw([], [], np.ones((10, 10), np.float32))
    assert drawn[..., :2].sum() == 0 and drawn[..., 2].all()
