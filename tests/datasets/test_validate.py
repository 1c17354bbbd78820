"""The check before training: what is wrong with which file, duplicates, and the contact sheet."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from segmenter.datasets import load, pairs as dataset, validate
from tests import broken


@pytest.fixture
def place(tmp_path):
    return broken.folder(tmp_path)


def look_over(place, size=32):
    return validate.check(load.open_place(place), size)


def kinds(findings):
    return {finding.name: finding.kind for finding in findings.found}


def test_a_sound_data_set_gives_no_cause_for_complaint(place):
    findings = look_over(place)
    assert findings.found == [] and len(findings.pairs) == findings.groups == broken.COUNT
    assert "Nothing to complain of" in findings.in_words() and "are few" in findings.in_words()
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
    assert len(findings.pairs) == broken.COUNT
    assert advice in findings.in_words() and "photo4.jpg" in findings.in_words() and "used" in findings.in_words()


def test_photos_smaller_than_the_networks_square_are_told(place):
    findings = look_over(place, size=64)
    assert {finding.kind for finding in findings.found} == {validate.SMALL}
    assert len(findings.found) == len(findings.pairs) == broken.COUNT
    assert "Photos smaller than the network's square: 10, used (photo0.jpg, photo1.jpg, photo2.jpg, photo3.jpg, …)" in (
        findings.in_words()
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
    assert "10 of 10 masks look inverted" in look_over(place).in_words()


COPIES = {
    "smaller": lambda photo: photo.resize((40, 30)),
    "mirrored": ImageOps.mirror,
    "brighter": lambda photo: ImageEnhance.Brightness(photo).enhance(1.15),
    "cropped": lambda photo: photo.crop((1, 1, 63, 47)),
}


@pytest.mark.parametrize("copy", COPIES)
def test_near_duplicates_share_a_fold(place, copy):
    COPIES[copy](broken.photo(2)).save(place / "images" / "photo7.jpg", quality=60)
    if copy in ("smaller", "cropped"):  # its mask keeps its frame
        Image.open(place / "masks" / "photo7.png").resize((40, 30)).save(place / "masks" / "photo7.png")
    findings = look_over(place, size=16)
    similar = [finding for finding in findings.found if finding.kind == validate.SIMILAR]
    assert [finding.name for finding in similar] == ["photo7.jpg"] and "photo2.jpg" in similar[0].problem
    assert ("mirrored" in similar[0].problem) == (copy == "mirrored")
    numbers = dict(zip((pair.name for pair in findings.pairs), dataset.join_groups(findings.pairs)))
    assert numbers["photo7.jpg"] == numbers["photo2.jpg"] and findings.groups == broken.COUNT - 1
    for _, held_out in dataset.folds(findings.pairs, 9, seed=0):
        assert len({"photo2.jpg", "photo7.jpg"} & {pair.name for pair in held_out}) != 1


def test_the_same_file_twice_is_told_and_whether_its_masks_agree(place):
    for number in (3, 8):
        (place / "images" / f"photo{number}.jpg").write_bytes((place / "images" / "photo1.jpg").read_bytes())
    (place / "masks" / "photo3.png").write_bytes((place / "masks" / "photo1.png").read_bytes())
    problems = {finding.name: finding.problem for finding in look_over(place).found}
    assert problems == {"photo3.jpg": "it is the same file as photo1.jpg",
                        "photo8.jpg": "it is the same file as photo1.jpg, but its mask differs"}  # fmt: skip


def test_a_photo_that_is_there_under_two_endings_shares_a_group(place):
    broken.photo(77).save(place / "images" / "photo1.png")
    findings = look_over(place)
    assert kinds(findings) == {"photo1.jpg": dataset.TWO_PHOTOS, "photo1.png": dataset.TWO_PHOTOS}
    assert findings.groups == broken.COUNT and len(findings.pairs) == broken.COUNT + 1


def test_pairs_of_ones_own_are_checked_too(place):
    pairs = [replace(pair, groups=()) for pair in dataset.read_folder(place)]
    assert validate.check(pairs, 32).groups == broken.COUNT


def test_the_findings_are_plain_json(place):
    broken.blank(place / "images" / "photo0.jpg")
    told = json.loads(json.dumps(look_over(place).as_json()))
    assert told["photos"] == 10 and told["usable"] == told["groups"] == 9
    assert told["errors"] == 1 and told["warnings"] == 0
    assert told["found"][0] == {"level": "error", "kind": "files that cannot be read", "name": "photo0.jpg",
                                "problem": "the file is empty (0 bytes)", "advice": "copy it again, or remove it"}  # fmt: skip


def test_the_contact_sheet_shows_suspicious_photos_first_with_a_frame(place, tmp_path):
    masks(lambda mask: 255 - mask)(place)
    broken.blank(place / "images" / "photo6.jpg")
    findings = look_over(place)
    path = tmp_path / "new" / "sheet.png"
    validate.write_contact_sheet(path, findings)
    sheet = np.asarray(Image.open(path))
    np.testing.assert_array_equal(sheet, validate.contact_sheet(findings))
    framed = [(sheet == colour).all(axis=2) for colour in (validate.CAUTION, validate.ALARM)]
    first, second = (np.argwhere(found)[0] for found in framed)
    assert first[0] == second[0] < 60 and first[1] < second[1] < sheet.shape[1] / 3
    assert [path.name for path in path.parent.iterdir()] == ["sheet.png"]


def test_the_contact_sheet_tints_what_the_mask_covers(place):
    Image.new("RGB", (64, 48), "white").save(place / "images" / "photo0.jpg")
    pairs = dataset.read_folder(place)[:1]
    sheet = validate.contact_sheet(validate.Findings([], pairs, pairs))
    scale = validate.TILE / 64
    left, top = validate.MARGIN, 2 * validate.MARGIN + validate.LINE + (validate.TILE - 48 * scale) / 2
    box = sheet[int(top + 14 * scale) : int(top + 30 * scale), int(left + 18 * scale) : int(left + 38 * scale)]
    assert (box[..., 2] > box[..., 0].astype(int) + 50).all()  # the mask of photo0 is x 16 … 40, y 12 … 32
    corner = sheet[int(top + 2 * scale) : int(top + 8 * scale), int(left + 2 * scale) : int(left + 10 * scale)]
    assert (corner > 240).all()


def test_a_large_data_set_is_shown_in_part(place):
    findings = look_over(place)
    few, all_of_them = (validate.contact_sheet(findings, most) for most in (4, 60))
    assert few.shape[1] < all_of_them.shape[1] and few.shape[0] < all_of_them.shape[0]
