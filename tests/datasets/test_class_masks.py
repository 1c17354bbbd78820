"""Masks whose colours are classes: the furniture is the object, borders are unknown, the rest is told by name."""

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets import load, validate
from segmenter.datasets.pairs import read_folder, read_mask
from segmenter.datasets.summary import look_through
from segmenter.errors import DatasetError
from tests import sound

CHAIR, PERSON, BOTTLE, SOFA, TABLE, BORDER = 9, 15, 5, 18, 11, 255
COLOURS = {  # as PASCAL VOC's development kit lists them
    0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 5: (128, 0, 128), 9: (192, 0, 0), 11: (192, 128, 0),
    15: (192, 128, 128), 18: (0, 192, 0), 255: (224, 224, 192),
}  # fmt: skip


def paint(place, classes, mode="P"):
    """Repaint the masks of a sound data set: its box in the first class, a strip beside it in each of the others.

    Returns the boxes, name → bool, and where the strips are, class → rows.
    """
    palette = [channel for number in range(256) for channel in COLOURS.get(number, (1, 2, 3))]
    boxes, rows = {}, {}
    for path in sorted((place / "masks").iterdir()):
        box = np.asarray(Image.open(path)) > 0
        levels = np.where(box, classes[0], 0).astype(np.uint8)
        for number, level in enumerate(classes[1:]):
            rows[level] = slice(4 * number, 4 * number + 4)
            levels[rows[level]] = level
        picture = Image.fromarray(levels, "P")
        picture.putpalette(palette)
        (picture if mode == "P" else picture.convert(mode)).save(path)
        boxes[path.stem] = box
    return boxes, rows


def masks_of(found):
    return {pair.photo.stem: read_mask(pair) for pair in found.pairs}


@pytest.mark.parametrize("mode", ["P", "RGB"])
@pytest.mark.parametrize("furniture", [CHAIR, SOFA, TABLE])
def test_of_pascal_vocs_classes_furniture_is_the_object_and_the_border_is_unknown(tmp_path, mode, furniture):
    place = sound.folder(tmp_path)
    boxes, rows = paint(place, [furniture, PERSON, BORDER], mode)
    found = load.open_place(place)
    for name, (mask, known) in masks_of(found).items():
        np.testing.assert_array_equal(mask, boxes[name])
        assert not known[rows[BORDER]].any() and known.sum() == known.size - 4 * known.shape[1]
    told = [finding for finding in validate.check(found, size=32).found if finding.kind == validate.CLASSES]
    assert len(told) == sound.COUNT and "person" in told[0].problem and "--classes" in told[0].advice


def test_a_single_class_in_vocs_first_colour_is_the_object_with_a_border_that_is_unknown(tmp_path):
    place = sound.folder(tmp_path)
    boxes, rows = paint(place, [1, BORDER])
    for name, (mask, known) in masks_of(load.open_place(place)).items():
        np.testing.assert_array_equal(mask, boxes[name])
        assert not known[rows[BORDER]].any()


def test_classes_that_are_no_furniture_are_refused_by_name_and_colour_and_can_be_chosen(tmp_path):
    place = sound.folder(tmp_path)
    boxes, _ = paint(place, [BOTTLE])
    findings = validate.check(load.open_place(place), size=32)
    assert findings.pairs == [] and {each.kind for each in findings.found} == {validate.COLOURS}
    first = findings.found[0]
    assert "PASCAL VOC's bottle (colour (128, 0, 128), 15.6% of it)" in first.problem
    assert "--classes bottle" in first.advice
    for name, (mask, _) in masks_of(load.open_place(place, ["bottle"])).items():
        np.testing.assert_array_equal(mask, boxes[name])


def test_a_class_that_there_is_not_is_answered_with_those_that_there_are(tmp_path):
    place = sound.folder(tmp_path)
    with pytest.raises(DatasetError, match="masks have no classes"):
        load.open_place(place, ["lamp"])
    paint(place, [CHAIR])
    with pytest.raises(DatasetError, match="nothing is labelled lamp; the classes are aeroplane.*chair.*sofa"):
        load.open_place(place, ["lamp"])


