"""The studio in real Chromium: views, corrections by hand, finishing, links; down to the downloaded pixels."""

import io
import json
import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segmenter import open_photo
from segmenter.inference.pieces import without_scraps
from segmenter.render import alpha, corrections, uncertainty
from segmenter.render.encode import to_png
from segmenter.render.options import PRESETS, Choices
from segmenter.render.render import Rendering, produce
from segmenter.web import viewer
from tests.browser.conftest import served
from tests.standin import RedSegmenter, as_jpeg, red_disc


def rings(width=800, height=600):
    """A photo with a red ring, whose hole is an enclosed gap, and a small red disc apart from it.

    Returns:
        uint8, height × width × 3.
    """
    photo = np.full((height, width, 3), (96, 110, 120), np.uint8)
    y, x = np.mgrid[:height, :width]
    away = np.hypot(x - 0.35 * width, y - 0.5 * height) / height
    photo[(away < 0.32) & (away > 0.12)] = (230, 40, 30)
    photo[np.hypot(x - 0.85 * width, y - 0.3 * height) < 0.06 * height] = (205, 40, 30)
    return photo


PHOTO = as_jpeg(rings())
GAP, ISLAND, RING = (0.35, 0.5), (0.85, 0.3), (0.35, 0.72)  # points in them, as shares


@pytest.fixture
def visitor(visit):
    visitor = visit()
    visitor.show("ring.jpg", PHOTO)
    yield visitor
    assert visitor.complaints == []


def made(choices, edits=(), data=PHOTO, background=None):
    """What the Python API makes of the photo."""
    photo = open_photo(data)
    return produce(photo, RedSegmenter().probabilities(photo), choices, edits, background)


def download(visitor, button=".download"):
    """Click a button; (name of the file, its bytes)."""
    with visitor.tab.expect_download() as caught:
        visitor.tab.click(button)
    return caught.value.suggested_filename, Path(caught.value.path()).read_bytes()


def pixels(data):
    return np.array(Image.open(io.BytesIO(data)))


def corrections_of(visitor, photo=PHOTO):
    """The corrections on the page, as the downloaded settings tell them; the zip must be what the Python API makes of them."""
    _, data = download(visitor, "[data-do=saveAll]")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        told = json.loads(archive.read("settings.json"))
    assert data == made(Choices.from_json(told["settings"]), told["corrections"], photo).data
    return told["corrections"]


def at(picture, point):
    """A picture's pixel at a point given in shares."""
    height, width = picture.shape[:2]
    return picture[int(point[1] * height), int(point[0] * width)]


def show(visitor, view):
    visitor.tab.click(f'[data-do=view][data-view="{view}"]')
    visitor.settle()


def drag(visitor, *points):
    """Paint by mouse along points that are given as shares of the photo."""
    box = visitor.tab.locator(".photo").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    visitor.tab.mouse.move(*places[0])
    visitor.tab.mouse.down()
    for place in places[1:]:
        visitor.tab.mouse.move(*place, steps=6)
    visitor.tab.mouse.up()
    visitor.settle()


def set_range(visitor, name, value):
    visitor.tab.evaluate(
        """([name, value]) => {
            const input = document.querySelector(`.finish [name="${name}"]`);
            input.value = value;
            input.dispatchEvent(new Event('input', { bubbles: true }));
        }""",
        [name, value],
    )
    visitor.settle()


# What the page works out by itself is what the engine works out


def pieces(seed, height=240, width=320):
    """uint8: soft ellipses and rings of different certainty."""
    random = np.random.default_rng(seed)
    grey = np.zeros((height, width), np.uint8)
    for _ in range(7):
        centre = (int(random.integers(width)), int(random.integers(height)))
        axes = (int(random.integers(9, 70)), int(random.integers(9, 50)))
        thickness = int(random.choice([-1, 6, 9]))
        cv2.ellipse(grey, centre, axes, float(random.integers(180)), 0, 360, int(random.integers(90, 256)), thickness)
    return cv2.GaussianBlur(grey, (0, 0), 1.5)


