"""labelme: every shape is drawn, and several files may outline one photo."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets import load
from segmenter.datasets.formats import common
from segmenter.datasets.pairs import read_mask
from tests import broken_exports, sound


def test_labelmes_shapes_are_drawn(tmp_path):
    place = broken_exports.labelme(tmp_path, points=[[10, 10], [30, 25]], shape_type="rectangle")
    shapes = {
        "photo1": {"points": [[32, 24], [32, 34]], "shape_type": "circle"},
        "photo2": {"points": [[5, 6], [8, 7]], "shape_type": "mask", "mask": png(np.ones((2, 4), np.uint8) * 255)},
        "photo3": {"points": [[-2, 10], [30, 10], [30, 25], [-2, 25]]},
    }
    for name, shape in shapes.items():
        path = place / "images" / f"{name}.json"
        data = json.loads(path.read_text())
        data["shapes"] = [
            {"label": "lamp", **shape},
            {"label": "__ignore__", "points": [[60, 40], [64, 40], [64, 48], [60, 48]]},
        ]
        path.write_text(json.dumps(data))
    masks = {pair.photo.stem: read_mask(pair) for pair in load.open_place(place).pairs}
    assert masks["photo0"][0].sum() == masks["photo0"][0][10:25, 10:30].sum() == 20 * 15
    assert masks["photo0"][1].all()
    assert masks["photo1"][0].sum() == pytest.approx(np.pi * 100, rel=0.02)
    assert masks["photo2"][0].sum() == masks["photo2"][0][6:8, 5:9].sum() == 8
    assert masks["photo3"][0].sum() == masks["photo3"][0][10:25, :30].sum() == 30 * 15  # cut at the frame
    assert not masks["photo1"][1][40:, 60:].any() and masks["photo1"][1].sum() == 64 * 48 - 32


def png(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_two_files_for_one_photo_make_one_pair_with_the_shapes_of_both(tmp_path):
    place = broken_exports.labelme(tmp_path, points=[[10, 10], [30, 25]], shape_type="rectangle")
    data = json.loads((place / "images" / "photo2.json").read_text())
    data["shapes"] = [
        {"label": "lamp", "shape_type": "rectangle", "points": [[40, 30], [50, 34]]},
        {"label": "__ignore__", "points": [[60, 40], [64, 40], [64, 48], [60, 48]]},
    ]
    (place / "images" / "photo2_again.json").write_text(json.dumps(data))
    found = load.open_place(place)
    assert [pair.photo.stem for pair in found.pairs] == [f"photo{number}" for number in range(sound.COUNT)]
    mask, known = read_mask(found.pairs[2])
    assert mask[10:25, 10:30].all() and mask[30:34, 40:50].all() and mask.sum() == 20 * 15 + 40
    assert not known[40:, 60:].any() and known.sum() == 64 * 48 - 32
    (finding,) = found.found
    assert (finding.level, finding.kind, finding.name) == ("warning", common.TWO_FILES, "photo2.jpg")
    assert "photo2.json and photo2_again.json" in finding.problem


@pytest.mark.parametrize("kind", ["point", "line", "linestrip"])
def test_a_shape_without_area_beside_an_outline_is_passed_over_with_a_warning(tmp_path, kind):
    place = broken_exports.labelme(tmp_path, points=[[10, 10], [30, 25]], shape_type="rectangle")
    path = place / "images" / "photo4.json"
    data = json.loads(path.read_text())
    data["shapes"].append(
        {"label": "leg", "points": [[3, 3], [9, 9]][: 1 if kind == "point" else 2], "shape_type": kind}
    )
    path.write_text(json.dumps(data))
    found = load.open_place(place)
    assert len(found.pairs) == sound.COUNT
    assert [(each.level, each.kind, each.name) for each in found.found] == [("warning", common.STRAY, "photo4.jpg")]
