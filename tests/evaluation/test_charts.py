"""The geometry of the charts."""

import pytest

from segmenter.evaluation.report import charts


@pytest.mark.parametrize("low, high", [(0, 1), (0.81, 0.93), (1, 700), (0.0004, 0.0007), (1, 2)])
def test_ticks_are_round_numbers_within_the_axis(low, high):
    ticks = charts.Axis(low, high).ticks(5)
    assert 2 <= len(ticks) <= 7
    for tick in ticks:
        assert low - 1e-9 <= float(tick["text"]) <= high + 1e-9
        assert tick["at"] == pytest.approx(100 * (float(tick["text"]) - low) / (high - low), abs=0.1)
