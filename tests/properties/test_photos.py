"""Whatever bytes come, `open_photo` gives a photo or a refusal in words; what is whole comes as it is."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from segmenter.errors import PhotoError
from segmenter.io.images import open_image, open_photo
from segmenter.web import viewer
from tests.fuzz import targets
from tests.properties.strategies import changed_files, photos, png

pytestmark = pytest.mark.filterwarnings("ignore")  # of Pillow's, about what it passes over
STARTS = (
    *(b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"II*\0", b"MM\0*", b"BM", b"P6 "),
    *(b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypavif", b"\0\0\0\x0cjP  \r\n\x87\n", b"\0\0\2\0\0\0\0\0\0\0\0\0"),
)


@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused(start, rest):
    assert targets.photo(start + rest)


@given(changed_files("photo"))
def test_changed_pictures_are_taken_or_refused(data):
    assert targets.photo(data)


@given(changed_files("photo"))
def test_a_refusal_says_what_to_do_in_both_languages(data):
    try:
        photo = open_photo(data)
    except PhotoError as error:
        words = viewer.problem(error)
        assert str(error).endswith(".") and "Error" not in str(error) and words["zh"] != words["en"]
    else:
        assert open_image(data).size in (photo.shape[:2], photo.shape[1::-1])


@given(photos(), st.integers(0, 9))
def test_a_picture_without_loss_comes_as_it_was(photo, level):
    np.testing.assert_array_equal(open_photo(png(photo, compress_level=level)), photo)


@given(photos(), st.binary(max_size=200))
def test_what_stands_behind_a_picture_changes_nothing(photo, rubbish):
    np.testing.assert_array_equal(open_photo(png(photo) + rubbish), photo)


@given(photos(), st.integers(0, 23))
def test_what_is_nowhere_opaque_is_white(photo, step):
    opaque = step % len(photo)
    rgba = np.dstack([photo, np.zeros(photo.shape[:2], np.uint8)])
    rgba[:opaque, :, 3] = 255
    shown = open_photo(png(rgba))
    np.testing.assert_array_equal(shown[:opaque], photo[:opaque])
    assert (shown[opaque:] == 255).all()
