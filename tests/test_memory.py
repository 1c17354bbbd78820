"""How much memory the steps from file to picture take beside what they are given, and what becomes of it then.

Python's own count is asked, which knows of numpy's and OpenCV's arrays, and is the same on any machine.
"""

import io
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from segmenter import Choices, memory, open_photo, produce
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


# What becomes of it

PHOTOS_AND_MAPS = """
import resource
import numpy as np
from segmenter import memory
{first}
def one():
    arrays = [np.ones(size * 2**18, np.float32) for size in (3, 4, 9, 4)]  # megabytes
    return sum(map(np.sum, arrays))
one()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    one()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


def pages_asked_for(first):
    """How many pages of memory a process asks the system for, for each photo of 20 megabytes in all."""
    code = PHOTOS_AND_MAPS.format(first=first)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
def test_programs_keep_the_memory_of_a_photo_for_the_next():
    assert pages_asked_for("memory.reuse()") < 50 < pages_asked_for("memory.reuse(kept=0, ahead=0)")


class FakeLibrary:
    """A C library that notes how malloc is set; `known` says whether it has such a function at all."""

    def __init__(self, known):
        self.set = {}
        if known:
            self.mallopt = self.set.__setitem__


@pytest.mark.parametrize(
    "platform, known, asked",
    [
        ("linux", True, {-1: 2**26, -2: 2**24, -3: 2**25, -8: 1}),  # trim threshold, top pad, mmap threshold, arenas
        ("linux", False, {}),  # musl
        ("darwin", True, {}),
    ],
)
def test_only_a_library_that_knows_how_is_told_to_keep_it(platform, known, asked, monkeypatch):
    library = FakeLibrary(known)
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(memory.sys, "platform", platform)
    memory.reuse()
    assert library.set == asked
    library.set.clear()
    memory.reuse(arenas=None)
    assert -8 not in library.set
