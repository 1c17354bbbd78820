"""Pictures that follow the hand in part and roughly are whole and exact once it rests."""

import cv2
import numpy as np
import pytest

from tests.standin import as_jpeg, red_disc, two_and_a_ball

CANVASES = (".heat", ".outline", ".cutout")
GRAIN = np.random.default_rng(0).integers(0, 12, (480, 640, 3), np.uint8)


@pytest.fixture
def visitor(visit):
    visitor = visit()
    visitor.show("pieces.jpg", as_jpeg(two_and_a_ball() // 2 + red_disc() // 2 + GRAIN))
    yield visitor
    assert visitor.complaints == []


def pictures(visitor):
    visitor.settle()
    return [visitor.canvas(name) for name in CANVASES]


def slide_on(visitor, values):
    """Move the slider from value to value, one in each frame."""
    visitor.tab.evaluate(
        """async values => {
            const slider = document.querySelector('.slider');
            for (const value of values) {
                slider.value = value;
                slider.dispatchEvent(new Event('input', { bubbles: true }));
                await new Promise(requestAnimationFrame);
            }
            await new Promise(requestAnimationFrame);
            const from = document.querySelector('.outline'), { width, height } = from; // as the hand sees it
            const seen = Object.assign(document.createElement('canvas'), { className: 'seen', width, height });
            seen.getContext('2d').drawImage(from, 0, 0);
            document.body.append(seen);
        }""",
        values,
    )


def assert_same(found, wanted):
    for name, now, before in zip(CANVASES, found, wanted):
        assert np.array_equal(now, before), name


def test_a_slider_that_was_dragged_leaves_what_one_step_leaves(visitor):
    visitor.slide(31)
    wanted = pictures(visitor)
    slide_on(visitor, [*range(32, 70, 2), *range(70, 30, -1)])
    assert_same(pictures(visitor), wanted)


def test_the_outline_follows_the_hand_where_it_will_rest(visitor):
    slide_on(visitor, range(40, 61))
    following = visitor.canvas(".seen")[..., 3] > 0
    visitor.settle()
    resting = visitor.canvas(".outline")[..., 3] > 0
    assert following.any() and (following != resting).any()  # it was drawn in another way
    around = np.ones((5, 5), np.uint8)
    for one, other in ((following, resting), (resting, following)):
        assert not (one & (cv2.dilate(other.astype(np.uint8), around) == 0)).any()


def test_scraps_that_come_and_go_leave_nothing_behind(visit):
    grey = np.full((480, 640, 3), 60, np.uint8)
    for left, top, side, red in ((60, 60, 220, 250), (420, 40, 60, 190), (500, 330, 90, 150), (330, 400, 30, 240)):
        grey[top : top + side, left : left + side, 0] = red
    visitor = visit()
    visitor.show("scraps.jpg", as_jpeg(grey))
    visitor.slide(40)
    wanted = pictures(visitor)
    slide_on(visitor, [*range(40, 90, 3), *range(90, 40, -1), 41, 40])
    assert_same(pictures(visitor), wanted)


def test_a_stroke_leaves_what_it_leaves_when_it_is_opened_again(visitor):
    visitor.tab.click("button.correct")
    visitor.tab.click("[data-brush=erase]")
    box = visitor.tab.locator(".easel").bounding_box()
    visitor.tab.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"])
    visitor.tab.mouse.down()
    visitor.tab.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"], steps=12)
    visitor.tab.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.7 * box["height"], steps=12)
    visitor.tab.mouse.up()
    visitor.tab.click(".done")
    visitor.tab.mouse.move(2, 2)
    stroked = pictures(visitor)
    visitor.tab.wait_for_timeout(900)  # until it is kept
    visitor.tab.reload()
    visitor.ready()
    visitor.tab.locator(".recents button").first.click()
    visitor.ready()
    assert_same(stroked, pictures(visitor))
