"""Pieces are picked as a person would: by mouse, keyboard and finger, in both languages."""

import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from tests.browser.test_accessibility import faults
from tests.standin import PIECES, as_jpeg, two_and_a_ball

PHOTO = as_jpeg(two_and_a_ball())
COLOURS = {"red": (230, 40, 20), "brown": (160, 70, 20), "blue": (30, 60, 200)}


@pytest.fixture
def visitor(visit, picking_address):
    visitor = visit(url=picking_address)
    visitor.show("two.jpg", PHOTO)
    return visitor


def place_of(visitor, name):
    x, y = PIECES[name] if isinstance(name, str) else name
    box = visitor.tab.locator(".picking").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


STATE = "() => JSON.stringify([...document.querySelectorAll('.dot')].map(({ style }) => [style.left, style.top]))"


def click(visitor, name, *keys):
    """Click a place, with keys held, and wait until the clicks on the photo are others than before."""
    before = visitor.tab.evaluate(STATE)
    for key in keys:
        visitor.tab.keyboard.down(key)
    visitor.tab.mouse.click(*place_of(visitor, name))
    for key in keys:
        visitor.tab.keyboard.up(key)
    visitor.tab.wait_for_function(f"before => ({STATE})() !== before", arg=before)
    visitor.settle()


def shown(visitor):
    """Which pieces the cutout on the page shows."""
    visitor.settle()
    return found_in(visitor.canvas(".cutout"))


def downloaded(visitor):
    with visitor.tab.expect_download() as waiting:
        visitor.tab.click(".download")
    return np.asarray(Image.open(io.BytesIO(waiting.value.path().read_bytes())))


def found_in(pixels):
    height, width = pixels.shape[:2]
    found = set()
    for name, (x, y) in PIECES.items():
        *colour, alpha = pixels[int(y * height), int(x * width)].astype(int)
        if alpha > 200 and np.abs(np.subtract(colour, COLOURS[name])).max() < 12:
            found.add(name)
    return found


def test_a_click_keeps_one_of_two_pieces_that_touch(visitor):
    assert shown(visitor) == {"red", "brown"}
    click(visitor, "red")
    assert shown(visitor) == {"red"}
    click(visitor, "brown")
    assert shown(visitor) == {"brown"}
    assert visitor.complaints == []


def test_shift_adds_alt_takes_and_the_download_agrees(visitor):
    click(visitor, "red")
    click(visitor, "blue", "Shift")
    assert shown(visitor) == {"red", "blue"}
    click(visitor, "red", "Alt")
    assert shown(visitor) == {"blue"}
    assert found_in(downloaded(visitor)) == {"blue"}
    visitor.tab.keyboard.press("Control+z")
    assert shown(visitor) == {"red", "blue"}
    assert found_in(downloaded(visitor)) == {"red", "blue"}


def test_alt_takes_a_piece_from_all_furniture(visitor):
    click(visitor, "brown", "Alt")
    assert shown(visitor) == {"red"}


def test_what_is_under_the_pointer_is_shown_before_the_click(visitor):
    visitor.tab.mouse.move(*place_of(visitor, "brown"))
    visitor.tab.wait_for_function("() => document.querySelector('.spot').dataset.kind === 'only'")
    visitor.tab.wait_for_timeout(600)
    spot = visitor.canvas(".spot")
    height, width = spot.shape[:2]
    dimmed = {name: spot[int(y * height), int(x * width), 3] > 100 for name, (x, y) in PIECES.items()}
    assert dimmed == {"red": True, "brown": False, "blue": True}
    visitor.tab.mouse.move(2, 2)
    visitor.tab.wait_for_function("() => !document.querySelector('.spot').dataset.kind")


def test_the_buttons_do_what_the_keys_do(visitor):
    visitor.tab.click("[data-kind=take]")
    click(visitor, "red")
    assert shown(visitor) == {"brown"}
    visitor.tab.click("[data-kind=add]")
    click(visitor, "blue")
    assert shown(visitor) == {"brown", "blue"}


def test_thumbnails_drop_what_is_kept(visitor):
    click(visitor, "red")
    click(visitor, "brown", "Shift")
    click(visitor, "blue", "Shift")
    assert visitor.tab.locator(".chip").count() == 3
    visitor.tab.locator(".chip").first.click()
    visitor.tab.wait_for_function("() => document.querySelectorAll('.chip').length === 2")
    assert shown(visitor) == {"brown", "blue"}


