"""Photos with masks: paired by name, with masks of every convention."""

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from segmenter.datasets import load
from segmenter.datasets.batches import load_square
from segmenter.datasets.pairs import load_case, read_folder, read_mask, read_mask_file, upright_size
from segmenter.errors import DatasetError
from tests import broken_exports


def test_photos_are_paired_with_masks_by_name(folder):
    pairs = read_folder(folder)
    assert [pair.photo.name for pair in pairs] == [f"photo{number}.jpg" for number in range(10)]
    assert all(pair.photo.stem == pair.mask.stem for pair in pairs)


def test_a_photo_without_mask_is_named(folder):
    (folder / "masks" / "photo3.png").unlink()
    with pytest.raises(DatasetError, match="photo3.jpg"):
        read_folder(folder)


def test_a_folder_without_masks_is_answered_with_what_to_do(tmp_path):
    with pytest.raises(DatasetError, match="images/ and their masks in masks/"):
        read_folder(tmp_path)


def test_files_that_cannot_be_read_are_named(folder):
    pair = read_folder(folder)[0]
    pair.mask.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="photo0.png cannot be read"):
        load_case(pair)
    pair.photo.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="photo0.jpg"):
        load_square(pair, 16)


@pytest.mark.parametrize("paint", ["grey", "one bit", "red on blue", "alpha", "palette", "16 bit"])
def test_masks_of_every_convention_read_alike(tmp_path, paint):
    truth = np.zeros((12, 10), bool)
    truth[3:9, 2:7] = True
    grey = Image.fromarray(truth.astype(np.uint8) * 255)
    blue_red = np.where(truth[..., None], (255, 0, 0), (0, 0, 255)).astype(np.uint8)
    alpha = np.dstack([np.full((12, 10, 3), 90, np.uint8), np.asarray(grey)])
    picture = {
        "grey": grey,
        "one bit": grey.convert("1"),
        "red on blue": Image.fromarray(blue_red),
        "alpha": Image.fromarray(alpha),
        "palette": Image.fromarray(blue_red).convert("P", palette=Image.Palette.ADAPTIVE),
        "16 bit": Image.fromarray(truth.astype(np.uint16) * 65535),
    }[paint]
    picture.save(tmp_path / "mask.png")
    mask, known = read_mask_file(tmp_path / "mask.png")
    np.testing.assert_array_equal(mask, truth)
    assert known.all()


def test_a_case_has_its_mask_in_the_photos_size(folder):
    pair = read_folder(folder)[0]
    Image.open(pair.mask).resize((15, 10)).save(pair.mask)
    photo, mask, known = load_case(pair)
    assert photo.shape[:2] == mask.shape == known.shape == (20, 30)


def test_masks_may_be_named_after_their_photo_with_an_ending(folder):
    for path in list((folder / "masks").iterdir()):
        Image.open(path).save(path.with_name(f"{path.stem}_mask.gif"))
        path.unlink()
    pairs = read_folder(folder)
    assert [pair.mask.name for pair in pairs] == [f"{pair.photo.stem}_mask.gif" for pair in pairs]
    assert read_mask(pairs[0])[0].sum() == 100


def test_a_photo_with_two_masks_is_named(folder):
    Image.new("L", (30, 20)).save(folder / "masks" / "photo3.gif")
    with pytest.raises(DatasetError, match="photo3.jpg"):
        read_folder(folder)


@pytest.mark.parametrize("orientation", range(10))
def test_the_size_in_the_header_is_that_of_the_upright_photo(tmp_path, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg", exif=exif)
    with Image.open(tmp_path / "photo.jpg") as picture:
        assert upright_size(picture) == ImageOps.exif_transpose(picture).size[::-1]


def test_a_broken_exif_says_nothing_about_the_way_up(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg", exif=b"Exif\0\0nothing that was ever written")
    with Image.open(tmp_path / "photo.jpg") as picture:
        assert upright_size(picture) == (20, 30)


def test_a_mask_that_is_outlined_has_no_file(folder, tmp_path):
    place = load.open_place(broken_exports.coco(tmp_path / "coco", segmentation=[[8, 8, 40, 8, 40, 30, 8, 30]]))
    with pytest.raises(DatasetError, match="photo0.jpg has no mask picture, but outlines"):
        place.pairs[0].mask_file.exists()
    assert read_folder(folder)[0].mask_file == folder / "masks" / "photo0.png"


@pytest.mark.parametrize(
    "name",
    ["{}_gt.png", "{}_segmentation.png", "{}-label.png", "mask_{}.png", "gt.{}.v2.png", "{}.jpg.png", "{}_MASK.png"],
)
def test_what_all_masks_have_beside_their_photos_name_is_understood(folder, name):
    for path in list((folder / "masks").iterdir()):
        path.rename(path.with_name(name.format(path.stem)))
    pairs = read_folder(folder)
    assert [pair.mask.name for pair in pairs] == [name.format(pair.photo.stem) for pair in pairs]


def test_capitals_do_not_part_a_mask_from_its_photo(folder):
    for path in list((folder / "masks").iterdir()):
        path.rename(path.with_name(f"{path.stem.upper()}_Mask.PNG"))
    assert len(read_folder(folder)) == 10


def test_masks_whose_names_have_no_common_rest_stay_without_a_photo(folder):
    masks = sorted((folder / "masks").iterdir())
    masks[0].rename(masks[0].with_name("photo0_left.png"))
    masks[1].rename(masks[1].with_name("photo1_right.png"))
    with pytest.raises(DatasetError, match="photo0.jpg, photo1.jpg"):
        read_folder(folder)
