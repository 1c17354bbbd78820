"""Looking at a result: places to check, a closer look, and the finished picture in view while it is being finished."""

import cv2
import numpy as np
import pytest

from tests.browser.test_studio import corrections_of, show
from tests.standin import as_jpeg

PHONE = {"viewport": (390, 844), "is_mobile": True, "has_touch": True, "device_scale_factor": 2}


def crumbs():
    """A photo of a block with an unsure patch at each of many places that touch nothing, close to each other."""
    photo = np.full((600, 800, 3), (96, 110, 120), np.uint8)
    photo[150:560, 50:450] = (230, 40, 30)
    for row in range(5):
        for column in range(6):
            cv2.circle(photo, (500 + 45 * column, 200 + 45 * row), 13, (150, 40, 30), -1)
    return as_jpeg(photo)


@pytest.fixture
def visitor(visit):
    visitor = visit()
    visitor.show("crumbs.jpg", crumbs())
    yield visitor
    assert visitor.complaints == []


def boxes(visitor, selector):
    return visitor.tab.evaluate(
        """selector => [...document.querySelectorAll(selector)].map(node => {
            const { left, top, right, bottom } = node.getBoundingClientRect();
            return [left, top, right, bottom];
        })""",
        selector,
    )


# Places to check


def all_pieces(visitor):
    visitor.tab.evaluate("location.hash = 'pieces=all'")
    visitor.settle()
    show(visitor, "unsure")


def test_all_loose_pieces_are_dropped_by_one_click_and_come_back_by_another(visitor):
    all_pieces(visitor)
    before = visitor.canvas(".heat")
    visitor.tab.click("text=Drop all loose pieces")
    visitor.settle()
    assert visitor.tab.locator('.doubts li:has-text("Island")').count() == 0
    edits = corrections_of(visitor, crumbs())
    assert [edit["do"] for edit in edits] == ["drop"] * 30  # those that were not listed too
    visitor.tab.click(".doubts [data-do=undo]")
    visitor.settle()
    show(visitor, "heat")
    np.testing.assert_array_equal(visitor.canvas(".heat"), before)


def test_the_list_is_short_and_says_how_many_more_there_are(visitor):
    all_pieces(visitor)
    lines = visitor.tab.locator(".doubts li").count()
    assert lines == visitor.tab.locator(".marks button").count() <= 8
    total = int("".join(filter(str.isdigit, visitor.words().rpartition("Check")[2])))
    assert f"{total - lines} more" in visitor.tab.inner_text(".doubts .further")


@pytest.mark.parametrize("width", [1280, 360])
def test_no_pin_covers_another(visit, width):
    visitor = visit(viewport=(width, 800))
    visitor.give("crumbs.jpg", crumbs())
    visitor.ready()
    all_pieces(visitor)
    pins = boxes(visitor, ".marks button")
    (frame,) = boxes(visitor, ".frame")
    assert len(pins) == 8
    for n, (left, top, right, bottom) in enumerate(pins):
        assert frame[0] <= left and right <= frame[2] and frame[1] <= top and bottom <= frame[3]
        for other in pins[:n]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


# A closer look


def width_of(visitor, selector):
    (box,) = boxes(visitor, selector)
    return box[2] - box[0]


def test_the_photo_is_zoomed_dragged_and_shown_whole_again_in_every_view(visitor):
    whole = width_of(visitor, ".photo")
    visitor.tab.click("[data-do=zoomIn]")
    visitor.tab.click("[data-do=zoomIn]")
    assert width_of(visitor, ".photo") == pytest.approx(1.6**2 * whole, rel=0.01)
    (before,), (frame,) = boxes(visitor, ".photo"), boxes(visitor, ".frame")
    middle = [(frame[0] + frame[2]) / 2, (frame[1] + frame[3]) / 2]
    visitor.tab.mouse.move(*middle)
    visitor.tab.mouse.down()
    visitor.tab.mouse.move(middle[0] + 80, middle[1] + 40, steps=4)
    visitor.tab.mouse.up()
    (after,) = boxes(visitor, ".photo")
    assert after[0] - before[0] == pytest.approx(80, abs=1) and after[1] - before[1] == pytest.approx(40, abs=1)
    show(visitor, "cutout")  # as close here
    (cutout_frame,) = boxes(visitor, ".cutout-frame")
    assert width_of(visitor, ".cutout") == pytest.approx(1.6**2 * (cutout_frame[2] - cutout_frame[0]), rel=0.01)
    show(visitor, "unsure")
    assert width_of(visitor, ".photo") == pytest.approx(1.6**2 * whole, rel=0.01)
    show(visitor, "compare")  # but not here
    assert width_of(visitor, ".after") == pytest.approx(whole, abs=1)
    assert not visitor.tab.is_visible("[data-do=zoomIn]")
    show(visitor, "heat")
    visitor.tab.click("[data-do=zoomIn]")
    visitor.tab.click("text=Whole photo")
    assert width_of(visitor, ".photo") == pytest.approx(whole, abs=1)
    assert not visitor.tab.is_visible("[data-do=zoomReset]")


# Finishing in view


@pytest.mark.parametrize("screen", [{"viewport": (1280, 760)}, PHONE, {**PHONE, "viewport": (360, 640)}], ids=str)
def test_what_is_being_finished_stays_in_view(visit, screen):
    visitor = visit(**screen)
    visitor.give("crumbs.jpg", crumbs())
    visitor.ready()
    visitor.tab.click(".finish summary")
    visitor.settle()
    assert visitor.tab.get_attribute(".chairlift", "data-view") == "cutout"
    height = screen["viewport"][1]
    for control in ("[name=shadow]", "[name=canvas]", "[data-do=plain]"):
        visitor.tab.locator(f".finish {control}").scroll_into_view_if_needed()
        visitor.settle()
        (stage,), (row,) = boxes(visitor, ".stage"), boxes(visitor, f".finish {control}")
        assert stage[1] >= -1 and min(stage[3], height) - stage[1] > 180, control
        assert row[1] >= stage[3] or row[0] >= stage[2], control  # and does not cover what one has in hand
    assert visitor.complaints == []