def test_all_furniture_and_main_piece_undo_the_picks(visitor):
    click(visitor, "red")
    visitor.tab.click("[data-furniture=all]")
    visitor.settle()
    assert shown(visitor) == {"red", "brown"}
    assert visitor.tab.locator(".dot").count() == 0
    visitor.tab.keyboard.press("Control+z")
    assert shown(visitor) == {"red"}


def test_a_dot_is_dragged_to_another_piece_and_removed_by_a_click(visitor):
    click(visitor, "red")
    dot = visitor.tab.locator(".dot")
    dot.hover()
    visitor.tab.mouse.down()
    visitor.tab.mouse.move(*place_of(visitor, "brown"), steps=4)
    visitor.tab.mouse.up()
    visitor.tab.wait_for_function(
        "() => document.querySelector('[data-do=undo]') && !document.querySelector('.working:not([hidden])')"
    )
    visitor.tab.wait_for_timeout(400)
    assert shown(visitor) == {"brown"}
    visitor.tab.locator(".dot").click()
    visitor.tab.wait_for_function("() => !document.querySelector('.dot')")
    assert shown(visitor) == {"red", "brown"}


def test_the_brush_comes_after_it(visitor):
    click(visitor, "red")
    visitor.tab.click("button.correct")
    visitor.tab.click("[data-brush=erase]")
    x, y = place_of_easel(visitor, PIECES["red"])
    visitor.tab.mouse.move(x, y)
    visitor.tab.mouse.down()
    visitor.tab.mouse.move(x + 5, y)
    visitor.tab.mouse.up()
    visitor.settle()
    assert shown(visitor) == set()
    alpha = downloaded(visitor)[..., 3]
    assert alpha[130:350, 100:280].mean() > 100 and alpha[:, 300:].max() == 0


def place_of_easel(visitor, point):
    box = visitor.tab.locator(".easel").bounding_box()
    return box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"]


def test_by_keyboard_alone(visitor):
    visitor.tab.focus(".picking")
    for _ in range(10):
        visitor.tab.keyboard.press("ArrowLeft")  # the cross begins in the middle
    visitor.tab.keyboard.press("Enter")
    visitor.tab.wait_for_selector(".dot")
    assert shown(visitor) == {"red"}
    for _ in range(15):
        visitor.tab.keyboard.press("ArrowRight")
    visitor.tab.keyboard.press("+")
    visitor.tab.wait_for_function("() => document.querySelectorAll('.dot').length === 2")
    assert shown(visitor) == {"red", "brown"}
    visitor.tab.focus(".dot")
    visitor.tab.keyboard.press("Delete")
    visitor.tab.wait_for_function("() => document.querySelectorAll('.dot').length === 1")
    assert shown(visitor) == {"brown"}


def test_by_finger_in_chinese(visit, picking_address):
    visitor = visit(viewport=(390, 844), locale="zh-CN", url=picking_address, has_touch=True, is_mobile=True)
    visitor.show("two.jpg", PHOTO)
    assert visitor.tab.inner_text("[data-kind=only]") == "只留这件"
    visitor.tab.touchscreen.tap(*place_of(visitor, "brown"))
    visitor.tab.wait_for_selector(".dot")
    assert shown(visitor) == {"brown"}
    visitor.tab.tap("[data-kind=add]")
    visitor.tab.touchscreen.tap(*place_of(visitor, "blue"))
    visitor.tab.wait_for_function("() => document.querySelectorAll('.dot').length === 2")
    assert shown(visitor) == {"brown", "blue"}
    assert visitor.complaints == []


def test_a_drag_of_a_zoomed_photo_picks_nothing(visitor):
    visitor.tab.click("[data-do=zoomIn]")
    x, y = place_of(visitor, "red")
    visitor.tab.mouse.move(x, y)
    visitor.tab.mouse.down()
    visitor.tab.mouse.move(x - 60, y - 10, steps=5)
    visitor.tab.mouse.up()
    visitor.tab.wait_for_timeout(500)
    assert visitor.tab.locator(".dot").count() == 0


def test_picks_outlive_a_reload(visitor):
    click(visitor, "brown")
    visitor.tab.wait_for_timeout(900)  # until it is kept
    visitor.tab.reload()
    visitor.ready()
    visitor.tab.locator(".recents button").first.click()
    visitor.ready()
    visitor.tab.wait_for_selector(".dot")
    visitor.tab.wait_for_timeout(500)
    assert shown(visitor) == {"brown"}


