"""Supervisely: polygons with holes and bitmaps, a file for each photo."""

import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image

from tests import sound
from tests.datasets.formats import boxes


def polygon(points, holes=(), label="chair"):
    return {"classTitle": label, "geometryType": "polygon", "points": {"exterior": points, "interior": list(holes)}}


def bitmap(mask, left, top, mode="P"):
    """As its own library packs it: a PNG of a palette whose second colour is opaque."""
    picture = Image.fromarray(mask.astype(np.uint8), "P")
    picture.putpalette([0, 0, 0, 255, 255, 255])
    file = io.BytesIO()
    if mode == "P":
        picture.save(file, "PNG", transparency=0, bits=1)
    else:
        Image.fromarray(np.dstack([mask * 255] * 4).astype(np.uint8)).save(file, "PNG")
    data = base64.b64encode(zlib.compress(file.getvalue())).decode()
    return {"classTitle": "chair", "geometryType": "bitmap", "bitmap": {"data": data, "origin": [left, top]}}


def export(tmp_path, objects_of, name="{}.json"):
    place = sound.only_images(tmp_path)
    (place / "images").rename(place / "img")
    for number, photo in enumerate(boxes.photo_names()):
        size = {"height": sound.SIDE, "width": 64}
        boxes.write(place / "ann" / name.format(photo), {"size": size, "objects": objects_of(number), "tags": []})
    boxes.write(place / "meta.json", {"classes": [{"title": "chair", "shape": "polygon"}]})
    return place


def test_polygons_are_read(tmp_path):
    def objects(number):
        mark = {"classTitle": "mark", "geometryType": "point", "points": {"exterior": [[1, 1]], "interior": []}}
        return [polygon(boxes.polygon(number)), mark]

    boxes.assert_masks(export(tmp_path, objects), "Supervisely", {"chair": 10, "mark": 10})


def test_holes_are_left_out(tmp_path):
    def expected(number):
        left, top, _, _ = boxes.corners(number)
        mask = boxes.truth(number).copy()
        mask[top + 4 : top + 8, left + 4 : left + 12] = False
        return mask

    def objects(number):
        left, top, _, _ = boxes.corners(number)
        hole = [(left + 4, top + 4), (left + 12, top + 4), (left + 12, top + 8), (left + 4, top + 8)]
        return [polygon(boxes.polygon(number), [hole])]

    boxes.assert_masks(export(tmp_path, objects), "Supervisely", {"chair": 10}, expected=expected)


@pytest.mark.parametrize("mode", ["P", "RGBA"])
def test_bitmaps_are_laid_at_their_origin(tmp_path, mode):
    def objects(number):
        left, top, right, bottom = boxes.corners(number)
        return [bitmap(np.ones((bottom - top, right - left), bool), left, top, mode)]

    boxes.assert_masks(export(tmp_path, objects, "{}.json"), "Supervisely", {"chair": 10})


def test_boxes_and_nonsense_leave_their_photos_out(tmp_path):
    odd = {
        1: {"classTitle": "chair", "geometryType": "rectangle", "points": {"exterior": [[1, 1], [9, 9]]}},
        2: {"classTitle": "chair", "geometryType": "bitmap", "bitmap": {"data": "AAAA", "origin": [0, 0]}},
        3: {"classTitle": "chair", "geometryType": "volume"},
        4: {"classTitle": "chair", "geometryType": "polygon"},
    }
    place = export(tmp_path, lambda number: [odd.get(number, polygon(boxes.polygon(number)))])
    said = boxes.refusals(place)
    assert said["photo1.jpg"] == "1 objects have a box but no outline in photo1.jpg.json"
    assert "makes no sense" in said["photo2.jpg"] and "a volume" in said["photo3.jpg"] and len(said) == 4