def unsure_pieces(seed, height=240, width=320):
    """uint8: blocks with holes and patches, each either sure or not, so that all kinds of places to check are there."""
    random = np.random.default_rng(seed)
    grey = np.zeros((height, width), np.uint8)
    grey[30:210, 20:190] = 240
    for left in (30, 80, 130):
        grey[60:100, left : left + 35] = random.choice([20, 90, 110])  # gaps
    grey[120:160, 60:140] = random.choice([140, 240])
    for top in (20, 90, 160):
        grey[top : top + 45, 215:300] = random.choice([0, 140, 150, 230])  # islands
    grey[10:30, 40:90] = random.choice([0, 100])  # beside the block
    return cv2.GaussianBlur(grey, (0, 0), 0.8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_corrections_agree(script, seed, threshold):
    random = np.random.default_rng(100 + seed)
    grey = pieces(seed)
    found = uncertainty.find(grey.astype(np.float32) / 255, threshold)
    made = [
        {
            "do": str(random.choice(["keep", "erase"])),
            "radius": float(random.uniform(0.01, 0.08)),
            "points": random.uniform(-0.1, 1.1, (int(random.integers(1, 6)), 2)).tolist(),
        }
        for _ in range(3)
    ]
    made += [
        {"do": str(random.choice(["keep", "drop"])), "at": item["at"]}
        for item in found["islands"][:2] + found["gaps"][:2]
    ]
    wanted = corrections.apply(grey.astype(np.float32) / 255, made, threshold)
    values = script("Array.from(applyEdits(map, edits, threshold).values)", grey, edits=made, threshold=threshold)
    values = np.reshape(values, grey.shape) / 255
    assert np.abs(values - wanted).mean() < 0.004
    lowest = np.ceil(threshold * 255 - 1e-6) / 255
    assert ((values >= lowest) != (wanted >= threshold)).mean() < 0.001
    alphas = [alpha.alpha(each.astype(np.float32), threshold) for each in (values, wanted)]
    assert np.abs(alphas[0] - alphas[1]).mean() < 0.004


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_the_main_piece_agrees(script, seed, threshold):
    grey = pieces(seed)
    island = uncertainty.find(grey.astype(np.float32) / 255, threshold)["islands"][-1:]
    for keep in ([], [place["at"] for place in island]):
        points = [(int(x * grey.shape[1]), int(y * grey.shape[0])) for x, y in keep]
        wanted = without_scraps(grey.astype(np.float32) / 255, threshold, points)
        values = script("Array.from(withoutScraps(map, threshold, keep).values)", grey, threshold=threshold, keep=keep)
        values = np.reshape(values, grey.shape)
        np.testing.assert_array_equal(values >= np.ceil(255 * threshold), wanted >= threshold)
        assert np.abs(values - wanted * 255).max() <= 0.51


@pytest.mark.parametrize("threshold", [0.2, 0.35, 0.5, 0.6])
@pytest.mark.parametrize("sure, right", [(100, 100), (140, 100), (190, 100), (200, 100), (205, 100), (205, 150)])
def test_what_is_doubtful_agrees(doubting_script, sure, right, threshold):
    grey = np.zeros((120, 160), np.uint8)
    grey[20:90, 30:right] = sure
    grey[40:60, 120:140] = 230
    wanted = without_scraps(grey.astype(np.float32) / 255, threshold)
    found = doubting_script("Array.from(withoutScraps(map, threshold).values)", grey, threshold=threshold)
    assert np.abs(np.reshape(found, grey.shape) - wanted * 255).max() <= 0.51


@pytest.mark.parametrize("keep", [[], [[0.9, 0.5]]])
@pytest.mark.parametrize("second, scrap", [(235, False), (160, True)])
def test_a_doubtful_piece_beside_the_heaviest_agrees(doubting_script, second, scrap, keep):
    grey = np.zeros((120, 160), np.uint8)
    grey[20:100, 20:80] = 250
    grey[30:90, 110:156] = second
    points = [(int(x * grey.shape[1]), int(y * grey.shape[0])) for x, y in keep]
    wanted = without_scraps(grey.astype(np.float32) / 255, 0.5, points)
    assert (wanted[60, 130] == 0) == (scrap and not keep)
    found = doubting_script("Array.from(withoutScraps(map, 0.5, keep).values)", grey, keep=keep)
    assert np.abs(np.reshape(found, grey.shape) - wanted * 255).max() <= 0.51


def test_what_is_doubtful_is_not_cut_out_until_less_is_asked_for(doubting, visit):
    pale = np.full((240, 320, 3), (96, 110, 120), np.uint8)
    pale[60:180, 80:240] = (170, 60, 40)  # 130 of 200 levels redder than blue
    with served(RedSegmenter()) as url:
        visitor = visit(url=url)
        visitor.show("pale.jpg", as_jpeg(pale))
        assert visitor.words().startswith("Nothing here is that sure.") and visitor.tab.is_disabled(".download")
        visitor.slide(40)
        assert visitor.words().startswith("One piece of furniture") and visitor.tab.is_enabled(".download")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rule", ["main", "all"])
def test_places_to_check_agree(script, seed, rule):
    grey, threshold = unsure_pieces(seed), 0.5
    if rule == "main":
        grey = np.rint(without_scraps(grey.astype(np.float32) / 255) * 255).astype(np.uint8)
    probabilities = grey.astype(np.float32) / 255
    wanted = uncertainty.find(probabilities, threshold)
    found = script("findPlaces(map, threshold)", grey, threshold=threshold)
    assert found["check"] == wanted["check"]
    for kind, answer in (("islands", "drop"), ("gaps", "keep"), ("areas", None)):
        assert [item["box"] for item in found[kind]] == [pytest.approx(item["box"], abs=0.003) for item in wanted[kind]]
        for mine, engines in zip(found[kind], wanted[kind], strict=True):
            assert mine["area"] == pytest.approx(engines["area"], rel=0.01)
            assert mine["confidence"] == pytest.approx(engines["confidence"], abs=2e-3)
            if answer:
                both = [{"do": answer, "at": item["at"]} for item in (mine, engines)]
                changed = [corrections.apply(probabilities, [edit], threshold) for edit in both]
                np.testing.assert_array_equal(*changed)  # both points lie in the same piece


def test_what_was_answered_is_no_place_to_check(script):
    grey = unsure_pieces(0)
    places = uncertainty.find(grey.astype(np.float32) / 255)
    settled = [place["at"] for kind in ("islands", "gaps") for place in places[kind]]
    left = script("findPlaces(map, 0.5, settled)", grey, settled=settled)
    assert left["islands"] == left["gaps"] == [] and left["check"] == places["check"] - len(settled) < places["check"]


# Views


def test_views_of_one_result_ask_the_server_nothing(visitor):
    visitor.requests.clear()
    photo = open_photo(PHOTO)
    probabilities = without_scraps(RedSegmenter().probabilities(photo))

    show(visitor, "cutout")
    assert visitor.tab.locator(".board").bounding_box()["width"] > 600  # in the photo's place
    shown = visitor.canvas(".cutout")
    wanted = cv2.resize(alpha.alpha(probabilities, 0.5), shown.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(shown[..., 3] / 255 - wanted).mean() < 0.01

    show(visitor, "compare")
    after = visitor.canvas(".after")
    assert at(after, RING)[3] == 255 and at(after, GAP)[3] == 0
    visitor.tab.focus(".split")
    for _ in range(5):
        visitor.tab.keyboard.press("ArrowRight")
    assert visitor.tab.get_attribute(".split", "aria-valuetext").startswith("55 %")
    assert "55%" in visitor.tab.evaluate("getComputedStyle(document.querySelector('.after')).clipPath")
    box = visitor.tab.locator(".split").bounding_box()
    visitor.tab.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 50)
    visitor.tab.mouse.down()
    visitor.tab.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 60, steps=5)
    visitor.tab.mouse.up()
    assert 15 < int(visitor.tab.input_value(".split")) < 25

    show(visitor, "unsure")
    shine = visitor.canvas(".doubt")
    near = np.abs(cv2.resize(probabilities, shine.shape[1::-1]) - 0.5) <= 0.2
    bright = shine[..., 0] > 200
    assert (bright == near).mean() > 0.99 and near.any()
    assert visitor.tab.locator(".marks button").count() == visitor.tab.locator(".doubts li").count() == 0

    visitor.tab.wait_for_timeout(300)
    assert visitor.requests == []


