"""Near-duplicates: they share a group, also where only others link them, and are reported."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from segmenter.datasets import duplicates, load, validate
from segmenter.datasets.duplicates import Fingerprint
from segmenter.datasets.pairs import Pair
from segmenter.datasets.splits import folds, join_groups
from tests import sound


@pytest.fixture
def place(tmp_path):
    return sound.folder(tmp_path)


def check(place, size=32):
    return validate.check(load.open_place(place), size)


COPIES = {
    "smaller": lambda photo: photo.resize((40, 30)),
    "mirrored": ImageOps.mirror,
    "brighter": lambda photo: ImageEnhance.Brightness(photo).enhance(1.15),
    "cropped": lambda photo: photo.crop((1, 1, 63, 47)),
}


@pytest.mark.parametrize("copy", COPIES)
def test_near_duplicates_share_a_fold(place, copy):
    COPIES[copy](sound.photo(2)).save(place / "images" / "photo7.jpg", quality=60)
    if copy in ("smaller", "cropped"):  # its mask keeps its frame
        Image.open(place / "masks" / "photo7.png").resize((40, 30)).save(place / "masks" / "photo7.png")
    findings = check(place, size=16)
    similar = [finding for finding in findings.found if finding.kind == duplicates.SIMILAR]
    assert [finding.name for finding in similar] == ["photo7.jpg"] and "photo2.jpg" in similar[0].problem
    assert ("mirrored" in similar[0].problem) == (copy == "mirrored")
    numbers = dict(zip((pair.name for pair in findings.pairs), join_groups(findings.pairs)))
    assert numbers["photo7.jpg"] == numbers["photo2.jpg"] and findings.groups == sound.COUNT - 1
    for _, held_out in folds(findings.pairs, 9, seed=0):
        assert len({"photo2.jpg", "photo7.jpg"} & {pair.name for pair in held_out}) != 1


def test_the_same_file_twice_is_found_and_whether_its_masks_agree(place):
    for number in (3, 8):
        (place / "images" / f"photo{number}.jpg").write_bytes((place / "images" / "photo1.jpg").read_bytes())
    (place / "masks" / "photo3.png").write_bytes((place / "masks" / "photo1.png").read_bytes())
    problems = {finding.name: finding.problem for finding in check(place).found}
    assert problems == {
        "photo3.jpg": "it is the same file as photo1.jpg",
        "photo8.jpg": "it is the same file as photo1.jpg, but its mask differs",
    }


def at_angles(*degrees):
    """Pairs whose thumbnails have the cosines of the angles between them as correlations."""
    pairs, fingerprints = [], []
    for number, angle in enumerate(np.deg2rad(degrees)):
        thumbnail = np.zeros((duplicates.THUMBNAIL, duplicates.THUMBNAIL), np.float32)
        thumbnail[0, :2] = np.cos(angle), np.sin(angle)
        pairs.append(Pair(Path(f"{number}.jpg"), Path(f"{number}.png"), (str(number),)))
        fingerprints.append(Fingerprint(bytes([number]), bytes([number]), thumbnail))
    return pairs, fingerprints


@pytest.mark.parametrize(
    "degrees, groups",
    [
        ((-15, 15, 0), [0, 0, 0]),  # 15° are alike, 30° are not: the third links the others
        ((0, 30, 15, 90, 105), [0, 0, 0, 1, 1]),
        ((-45, 45, -15, 15, 30, -30, 0), [0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_photos_that_others_link_are_one_group(degrees, groups):
    joined, _ = duplicates.join(*at_angles(*degrees))
    assert join_groups(joined) == groups


def test_links_are_found_across_blocks_of_rows(monkeypatch):
    monkeypatch.setattr(duplicates, "ROWS", 2)
    joined, found = duplicates.join(*at_angles(-15, 15, 90, 0, 105))
    assert join_groups(joined) == [0, 0, 1, 0, 1]
    assert [finding.name for finding in found] == ["3.jpg", "4.jpg"]
