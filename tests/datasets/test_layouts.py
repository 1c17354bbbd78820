"""Photos and masks are found by the names of folders and files that people have."""

import shutil
import unicodedata
import zipfile

import pytest
from PIL import Image

from segmenter.datasets import load
from segmenter.datasets.pairs import read_mask
from segmenter.errors import DatasetError
from tests import broken_exports, sound


def moved(place, photos, masks, count=range(sound.COUNT), mask_name="{}.png"):
    """Move photos and masks of a sound data set into other folders of it."""
    for number in count:
        for source, target, name in (
            (place / "images" / f"photo{number}.jpg", photos, f"photo{number}.jpg"),
            (place / "masks" / f"photo{number}.png", masks, mask_name.format(f"photo{number}")),
        ):
            (place / target).mkdir(parents=True, exist_ok=True)
            shutil.move(source, place / target / name)
    for part in ("images", "masks"):
        if not any((place / part).rglob("*")):
            shutil.rmtree(place / part, ignore_errors=True)
    return place


@pytest.mark.parametrize(
    "photos, masks",
    [
        ("train/images", "train/masks"),
        ("images/train", "masks/train"),
        ("data/imgs", "data/masks"),
        ("JPEGImages", "SegmentationClass"),
        ("VOC2012/JPEGImages", "VOC2012/SegmentationClassPNG"),
        ("DIS-TR/im", "DIS-TR/gt"),
        ("DUTS-TR/DUTS-TR-Image", "DUTS-TR/DUTS-TR-Mask"),
        ("train_images", "train_masks"),
        ("default", "defaultannot"),
        ("Images", "ground_truth_mask"),
        ("images/training", "annotations/training"),
        ("input", "target"),
    ],
)
def test_names_of_folders_in_well_known_data_sets(tmp_path, photos, masks):
    place = moved(sound.folder(tmp_path), photos, masks)
    (place / "README.txt").write_text("of somebody")
    found = load.open_place(place)
    assert (found.kind, len(found.pairs), found.found) == ("masks", sound.COUNT, [])
    assert all(pair.mask.stem == pair.photo.stem for pair in found.pairs)


@pytest.mark.parametrize(
    "train, val",
    [
        (("train/images", "train/masks"), ("val/images", "val/masks")),
        (("images/train", "masks/train"), ("images/val", "masks/val")),
        (("train", "train_masks"), ("val", "val_masks")),
        (("DIS5K/train/im", "DIS5K/train/gt"), ("DIS5K/val/im", "DIS5K/val/gt")),
    ],
)
def test_folders_of_a_split_are_read_as_one_and_that_is_said(tmp_path, train, val):
    place = moved(sound.folder(tmp_path), *train, range(7))
    moved(place, *val, range(7, 10))
    shutil.copy(place / train[0] / "photo1.jpg", place / val[0] / "photo1.jpg")  # another photo of the same name
    shutil.copy(place / train[1] / "photo1.png", place / val[1] / "photo1.png")
    found = load.open_place(place)
    assert len(found.pairs) == 11 and found.found == [] and found.splits == ("train", "val")
    assert len({pair.groups for pair in found.pairs}) == 11
    assert found.summary().endswith("its train and val are read as one, and split anew by groups")


def test_a_set_without_a_split_says_nothing_of_it(tmp_path):
    assert "read as one" not in load.open_place(sound.folder(tmp_path)).summary()


@pytest.mark.parametrize("mask_name", ["{}_mask.png", "{}-mask.png", "{}.png"])
def test_masks_may_lie_beside_their_photos(tmp_path, mask_name):
    place = moved(sound.folder(tmp_path), "train", "train", range(6), mask_name)
    moved(place, "valid", "valid", range(6, 10), mask_name)
    (place / "valid" / mask_name.format("photo8")).unlink()
    found = load.open_place(place)
    assert (found.kind, len(found.pairs)) == ("masks", 9)
    (lonely,) = found.found
    assert (lonely.name, lonely.problem) == ("photo8.jpg", "no mask lies beside it")


