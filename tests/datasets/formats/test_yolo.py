"""YOLO: outlines in shares of the sides, upright, and versions of one photo."""

from segmenter.datasets import load
from segmenter.datasets.pairs import load_case
from segmenter.datasets.splits import join_groups
from tests import broken, broken_exports


def test_outlines_of_a_photo_that_lies_on_its_side_are_drawn_upright(tmp_path):
    place = broken_exports.yolo("0 0 0 0.5 0 0.5 1 0 1\n")(tmp_path)  # the left half
    for path in (place / "images").iterdir():
        broken.exif_turned(path)
    photo, mask, _ = load_case(load.open_place(place).pairs[0])
    assert photo.shape[:2] == mask.shape == (64, 48)
    assert mask[:, :24].all() and not mask[:, 24:].any()


def test_versions_that_a_tool_made_of_one_photo_are_one_group(tmp_path):
    place = broken_exports.yolo("0 0.1 0.1 0.6 0.1 0.6 0.6\n")(tmp_path)
    for part in ("images", "labels"):
        for number, path in enumerate(sorted((place / part).iterdir())):
            path.rename(path.with_name(f"lamp{number // 5}_jpg.rf.{number}{path.suffix}"))
    assert len(set(join_groups(load.open_place(place).pairs))) == 2
