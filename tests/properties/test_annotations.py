"""Annotation files with anything in any place are read or refused in words; good outlines are drawn where they are."""

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from segmenter.datasets.formats import common
from segmenter.datasets.formats.common import Drawing
from segmenter.errors import OutlineError
from segmenter.inference.preprocessing import read_mask
from tests.fuzz import seeds, targets
from tests.properties.strategies import ANY_JSON, changed_files

pytestmark = pytest.mark.filterwarnings("ignore")
FILES = [data.partition(b"\n") for data in seeds.seeds("annotations")]
KINDS = ("coco", "labelme", "via", "label-studio", "supervisely")
LABELLED = [(kind.decode(), json.loads(content)) for kind, _, content in FILES if kind.decode() in KINDS]


def places(value, path=()):
    """The paths of all values inside a value of JSON."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*path, key))


def replaced(value, path, other):
    """The value with another one at a path."""
    if not path:
        return other
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = replaced(value[path[0]], path[1:], other)
    return copied


@st.composite
def spoilt(draw):
    """An annotation file with something else in one or two places."""
    kind, value = draw(st.sampled_from(LABELLED))
    for _ in range(draw(st.integers(1, 2))):
        value = replaced(value, draw(st.sampled_from(list(places(value)))), draw(ANY_JSON))
    return f"{kind}\n{json.dumps(value)}"


@given(spoilt())
@settings(max_examples=4 * settings().max_examples)
def test_anything_in_any_place_of_an_annotation_file_is_read_or_refused(text):
    assert targets.annotations(text.encode())


@given(changed_files("annotations"))
def test_changed_annotation_files_are_read_or_refused(data):
    assert targets.annotations(data)


@given(st.lists(st.text("0123456789.-+enaif ", max_size=12), max_size=10))
def test_any_line_of_yolo_is_read_or_refused(words):
    assert targets.annotations(f"yolo\n{' '.join(words)}".encode())


@given(st.text(max_size=120))
def test_any_names_of_classes_are_read_or_refused(text):
    assert targets.annotations(b"yolo-names\nnames: " + text.encode("utf-8", "surrogatepass"))


@given(st.integers(0, 20), st.integers(0, 28), st.integers(1, 12), st.integers(1, 12))
def test_a_box_of_whole_pixels_is_drawn_pixel_by_pixel(top, left, height, width):
    bottom, right = min(24, top + height), min(32, left + width)
    outline = common.outline([left, top, right, top, right, bottom, left, bottom], (24, 32))
    mask, known = Drawing((), (24, 32), (outline,)).read()
    expected = np.zeros((24, 32), bool)
    expected[top:bottom, left:right] = True
    np.testing.assert_array_equal(mask, expected)
    assert known.all()


@given(st.lists(st.floats() | st.integers() | st.none() | st.text(max_size=3), max_size=12))
def test_an_outline_is_finite_numbers_within_the_frame_or_refused(numbers):
    try:
        outline = common.outline(numbers, (24, 32))
    except OutlineError:
        return
    assert outline is None or (np.isfinite(outline).all() and min(outline) >= -3.3 and max(outline) <= 35.3)


@given(st.binary(min_size=5, max_size=200))
def test_any_array_is_a_mask_or_refused(data):
    assert targets.mask(data)


WAYS = ("grey", "channels", "alpha", "red on blue")


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1), st.sampled_from(WAYS))
def test_a_mask_is_read_whatever_way_it_is_painted(height, width, seed, way):
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    assume(way != "alpha" or mask.min() != mask.max())  # an alpha channel that is the same everywhere says nothing
    white = mask.astype(np.uint8) * 255
    picture = {
        "grey": white,
        "channels": np.dstack([white] * 3),
        "alpha": np.dstack([np.full((height, width, 3), 7, np.uint8), white]),
        "red on blue": np.dstack([white, 0 * white, 255 - white]),
    }[way]
    found, known = read_mask(picture)
    np.testing.assert_array_equal(found, mask)
    assert known.all()
