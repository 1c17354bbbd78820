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


def test_a_file_for_each_class_or_annotator_adds_its_outlines(tmp_path):
    place = broken_exports.coco(tmp_path, segmentation=[BOX])
    data = json.loads((place / "annotations.json").read_text())
    data["categories"] = [{"id": 1, "name": "shade"}]  # the same number for another class, as each file counts anew
    for annotation in data["annotations"]:
        annotation["segmentation"] = [[50, 40, 60, 40, 60, 44, 50, 44]]
    (place / "a_shade.json").write_text(json.dumps(data))
    both = load.open_place(place)
    assert both.classes == {"lamp": 10, "shade": 10} and both.found == []
    assert {int(read_mask(pair)[0].sum()) for pair in both.pairs} == {32 * 22 + 40}
    assert {int(read_mask(pair)[0].sum()) for pair in load.open_place(place, ["lamp"]).pairs} == {32 * 22}
    assert {int(read_mask(pair)[0].sum()) for pair in load.open_place(place, ["shade"]).pairs} == {40}


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


def rewrite(place, change):
    path = place / "annotations.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def renumber(image, annotation):
    """Write the ids of images and categories by one function and those that annotations name by another."""

    def change(data):
        for entry in data["images"] + data["categories"]:
            entry["id"] = image(entry["id"])
        for entry in data["annotations"]:
            entry.update({name: annotation(entry[name]) for name in ("image_id", "category_id")})

    return change


@pytest.mark.parametrize("image, annotation", [(float, float), (int, float), (str, int), (float, str), (str, float)])
def test_ids_that_programs_rewrote_still_meet(tmp_path, image, annotation):
    def text_of(value):
        return str(int(value))

    place = broken_exports.coco(tmp_path, segmentation=[BOX])
    rewrite(place, renumber(*(text_of if each is str else each for each in (image, annotation))))
    found = load.open_place(place)
    assert len(found.pairs) == sound.COUNT and not found.found and found.classes == {"lamp": 10}


def test_ids_that_differ_only_in_how_they_are_written_stay_apart_where_both_are_there(tmp_path):
    place = broken_exports.coco(tmp_path, segmentation=[BOX])

    def change(data):
        data["images"][1]["id"] = "0"
        data["annotations"][1].update(image_id="0", segmentation=[SMALL_BOX])

    rewrite(place, change)
    found = load.open_place(place)
    assert [read_mask(pair)[0].sum() for pair in found.pairs[:2]] == [32 * 22, 90]


def test_captions_beside_outlines_are_passed_over_with_a_warning(tmp_path):
    place = broken_exports.coco(tmp_path, segmentation=[BOX])
    data = json.loads((place / "annotations.json").read_text())
    data["annotations"] = [{"id": 1, "image_id": 0, "caption": "A lamp by the window."}]
    (place / "a_captions.json").write_text(json.dumps(data))
    found = load.open_place(place)
    assert len(found.pairs) == sound.COUNT
    assert [(each.level, each.name) for each in found.found] == [("warning", "a_captions.json")]


@pytest.mark.parametrize("named", ["PHOTO4.JPG", "images/Photo4.jpg", "photo%34.jpg"])
def test_a_photo_that_is_named_in_other_capitals_or_quoted_is_found(tmp_path, named):
    place = broken_exports.coco(tmp_path, segmentation=[BOX])
    rewrite(place, lambda data: data["images"][4].update(file_name=named))
    assert len(load.open_place(place).pairs) == sound.COUNT


def test_photos_behind_a_link_to_a_folder_are_found(tmp_path):
    place = broken_exports.coco(tmp_path / "set", segmentation=[BOX])
    photos = place / "images" if (place / "images").is_dir() else place
    (tmp_path / "elsewhere").mkdir()
    for path in photos.glob("*.jpg"):
        path.rename(tmp_path / "elsewhere" / path.name)
    (place / "linked").symlink_to(tmp_path / "elsewhere")
    (place / "circle").symlink_to(place)
    assert len(load.open_place(place).pairs) == sound.COUNT
