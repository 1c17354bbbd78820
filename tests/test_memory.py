"""How much memory the steps from file to picture take beside what they are given, in bytes for each pixel.

Python's own count is asked, which knows of numpy's and OpenCV's arrays, and is the same on any machine.
"""

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from segmenter import Choices, open_photo, produce
from segmenter.inference import pieces
from segmenter.render import alpha, backgrounds, foreground
from segmenter.render.cutout import cut

HEIGHT, WIDTH = 1500, 2000


@pytest.fixture(scope="module")
def photo():
    return np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def probabilities():
    """Furniture, with a scrap beside it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    large, small = 700 - np.hypot(x - 1200, y - 750), 40 - np.hypot(x - 150, y - 150)
    return np.clip(np.maximum(large, small) / 40 + 0.5, 0, 1)


@pytest.fixture
def peak(monkeypatch):
    """A function that says what a call takes at its highest, with what it returns, in bytes for each pixel."""
    # What has one size at all large photos would be most of it at this one.
    monkeypatch.setattr(foreground, "FINE_SIDE", 400)
    monkeypatch.setattr(pieces, "WORKING_PIXELS", HEIGHT * WIDTH // 16)

    def measure(call, *arguments, **named):
        tracemalloc.start()
        try:
            call(*arguments, **named)
            return tracemalloc.get_traced_memory()[1] / (HEIGHT * WIDTH)
        finally:
            tracemalloc.stop()

    return measure


def test_opening_takes_the_photo_once_beside_the_decoders_own(photo, peak):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG")
    assert peak(open_photo, file.getvalue()) < 3 + 1


def test_opacity_and_the_map_without_scraps_take_one_map_each(probabilities, peak):
    assert peak(alpha.alpha, probabilities) < 4 + 2
    assert peak(pieces.without_scraps, probabilities) < 4 + 2


def test_a_cutout_takes_its_opacity_and_itself(photo, probabilities, peak):
    assert peak(cut, photo, probabilities, pieces="all") < 4 + 4 + 3


@pytest.mark.parametrize("settings", [{}, {"format": "jpeg"}, {"format": "webp"}], ids=str)
def test_a_file_takes_no_more_than_its_making_and_a_map_without_scraps(photo, probabilities, peak, settings):
    assert peak(produce, photo, probabilities, Choices(**settings)) < 4 + 4 + 4 + 4


@pytest.mark.parametrize("background, most", [("room:daylight", 50), ("blur", 34)])
def test_what_is_drawn_behind_takes_little_more_than_itself(photo, probabilities, peak, monkeypatch, background, most):
    monkeypatch.setattr(backgrounds, "SIDE", 400)
    assert peak(produce, photo, probabilities, Choices(background=background, format="jpeg")) < most