def test_roboflows_variants_of_a_photo_stay_in_one_group(tmp_path):
    place = sound.folder(tmp_path)
    for number in range(10):
        name = f"chair{number // 2}_jpg.rf.{number}abc"
        (place / "train").mkdir(exist_ok=True)
        shutil.move(place / "images" / f"photo{number}.jpg", place / "train" / f"{name}.jpg")
        with Image.open(place / "masks" / f"photo{number}.png") as mask:
            mask.point(lambda level: level // 255).save(place / "train" / f"{name}_mask.png")
    for part in ("images", "masks"):
        shutil.rmtree(place / part)
    (place / "train" / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, chair\n")
    found = load.open_place(place)
    assert len(found.pairs) == 10 and len({pair.groups for pair in found.pairs}) == 5


def test_names_are_the_same_in_either_form_of_unicode(tmp_path):
    place = sound.folder(tmp_path)
    for form, path in (("NFD", place / "images" / "photo0.jpg"), ("NFC", place / "masks" / "photo0.png")):
        path.rename(path.with_name(unicodedata.normalize(form, f"Stühle{path.suffix}")))
    assert len(load.open_place(place).pairs) == sound.COUNT


def test_cutouts_are_no_masks_of_each_other(tmp_path):
    place = tmp_path / "cutouts"
    place.mkdir()
    for number in range(4):
        picture = sound.photo(number).convert("RGBA")
        picture.putalpha(sound.mask(number))
        picture.save(place / f"cutout{number}.png")
        picture.save(place / f"cutout{number}.webp", lossless=True)
    assert load.open_place(place).kind == "cutouts"


def zip_away(place, part, archive, inside=""):
    """Replace a folder by a zip of its files, which lie in a folder `inside` of the zip."""
    with zipfile.ZipFile(place / archive, "w") as written:
        for path in sorted((place / part).iterdir()):
            written.write(path, f"{inside}{path.name}")
    shutil.rmtree(place / part)


@pytest.mark.parametrize("inside", ["", "{}/", "Users/me/{}/"])
def test_zips_side_by_side_are_folders_side_by_side(tmp_path, inside):
    place = sound.folder(tmp_path)
    (place / "groups.csv").write_text("file,group\nphoto0.jpg,a\nphoto1.jpg,a\n")
    for part in ("images", "masks"):
        zip_away(place, part, f"{part}.zip", inside.format(part))
    found = load.open_place(place, cache=tmp_path / "cache")
    assert (found.kind, len(found.pairs), found.found) == ("masks", sound.COUNT, [])
    assert found.pairs[0].groups == found.pairs[1].groups == ("a",)
    again = load.open_place(place, cache=tmp_path / "cache")
    assert again.folder == found.folder and len(list((tmp_path / "cache").iterdir())) == 3
    (place / "groups.csv").write_text("file,group\nphoto0.jpg,a\nphoto1.jpg,b\n")
    assert load.open_place(place, cache=tmp_path / "cache").pairs[1].groups == ("b",)


def test_zips_of_a_split_are_read_as_its_folders(tmp_path):
    place = moved(sound.folder(tmp_path), "train/images", "train/masks", range(6))
    moved(place, "val/images", "val/masks", range(6, 10))
    for part in ("train", "val"):
        with zipfile.ZipFile(place / f"{part}.zip", "w") as archive:
            for path in sorted((place / part).rglob("*.*")):
                archive.write(path, path.relative_to(place))
        shutil.rmtree(place / part)
    found = load.open_place(place, cache=tmp_path / "cache")
    assert len(found.pairs) == sound.COUNT and found.splits == ("train", "val")


@pytest.mark.parametrize("annotations", ["annotations.json", "annotations.zip"])
def test_annotations_beside_a_zip_of_photos_or_zipped_too_are_read(tmp_path, annotations):
    place = broken_exports.coco(tmp_path, segmentation=[[8, 8, 40, 8, 40, 30, 8, 30]])
    zip_away(place, "images", "images.zip")
    if annotations.endswith(".zip"):
        with zipfile.ZipFile(place / annotations, "w") as archive:
            archive.write(place / "annotations.json", "annotations/instances.json")
        (place / "annotations.json").unlink()
    found = load.open_place(place, cache=tmp_path / "cache")
    assert (found.kind, len(found.pairs), found.found) == ("COCO", sound.COUNT, [])
    assert {int(read_mask(pair)[0].sum()) for pair in found.pairs} == {32 * 22}
    (place / "images.zip").write_bytes(b"PK, but nothing more")
    with pytest.raises(DatasetError, match="images.zip is not a zip we can read"):
        load.open_place(place, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").glob(".*"))