def test_the_steps_explain_how_it_works(visit, monkeypatch):
    monkeypatch.setattr(RedSegmenter, "size", 64, raising=False)
    visitor = visit()
    visitor.show("ring.jpg", PHOTO)
    show(visitor, "steps")
    assert visitor.tab.locator(".steps li:visible").count() == 5
    assert "64 × 64" in visitor.tab.inner_text(".steps li:nth-child(2)")
    square = visitor.canvas(".steps li:nth-child(2) canvas")
    wanted = cv2.resize(open_photo(PHOTO), (64, 64), interpolation=cv2.INTER_AREA)
    assert square.shape == (64, 64, 4) and np.abs(square[..., :3].astype(int) - wanted).mean() < 12
    mask = visitor.canvas(".steps li:nth-child(4) canvas")
    assert list(at(mask, RING)) == [255] * 4 and list(at(mask, GAP)) == [0, 0, 0, 255]
    assert visitor.complaints == []


def doubtful():
    """A photo of a sure block with an unsure gap and an unsure patch above it, and of an unsure block beside it."""
    photo = np.full((600, 800, 3), (96, 110, 120), np.uint8)
    photo[150:500, 50:400] = (230, 40, 30)
    photo[250:350, 150:250] = (110, 40, 30)  # red less blue, of 200: 0.4
    photo[100:150, 100:200] = (110, 40, 30)
    photo[150:500, 500:750] = (150, 40, 30)  # 0.6
    return as_jpeg(photo)


