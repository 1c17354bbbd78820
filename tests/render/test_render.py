"""Finished files against Pillow, zipfile and plain arithmetic."""

import io
import json
import math
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from segmenter.io.images import PhotoError
from segmenter.render import alpha, backgrounds
from segmenter.render.cutout import cut
from segmenter.render.encode import to_png
from segmenter.render.heatmap import heatmap
from segmenter.render.options import PRESETS, Choices
from segmenter.render.render import Rendering, produce
from tests.standin import RedSegmenter, red_disc

pytestmark = pytest.mark.usefixtures("nothing_is_doubtful")


@pytest.fixture(scope="module")
def disc():
    """A photo with a red disc and its map: centre (128, 120), in 320 × 240 pixels."""
    photo = red_disc(320, 240)
    return photo, RedSegmenter().probabilities(photo)


@pytest.fixture(scope="module")
def block():
    """A map that is sure of a block: columns 100 to 139, rows 60 to 159, of 320 × 240 pixels."""
    probabilities = np.zeros((240, 320), np.float32)
    probabilities[60:160, 100:140] = 1
    photo = np.full((240, 320, 3), (30, 120, 200), np.uint8)
    photo[60:160, 100:140] = (200, 60, 40)
    return photo, probabilities


def opened(product):
    image = Image.open(io.BytesIO(product.data))
    assert image.format == {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG"}[product.suffix]
    return np.asarray(image)


def test_the_defaults_are_the_plain_cutout_byte_for_byte(disc):
    assert produce(*disc).data == to_png(cut(*disc))
    assert produce(*disc).name("chair") == "chair-cutout.png"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"background": "room:loft", "shadow": 0.7},
        {"background": "blur", "format": "jpeg"},
        {"what": "all"},
        {"trim": True, "canvas": "400x300", "format": "webp", "softness": 3, "shift": 2},
    ],
)
def test_the_same_input_gives_the_same_bytes_and_stays_as_it_was(disc, settings):
    before = [each.copy() for each in disc]
    edits = [{"do": "erase", "radius": 0.02, "points": [[0.3, 0.3], [0.5, 0.5]]}]
    first, second = (produce(*disc, Choices(**settings), edits) for _ in range(2))
    assert first == second
    for now, then in zip(disc, before):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
def test_a_plain_background_is_pillows_compositing(disc, format):
    found = opened(produce(*disc, Choices(background="#3264c8", format=format, quality=100)))
    expected = Image.new("RGBA", (320, 240), (50, 100, 200, 255))
    expected.alpha_composite(Image.fromarray(cut(*disc)))
    difference = np.abs(found.astype(int) - np.asarray(expected)[..., :3])
    assert found.shape == (240, 320, 3)
    assert difference.max() <= 1 if format != "jpeg" else difference.mean() < 1


def test_jpeg_gets_white_and_says_so(disc):
    product = produce(*disc, Choices(format="jpeg"))
    assert opened(product)[5, 300].min() >= 253 and "white" in product.notes[0] and product.suffix == ".jpg"
    assert produce(*disc, Choices(format="jpeg", background="#000000")).notes == ()


def test_webp_keeps_alpha_exactly(disc):
    found = opened(produce(*disc, Choices(format="webp", quality=40)))
    np.testing.assert_array_equal(found[..., 3], cut(*disc)[..., 3])
    exact = opened(produce(*disc, Choices(format="webp", quality=100)))
    solid = exact[..., 3] > 0
    np.testing.assert_array_equal(exact[solid], cut(*disc)[solid])


def test_mask_map_and_heatmap(disc):
    photo, probabilities = disc
    mask = opened(produce(*disc, Choices(what="mask", threshold=0.3)))
    np.testing.assert_array_equal(mask, np.where(probabilities >= 0.3, 255, 0))
    depth = opened(produce(*disc, Choices(what="map")))
    np.testing.assert_allclose(depth / 65535, probabilities, atol=1e-5)
    np.testing.assert_array_equal(opened(produce(*disc, Choices(what="heatmap"))), heatmap(*disc))


def test_everything_in_a_zip_is_what_it_is_alone(disc):
    choices = Choices(what="all", background="#ffffff", format="jpeg", threshold=0.4)
    edits = [{"do": "keep", "radius": 0.01, "points": [[0.9, 0.9]]}]
    archive = zipfile.ZipFile(io.BytesIO(produce(*disc, choices, edits).data))
    assert archive.namelist() == ["cutout.jpg", "mask.png", "map.png", "settings.json"]
    for kind, name in (("cutout", "cutout.jpg"), ("mask", "mask.png"), ("map", "map.png")):
        assert archive.read(name) == produce(*disc, replace(choices, what=kind), edits).data
    settings = json.loads(archive.read("settings.json"))
    assert Choices.from_json(settings["settings"]) == choices
    assert settings["corrections"] == edits and settings["photo"] == {"width": 320, "height": 240}


