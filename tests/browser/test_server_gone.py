"""The server goes away, and comes back: the page says so in its own words, loses nothing, and goes on."""

import threading

import numpy as np
import pytest

import app
from tests.browser.test_page import CHAIR, download, expected
from tests.standin import RedSegmenter, as_jpeg, red_disc

BANNER = ".banner:not([hidden])"


@pytest.fixture
def visitor(visit):
    """With a photo on the page. What the browser says of failed requests does not count."""
    visitor = visit()
    visitor.show("chair.jpg", CHAIR)
    return visitor


def lose(visitor):
    visitor.tab.context.set_offline(True)


def find_again(visitor):
    visitor.tab.context.set_offline(False)


def test_a_download_without_a_server_says_so_and_works_once_it_is_back(visitor):
    visitor.tab.evaluate("window.here = true")
    lose(visitor)
    visitor.tab.click(".download")
    visitor.tab.wait_for_selector(BANNER)
    assert "cannot be reached" in visitor.tab.inner_text(".banner")
    visitor.tab.wait_for_function("document.querySelector('.words').textContent.includes('cannot be reached')")
    assert visitor.tab.locator(".toast-body:visible").count() == 0  # Gradio's own words
    assert visitor.tab.is_enabled(".download")
    find_again(visitor)
    visitor.tab.wait_for_selector(".banner", state="hidden")
    assert visitor.words().startswith("One piece")
    assert visitor.tab.evaluate("window.here")  # the page was not loaded anew
    np.testing.assert_array_equal(download(visitor)[1], expected(CHAIR, 0.5))


def test_a_photo_that_did_not_arrive_is_sent_once_the_server_is_back(visitor):
    lose(visitor)
    visitor.give("other.jpg", CHAIR)
    visitor.tab.wait_for_selector('.chairlift[data-state="problem"]')
    assert "cannot be reached" in visitor.tab.inner_text(".problem")
    assert visitor.tab.is_visible(".problem button")
    find_again(visitor)
    visitor.ready()
    assert visitor.tab.get_attribute(".photo", "aria-label").startswith("other.jpg")


def test_a_question_without_an_answer_has_an_end_and_can_be_asked_again(visitor):
    visitor.tab.clock.install()
    visitor.tab.route("**/component_server*", lambda route: None)  # it never gets there
    visitor.tab.click('[data-example="10_yellow_sofa"]')
    visitor.tab.wait_for_selector('.chairlift[data-state="waiting"]')
    visitor.tab.clock.fast_forward("10:00")
    visitor.tab.wait_for_selector('.chairlift[data-state="problem"]')
    assert "try again" in visitor.tab.inner_text(".problem")
    visitor.tab.unroute_all(behavior="ignoreErrors")
    visitor.tab.click(".problem button")
    visitor.tab.wait_for_selector('.chairlift[data-state="ready"]')


def test_a_server_that_starts_anew_answers_the_open_page(visit):
    page = app.build_page(RedSegmenter())
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    visitor = visit(url=url)
    visitor.give("chair.jpg", CHAIR)
    visitor.ready()
    visitor.tab.evaluate("window.here = true")
    page.close()
    again = app.build_page(RedSegmenter())
    try:
        visitor.tab.click(".download")
        visitor.tab.wait_for_selector(BANNER)
        again.launch(
            server_port=int(url.rstrip("/").rpartition(":")[2]),
            prevent_thread_lock=True,
            quiet=True,
            **app.launch_options(),
        )
        visitor.tab.wait_for_selector(".banner", state="hidden")
        assert visitor.tab.evaluate("window.here")
        np.testing.assert_array_equal(download(visitor)[1], expected(CHAIR, 0.5))
    finally:
        again.close()


def test_many_photos_wait_for_the_server(visit):
    visitor = visit()
    visitor.tab.click(".places [data-place=many]")
    files = [{"name": f"{i}.jpg", "mimeType": "image/jpeg", "buffer": CHAIR} for i in range(4)]
    visitor.tab.set_input_files(".many-file", files)
    lose(visitor)
    visitor.tab.click(".many-start")
    visitor.tab.wait_for_selector(BANNER)
    assert visitor.tab.locator(".many-problems li").count() == 0
    find_again(visitor)
    visitor.tab.wait_for_selector(".many-zip:not([hidden])")
    assert "4 of 4" in visitor.tab.inner_text(".many-message")
    assert visitor.tab.locator(".many-problems li").count() == 0


@pytest.mark.parametrize("width", [360, 1280])
def test_how_much_has_been_sent_is_seen_on_the_photo(visit, width):
    visitor = visit(viewport=(width, 740))
    session = visitor.tab.context.new_cdp_session(visitor.tab)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 60_000}
    session.send("Network.emulateNetworkConditions", slow)
    visitor.give("chair.jpg", CHAIR + bytes(200_000))
    visitor.tab.wait_for_function("document.querySelector('.stage progress').value > 0.05")
    assert visitor.tab.is_visible(".stage progress")
    session.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    visitor.ready()
    assert not visitor.tab.is_visible(".stage progress")


def test_a_place_in_line_is_said(visit, monkeypatch):
    free = threading.Event()
    whole = RedSegmenter.probabilities

    def wait(self, photo):
        free.wait(60)
        return whole(self, photo)

    monkeypatch.setattr(RedSegmenter, "probabilities", wait)
    visitors = [visit() for _ in range(app.AT_ONCE + 2)]
    for number, visitor in enumerate(visitors):
        visitor.give(f"{number}.jpg", as_jpeg(red_disc(96, 72, radius=0.2 + 0.01 * number)))
        visitor.tab.wait_for_selector('.chairlift[data-state="waiting"][data-shown="yes"]')
    visitors[-1].tab.wait_for_function("/before yours/.test(document.querySelector('.words').textContent)")
    free.set()
    for visitor in visitors:
        visitor.ready()
