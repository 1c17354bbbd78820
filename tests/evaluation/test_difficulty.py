"""What makes a photo hard, on pictures that are made to be so."""

import numpy as np
import pytest

from segmenter.evaluation import difficulty


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