TABLES = {
    "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\nlamp:192,0,0::\nperson:192,128,128::\n",
    "label_colors.txt": "0 0 0 Void\n192 0 0 lamp\n192 128 128 person\n",
    "class_names.txt": "__ignore__\n_background_\n" + "".join(f"class{n}\n" for n in range(1, 9)) + "lamp\n"
    + "".join(f"class{n}\n" for n in range(10, 15)) + "person\n",
    "_classes.csv": "Pixel Value, Class\n0, background\n9, lamp\n15, person\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_beside_the_masks_names_their_classes(tmp_path, name):
    place = sound.folder(tmp_path)
    boxes, rows = paint(place, [CHAIR, PERSON, BORDER])
    (place / name).write_text(TABLES[name])
    for mask, known in masks_of(load.open_place(place)).values():  # no furniture is named: every class is the object
        assert mask[rows[PERSON]].all() and not known[rows[BORDER]].any()
    lamps = masks_of(load.open_place(place, ["lamp"]))
    assert all((lamps[stem][0] == boxes[stem]).all() for stem in boxes)
    (place / name).write_text(TABLES[name].replace("lamp", "chair"))
    chairs = masks_of(load.open_place(place))
    assert all((chairs[stem][0] == boxes[stem]).all() for stem in boxes)


def test_grey_masks_of_class_numbers_are_read_by_their_table_and_refused_without(tmp_path):
    place = sound.folder(tmp_path)
    for path in (place / "masks").iterdir():
        levels = np.asarray(Image.open(path)) // 255
        levels[:4] = 255
        Image.fromarray(levels).save(path)
    findings = validate.check(load.open_place(place), size=32)
    assert findings.pairs == [] and "class numbers: " in findings.found[0].problem
    assert "level 1 (15.6%)" in findings.found[0].problem and "_classes.csv" in findings.found[0].advice
    (place / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, lamp\n")
    (mask, known), *_ = masks_of(load.open_place(place)).values()
    assert mask[known].sum() == 480 and not known[:4].any()


@pytest.mark.parametrize(
    "colours, named",
    [
        ([(0, 200, 0), (200, 200, 0)], "colour (0, 200, 0) (15.6%)"),
        ([(250, 50, 83), (250, 250, 55)], "colour (250, 50, 83) (15.6%)"),
        ([(255, 0, 255)], "colour (255, 0, 255) (15.6%)"),
    ],
)
def test_colours_that_nobody_named_are_refused_with_their_shares(tmp_path, colours, named):
    place = sound.folder(tmp_path)
    for path in (place / "masks").iterdir():
        picture = np.zeros((sound.SIDE, 64, 3), np.uint8)
        picture[np.asarray(Image.open(path)) > 0] = colours[0]
        picture[:4] = colours[-1] if len(colours) > 1 else 0
        Image.fromarray(picture).save(path)
    found = validate.check(load.open_place(place), size=32).found
    assert {each.kind for each in found} == {validate.COLOURS} and named in found[0].problem


def test_a_colour_that_the_table_does_not_name_is_told(tmp_path):
    place = sound.folder(tmp_path)
    paint(place, [CHAIR, PERSON])
    (place / "labelmap.txt").write_text("background:0,0,0::\nlamp:192,0,0::\n")
    findings = validate.check(load.open_place(place), size=32)
    assert "(192, 128, 128), 8.3% of it, is none of the classes in labelmap.txt" in findings.found[0].problem


@pytest.mark.parametrize("text", ["lamp:red::\n", "lamp:1,2,3,4::\n", "lamp:1,2::\n"])
def test_a_table_that_is_broken_is_named(tmp_path, text):
    place = sound.folder(tmp_path)
    (place / "labelmap.txt").write_text(text)
    with pytest.raises(DatasetError, match="labelmap.txt cannot be read as a table of classes"):
        load.open_place(place)


def test_a_folder_is_looked_through_by_its_table(tmp_path):
    place = sound.folder(tmp_path)
    paint(place, [CHAIR, PERSON, BORDER])
    (place / "labelmap.txt").write_text(TABLES["labelmap.txt"].replace("lamp", "chair"))
    found = look_through(place, [])
    assert found.unknown == sound.COUNT and found.foreground == pytest.approx(480 / (48 * 64 - 4 * 64))


def test_white_on_black_stays_what_it_is_beside_a_table(tmp_path):
    place = sound.folder(tmp_path)
    (place / "class_names.txt").write_text("__ignore__\n_background_\nlamp\n")
    assert all(mask.sum() == 480 and known.all() for mask, known in masks_of(load.open_place(place)).values())


def test_a_photo_with_a_mask_for_each_object_has_all_of_them(tmp_path):
    place = sound.folder(tmp_path)
    for path in list((place / "masks").iterdir()):
        whole = np.asarray(Image.open(path))
        for number, part in enumerate((slice(None, 24), slice(24, None))):
            drawn = np.zeros_like(whole)
            drawn[part] = whole[part]
            Image.fromarray(drawn).save(path.with_name(f"{path.stem}_{number}.png"))
        path.unlink()
    (place / "masks" / "photo3_1.png").unlink()  # one of one is numbered too
    pairs = read_folder(place)
    assert len(pairs) == sound.COUNT
    assert [int(read_mask(pair)[0].sum()) for pair in pairs if pair.photo.stem != "photo3"] == [480] * 9
    Image.new("L", (5, 5)).save(place / "masks" / "photo0_1.png")
    with pytest.raises(DatasetError, match="photo0_0.png and photo0_1.png are masks of one photo, but differ in size"):
        read_mask(pairs[0])
