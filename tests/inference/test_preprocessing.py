"""Photo ↔ network square, and every kind of mask picture → mask."""

import numpy as np
import pytest
from PIL import Image

from segmenter.inference.preprocessing import MaskError, at_most, from_network, read_mask, resize, to_network


@pytest.fixture
def disc():
    y, x = np.mgrid[0:48, 0:64]
    return (x - 30) ** 2 + (y - 20) ** 2 < 15**2


def test_network_square_has_form_and_range():
    photo = np.zeros((30, 50, 3), np.uint8)
    photo[:, 25:] = (255, 51, 0)
    batch = to_network(photo, 16)
    assert batch.shape == (1, 16, 16, 3) and batch.dtype == np.float32
    np.testing.assert_allclose(batch[0, 0, 0], (0, 0, 0))
    np.testing.assert_allclose(batch[0, -1, -1], (1, 0.2, 0), atol=1e-6)


def test_shrinking_averages_whole_blocks():
    photo = np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8)
    blocks = photo.reshape(8, 4, 8, 8, 3).mean(axis=(1, 3))
    found = to_network(photo, 8)[0] * 255
    np.testing.assert_allclose(found, blocks, atol=1.51)  # halved first, it is rounded some times more


@pytest.mark.parametrize("shape", [(400, 600), (601, 434), (97, 1201), (5000, 7), (1024, 768)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_shrinking_agrees_with_pillow(shape, kind):
    """Of a picture that changes slowly, whatever its sides; Pillow's box filter averages the same areas."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    picture = (127 + 120 * np.sin(8 * x / shape[1]) * np.cos(5 * y / shape[0])).astype(kind)
    size = (max(1, shape[1] // 7), max(1, shape[0] // 11))
    expected = np.asarray(Image.fromarray(picture).resize(size, Image.BOX)).astype(float)
    assert np.abs(resize(picture, *size[::-1]).astype(float) - expected).max() < 3  # it is rounded some times more


def test_shrinking_leaves_no_moire():
    """Of lines one pixel wide, all that is left is their mean."""
    lines = np.zeros((512, 768), np.float32)
    lines[:, ::2] = 1
    np.testing.assert_allclose(resize(lines, 40, 60), 0.5, atol=1e-6)
    assert np.abs(resize(lines[:, :-1], 43, 61) - 0.5).max() < 0.05


@pytest.mark.parametrize("shape", [(400, 600), (1201, 1600), (97, 1201), (2000, 3000), (1600, 2399)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_at_most_agrees_with_pillow(shape, kind):
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    picture = (127 + 120 * np.sin(8 * x / shape[1]) * np.cos(5 * y / shape[0])).astype(kind)
    found = at_most(picture, 350)
    assert max(found.shape) == 350 and found.dtype == kind
    expected = np.asarray(Image.fromarray(picture).resize(found.shape[::-1], Image.BOX)).astype(float)
    assert np.abs(found.astype(float) - expected).max() < 3


def test_at_most_takes_either_side_and_leaves_what_is_smaller():
    picture = np.zeros((300, 400, 3), np.uint8)
    assert at_most(picture, 400) is picture and at_most(picture, 300, shorter=True) is picture
    assert at_most(picture, 200).shape == (150, 200, 3) and at_most(picture, 200, shorter=True).shape == (200, 267, 3)


@pytest.mark.parametrize("side", [500, 300, 257, 200, 128, 40])
def test_at_most_leaves_no_line_out(side):
    """Lines one pixel wide, far apart: each is seen in what is left."""
    lines = np.zeros((512, 768), np.float32)
    lines[:, 5::50] = 1
    found = at_most(lines, side)[0]
    places = np.floor((np.arange(5, 768, 50) + 0.5) * side / 768).astype(int)
    around = np.clip(places + np.array([[-1], [0], [1]]), 0, side - 1)
    assert (found[around].sum(axis=0) > 0.5 * side / 768).all()


def test_growing_agrees_with_pillow():
    photo = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    expected = Image.fromarray(photo).resize((48, 36), Image.BILINEAR)
    assert np.abs(resize(photo, 36, 48).astype(int) - np.asarray(expected)).max() <= 1


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 1), (1, 16, 16, 1)])
def test_map_comes_back_in_the_photos_size(shape):
    ramp = np.tile(np.linspace(0, 1, 16, dtype=np.float32), (16, 1))
    result = from_network(ramp.reshape(shape), 40, 80)
    assert result.shape == (40, 80) and result.dtype == np.float32
    assert result.min() >= 0 and result.max() <= 1
    expected = np.interp((np.arange(80) + 0.5) / 5 - 0.5, np.arange(16), ramp[0])
    np.testing.assert_allclose(result, np.tile(expected, (40, 1)), atol=1e-5)


def test_there_and_back_keeps_things_in_place(disc):
    photo = np.dstack([disc * np.uint8(255)] * 3)
    back = from_network(to_network(photo, 32)[..., :1], *disc.shape) >= 0.5
    assert (back ^ disc).mean() < 0.02


def colours_of(mask, inside, outside):
    return np.where(mask[..., None], np.uint8(inside), np.uint8(outside))


@pytest.mark.parametrize(
    "inside, outside",
    [
        ((255, 0, 0), (0, 0, 255)),  # as in the article: both are darker than its grey threshold
        ((200, 30, 40), (20, 10, 180)),
        ((255, 255, 255), (0, 0, 0)),
        ((255, 255, 255, 255), (0, 0, 0, 255)),  # an alpha channel that says nothing
        ((10, 20, 30, 255), (10, 20, 30, 0)),
    ],
)
def test_painted_masks_are_read(disc, inside, outside):
    mask, known = read_mask(colours_of(disc, inside, outside))
    assert mask.dtype == known.dtype == bool
    np.testing.assert_array_equal(mask, disc)
    assert known.all()


def test_grey_mask_has_threshold_and_unknown():
    mask, known = read_mask(np.uint8([[0, 99, 100, 128, 255]]))
    np.testing.assert_array_equal(mask[0, [0, 1, 2, 4]], [False, False, True, True])
    np.testing.assert_array_equal(known[0], [True, True, True, False, True])


def test_red_on_blue_survives_jpeg(disc):
    import io

    file = io.BytesIO()
    Image.fromarray(colours_of(disc, (255, 0, 0), (0, 0, 255))).save(file, "JPEG", quality=80)
    mask, _ = read_mask(np.asarray(Image.open(file)))
    assert (mask ^ disc).mean() < 0.02


def test_boolean_mask_is_taken_as_it_is(disc):
    np.testing.assert_array_equal(read_mask(disc)[0], disc)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((4, 4), np.float32),
        np.zeros(4, np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.full((4, 4, 3), (0, 255, 0), np.uint8),
        np.full((4, 4, 3), (255, 255, 0), np.uint8),
    ],
)
def test_what_is_no_mask_is_refused(picture):
    with pytest.raises(MaskError):
        read_mask(picture)