def test_the_words_lead_to_the_places_to_check_and_a_click_settles_them(visitor):
    assert visitor.words() == "One piece of furniture, 21 % of the photo. Looks clean."
    visitor.give("doubtful.jpg", doubtful())
    visitor.ready()
    visitor.requests.clear()
    assert visitor.words().startswith("Furniture in 2 parts, ") and visitor.words().endswith(". Check 3 places")
    assert not re.search("sure|confiden", visitor.words())
    visitor.tab.click("text=Check 3 places")
    visitor.settle()
    assert visitor.tab.get_attribute(".chairlift", "data-view") == "unsure"
    assert visitor.tab.locator(".marks button").count() == visitor.tab.locator(".doubts li").count() == 3
    visitor.tab.click('.doubts li:has-text("Island") >> text=Drop')
    visitor.settle()
    visitor.tab.click('.doubts li:has-text("Gap") >> text=Fill')
    visitor.settle()
    assert visitor.words().endswith(". Check 1 place") and visitor.requests == []
    visitor.tab.click('.doubts li:has-text("Unsure area") >> text=Correct by hand')
    visitor.settle()
    assert visitor.tab.is_visible(".tools")
    visitor.tab.click("[data-brush=erase]")
    visitor.tab.evaluate("document.querySelector('.brush-radius').value = 100")
    drag(visitor, (0.1, 0.2), (0.28, 0.2))
    assert visitor.words().endswith("Looks clean.")
    edits = corrections_of(visitor, doubtful())
    assert [edit["do"] for edit in edits] == ["drop", "keep", "erase"]


