"""What is in a folder: sizes, masks, foreground, and the lines that say so."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from segmenter.datasets.summary import look_through
from segmenter.errors import DatasetError


def test_a_folder_is_counted_measured_and_summarised(folder):
    unknown = np.zeros((20, 30), np.uint8)
    unknown[:10] = 128
    Image.fromarray(unknown).save(folder / "masks" / "photo3.png")
    found = look_through(folder, ["groups.csv"], "mit")
    assert (found.pairs, found.groups, found.unknown, found.empty) == (10, 5, 1, 1)
    assert found.sizes == ((30, 20),) * 3 and found.masks == {"white on black": 10}
    assert found.foreground == pytest.approx(9 * (100 / 600) / 10)
    assert found.bytes == (folder / "groups.csv").stat().st_size
    lines = found._replace(revision="0123abc").summary().splitlines()
    assert lines[0] == "10 photos with masks, in 5 groups that a split does not part"
    assert lines[-2].endswith("licence: mit") and lines[-1] == "revision: 0123abc"
    assert "licence: not stated" in found._replace(licence=None).summary()


def test_a_photo_that_lies_on_its_side_is_measured_upright(folder):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    with Image.open(folder / "images" / "photo0.jpg") as picture:
        picture.resize((60, 20)).save(folder / "images" / "photo0.jpg", exif=exif)
    assert look_through(folder, []).sizes[2] == (20, 60)


def test_ways_of_painting_masks_are_told_apart(folder):
    mask = np.asarray(Image.open(folder / "masks" / "photo0.png")) > 0
    red = np.where(mask[..., None], (255, 0, 0), (0, 0, 255)).astype(np.uint8)
    Image.fromarray(red).save(folder / "masks" / "photo0.png")
    opaque = np.dstack([np.full((20, 30, 3), 90), mask * 255]).astype(np.uint8)
    Image.fromarray(opaque).save(folder / "masks" / "photo1.png")
    found = look_through(folder, [])
    assert found.masks == {"white on black": 8, "red on blue": 1, "transparent around the object": 1}


def test_a_photo_that_is_no_picture_is_named(folder):
    (folder / "images" / "photo7.jpg").write_bytes(b"a letter")
    with pytest.raises(DatasetError, match="photo7.jpg: This file is not a picture"):
        look_through(folder, [])
