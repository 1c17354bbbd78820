"""Label Studio: polygons and ellipses in hundredths of the sides, in its long and its short form."""

import pytest

from tests import sound
from tests.datasets.formats import boxes
from tests.datasets.formats.test_rle_pack import pack


def shares(number):
    return [[100 * x / 64, 100 * y / sound.SIDE] for x, y in boxes.polygon(number)]


def result(number, **value):
    value = value or {"points": shares(number), "closed": True, "polygonlabels": ["chair"]}
    kind = next((name for name in value if name.endswith("labels")), "polygonlabels")
    return {"type": kind, "original_width": 64, "original_height": sound.SIDE, "image_rotation": 0, "value": value}


def export(tmp_path, results_of, address="/data/upload/3/1a2b3c4d-{}", short=False):
    place = sound.only_images(tmp_path)
    tasks = []
    for number, name in enumerate(boxes.photo_names()):
        results = results_of(number)
        if short:
            tasks.append(
                {"id": number, "image": address.format(name), "label": [{**each, **each["value"]} for each in results]}
            )
            continue
        cancelled = {
            "was_cancelled": True,
            "result": [result(number, points=[[0, 0], [50, 0], [50, 50]], polygonlabels=["x"])],
        }
        done = {"was_cancelled": False, "result": [*results, {"type": "relation", "from_id": "a"}]}
        tasks.append({"id": number, "data": {"image": address.format(name)}, "annotations": [cancelled, done]})
    boxes.write(place / "result.json", tasks)
    return place


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("address", ["/data/upload/3/1a2b3c4d-{}", "/data/local-files/?d=shop/{}", "s3://shop/{}"])
def test_polygons_are_read_from_both_forms(tmp_path, short, address):
    place = export(tmp_path, lambda number: [result(number)], address, short)
    boxes.assert_masks(place, "Label Studio", {"chair": 10})


def test_ellipses_are_read(tmp_path):
    def results(number):
        left, top, right, bottom = boxes.corners(number)
        middle = {"x": 100 * (left + right) / 128, "y": 100 * (top + bottom) / 2 / sound.SIDE}
        return [result(number), result(number, **middle, radiusX=5, radiusY=5, ellipselabels=["chair"])]

    boxes.assert_masks(export(tmp_path, results), "Label Studio", {"chair": 20})


def test_brush_masks_are_read(tmp_path):
    def results(number):
        return [result(number, format="rle", rle=pack(boxes.truth(number)), brushlabels=["chair"])]

    boxes.assert_masks(export(tmp_path, results), "Label Studio", {"chair": 10})


def test_boxes_brushes_turned_photos_and_nonsense_leave_their_photos_out(tmp_path):
    turned = {**result(3), "image_rotation": 90}
    odd = {
        1: result(1, x=1, y=1, width=9, height=9, rectanglelabels=["chair"]),
        2: result(2, format="rle", rle=[1, 2, 3], brushlabels=["chair"]),
        3: turned,
        4: result(4, points=[["a", "b"], [1, 2], [3, 4]], polygonlabels=["chair"]),
    }
    said = boxes.refusals(export(tmp_path, lambda number: [odd.get(number, result(number))]))
    assert "a box but no outline" in said["photo1.jpg"] and "brush mask is cut short" in said["photo2.jpg"]
    assert "turned" in said["photo3.jpg"] and "makes no sense" in said["photo4.jpg"] and len(said) == 4