def test_scraps_are_left_out_unless_all_pieces_are_chosen(visitor):
    assert at(visitor.canvas(".cutout"), ISLAND)[3] == 0 and at(visitor.canvas(".cutout"), RING)[3] == 255
    hidden = visitor.canvas(".heat"), visitor.canvas(".outline")
    visitor.tab.click(".finish summary")
    show(visitor, "heat")
    visitor.requests.clear()
    visitor.tab.click("[data-pieces=all]")
    visitor.settle()
    assert visitor.tab.get_attribute(
        "[data-pieces=all]", "aria-pressed"
    ) == "true" and "all pieces" in visitor.tab.inner_text(".chosen")
    assert at(visitor.canvas(".cutout"), ISLAND)[3] == 255 and visitor.words().endswith(". Check 1 place")
    assert at(visitor.canvas(".heat"), ISLAND)[0] > 200 > 10 > at(hidden[0], ISLAND)[0]
    assert visitor.canvas(".outline")[..., 3].sum() > 1.05 * hidden[1][..., 3].sum()
    assert visitor.requests == [] and "pieces=all" in visitor.tab.url
    _, data = download(visitor)
    assert data == made(Choices(threshold=0.5, pieces="all")).data
    visitor.tab.click("[data-pieces=main]")
    visitor.settle()
    np.testing.assert_array_equal(visitor.canvas(".heat"), hidden[0])
    _, data = download(visitor)
    assert data == made(Choices(threshold=0.5)).data and at(pixels(data)[..., 3], ISLAND) == 0


def test_a_link_keeps_the_choice_of_pieces(visit, address):
    visitor = visit(url=address + "#pieces=all")
    assert visitor.tab.get_attribute("[data-pieces=all]", "aria-pressed") == "true"


# Corrections by hand


def test_a_brush_erases_and_keeps_with_undo(visitor):
    tab = visitor.tab
    tab.click("button.correct")
    visitor.requests.clear()
    before = visitor.canvas(".cutout"), visitor.words()
    tab.click("[data-brush=erase]")
    drag(visitor, (0.1, 0.72), (0.6, 0.72))
    erased = visitor.canvas(".cutout")
    assert at(before[0], RING)[3] == 255 and at(erased, RING)[3] == 0
    tab.click("[data-brush=keep]")
    drag(visitor, (0.6, 0.1), (0.6, 0.15))
    assert at(visitor.canvas(".cutout"), (0.6, 0.12))[3] == 255
    assert at(visitor.canvas(".heat"), (0.6, 0.12))[0] > 220  # yellow, as if it had been found
    assert visitor.words() != before[1]

    tab.keyboard.press("Control+z")
    visitor.settle()
    np.testing.assert_array_equal(visitor.canvas(".cutout"), erased)
    tab.click("[data-do=undo]")
    visitor.settle()
    np.testing.assert_array_equal(visitor.canvas(".cutout"), before[0])
    assert tab.is_disabled("[data-do=undo]") and visitor.words() == before[1]
    tab.keyboard.press("Control+Shift+z")
    tab.click("[data-do=redo]")
    visitor.settle()
    assert tab.is_disabled("[data-do=redo]")
    assert visitor.requests == []  # all this is worked out in the browser

    strokes = corrections_of(visitor)  # and the file is the Python API's, byte for byte
    assert [stroke["do"] for stroke in strokes] == ["erase", "keep"]
    name, data = download(visitor)
    assert name == "ring-cutout.png" and data == made(Choices(threshold=0.5), strokes).data
    alpha = pixels(data)[..., 3]
    assert at(alpha, RING) == 0 and at(alpha, (0.6, 0.12)) == 255
    assert (
        np.abs(
            cv2.resize(alpha, (720, 540), interpolation=cv2.INTER_AREA)
            - visitor.canvas(".cutout")[..., 3].astype(float)
        ).mean()
        < 2
    )

    visitor.slide(70)  # corrections stay as the slider moves
    assert at(visitor.canvas(".cutout"), RING)[3] == 0 and at(visitor.canvas(".cutout"), (0.6, 0.12))[3] == 255
    tab.click("[data-do=clear]")
    visitor.slide(50)
    np.testing.assert_array_equal(visitor.canvas(".cutout"), before[0])
    tab.click("[data-do=undo]")  # even that
    visitor.settle()
    assert at(visitor.canvas(".cutout"), RING)[3] == 0


