"""COCO: classes, and photos that several files or entries describe."""

import json

import numpy as np
import pytest

from segmenter.datasets import load
from segmenter.datasets.formats import common
from segmenter.datasets.pairs import read_mask
from segmenter.errors import DatasetError
from tests import broken_exports, sound

BOX = [8, 8, 40, 8, 40, 30, 8, 30]
SMALL_BOX = [50, 0, 60, 0, 60, 9, 50, 9]


def test_classes_are_counted_and_can_be_chosen(tmp_path):
    place = broken_exports.coco(tmp_path, segmentation=[BOX])
    path = place / "annotations.json"
    data = json.loads(path.read_text())
    data["categories"].append({"id": 2, "name": "bulb"})
    data["annotations"].append({"id": 99, "image_id": 0, "category_id": 2, "segmentation": [SMALL_BOX]})
    path.write_text(json.dumps(data))
    everything = load.open_place(place)
    assert everything.classes == {"lamp": 10, "bulb": 1} and "lamp (10), bulb (1)" in everything.summary()
    areas = [read_mask(pair)[0].sum() for pair in everything.pairs]
    assert areas == [32 * 22 + 90] + 9 * [32 * 22]
    bulbs = load.open_place(place, ["bulb"])
    assert [read_mask(pair)[0].sum() for pair in bulbs.pairs] == [90]
    with pytest.raises(DatasetError, match="nothing is labelled shade; the classes are lamp, bulb"):
        load.open_place(place, ["shade"])
    with pytest.raises(DatasetError, match="no classes to choose from"):
        load.open_place(sound.folder(tmp_path / "plain"), ["lamp"])


def add_second_file(place, **changes):
    """A second COCO file that outlines a small box in photo4, its image entry changed."""
    entry = {"id": 77, "file_name": "photo4.jpg", "height": sound.SIDE, "width": 64, **changes}
    data = {
        "images": [entry],
        "annotations": [{"id": 1, "image_id": 77, "category_id": 5, "segmentation": [SMALL_BOX]}],
        "categories": [{"id": 5, "name": "shade"}],
    }
    (place / "more.json").write_text(json.dumps(data))


def mask_of(place, name):
    (mask,) = (read_mask(pair)[0] for pair in place.pairs if pair.photo.stem == name)
    return mask


def test_a_photo_in_two_files_has_the_outlines_of_both(tmp_path):
    place = broken_exports.coco(tmp_path, segmentation=[BOX])
    add_second_file(place)
    found = load.open_place(place)
    assert len(found.pairs) == sound.COUNT and found.found == []
    mask = mask_of(found, "photo4")
    assert mask[8:30, 8:40].all() and mask[:9, 50:60].all() and mask.sum() == 32 * 22 + 90
    assert mask_of(found, "photo5").sum() == 32 * 22
    assert found.classes == {"lamp": 10, "shade": 1}


def test_a_photo_that_only_one_of_two_files_outlines_is_used(tmp_path):
    place = broken_exports.coco(tmp_path, segmentation=[BOX])
    add_second_file(place)
    data = json.loads((place / "annotations.json").read_text())
    data["annotations"] = [each for each in data["annotations"] if each["image_id"] != 4]
    (place / "annotations.json").write_text(json.dumps(data))
    assert mask_of(load.open_place(place), "photo4").sum() == 90


def test_files_that_give_a_photo_two_sizes_leave_it_out_and_say_so(tmp_path):
    place = broken_exports.coco(tmp_path, segmentation=[BOX])
    add_second_file(place, width=128, height=96)
    found = load.open_place(place)
    assert len(found.pairs) == sound.COUNT - 1
    (finding,) = found.found
    assert (finding.level, finding.kind, finding.name) == ("error", common.TWO_SIZES, "photo4.jpg")
    assert finding.problem == "it is 64 × 48 by annotations.json, but 128 × 96 by more.json"


def test_a_photo_with_a_bad_outline_in_one_file_is_not_used_with_those_of_another(tmp_path):
    place = broken_exports.coco(tmp_path, segmentation=[BOX])
    add_second_file(place)
    path = place / "more.json"
    path.write_text(path.read_text().replace("60", "600"))
    found = load.open_place(place)
    assert "photo4" not in {pair.photo.stem for pair in found.pairs}
    assert [finding.kind for finding in found.found] == [common.BAD_OUTLINE]


def test_two_paths_that_lead_to_one_photo_are_warned_of(tmp_path):
    place = broken_exports.coco(
        tmp_path, [f"train/photo{number}.jpg" for number in range(sound.COUNT)], segmentation=[BOX]
    )
    add_second_file(place, file_name="val/photo4.jpg")
    (finding,) = load.open_place(place).found
    assert (finding.level, finding.kind) == ("warning", common.TWO_FILES) and "val/photo4.jpg" in finding.problem


def test_the_same_file_twice_changes_no_mask(tmp_path):
    place = broken_exports.coco(tmp_path, segmentation=[BOX])
    (place / "copy.json").write_text((place / "annotations.json").read_text())
    found = load.open_place(place)
    assert [read_mask(pair)[0].sum() for pair in found.pairs] == sound.COUNT * [32 * 22]
    np.testing.assert_array_equal(*(read_mask(pair)[1] for pair in found.pairs[:2]))