def test_trimming_leaves_the_object_and_its_margin(block):
    found = opened(produce(*block, Choices(trim=True, margin=0.1)))
    assert found.shape == (120, 60, 4)  # a block of 100 × 40 and 10 pixels all round
    np.testing.assert_array_equal(found[10:110, 10:50], cut(*block)[60:160, 100:140])
    assert not found[:9].any()


def test_trimming_passes_over_specks_but_not_over_parts(block):
    photo, probabilities = block[0], block[1].copy()
    probabilities[5:7, 300:302] = 1
    assert opened(produce(photo, probabilities, Choices(trim=True, margin=0.1, pieces="all"))).shape == (120, 60, 4)
    probabilities[180:190, 100:110] = 1
    assert opened(produce(photo, probabilities, Choices(trim=True, margin=0.0, pieces="all"))).shape[:2] == (130, 40)


def test_every_file_follows_the_choice_of_pieces(block):
    photo, probabilities = block[0], block[1].copy()
    probabilities[20:30, 280:300] = 0.9
    for kind in ("cutout", "mask", "heatmap", "map"):
        alone, with_scrap = (opened(produce(photo, each, Choices(what=kind))) for each in (block[1], probabilities))
        np.testing.assert_array_equal(alone, with_scrap)
        assert (
            opened(produce(photo, probabilities, Choices(what=kind, pieces="all")))[25, 290] != alone[25, 290]
        ).any()


@pytest.mark.parametrize("canvas, size", [("square", (320, 320)), ("4:5", (320, 400)), ("16:9", (427, 240))])
def test_a_canvas_of_a_shape_holds_the_whole_photo(block, canvas, size):
    found = opened(produce(*block, Choices(canvas=canvas)))
    assert found.shape[1::-1] == size
    left, top = (size[0] - 320) // 2, (size[1] - 240) // 2
    np.testing.assert_array_equal(found[top : top + 240, left : left + 320], cut(*block))