def test_a_finger_paints_and_two_look_closer(visit):
    visitor = visit(viewport=(390, 844), is_mobile=True, has_touch=True, device_scale_factor=2)
    visitor.give("ring.jpg", PHOTO)
    visitor.ready()
    visitor.tab.click("button.correct")
    visitor.tab.click("[data-brush=erase]")
    visitor.tab.locator(".photo").scroll_into_view_if_needed()
    box = visitor.tab.locator(".photo").bounding_box()
    session = visitor.tab.context.new_cdp_session(visitor.tab)

    def touch(kind, *points):
        places = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": n}
            for n, (x, y) in enumerate(points)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", (0.2, 0.72))
    for step in range(1, 9):
        touch("touchMove", (0.2 + 0.04 * step, 0.72))
    touch("touchEnd")
    visitor.settle()
    assert at(visitor.canvas(".cutout"), RING)[3] == 0
    before = visitor.canvas(".cutout")
    touch("touchStart", (0.4, 0.4))
    touch("touchStart", (0.4, 0.4), (0.6, 0.6))
    for step in range(1, 9):
        touch("touchMove", (0.4 - 0.02 * step, 0.4 - 0.02 * step), (0.6 + 0.02 * step, 0.6 + 0.02 * step))
    touch("touchEnd")
    visitor.settle()
    np.testing.assert_array_equal(visitor.canvas(".cutout"), before)
    assert visitor.tab.locator(".photo").bounding_box()["width"] > 1.5 * box["width"]
    assert visitor.tab.evaluate("document.documentElement.scrollWidth") == 390
    assert visitor.complaints == []


def test_the_keyboard_paints(visitor):
    tab = visitor.tab
    tab.focus("button.correct")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.className") == "easel"
    for _ in range(18):
        tab.keyboard.press("ArrowUp")
    tab.keyboard.down(" ")
    for _ in range(20):
        tab.keyboard.press("ArrowRight")
    tab.keyboard.up(" ")
    visitor.settle()
    (stroke,) = corrections_of(visitor)
    start, end = stroke["points"][0], stroke["points"][-1]
    assert start[0] == pytest.approx(0.5, abs=0.01) and end[0] == pytest.approx(0.5 + 20 * 0.012, abs=0.02)
    assert start[1] == pytest.approx(0.5 - 18 * 0.012 * 4 / 3, abs=0.01)
    assert at(visitor.canvas(".cutout"), start)[3] == 255
    tab.keyboard.press("Escape")
    assert tab.is_visible("button.correct")


def test_a_closer_look_makes_a_finer_brush(visitor):
    tab = visitor.tab
    tab.click("button.correct")
    box = tab.locator(".photo").bounding_box()
    tab.mouse.move(box["x"] + 0.35 * box["width"], box["y"] + 0.5 * box["height"])
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -300)
    tab.keyboard.up("Control")
    visitor.settle()
    near = tab.locator(".photo").bounding_box()
    assert near["width"] > 3 * box["width"]
    # What was under the pointer still is.
    assert near["x"] + 0.35 * near["width"] == pytest.approx(box["x"] + 0.35 * box["width"], abs=2)
    drag(visitor, GAP, (GAP[0] + 0.02, GAP[1]))
    (stroke,) = corrections_of(visitor)
    assert stroke["radius"] < 0.01
    assert np.abs(np.subtract(stroke["points"][0], GAP)).max() < 0.005
    assert at(visitor.canvas(".cutout"), GAP)[3] == 255
    for _ in range(6):
        if tab.is_enabled("[data-do=zoomOut]"):
            tab.click("[data-do=zoomOut]")
    visitor.settle()
    assert tab.locator(".photo").bounding_box()["width"] == pytest.approx(box["width"], abs=1)


def test_the_training_pair_is_data_to_train_on(visitor, tmp_path):
    visitor.tab.click("button.correct")
    visitor.tab.click("[data-brush=erase]")
    drag(visitor, (0.1, 0.72), (0.6, 0.72))
    strokes = corrections_of(visitor)
    name, data = download(visitor, "[data-do=savePair]")
    assert name == "ring-training.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    from segmenter.datasets.pairs import read_folder  # the trainer's reader; here, as it takes seconds to import

    (pair,) = read_folder(tmp_path)
    photo = open_photo(PHOTO)
    wanted = alpha.mask(corrections.apply(RedSegmenter().probabilities(photo), strokes, 0.5, "main"), 0.5)
    assert (tmp_path / "images" / "ring.jpg").read_bytes() == PHOTO
    (mask,) = (tmp_path / "masks").iterdir()
    np.testing.assert_array_equal(pixels(mask.read_bytes()) > 127, wanted)


