"""VIA: regions of every shape, in files of versions 1 and 2."""

import numpy as np
import pytest

from tests import sound
from tests.datasets.formats import boxes


def region(shape, label="chair"):
    return {"shape_attributes": shape, "region_attributes": {"type": label} if label else {}}


def outline(number):
    xs, ys = zip(*boxes.polygon(number))
    return {"name": "polygon", "all_points_x": xs, "all_points_y": ys}


def export(tmp_path, regions_of, wrap=lambda entries: entries):
    place = sound.only_images(tmp_path)
    entries = {
        f"{name}123": {"filename": name, "size": 123, "regions": regions_of(number), "file_attributes": {}}
        for number, name in enumerate(boxes.photo_names())
    }
    boxes.write(place / "via_region_data.json", wrap(entries))
    return place


@pytest.mark.parametrize("project", [False, True])
@pytest.mark.parametrize("numbered", [False, True])
def test_polygons_are_read_from_data_and_projects_of_both_versions(tmp_path, project, numbered):
    def regions(number):
        drawn = [region(outline(number)), region({"name": "point", "cx": 3, "cy": 3}, "mark")]
        return {str(index): each for index, each in enumerate(drawn)} if numbered else drawn

    wrapped = {"_via_settings": {}, "_via_attributes": {}}
    place = export(tmp_path, regions, lambda found: {**wrapped, "_via_img_metadata": found} if project else found)
    boxes.assert_masks(place, "VIA", {"chair": 10, "mark": 10}, ["chair"])


def test_rectangles_circles_and_ellipses_enclose_what_they_show(tmp_path):
    def regions(number):
        left, top, right, bottom = boxes.corners(number)
        return [
            region({"name": "rect", "x": left, "y": top, "width": right - left, "height": bottom - top}, ""),
            region({"name": "circle", "cx": left + 6, "cy": top + 6, "r": 5}, {"a": True, "b": False}),
            region({"name": "ellipse", "cx": left + 9, "cy": top + 9, "rx": 6, "ry": 3, "theta": 1.2}, ""),
        ]

    boxes.assert_masks(export(tmp_path, regions), "VIA", {"object": 20, "a": 10})

    def turned(number):
        return [region({"name": "ellipse", "cx": 30, "cy": 20, "rx": 12, "ry": 3, "theta": np.pi / 2}, "")]

    place = export(tmp_path / "turned", turned)
    y, x = np.mgrid[0:48, 0:64] + 0.5
    inside = ((x - 30) / 3) ** 2 + ((y - 20) / 12) ** 2 < 1
    masks = [boxes.read_mask(pair)[0] for pair in boxes.load.open_place(place).pairs]
    assert all((mask != inside).sum() < 12 for mask in masks)


@pytest.mark.parametrize(
    "broken, said",
    [
        ({"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1]}, "makes no sense"),
        ({"name": "polygon"}, "makes no sense"),
        ({"name": "rect", "x": 1, "y": 1, "width": 900, "height": 4}, "outside the 64 × 48"),
        ({"name": "polyline", "all_points_x": [1, 9], "all_points_y": [1, 9]}, "points and lines alone"),
        ({"name": "spiral"}, "spiral"),
        ({"name": "circle", "cx": "a", "cy": 1, "r": 1}, "makes no sense"),
    ],
)
def test_a_region_that_cannot_be_drawn_leaves_its_photo_out(tmp_path, broken, said):
    place = export(tmp_path, lambda number: [region(broken if number == 3 else outline(number))])
    assert [said in problem for problem in boxes.refusals(place).values()] == [True]


def test_a_photo_that_is_not_there_is_named(tmp_path):
    place = export(tmp_path, lambda number: [region(outline(number))])
    (place / "images" / "photo2.jpg").unlink()
    assert boxes.refusals(place) == {"photo2.jpg": "via_region_data.json names it, but it is not in lamps"}
