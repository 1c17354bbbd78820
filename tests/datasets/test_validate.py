"""The check before training: what is wrong with which file, and what to do about it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from segmenter.datasets import load, pairs, validate
from tests import broken, sound


@pytest.fixture
def place(tmp_path):
    return sound.folder(tmp_path)


def look_over(place, size=32):
    return validate.check(load.open_place(place), size)


def kinds(findings):
    return {finding.name: finding.kind for finding in findings.found}


def test_a_sound_data_set_gives_no_cause_for_complaint(place):
    findings = look_over(place)
    assert findings.found == [] and len(findings.pairs) == findings.groups == sound.COUNT
    assert "Nothing to complain of" in findings.summary() and "are few" in findings.summary()
    findings.insist()


def masks(change):
    """Change the mask picture of photo4, uint8 H × W."""

    def spoil(place):
        path = place / "masks" / "photo4.png"
        Image.fromarray(change(np.array(Image.open(path)))).save(path)

    return spoil


def photos(change):
    def spoil(place):
        change(place / "images" / "photo4.jpg")

    return spoil


def as_webp(path):
    with Image.open(path) as picture:
        picture.load()
    picture.save(path, format="WEBP")


def speck(mask):
    return np.where(np.arange(mask.size).reshape(mask.shape) == 1500, 255, 0).astype(np.uint8)


def depth(mask):
    return np.tile(np.linspace(0, 255, mask.shape[1]).astype(np.uint8), (mask.shape[0], 1))


def half(mask):
    return mask[::2, ::2]


WARNINGS = {
    "inverted": (masks(lambda mask: 255 - mask), validate.INVERTED, "exchange black and white"),
    "depth map": (masks(depth), validate.SOFT, "depth map"),
    "half the size": (masks(half), validate.SMALLER_MASK, "stretched"),
    "speck": (masks(speck), validate.TINY, "slip of the brush"),
    "wrong ending": (photos(as_webp), validate.SUFFIX, "rename it"),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_suspicious_is_told_but_used(place, name):
    spoil, kind, advice = WARNINGS[name]
    spoil(place)
    findings = look_over(place)
    assert kinds(findings) == {"photo4.jpg": kind} and findings.found[0].level == "warning"
    assert len(findings.pairs) == sound.COUNT
    assert advice in findings.summary() and "photo4.jpg" in findings.summary() and "used" in findings.summary()


def test_photos_smaller_than_the_networks_square_are_told(place):
    findings = look_over(place, size=64)
    assert {finding.kind for finding in findings.found} == {validate.SMALL}
    assert len(findings.found) == len(findings.pairs) == sound.COUNT
    assert "Photos smaller than the network's square: 10, used (photo0.jpg, photo1.jpg, photo2.jpg, photo3.jpg, …)" in (
        findings.summary()
    )


def test_a_smoothed_outline_unknown_pixels_and_objects_at_the_rim_are_fine(place):
    smooth = Image.open(place / "masks" / "photo0.png").resize((640, 480), Image.Resampling.BICUBIC)
    smooth.resize((64, 48), Image.Resampling.BOX).save(place / "masks" / "photo0.png")
    for number, area in ((1, np.s_[:40, 8:56]), (2, np.s_[20:, :])):
        mask = np.zeros((48, 64), np.uint8)
        mask[area] = 255
        mask[5:10, 10:20] = 128
        Image.fromarray(mask).save(place / "masks" / f"photo{number}.png")
    assert look_over(place).found == []


def test_when_most_masks_look_inverted_it_is_said_of_the_whole(tmp_path):
    place = broken.every_mask(ImageOps.invert)(tmp_path)
    assert "10 of 10 masks look inverted" in look_over(place).summary()


def test_a_photo_that_is_there_under_two_endings_shares_a_group(place):
    sound.photo(77).save(place / "images" / "photo1.png")
    findings = look_over(place)
    assert kinds(findings) == {"photo1.jpg": pairs.TWO_PHOTOS, "photo1.png": pairs.TWO_PHOTOS}
    assert findings.groups == sound.COUNT and len(findings.pairs) == sound.COUNT + 1


def test_pairs_of_ones_own_are_checked_too(place):
    alone = [replace(pair, groups=()) for pair in pairs.read_folder(place)]
    assert validate.check(alone, 32).groups == sound.COUNT


def test_the_findings_are_plain_json(place):
    broken.blank(place / "images" / "photo0.jpg")
    report = json.loads(json.dumps(look_over(place).as_json()))
    assert report["photos"] == 10 and report["usable"] == report["groups"] == 9
    assert report["errors"] == 1 and report["warnings"] == 0
    assert report["found"][0] == {
        "level": "error",
        "kind": "files that cannot be read",
        "name": "photo0.jpg",
        "problem": "the file is empty (0 bytes)",
        "advice": "copy it again, or remove it",
    }


def store_turned(place, number, orientation, square=False):
    """Store photo NUMBER's rows and columns as they are, with an EXIF that turns them; its mask stays as it is."""
    path, mask_path = place / "images" / f"photo{number}.jpg", place / "masks" / f"photo{number}.png"
    picture, mask = (Image.open(each).copy() for each in (path, mask_path))
    if square:
        picture, mask = (each.crop((8, 0, 56, 48)) for each in (picture, mask))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture.save(path, quality=90, exif=exif)
    mask.save(mask_path)


@pytest.mark.parametrize("orientation, square", [(2, False), (3, False), (4, False), (3, True), (6, True), (8, True)])
def test_a_turn_by_exif_that_the_frame_does_not_show_is_told_by_name(place, orientation, square):
    store_turned(place, 4, orientation, square)
    findings = look_over(place)
    assert kinds(findings) == {"photo4.jpg": validate.TURNED_UNSEEN}
    assert len(findings.pairs) == sound.COUNT


def test_where_other_masks_prove_not_to_be_turned_such_photos_are_left_out(place):
    store_turned(place, 3, 6)
    store_turned(place, 4, 6, square=True)
    findings = look_over(place)
    assert kinds(findings) == {"photo3.jpg": validate.TURNED, "photo4.jpg": validate.TURNED_UNSEEN}
    assert {finding.level for finding in findings.found} == {"error"}
    assert len(findings.pairs) == sound.COUNT - 2


def test_where_other_masks_prove_to_be_turned_with_their_photos_nothing_is_said(place):
    store_turned(place, 3, 6)
    store_turned(place, 4, 6, square=True)
    mask = Image.open(place / "masks" / "photo3.png")
    mask.transpose(Image.Transpose.ROTATE_270).save(place / "masks" / "photo3.png")
    assert look_over(place).found == []


def test_an_object_in_the_grey_of_the_unknown_is_told_as_such(place):
    masks(lambda mask: (mask > 0).astype(np.uint8) * 128)(place)
    (finding,) = look_over(place).found
    assert (finding.name, finding.kind) == ("photo4.jpg", validate.EMPTY)
    assert "grey 128" in finding.problem and "255" in finding.advice