# Finishing


def test_white_for_a_marketplace_is_one_choice(visitor):
    tab = visitor.tab
    tab.click(".finish summary")
    visitor.requests.clear()
    tab.select_option(".finish [name=canvas]", PRESETS["marketplace-1000"]["canvas"])
    set_range(visitor, "shadow", 0.6)
    assert visitor.requests == []
    shown = visitor.canvas(".cutout")
    assert tab.inner_text(".download") == "Download JPEG"
    name, data = download(visitor)
    assert name == "ring-cutout.jpg"
    assert data == made(Choices(**{**PRESETS["marketplace-1000"], "threshold": 0.5, "shadow": 0.6})).data
    final = pixels(data)
    assert final.shape == (1000, 1000, 3)
    for corner in (final[:20, :20], final[:20, -20:], final[-20:, :20], final[-20:, -20:]):
        assert corner.min() >= 253
    assert alike(shown, final) < 3  # what the page promised


def alike(shown, final):
    """Mean difference of what the page draws and a finished picture, both on white, at the page's size."""

    def on_white(each):
        each = each.astype(np.float32)
        if each.shape[2] == 4:
            alpha = each[..., 3:] / 255
            each = each[..., :3] * alpha + 255 * (1 - alpha)
        return each

    shown, final = on_white(shown), on_white(final)
    return np.abs(cv2.resize(final, shown.shape[1::-1], interpolation=cv2.INTER_AREA) - shown).mean()


@pytest.mark.parametrize(
    "wanted",
    [
        {"softness": 6.0, "shift": 8.0, "format": "webp"},
        {"shift": -12.0, "background": "#3366cc"},
        {"trim": True, "margin": 0.2, "canvas": "16:9", "shadow": 0.9},
        {"background": "blur", "format": "jpeg", "canvas": "square"},
        {"background": "room:loft", "shadow": 0.7},
        {"background": "room:gallery", "tint": True},
    ],
    ids=str,
)
def test_the_page_shows_what_the_file_becomes(visitor, wanted):
    """Preview and file, for choices that come in by a link."""
    settings = "&".join(f"{name}={str(value).lower().replace('#', '%23')}" for name, value in wanted.items())
    visitor.tab.evaluate("settings => { location.hash = settings; }", settings)
    visitor.settle()
    visitor.tab.wait_for_selector(".board:not([aria-busy])")  # a room comes from the server, once
    visitor.settle()
    shown = visitor.canvas(".cutout")
    _, data = download(visitor)
    choices = Choices(threshold=0.5, **wanted)
    assert data == made(choices).data
    photo = open_photo(PHOTO)
    final = Rendering(photo, RedSegmenter().probabilities(photo), choices).picture()
    assert shown.shape[1] / shown.shape[0] == pytest.approx(final.shape[1] / final.shape[0], rel=0.01)
    assert alike(shown, final) < 4


def test_an_own_picture_lies_behind(visitor):
    own = np.zeros((300, 300, 3), np.uint8)
    own[:, :150], own[:, 150:] = (20, 120, 60), (200, 180, 40)
    visitor.tab.click(".finish summary")
    visitor.tab.set_input_files(".own-file", {"name": "wall.png", "mimeType": "image/png", "buffer": to_png(own)})
    visitor.tab.wait_for_function("document.querySelector('.chosen').textContent.startsWith('Own picture')")
    visitor.settle()
    shown = visitor.canvas(".cutout")
    assert np.abs(shown[10, 10, :3].astype(int) - own[0, 0]).max() < 6
    assert np.abs(shown[10, -10, :3].astype(int) - own[0, -1]).max() < 6
    _, data = download(visitor)
    assert data == made(Choices(threshold=0.5, background="own"), background=own).data
    assert alike(shown, pixels(data)) < 3


