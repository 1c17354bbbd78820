"""What a visitor sees while others come first, and where there is no room."""

import threading

import pytest

import app
from tests.standin import RedSegmenter, as_jpeg, red_disc

SLOW_WIDTH = 77  # a photo of this width is worked on until it is let go


@pytest.fixture(scope="module")
def let_go():
    return threading.Event()


@pytest.fixture(scope="module")
def address(upload_folder, let_go):
    class Slow(RedSegmenter):
        def probabilities(self, photo):
            if photo.shape[1] == SLOW_WIDTH:
                let_go.wait(120)
            return super().probabilities(photo)

    page = app.build_page(Slow())
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    yield url
    let_go.set()
    page.close()


def test_who_waits_sees_how_many_come_first(visit, let_go):
    visitors = [visit() for _ in range(4)]
    slow = as_jpeg(red_disc(SLOW_WIDTH, 60))
    for visitor in visitors[:3]:  # two are worked on at a time
        visitor.give("slow.jpg", slow)
        visitor.tab.wait_for_function("() => document.querySelector('.words').textContent.includes('Looking')")
        visitor.tab.wait_for_timeout(500)
    visitors[3].give("slow.jpg", slow)
    visitors[3].tab.click(".language")
    visitors[3].tab.wait_for_function("() => document.querySelector('.words').textContent.includes('前面还有 1 张')")
    visitors[2].tab.goto("about:blank")  # who leaves is no longer waited for
    visitors[3].tab.wait_for_function("() => document.querySelector('.words').textContent.includes('正在找家具')")
    let_go.set()
    for visitor in (*visitors[:2], visitors[3]):
        visitor.ready()
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
