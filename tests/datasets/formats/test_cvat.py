"""CVAT for images 1.1: polygons, ellipses and brushed masks in one XML."""

import pytest

from segmenter.datasets import load
from segmenter.errors import DatasetError
from tests import sound
from tests.datasets.formats import boxes


def polygon(number, label="chair"):
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in boxes.polygon(number))
    return f'<polygon label="{label}" source="manual" occluded="0" points="{points}" z_order="0"></polygon>'


def brushed(number):
    """The box with a rim of 2 pixels that is not in it, row by row."""
    left, top, right, bottom = boxes.corners(number)
    width, height = right - left, bottom - top
    counts = [2 * (width + 4) + 2]
    for row in range(height):
        counts += [width, 4 if row < height - 1 else 2 + 2 * (width + 4)]
    rle = ", ".join(map(str, counts))
    return (
        f'<mask label="chair" rle="{rle}" left="{left - 2}" top="{top - 2}" width="{width + 4}" height="{height + 4}"/>'
    )


def export(tmp_path, shapes_of, start='<?xml version="1.0" encoding="utf-8"?>'):
    place = sound.only_images(tmp_path)
    images = "".join(
        f'<image id="{number}" name="task/{name}" width="64" height="{sound.SIDE}">{shapes_of(number)}</image>'
        for number, name in enumerate(boxes.photo_names())
    )
    boxes.write(place / "annotations.xml", f"{start}<annotations><version>1.1</version>{images}</annotations>")
    return place


@pytest.mark.parametrize("shape", [polygon, brushed])
def test_polygons_and_brushed_masks_are_read(tmp_path, shape):
    place = export(tmp_path, lambda number: shape(number) + '<points label="mark" points="1,2;3,4"/>')
    boxes.assert_masks(place, "CVAT", {"chair": 10})


def test_ellipses_are_read_and_classes_chosen(tmp_path):
    def shapes(number):
        left, top, _, _ = boxes.corners(number)
        ellipse = f'<ellipse label="chair" cx="{left + 9}" cy="{top + 9}" rx="6" ry="3" rotation="30.00"/>'
        return polygon(number) + ellipse + polygon(9 - number, "rug")

    boxes.assert_masks(export(tmp_path, shapes), "CVAT", {"chair": 20, "rug": 10}, ["chair"])


def test_the_file_itself_can_be_named(tmp_path):
    place = export(tmp_path, polygon)
    assert len(load.open_place(place / "annotations.xml").pairs) == sound.COUNT


def test_boxes_and_nonsense_leave_their_photos_out(tmp_path):
    odd = {
        1: '<box label="chair" xtl="1" ytl="1" xbr="9" ybr="9"/>',
        2: '<mask label="chair" rle="3,4" left="0" top="0" width="9" height="9"/>',
        3: '<polygon label="chair" points="1,2;x,4;5,6"/>',
        4: '<polygon label="chair"/>',
        5: '<mask label="chair" rle="0,99980001" left="0" top="0" width="9999" height="9999"/>',
    }
    said = boxes.refusals(export(tmp_path, lambda number: odd.get(number, polygon(number))))
    assert "a box but no outline" in said["photo1.jpg"] and "do not add up" in said["photo2.jpg"]
    assert "no numbers" in said["photo3.jpg"] and "makes no sense" in said["photo4.jpg"] and len(said) == 5


def test_a_file_that_declares_entities_is_never_parsed(tmp_path):
    bomb = '<!DOCTYPE a [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>'
    with pytest.raises(DatasetError, match="masks is missing.*annotations.xml cannot be read as outlines"):
        load.open_place(export(tmp_path, polygon, bomb))
