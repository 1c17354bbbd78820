"""How often the pixels of a JPEG are gone through is counted without going through them."""

import io

import numpy as np
import pytest
from PIL import Image

from segmenter.io.images import MAX_SCANS, open_photo
from segmenter.io.jpeg import scans


def encoded(**options):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(noise).save(file, "JPEG", quality=95, **options)
    return file.getvalue()


def again(data, count):
    """The last scan of a progressive JPEG so many times more."""
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


@pytest.mark.parametrize(
    "data, count",
    [
        (encoded(), 1),
        (encoded(restart_marker_blocks=1), 1),
        (encoded(progressive=True), 10),
        (again(encoded(progressive=True), 7), 16),
        (again(encoded(progressive=True), 1000), MAX_SCANS + 1),
        (again(encoded(), 1000), 1),  # behind the first, which has all, decoders look for nothing
        (encoded(comment=b"\xff\xda\0\x08" * 500), 1),
        (encoded() + b"\xff\xda\0\x08" * 500, 1),  # phones keep a film behind the photo
        (encoded(progressive=True)[:60], 0),
        (b"\xff\xd8", 0),
        (b"\xff\xd8\xff\xe0\0\0\xff\xda", 1),
        (b"GIF89a\xff\xda", 0),
        (b"", 0),
    ],
)
def test_scans_are_counted_up_to_a_limit(data, count):
    assert scans(data, MAX_SCANS) == count


def test_a_photo_with_a_film_behind_it_is_taken():
    data = encoded()
    np.testing.assert_array_equal(open_photo(data + b"\xff\xda\0\x08" * 500), open_photo(data))