def test_mask_and_everything_can_be_had(visitor):
    name, data = download(visitor, "[data-do=saveMask]")
    assert name == "ring-mask.png"
    mask = pixels(data)
    assert set(np.unique(mask)) == {0, 255} and at(mask, RING) == 255 and at(mask, GAP) == 0
    name, data = download(visitor, "[data-do=saveAll]")
    assert name == "ring-all.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert set(archive.namelist()) == {"cutout.png", "mask.png", "map.png", "settings.json"}


# Links


def test_a_link_keeps_settings_and_example_but_no_photo(visit):
    first = visit(permissions=["clipboard-read", "clipboard-write"])
    first.tab.click('[data-example="10_yellow_sofa"]')
    first.ready()
    first.slide(37)
    show(first, "compare")
    first.tab.click(".finish summary")
    first.tab.click('[data-background="#ffffff"]')
    set_range(first, "shadow", 0.5)
    first.tab.click("[data-do=copyLink]")
    first.tab.wait_for_function("document.querySelector('.size').textContent.startsWith('Link copied')")
    link = first.tab.evaluate("navigator.clipboard.readText()")
    assert link == first.tab.evaluate("location.href")

    second = visit(url=link)
    assert second.tab.get_attribute('[data-example="10_yellow_sofa"]', "aria-pressed") == "true"
    assert second.tab.input_value(".slider") == "37"
    assert second.tab.get_attribute('.views [data-view="compare"]', "aria-pressed") == "true"
    assert second.tab.inner_text(".chosen") == first.tab.inner_text(".chosen")
    np.testing.assert_array_equal(second.canvas(".after"), first.canvas(".after"))

    second.give("secret name.jpg", PHOTO)
    second.ready()
    assert "secret" not in second.tab.evaluate("location.href")
    assert first.complaints == second.complaints == []


@pytest.mark.parametrize(
    "hash", ["#view=nonsense&threshold=900&background=javascript:1&shadow=x&margin=-3", "#nowhere"]
)
def test_a_strange_link_does_no_harm(visit, address, hash):
    visitor = visit(url=address + hash)
    assert visitor.tab.input_value(".slider") == "50"
    assert visitor.tab.inner_text(".chosen") == "Transparent, PNG"
    assert visitor.complaints == []


# Everyone


def test_places_change_without_a_reload(visitor):
    tab = visitor.tab
    tab.evaluate("window.here = true")
    for place in ("many", "about", "studio"):
        tab.click(f'.places a[data-place="{place}"]')
        tab.wait_for_selector(f'.place[data-place="{place}"]:visible')
        assert tab.locator(".place:visible").get_attribute("data-place") == place
        assert tab.get_attribute(f'.places a[data-place="{place}"]', "aria-current") == "page"
    assert tab.evaluate("window.here") and visitor.words()


def test_little_is_sent_of_a_large_photo():
    """Base64 and all, for a photo of 12 megapixels: of a scene, and of noise, which packs worst."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (3000, 4000, 3), np.uint8)
    for photo in (cv2.resize(red_disc(1000, 750), (4000, 3000)), noise):
        answer = viewer.show(photo, RedSegmenter().probabilities(photo))
        assert len(json.dumps(answer)) < 1_500_000
    assert answer["width"] == 4000


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_phone_has_room_for_every_control(visit, locale):
    visitor = visit(viewport=(390, 844), locale=locale, is_mobile=True, has_touch=True, device_scale_factor=2)
    tab = visitor.tab
    tab.click(".finish summary")

    def check():
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        small = tab.evaluate(  # the two that are drawn small have a larger area that answers
            """() => [...document.querySelectorAll('.chairlift :is(button, a, select, summary, input[type=range])')]
                .filter(node => node.offsetParent && !node.matches('.tip, .mark') && node.getBoundingClientRect().height < 40)
                .map(node => node.outerHTML.slice(0, 90))"""
        )
        assert small == []

    for view in ("heat", "cutout", "compare", "unsure", "steps"):
        show(visitor, view)
        check()
    tab.click("button.correct")
    check()
    assert visitor.complaints == []
