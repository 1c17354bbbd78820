"""What a visitor sees while others come first, and where there is no room."""

import threading

import pytest

import app
from tests.standin import RedSegmenter, as_jpeg, red_disc

SLOW_WIDTH = 77  # a photo of this width is worked on until it is let go


@pytest.fixture(scope="module")
def released():
    return threading.Event()


@pytest.fixture
def let_go(released):
    """What lets the slow photos go: nothing does before the test says so."""
    released.clear()
    yield released
    released.set()


@pytest.fixture(scope="module")
def address(upload_folder, released):
    class Slow(RedSegmenter):
        def probabilities(self, photo):
            if photo.shape[1] == SLOW_WIDTH:
                released.wait(120)
            return super().probabilities(photo)

    page = app.build_page(Slow())
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    yield url
    released.set()
    page.close()


def test_who_waits_sees_how_many_come_first(visit, let_go):
    visitors = [visit() for _ in range(4)]
    slow = as_jpeg(red_disc(SLOW_WIDTH, 60))
    for visitor in visitors[:3]:  # two are worked on at a time, and count as well
        visitor.give("slow.jpg", slow)
        visitor.tab.wait_for_function("() => document.querySelector('.words').textContent.includes('Looking')")
        visitor.tab.wait_for_timeout(500)
    visitors[3].give("slow.jpg", slow)
    visitors[3].tab.click(".language")
    visitors[3].tab.wait_for_function("() => document.querySelector('.words').textContent.includes('前面还有 3 张')")
    visitors[2].tab.goto("about:blank")  # who leaves is no longer waited for
    visitors[3].tab.wait_for_function("() => document.querySelector('.words').textContent.includes('前面还有 2 张')")
    let_go.set()
    for visitor in (*visitors[:2], visitors[3]):
        visitor.ready()
        assert visitor.complaints == []


def test_who_waits_with_many_photos_sees_it_too(visit, let_go):
    visitors = [visit() for _ in range(3)]
    files = [
        {"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": as_jpeg(red_disc(SLOW_WIDTH, 60 + n))} for n in (1, 2)
    ]
    for visitor, chosen in zip(visitors, (files, files[:1], files)):  # one photo of many is worked on at a time
        visitor.tab.click(".places [data-place=many]")
        visitor.tab.set_input_files(".many-file", chosen)
        visitor.tab.click(".many-start")
        visitor.tab.wait_for_selector(".many-list [data-state=working]")
        visitor.tab.wait_for_timeout(500)
    says = "words => document.querySelector('.many-message').textContent === words"
    visitors[1].tab.wait_for_function(says, arg="2 photos are before yours…")
    visitors[2].tab.click(".language")
    visitors[2].tab.wait_for_function(says, arg="前面还有 3 张，请稍等…")
    visitors[1].tab.goto("about:blank")  # who leaves is no longer waited for
    visitors[2].tab.wait_for_function(says, arg="前面还有 2 张，请稍等…")
    assert "before" not in visitors[0].tab.inner_text(".many-message")  # one's own photos are not counted
    let_go.set()
    for visitor in (visitors[0], visitors[2]):
        visitor.tab.wait_for_selector(".many[data-many=ready] .many-zip:not([hidden])")
        assert visitor.complaints == []


def test_a_full_server_is_said_in_words(visit, monkeypatch):
    monkeypatch.setenv("SEGMENTER_DISK", "1")
    page = app.build_page(RedSegmenter())
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    try:
        visitor = visit(url=url)
        visitor.give("large.bmp", b"BM" + bytes(2 * 2**20), "image/bmp")
        visitor.tab.wait_for_selector('.chairlift[data-state="problem"]')
        assert "no room" in visitor.tab.inner_text(".problem")
    finally:
        page.close()
