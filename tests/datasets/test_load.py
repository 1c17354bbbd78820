"""Places: every layout gives the same pairs, and every broken one its own message."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets import augment, load, pairs, validate
from tests import broken, exports

CHAIRS97 = Path(load.__file__).parents[1] / "data" / "chairs97"


def look_over(place, cache):
    """What the command line does before it trains; returns the usable pairs."""
    findings = validate.check(load.open_place(place, cache=cache), size=32)
    findings.insist()
    return findings.pairs


@pytest.fixture(scope="module")
def message(tmp_path_factory):
    """What is said about a broken data set, by its name; each is built once."""
    said = {}

    def of(name):
        if name not in said:
            place = tmp_path_factory.mktemp("broken")
            with pytest.raises(pairs.DatasetError) as failure:
                look_over(broken.BROKEN[name][0](place), place / "cache")
            said[name] = str(failure.value).replace(str(place), "")
            assert not list(place.parent.rglob("escaped*"))
        return said[name]

    return of


@pytest.mark.parametrize("name", broken.IDS)
def test_a_broken_data_set_is_told_what_is_wrong_and_what_to_do(name, message):
    assert all(word in message(name) for word in broken.BROKEN[name][1]), message(name)


def test_no_two_broken_data_sets_have_the_same_message(message):
    assert len({message(name) for name in broken.IDS}) == len(broken.IDS) >= 15


def test_the_sound_data_set_that_they_were_broken_from_passes(tmp_path):
    assert len(look_over(broken.folder(tmp_path), tmp_path / "cache")) == broken.COUNT


EXACT = (exports.folder, exports.zipped, exports.cutouts, exports.coco_compressed, exports.coco_plain)
TRACED = (exports.coco_polygons, exports.labelme, exports.labelme_embedded, exports.yolo, exports.yolo_split_first)


@pytest.fixture(scope="module")
def chairs():
    return pairs.read_folder(CHAIRS97)


@pytest.mark.parametrize("export", EXACT + TRACED, ids=lambda export: export.__name__)
def test_chairs97_through_every_format_has_the_same_masks(export, chairs, tmp_path):
    chairs = chairs if export in EXACT else chairs[::4]  # to trace and to draw outlines takes its time
    found = load.open_place(export(chairs, tmp_path / "export"), cache=tmp_path / "cache")
    assert not found.found and len(found.pairs) == len(chairs)
    masks = {pair.photo.stem: pairs.read_mask(pair) for pair in found.pairs}
    for pair in chairs:
        truth, (mask, known) = exports.read(pair), masks[pair.photo.stem]
        assert known.mean() > 0.995 and mask.shape == truth.shape  # a smooth edge may hit the unknown's 128
        overlap = (mask & truth).sum() / (mask | truth).sum()
        assert overlap == 1 if export in EXACT else overlap >= 0.98, f"{pair.name}: {overlap:.4f}"


def test_a_zip_is_unpacked_once_whole_and_only_below_its_folder(tmp_path):
    archive = broken.zipped(tmp_path)
    first = load.open_place(archive, cache=tmp_path / "cache")
    second = load.open_place(archive, cache=tmp_path / "cache")
    assert first.folder == second.folder and first.folder.is_relative_to(tmp_path / "cache")
    assert first.name == "lamps" and len(list((tmp_path / "cache").iterdir())) == 1


def test_a_refused_zip_leaves_nothing_behind(tmp_path):
    with pytest.raises(pairs.DatasetError):
        load.open_place(broken.damaged_zip(tmp_path), cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_classes_are_counted_and_can_be_chosen(tmp_path):
    place = broken.coco(tmp_path, segmentation=[[8, 8, 40, 8, 40, 30, 8, 30]])
    path = place / "annotations.json"
    data = json.loads(path.read_text())
    data["categories"].append({"id": 2, "name": "bulb"})
    data["annotations"].append({"id": 99, "image_id": 0, "category_id": 2, "segmentation": [[50, 0, 60, 0, 60, 9, 50, 9]]})
    path.write_text(json.dumps(data))
    everything = load.open_place(place)
    assert everything.classes == {"lamp": 10, "bulb": 1} and "lamp (10), bulb (1)" in everything.in_words()
    areas = [pairs.read_mask(pair)[0].sum() for pair in everything.pairs]
    assert areas == [32 * 22 + 90] + 9 * [32 * 22]
    bulbs = load.open_place(place, ["bulb"])
    assert [pairs.read_mask(pair)[0].sum() for pair in bulbs.pairs] == [90]
    with pytest.raises(pairs.DatasetError, match="nothing is labelled shade; the classes are lamp, bulb"):
        load.open_place(place, ["shade"])
    with pytest.raises(pairs.DatasetError, match="no classes to choose from"):
        load.open_place(broken.folder(tmp_path / "plain"), ["lamp"])


def test_labelmes_shapes_are_drawn(tmp_path):
    place = broken.labelme(tmp_path, points=[[10, 10], [30, 25]], shape_type="rectangle")
    shapes = {
        "photo1": {"points": [[32, 24], [32, 34]], "shape_type": "circle"},
        "photo2": {"points": [[5, 6], [8, 7]], "shape_type": "mask", "mask": png(np.ones((2, 4), np.uint8) * 255)},
        "photo3": {"points": [[-2, 10], [30, 10], [30, 25], [-2, 25]]},
    }
    for name, shape in shapes.items():
        path = place / "images" / f"{name}.json"
        data = json.loads(path.read_text())
        data["shapes"] = [{"label": "lamp", **shape},
                          {"label": "__ignore__", "points": [[60, 40], [64, 40], [64, 48], [60, 48]]}]  # fmt: skip
        path.write_text(json.dumps(data))
    masks = {pair.photo.stem: pairs.read_mask(pair) for pair in load.open_place(place).pairs}
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


def test_outlines_of_a_photo_that_lies_on_its_side_are_drawn_upright(tmp_path):
    place = broken.yolo("0 0 0 0.5 0 0.5 1 0 1\n")(tmp_path)  # the left half
    for path in (place / "images").iterdir():
        broken.exif_turned(path)
    photo, mask, _ = pairs.load_case(load.open_place(place).pairs[0])
    assert photo.shape[:2] == mask.shape == (64, 48)
    assert mask[:, :24].all() and not mask[:, 24:].any()


def test_what_cannot_be_used_is_left_out_and_the_rest_is_kept(tmp_path):
    place = broken.folder(tmp_path)
    (place / "masks" / "photo3.png").unlink()
    (place / "masks" / "stray.png").write_bytes((place / "masks" / "photo4.png").read_bytes())
    broken.truncate(place / "images" / "photo5.jpg")
    broken.mask(0).resize((20, 48)).save(place / "masks" / "photo6.png")
    findings = validate.check(load.open_place(place), size=32)
    assert [pair.photo.stem for pair in findings.pairs] == [f"photo{number}" for number in (0, 1, 2, 4, 7, 8, 9)]
    left_out = {finding.name for finding in findings.found if finding.level == "error"}
    assert left_out == {"photo3.jpg", "stray.png", "photo5.jpg", "photo6.jpg"}
    assert findings.as_json()["photos"] == 10 and findings.as_json()["usable"] == 7


def test_versions_that_a_tool_made_of_one_photo_are_one_group(tmp_path):
    place = broken.yolo("0 0.1 0.1 0.6 0.1 0.6 0.6\n")(tmp_path)
    for part in ("images", "labels"):
        for number, path in enumerate(sorted((place / part).iterdir())):
            path.rename(path.with_name(f"lamp{number // 5}_jpg.rf.{number}{path.suffix}"))
    assert len(set(pairs.join_groups(load.open_place(place).pairs))) == 2


def test_cutouts_never_show_the_colours_under_their_transparency(chairs, tmp_path):
    """The exporter paints transparent parts magenta, which no plain room is."""
    place = load.open_place(exports.cutouts(chairs[:8], tmp_path / "cutouts"))
    squares = [pairs.load_square(pair, 96) for pair in place.pairs]
    draw = pairs.augmented(squares, 64, augment.Strength(colour=0, damage=0))
    trained = [draw(index, np.random.default_rng(index))[0] for index in range(16)]
    batches = pairs.ValidationBatches(squares, 64, 8)
    watched = list((batches[0][0] * 255).astype(np.uint8))
    judged = [case.photo for case in pairs.cases(place.pairs)]
    for picture in trained + watched + judged:
        red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
        assert not ((red > green + 100) & (blue > green + 100)).any()
        assert (picture.min(axis=2) > 250).mean() < 0.9
    assert (trained[0] != trained[8]).mean() > 0.3  # another room
    again = next(pairs.cases(place.pairs))
    assert (again.photo == judged[0]).all() and again.truth.sum() == exports.read(chairs[0]).sum()


@pytest.mark.parametrize("address", ["hf://lamps", "hf://datasets/lamps", "hf:/datasets/me/lamps", "https://example.org/lamps.zip"])
def test_addresses_that_are_none_are_answered_with_how_they_read(address):
    with pytest.raises(pairs.DatasetError, match="hf://datasets/OWNER/NAME"):
        load.open_place(address)
