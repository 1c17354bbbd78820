"""Files hold what they were made of, as Pillow reads them."""

import io

import numpy as np
import pytest
from PIL import Image

from segmenter.render.encode import encode, map_png, to_png


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_is_lossless(channels):
    shape = (33, 47) if channels == 1 else (33, 47, channels)
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    image = Image.open(io.BytesIO(to_png(picture)))
    assert image.format == "PNG" and image.mode == {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    np.testing.assert_array_equal(np.asarray(image), picture)


@pytest.mark.parametrize(
    "format, channels, limit", [("png", 3, 0), ("png", 4, 0), ("webp", 3, 0), ("webp", 4, 0), ("jpeg", 3, 12)]
)
def test_each_format_holds_the_picture(format, channels, limit):
    rows, columns = np.mgrid[0:60, 0:80]
    picture = np.dstack([rows * 4, columns * 3, rows + columns, np.full_like(rows, 255)][:channels]).astype(np.uint8)
    image = Image.open(io.BytesIO(encode(picture, format, quality=100)))
    assert image.format == format.upper()
    assert np.abs(np.asarray(image.convert("RGBA" if channels == 4 else "RGB")).astype(int) - picture).max() <= limit


def test_a_map_keeps_sixteen_bits():
    probabilities = np.random.default_rng(0).random((20, 30), np.float32)
    depth = np.asarray(Image.open(io.BytesIO(map_png(probabilities))))
    np.testing.assert_allclose(depth / 65535, probabilities, atol=1e-5)


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_picture_stays_as_it_is_and_one_that_may_be_overwritten_gives_the_same_bytes(format, channels):
    picture = np.random.default_rng(1).integers(0, 256, (301, 17, channels), np.uint8)
    given = picture.copy()
    data = encode(given, format)
    np.testing.assert_array_equal(given, picture)
    assert encode(given, format, overwrite=True) == data
