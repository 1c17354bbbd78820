"""Which pieces a photo with a mask shows: by a picture of numbers, by one mask for each object, or by connected parts."""

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets import batches, copy_paste, load, pieces
from segmenter.datasets.pairs import read_folder
from segmenter.datasets.piece_samples import PhotoPieces, piece_squares
from segmenter.errors import DatasetError
from segmenter.inference import preprocessing

RED, BLUE, GREY = (220, 30, 30), (30, 30, 220), 190
LEFT, RIGHT = np.s_[10:50, 5:35], np.s_[10:50, 45:75]  # two chairs of 60 × 80 pixels
CRUMB = np.s_[2:6, 38:42]


@pytest.fixture
def folder(tmp_path):
    """A photo of a red and a blue box, and a crumb that the mask marks too."""
    photo = np.full((60, 80, 3), GREY, np.uint8)
    photo[LEFT], photo[RIGHT] = RED, BLUE
    save(photo, tmp_path / "images/room.png")
    save(mask_of(LEFT, RIGHT, CRUMB), tmp_path / "masks/room.png")
    return tmp_path


def mask_of(*places, value=255):
    mask = np.zeros((60, 80), np.uint8)
    for place in places:
        mask[place] = value
    return mask


def save(picture, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def pair_of(folder):
    (pair,) = read_folder(folder)
    return pair


def truths(folder):
    return {case.name: case.truth for case in pieces.of_pairs(read_folder(folder))}


def test_connected_parts_are_pieces_and_of_a_scrap_nobody_knows(folder):
    found = list(pieces.of_pairs(read_folder(folder)))
    assert [case.name for case in found] == ["room.png 1", "room.png 2"]
    np.testing.assert_array_equal(found[0].truth, mask_of(LEFT) > 0)
    np.testing.assert_array_equal(found[1].truth, mask_of(RIGHT) > 0)
    for case in found:
        np.testing.assert_array_equal(case.known, mask_of(CRUMB) == 0)
        assert case.photo.shape == (60, 80, 3)


def test_a_picture_of_numbers_says_which_pieces_touch(folder):
    upper, lower = np.s_[10:30, 5:35], np.s_[30:50, 5:35]
    save(mask_of(upper, value=3) + mask_of(lower, value=7), folder / "pieces/room.png")
    found = truths(folder)
    assert list(found) == ["room.png 3", "room.png 7"]
    np.testing.assert_array_equal(found["room.png 3"], mask_of(upper) > 0)
    np.testing.assert_array_equal(found["room.png 7"], mask_of(lower) > 0)


def test_what_nobody_knows_of_the_mask_nobody_knows_of_the_piece(folder):
    mask = mask_of(LEFT, RIGHT)
    mask[20:30] = 128
    save(mask, folder / "masks/room.png")
    save(mask_of(LEFT, value=1), folder / "pieces/room.png")
    (case,) = pieces.of_pairs(read_folder(folder))
    np.testing.assert_array_equal(case.known, mask != 128)


def test_numbers_in_a_folder_below_belong_to_the_photo_in_the_folder_of_that_name(folder):
    for part in ("images", "masks"):
        (folder / part / "val").mkdir()
        (folder / part / "room.png").rename(folder / part / "val/room.png")
    save(mask_of(RIGHT, value=1), folder / "pieces/val/room.png")
    (case,) = pieces.of_pairs(load.open_place(folder).pairs)
    np.testing.assert_array_equal(case.truth, mask_of(RIGHT) > 0)


def test_one_mask_for_each_object_is_one_piece_for_each(folder):
    (folder / "masks/room.png").unlink()
    lower = np.s_[40:50, 5:75]
    save(mask_of(LEFT), folder / "masks/room_0.png")
    save(mask_of(lower), folder / "masks/room_1.png")
    first, second = truths(folder).values()
    np.testing.assert_array_equal(second, mask_of(lower) > 0)
    np.testing.assert_array_equal(first, (mask_of(LEFT) > 0) & ~second)


def test_numbers_drawn_on_a_smaller_copy_are_brought_to_the_photo(folder):
    save(mask_of(LEFT, value=1)[::2, ::2], folder / "pieces/room.png")
    (truth,) = truths(folder).values()
    assert (truth ^ (mask_of(LEFT) > 0)).sum() < 0.1 * truth.sum()


@pytest.mark.parametrize(
    "content, words",
    [
        (b"no picture", "pieces/room.png cannot be read"),
        (np.zeros((60, 80, 3), np.uint8), "save it as a grey PNG of 8 bits"),
        (np.zeros((60, 80), np.uint16), "save it as a grey PNG of 8 bits"),
        (np.zeros((60, 60), np.uint8), "60 × 60 but its mask is 80 × 60"),
    ],
)
def test_a_picture_of_numbers_that_is_none_is_told_by_name(folder, content, words):
    (folder / "pieces").mkdir()
    if isinstance(content, bytes):
        (folder / "pieces/room.png").write_bytes(content)
    else:
        save(content, folder / "pieces/room.png")
    with pytest.raises(DatasetError, match=words):
        pieces.of_pairs(read_folder(folder))


def test_some_pieces_are_drawn_by_a_seed_and_keep_their_order():
    whole = pieces.PieceSet(range(100), str)
    some = whole.draw(10)
    assert list(some) == list(whole.draw(10)) != list(whole.draw(10, seed=1))
    assert len(some) == 10 and list(some.places) == sorted(some.places) and set(some) <= set(whole)
    assert whole.draw(100) is whole


def test_each_piece_is_a_sample_of_its_own(folder):
    left, right = piece_squares(pair_of(folder), 32)
    assert left.target.shape == (32, 32) and left.target[16, :14].max() == 1 and left.target[16, 18:].max() == 0
    assert right.target[16, 18:].max() == 1 and right.target[16, :14].max() == 0
    assert (left.weight == 0).any() and left.weight.mean() > 0.98  # the crumb


def test_samples_show_one_piece_and_what_stands_before_it_is_not_of_it(folder, monkeypatch):
    monkeypatch.setattr(batches.augment, "augment", only_smaller)
    monkeypatch.setattr(copy_paste.augment, "shift_colours", lambda photo, rng, strength: photo)
    monkeypatch.setattr(copy_paste.compositing, "harmonise", lambda cutout, photo, strength: cutout)
    draw = PhotoPieces(read_folder(folder), 32)
    areas, seen = [], 0
    for seed in range(30):
        samples = draw(0, np.random.default_rng(seed))
        for photo, target, weight in samples:
            assert photo.shape == (32, 32, 3) and target.shape == weight.shape == (32, 32)
            inside = photo[(target > 0.99) & (weight > 0)].astype(int)
            assert len(set(inside[:, 0] > inside[:, 2])) <= 1  # red alone or blue alone, or a rim of what is hidden
            seen += len(inside) > 0
            areas.append((target > 0.5).sum())
        np.testing.assert_array_equal(samples[0][0], draw(5, np.random.default_rng(seed))[0][0])
    assert seen > 20 and len(set(areas)) > 5  # some are hidden in part, and some were pasted
    assert len(areas) > 35  # of some photos both are learnt


def only_smaller(photo, target, weight, size, rng, strength):
    return tuple(preprocessing.resize(part, size, size) for part in (photo, target, weight))


def test_photos_without_a_piece_are_refused_in_a_sentence(folder):
    save(mask_of(np.s_[10:13, 10:13]), folder / "masks/room.png")
    with pytest.raises(DatasetError, match="covers 0.4% of it or more; add photos"):
        PhotoPieces(read_folder(folder), 32)
