"""What a visitor has done outlives a click on something else and a reload, on their own device alone."""

import numpy as np
import pytest

from tests.browser.test_page import download
from tests.browser.test_studio import PHOTO, RING, at, drag, set_range
from tests.standin import as_jpeg, red_disc

OTHER = as_jpeg(red_disc(320, 240))
RECENT = ".recents button"


@pytest.fixture
def visitor(visit):
    """With a photo that was corrected, a threshold of 40 %, and a shadow."""
    visitor = visit()
    visitor.show("ring.jpg", PHOTO)
    visitor.slide(40)
    visitor.tab.click("button.correct")
    visitor.tab.click("[data-brush=erase]")
    drag(visitor, (0.1, 0.72), (0.6, 0.72))
    visitor.tab.click(".done")
    set_range(visitor, "shadow", 0.5)
    visitor.tab.wait_for_selector(RECENT)
    visitor.tab.wait_for_timeout(1200)  # until the last change is kept
    yield visitor
    assert visitor.complaints == []


def is_as_it_was(visitor, before):
    visitor.ready()
    assert visitor.tab.input_value(".slider") == "40"
    assert visitor.tab.input_value(".finish [name=shadow]") == "0.5"
    after = visitor.canvas(".cutout")
    assert at(after, RING)[3] < 255  # erased; a shadow may lie there
    np.testing.assert_array_equal(after, before)


def test_a_click_on_an_example_loses_nothing(visitor):
    before = visitor.canvas(".cutout")
    visitor.tab.click('[data-example="10_yellow_sofa"]')
    visitor.ready()
    visitor.tab.click(RECENT)
    visitor.tab.wait_for_function("document.querySelector('.photo').getAttribute('aria-label').startsWith('ring.jpg')")
    is_as_it_was(visitor, before)
    visitor.tab.keyboard.press("Control+z")  # even the correction can be undone
    visitor.settle()
    assert at(visitor.canvas(".cutout"), RING)[3] == 255
    assert visitor.tab.locator(RECENT).count() == 1


def test_a_reload_loses_nothing(visitor):
    before = visitor.canvas(".cutout")
    visitor.open()
    visitor.tab.click(RECENT)
    visitor.tab.wait_for_function("document.querySelector('.photo').getAttribute('aria-label').startsWith('ring.jpg')")
    is_as_it_was(visitor, before)
    assert download(visitor)[0] == "ring-cutout.png"


def test_the_latest_come_first_and_one_click_clears_them(visitor):
    visitor.give("other.jpg", OTHER)
    visitor.ready()
    visitor.tab.wait_for_function("document.querySelectorAll('.recents button').length === 2")
    titles = [button.get_attribute("title") for button in visitor.tab.locator(RECENT).all()]
    assert titles == ["other.jpg", "ring.jpg"]
    visitor.tab.click("[data-do=forgetRecents]")
    visitor.tab.wait_for_selector(".recent", state="hidden")
    visitor.open()
    visitor.tab.wait_for_timeout(500)
    assert visitor.tab.locator(RECENT).count() == 0


def test_another_visitor_sees_none_of_it(visitor, visit):
    assert visit().tab.locator(RECENT).count() == 0


def test_an_example_that_was_only_looked_at_is_not_kept(visit):
    visitor = visit()
    visitor.tab.click('[data-example="10_yellow_sofa"]')
    visitor.ready()
    visitor.tab.wait_for_timeout(1200)
    assert visitor.tab.locator(RECENT).count() == 0


def test_another_photo_begins_with_the_usual_threshold(visitor):
    visitor.give("other.jpg", OTHER)
    visitor.ready()
    assert visitor.tab.input_value(".slider") == "50"
    assert "threshold" not in visitor.tab.evaluate("location.hash")
    visitor.slide(70)
    visitor.tab.click('[data-example="10_yellow_sofa"]')
    visitor.ready()
    assert visitor.tab.input_value(".slider") == "50"


def test_leaving_a_batch_that_was_not_downloaded_asks_first(visit):
    visitor, asked = visit(), []
    visitor.tab.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    visitor.tab.click(".places [data-place=many]")
    visitor.tab.set_input_files(".many-file", [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": OTHER}])
    visitor.tab.click(".many-start")
    visitor.tab.wait_for_selector(".many-zip:not([hidden])")
    visitor.tab.reload()
    assert asked == ["beforeunload"]
    visitor.ready()
    visitor.tab.reload()  # there is nothing to lose now
    assert asked == ["beforeunload"]
