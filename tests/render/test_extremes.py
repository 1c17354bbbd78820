"""Long thin photos and tiny things in large ones cost no more than their pixels."""

import tracemalloc

import numpy as np
import pytest

from segmenter.batch.runner import work
from segmenter.errors import PhotoError
from segmenter.inference.refine import refine
from segmenter.io.images import MAX_SIDE, open_photo
from segmenter.render import compositing, encode, render
from segmenter.render.options import Choices
from tests.standin import RedSegmenter

SHAPES = ((1, MAX_SIDE), (MAX_SIDE, 1))
CHOICES = (
    Choices(softness=10, shift=5),
    Choices(shift=-20, what="all"),
    Choices(trim=True, background="blur", canvas="64x64", shadow=1.0),
    Choices(background="room:loft", canvas="100x100", format="jpeg"),
)


def half(shape):
    probabilities = np.zeros(shape, np.float32)
    probabilities[: max(1, shape[0] // 2), : max(1, shape[1] // 2)] = 1
    return probabilities


@pytest.mark.parametrize("shape", SHAPES)
def test_a_line_of_pixels_is_finished_like_any_photo(shape):
    photo = np.full((*shape, 3), 100, np.uint8)
    assert refine(photo, np.eye(64, dtype=np.float32)).shape == shape
    edits = ({"do": "keep", "at": [0.1, 0.1]}, {"do": "erase", "radius": 0.01, "points": [[0.2, 0], [0.3, 1]]})
    for choices in CHOICES:
        assert render.produce(photo, half(shape), choices, edits).data


@pytest.mark.parametrize("size", [(MAX_SIDE + 1, 1), (1, MAX_SIDE + 1), (1_000_000, 1)])
def test_a_side_that_is_too_long_is_refused_by_every_entry(size):
    data = encode.to_png(np.zeros((size[1], size[0], 3), np.uint8))
    for entry in (open_photo, lambda data: work(data, RedSegmenter())):
        with pytest.raises(PhotoError, match=f"at most {MAX_SIDE} a side") as refused:
            entry(data)
        assert refused.value.code == "photo.too_long"


def test_the_longest_side_that_is_possible_is_taken():
    assert open_photo(encode.to_png(np.zeros((1, MAX_SIDE, 3), np.uint8))).shape == (1, MAX_SIDE, 3)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_long_thin_photo_does_not_become_a_huge_square(shape):
    view = render._view(None, shape, Choices(canvas="square"))
    assert view.width * view.height <= 1.01 * render.ROOMY
    assert view.width == view.height


def test_a_webp_that_has_no_room_for_the_sides_says_so():
    with pytest.raises(PhotoError, match="choose PNG or JPEG"):
        encode.encode(np.zeros((1, encode.WEBP_SIDE + 1, 3), np.uint8), "webp")


def test_a_tiny_thing_in_a_large_photo_gets_a_blurred_background_in_bounded_memory():
    photo, alpha = np.full((1000, 1000, 3), 90, np.uint8), np.zeros((1000, 1000), np.uint8)
    tracemalloc.start()
    picture = compositing.blurred(photo, alpha, (500, 500, 503, 503), 64, 64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert picture.shape == (64, 64, 3) and (picture == 90).all()
    assert peak < 40 * compositing.BLURRED_PIXELS


def test_what_becomes_very_small_is_averaged_where_it_stands():
    cutout = np.zeros((2000, 1000, 4), np.uint8)
    cutout[500:1500, 250:750] = 200, 100, 50, 255
    small = compositing.place(cutout, np.array([[0.02, 0, 2 - 0.49], [0, 0.02, 2 - 0.49]]), 44, 24)
    assert abs(small[..., 3].sum() / 255 / (10 * 20) - 1) < 0.02
    rows, columns = np.nonzero(small[..., 3] > 127)
    assert (rows.min() + rows.max(), columns.min() + columns.max()) == (43, 23)
    assert np.abs(small[22, 12].astype(int) - (200, 100, 50, 255)).max() <= 1