@pytest.mark.parametrize("screen", [(1280, 900), (390, 844), (360, 740), (320, 640)])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_nothing_sticks_out_and_everybody_can_use_it(visit, picking_address, screen, locale):
    visitor = visit(viewport=screen, locale=locale, url=picking_address)
    visitor.show("two.jpg", PHOTO)
    click(visitor, "red")
    click(visitor, "blue", "Shift")
    visitor.tab.wait_for_timeout(900)  # until all has faded in
    assert visitor.tab.evaluate("() => document.documentElement.scrollWidth") <= screen[0]
    assert faults(visitor) == []


def overlaps(visitor, *selectors):
    """The pairs of what is visible that lie over each other."""
    boxes = {name: visitor.tab.locator(name).bounding_box() for name in selectors if visitor.tab.is_visible(name)}
    found = []
    for one, other in combinations(boxes, 2):
        a, b = boxes[one], boxes[other]
        across = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
        down = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
        if across > 0 and down > 0:
            found.append((one, other))
    return found


@pytest.mark.parametrize("screen", [(1280, 900), (390, 844), (320, 640)])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("shape", [(640, 480), (300, 640)])
def test_what_stands_on_the_photo_does_not_overlap(visit, picking_address, screen, locale, shape):
    touch = {"has_touch": True, "is_mobile": True} if screen[0] < 900 else {}
    visitor = visit(viewport=screen, locale=locale, url=picking_address, **touch)
    visitor.show("shape.jpg", as_jpeg(two_and_a_ball(*shape)))
    assert visitor.tab.is_visible(".pick-hint")
    assert overlaps(visitor, ".pick-hint", ".legend", ".peek", "[data-do=zoomIn]") == []


def test_on_a_phone_undo_stands_at_the_edge(visit, picking_address):
    visitor = visit(viewport=(390, 844), url=picking_address, has_touch=True, is_mobile=True)
    visitor.show("two.jpg", PHOTO)
    row, redo = (visitor.tab.locator(f".kept .whole{part}").bounding_box() for part in ("", " [data-do=redo]"))
    assert abs(row["x"] + row["width"] - redo["x"] - redo["width"]) < 1


def test_a_finger_leaves_no_words_over_the_other_backgrounds(visit, picking_address):
    visitor = visit(viewport=(390, 844), url=picking_address, has_touch=True, is_mobile=True)
    visitor.show("two.jpg", PHOTO)
    visitor.tab.tap(".finish summary")
    visitor.tab.tap('[data-background="#ffffff"]')
    shown = "selector => getComputedStyle(document.querySelector(selector), '::after').display"
    assert visitor.tab.evaluate(shown, '[data-background="#ffffff"]') == "none"


def test_weights_that_cannot_pick_offer_nothing_to_click(visit):
    visitor = visit()
    assert not visitor.tab.is_visible(".kept") and not visitor.tab.is_visible(".picking")


@pytest.mark.parametrize("seed", range(3))
def test_the_page_joins_pieces_as_the_engine_does(script, seed):
    random = np.random.default_rng(seed)
    furniture, *found = random.integers(0, 256, (4, 12, 16)).astype(np.uint8)
    kinds = [["add", "take"], ["take", "only", "add", "take"], ["only", "add", "add"]][seed]
    edits = [{"do": kind, "points": [[0.5, number / 10]], "labels": [1]} for number, kind in enumerate(kinds)]
    pieces = [found[number % 3].ravel().tolist() for number in range(len(kinds))]
    made = script(
        "(() => { const pieces = new Map(edits.map((edit, n) => [keyOf(edit), { width: 16, height: 12, values: Uint8Array.from(given[n]) }]));"
        " return Array.from(pickedMap(edits, pieces, () => map).values); })()",
        furniture,
        edits=edits,
        given=pieces,
    )
    assert np.array_equal(np.reshape(made, (12, 16)), joined(furniture, edits, pieces))


def joined(furniture, edits, pieces):
    """What `segmenter.render.picks` says, of a segmenter that answers with these pieces."""
    from segmenter.render import picks
    from segmenter.render.options import Choices

    class Given:
        can_pick, threshold = True, 0.5

        def probabilities(self, photo, points=None, labels=None):
            if points is None:
                return furniture.astype(np.float32) / 255
            number = round((points[0][1] + 0.5) / 12 * 10)
            return np.reshape(pieces[number], (12, 16)).astype(np.float32) / 255

    photo = np.zeros((12, 16, 3), np.uint8)
    return np.rint(picks.look(Given(), photo, Choices(pieces="all"), edits) * 255).astype(np.uint8)
