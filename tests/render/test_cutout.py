"""The furniture alone: its opacity and its own colours."""

import numpy as np
import pytest

from segmenter.render import alpha, foreground
from segmenter.render.cutout import cut


@pytest.fixture
def ramp():
    """A map that rises from 0 to 1 over ten columns in the middle, on 60 × 100 pixels."""
    row = np.clip((np.arange(100) - 44.5) / 10, 0, 1)
    return np.tile(row, (60, 1)).astype(np.float32)


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)


def test_cut_has_form_alpha_and_colours(photo, ramp):
    rgba = cut(photo, ramp, threshold=0.5)
    assert rgba.shape == (60, 100, 4) and rgba.dtype == np.uint8
    np.testing.assert_array_equal(rgba[..., 3], np.rint(alpha.alpha(ramp, 0.5) * 255))
    np.testing.assert_array_equal(rgba[:, 60:, :3], photo[:, 60:])
    assert (rgba[rgba[..., 3] == 0] == 0).all()


def test_cut_leaves_the_old_background_behind():
    probabilities = np.clip((np.hypot(*np.mgrid[-60:60, -60:60]) - 35) / -8 + 0.5, 0, 1).astype(np.float32)
    opacity = alpha.alpha(probabilities)
    orange, blue = np.float32([220, 120, 30]), np.float32([20, 40, 230])
    photo = np.rint(orange * opacity[..., None] + blue * (1 - opacity[..., None])).astype(np.uint8)
    rgba = cut(photo, probabilities)
    rim = (rgba[..., 3] > 12) & (rgba[..., 3] < 243)
    assert rim.any()
    assert np.abs(photo[rim] - orange).mean() > 50
    assert np.abs(rgba[rim][:, :3] - orange).mean() < 3


def test_a_map_of_another_size_is_refused(photo, ramp):
    with pytest.raises(ValueError, match="size|photo"):
        cut(photo, ramp[:-1])


def test_scraps_are_left_out_unless_all_is_wanted():
    probabilities = np.zeros((100, 100), np.float32)
    probabilities[10:60, 10:60] = 1
    probabilities[80:90, 80:90] = 0.9
    photo = np.full((100, 100, 3), 80, np.uint8)
    assert not cut(photo, probabilities)[70:, 70:].any()
    assert cut(photo, probabilities, 0.5, pieces="all")[85, 85, 3] == 255
    np.testing.assert_array_equal(
        cut(photo, probabilities)[:65, :65], cut(photo, probabilities, pieces="all")[:65, :65]
    )
    with pytest.raises(ValueError, match="'main' or 'all'"):
        cut(photo, probabilities, pieces="most")


@pytest.mark.parametrize("softness", [0, 4])
def test_strips_leave_no_seams(softness):
    """The furniture reaches over several strips; each pixel is as if all were put together at once."""
    rng = np.random.default_rng(5)
    distance = np.hypot(*np.mgrid[-190:190, -120:120])
    probabilities = np.clip((100 - distance) / 9 + 0.5, 0, 1).astype(np.float32)
    photo = rng.integers(0, 256, (380, 240, 3), np.uint8)
    opacity = alpha.alpha(probabilities)
    colours = foreground.clean_colours(photo, opacity)
    if softness:
        solid, opacity = opacity, alpha.soften(opacity, softness * 380 / 1000)
        colours = foreground.spread_colours(colours, solid, opacity)
    expected = np.dstack([colours, np.rint(opacity * 255).astype(np.uint8)])
    expected[expected[..., 3] == 0] = 0
    np.testing.assert_array_equal(cut(photo, probabilities, softness=softness), expected)