@pytest.mark.parametrize("name, side", [("marketplace-1000", 1000), ("marketplace-2000", 2000)])
def test_on_a_marketplaces_square_the_object_fills_85_percent_of_white(block, name, side):
    found = opened(produce(*block, Choices.from_json(PRESETS[name])))
    assert found.shape == (side, side, 3) and found[:20].min() >= 254
    rows = np.flatnonzero(found[:, side // 2, 1] < (255 + 60) / 2)  # from half of the object's green on
    assert np.ptp(rows) + 1 == pytest.approx(0.85 * side, abs=0.006 * side)
    assert rows.mean() == pytest.approx(side / 2, abs=3)  # in the middle


def test_shift_moves_the_edge_by_its_distance_both_ways(block):
    for shift, rows in ((10, 100 + 2 * 3.2), (-10, 100 - 2 * 3.2)):  # per mille of 320 pixels
        found = opened(produce(*block, Choices(shift=shift)))
        column = found[:, 120, 3].astype(float).sum() / 255
        assert column == pytest.approx(rows, abs=0.3)
    mask = opened(produce(*block, Choices(what="mask", shift=10)))
    np.testing.assert_array_equal(mask > 0, opened(produce(*block, Choices(shift=10)))[..., 3] >= 128)


def test_a_small_shift_changes_little(disc):
    plain, shifted = (opened(produce(*disc, Choices(shift=shift)))[..., 3].astype(int) for shift in (0, 0.01))
    assert np.abs(plain - shifted).max() <= 255 / alpha.LEVELS


def test_softness_blurs_the_edge_where_it_is_with_the_objects_own_colours(block):
    found = opened(produce(*block, Choices(softness=10)))  # a standard deviation of 3.2 pixels
    profile = found[110, :, 3] / 255
    distance = np.arange(90, 116) + 0.5 - 100
    expected = [0.5 * (1 + math.erf(d / 3.2 / 2**0.5)) for d in distance]
    np.testing.assert_allclose(profile[90:116], expected, atol=0.04)
    visible = found[..., 3] > 8
    assert np.abs(found[visible][:, :3].astype(int) - (200, 60, 40)).max() <= 12  # and no blue of the old background


def test_the_blurred_original_has_no_ghost_of_the_object(block):
    found = opened(produce(block[0], block[1], Choices(background="blur")))
    beside = found[60:160, 90:98].reshape(-1, 3).astype(int)
    assert np.abs(beside - (30, 120, 200)).max() <= 4
    wide = opened(produce(block[0], block[1], Choices(background="blur", canvas="16:9")))
    assert np.abs(wide[:, :20].astype(int) - (30, 120, 200)).max() <= 4


def test_an_own_background_fills_the_canvas(block):
    own = np.zeros((50, 200, 3), np.uint8)
    own[:, 100:] = (0, 200, 0)
    found = opened(produce(*block, Choices(background="own"), background=own))
    assert found.shape == (240, 320, 3)
    assert found[:, :95].max() <= 2 and np.abs(found[:, 165:].astype(int) - (0, 200, 0)).max() <= 2
    with pytest.raises(PhotoError, match="background"):
        produce(*block, Choices(background="own"))


def test_the_shadow_lies_at_the_feet_darkest_there_and_only_darkens(block):
    plain, shadowed = (
        opened(produce(*block, Choices(background="#ffffff", shadow=shadow))).astype(int) for shadow in (0.0, 0.8)
    )
    assert (shadowed <= plain).all()
    dark = 255 - shadowed.mean(axis=2)
    below = [dark[row, 100:140].mean() for row in (161, 165, 172, 185, 210)]
    assert below[0] > 60 and all(np.diff(below) <= 0) and below[-1] < 6
    assert dark[:100].max() - (255 - plain[:100].mean(axis=2)).max() <= 1  # nothing above
    weaker = 255 - opened(produce(*block, Choices(background="#ffffff", shadow=0.3))).mean(axis=2)
    assert 0 < weaker[162, 120] < dark[162, 120]


def test_a_shadow_on_nothing_is_transparent_black(block):
    over_white = opened(produce(*block, Choices(background="#ffffff", shadow=0.8))).astype(int)
    alone = Image.open(io.BytesIO(produce(*block, Choices(shadow=0.8)).data))
    composed = Image.new("RGBA", alone.size, (255, 255, 255, 255))
    composed.alpha_composite(alone)
    assert np.abs(np.asarray(composed)[..., :3].astype(int) - over_white).max() <= 3


def test_each_leg_has_its_own_dark_spot():
    probabilities = np.zeros((240, 320), np.float32)
    probabilities[60:120, 100:220] = 1  # a seat
    for left in (100, 210):
        probabilities[120:200, left : left + 10] = 1
    photo = np.full((240, 320, 3), 128, np.uint8)
    dark = 255 - opened(produce(photo, probabilities, Choices(background="#ffffff", shadow=1.0)))[200, :, 0].astype(int)
    assert min(dark[105], dark[215]) > dark[160] + 20 and dark[160] > 5


@pytest.mark.parametrize("room", backgrounds.NAMES)
def test_in_a_room_the_object_stands_on_the_floor(block, room):
    choices = Choices(background=f"room:{room}", canvas="400x300", threshold=0.5)
    found = opened(produce(*block, choices)).astype(int)
    empty = backgrounds.draw(room, 300, 400).astype(int)
    rows, columns = np.nonzero(np.abs(found - empty).max(axis=2) > 40)
    assert found.shape == (300, 400, 3)
    assert rows.max() / 300 == pytest.approx(0.88, abs=0.02) and columns.mean() == pytest.approx(200, abs=4)
    assert 0.4 < np.ptp(rows) / 300 < 0.6


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"trim": True},
        {"shadow": 1.0},
        {"trim": True, "canvas": "400x300", "background": "room:loft", "shadow": 1.0},
        {"background": "blur"},
        {"softness": 5, "shift": -5},
        {"what": "all"},
    ],
)
def test_a_photo_without_furniture_is_no_error(settings):
    photo, nothing = np.full((60, 80, 3), 90, np.uint8), np.zeros((60, 80), np.float32)
    assert produce(photo, nothing, Choices(**settings)).data


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3)])
def test_odd_sizes(shape):
    photo, everything = np.full((*shape, 3), 90, np.uint8), np.ones(shape, np.float32)
    for settings in (
        {"background": "blur", "shadow": 1.0},
        {"background": "room:studio", "trim": True},
        {"shift": -3, "softness": 3},
        {"canvas": "square", "background": "blur"},
    ):
        assert produce(photo, everything, Choices(**settings)).data


def test_one_rendering_gives_all_files_and_each_is_what_it_is_alone(disc):
    choices, edits = Choices(background="room:loft", shadow=0.5, shift=2), [{"do": "keep", "at": [0.4, 0.5]}]
    rendering = Rendering(*disc, choices, edits)
    for kind in ("cutout", "mask", "heatmap", "map", "all"):
        assert rendering.product(kind) == produce(*disc, replace(choices, what=kind), edits) or kind == "all"
    np.testing.assert_array_equal(rendering.mask(), opened(rendering.product("mask")) == 255)
    np.testing.assert_array_equal(rendering.picture(), opened(rendering.product()))


def test_a_map_of_another_size_is_refused(disc):
    with pytest.raises(ValueError, match="size|photo|pixels"):
        produce(disc[0], disc[1][:-1])
