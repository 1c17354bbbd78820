"""Files hold what they were made of, as Pillow reads them."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segmenter.io.images import open_photo
from segmenter.render.encode import encode, map_png, to_png

EXAMPLES = Path(__file__).parents[2] / "segmenter/data/examples/images"


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


@pytest.mark.parametrize("shape", [(1, 1), (1, 5, 4), (7, 1, 3), (3000, 701)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_png_holds_pictures_of_any_shape_and_depth(shape, kind):
    """OpenCV reads it, as Pillow knows no colours of 16 bits; the largest takes several strips."""
    picture = np.random.default_rng(2).integers(0, np.iinfo(kind).max + 1, shape, kind)
    codes = {1: None, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}
    read = cv2.imdecode(np.frombuffer(to_png(picture), np.uint8), cv2.IMREAD_UNCHANGED)
    code = codes[1 if picture.ndim == 2 else picture.shape[2]]
    np.testing.assert_array_equal(read if code is None else cv2.cvtColor(read, code), picture)


def test_png_takes_a_picture_that_is_part_of_another():
    picture = np.random.default_rng(3).integers(0, 256, (40, 60, 4), np.uint8)
    part = picture[5:30:2, 50:10:-1]
    assert to_png(part) == to_png(part.copy())


def test_a_png_is_as_small_as_zlibs_quickest():
    """Of a photo, and of a cutout, of which much is transparent; with the same filter."""
    photo = open_photo(min(EXAMPLES.glob("*.jpg")))
    cutout = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    cutout[: len(cutout) // 2] = 0
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    for picture, order in ((photo, cv2.COLOR_RGB2BGR), (cutout, cv2.COLOR_RGBA2BGRA)):
        _, data = cv2.imencode(".png", cv2.cvtColor(picture, order), options)
        assert len(to_png(picture)) <= 1.02 * len(data)


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
