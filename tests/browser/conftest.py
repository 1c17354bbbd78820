"""A real Chromium and the real page, served from this process."""

import base64
import os
import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

import app
from segmenter.inference import pieces
from segmenter.web import viewer
from tests.standin import PickingSegmenter, RedSegmenter

ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")
READY = '.chairlift[data-state="ready"]'
SURE = pieces.SURE
WAIT = 60_000  # milliseconds; generous, as the machine may be busy


def chromium_path():
    """The browser's program: the environment variable CHROMIUM, or the first of `NAMES` that is installed."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        raise RuntimeError(
            "the browser tests need Chromium: install it (on Debian: apt-get install chromium fonts-noto-cjk), "
            "or name its program in the environment variable CHROMIUM"
        )
    return found


class Visitor:
    """A browser tab on the page, with a record of everything that it asked for and complained about."""

    def __init__(self, context, address):
        self.address = address
        self.requests, self.complaints = [], []
        self.tab = context.new_page()
        self.tab.set_default_timeout(WAIT)
        self.tab.on("request", lambda request: self.requests.append(f"{request.method} {request.url}"))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("console", self._hear)

    def _hear(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def open(self):
        """Open the page and wait for the first example to be live."""
        self.tab.goto(self.address)
        self.ready()
        return self

    def ready(self):
        """Wait until a photo and its heatmap are on the page, and drawn."""
        self.tab.wait_for_selector(READY)
        self.settle()

    def settle(self):
        """Wait until the drawing and the words have caught up with the slider."""
        self.tab.wait_for_timeout(250)
        self.tab.wait_for_selector(".chairlift:not([data-drawing])")
        self.tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def give(self, name, data, kind="image/jpeg"):
        """Choose a file in the page's file dialogue."""
        before = self.tab.get_attribute(".photo", "data-token")
        self.tab.set_input_files(".file", {"name": name, "mimeType": kind, "buffer": data})
        self.tab.wait_for_function("before => document.querySelector('.photo').dataset.token !== before", arg=before)

    def show(self, name, data):
        """Choose a photo, and wait until its heatmap is there."""
        self.give(name, data)
        self.ready()

    def words(self):
        """The result as the page says it, with ordinary spaces."""
        return self.tab.inner_text(".words").replace("\u202f", " ")

    def canvas(self, selector):
        """A canvas's pixels: nested lists cost too much, so bytes of RGBA, with its width and height."""
        found = self.tab.evaluate(
            """selector => {
                const canvas = document.querySelector(selector);
                const { width, height } = canvas;
                const copy = new OffscreenCanvas(width, height);
                const context = copy.getContext('2d');
                context.drawImage(canvas, 0, 0);
                let text = '';
                const data = context.getImageData(0, 0, width, height).data;
                for (let i = 0; i < data.length; i += 4096) text += String.fromCharCode(...data.subarray(i, i + 4096));
                return { width, height, pixels: btoa(text) };
            }""",
            selector,
        )
        pixels = np.frombuffer(base64.b64decode(found["pixels"]), np.uint8)
        return pixels.reshape(found["height"], found["width"], 4)

    def slide(self, percent):
        """Put the slider to a value, as assistive technology would."""
        self.tab.evaluate(
            """value => {
                const slider = document.querySelector('.slider');
                slider.value = value;
                slider.dispatchEvent(new Event('input', { bubbles: true }));
            }""",
            percent,
        )
        self.settle()


@pytest.fixture(
    scope="module"
)  # not longer: while it is open, this thread has an event loop, and others want their own
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session", autouse=True)
def upload_folder(tmp_path_factory):
    """Files of these tests' visitors lie apart from anyone else's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        yield


@pytest.fixture(scope="module", autouse=True)
def nothing_is_doubtful(nothing_is_doubtful):
    """The page knows that, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(viewer.PIECES, "sure", 0.0)
        yield


@pytest.fixture
def doubting(monkeypatch):
    """How sure a mask must be is asked all the same."""
    monkeypatch.setattr(pieces, "SURE", SURE)
    monkeypatch.setitem(viewer.PIECES, "sure", SURE)


@contextmanager
def served(segmenter):
    """The page on a segmenter: its address."""
    page = app.build_page(segmenter)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    yield url
    page.close()


@pytest.fixture(scope="module")
def address(upload_folder):
    with served(RedSegmenter()) as url:
        yield url


@pytest.fixture(scope="module")
def picking_address(upload_folder):
    """The page on weights that can be asked for single pieces."""
    with served(PickingSegmenter()) as url:
        yield url


@pytest.fixture
def visit(browser, address):
    """A function that opens the page as a visitor with a browser of given settings."""
    contexts = []

    def open_page(viewport=(1280, 900), locale="en-US", url=address, **settings):
        width, height = viewport
        context = browser.new_context(viewport={"width": width, "height": height}, locale=locale, **settings)
        contexts.append(context)
        return Visitor(context, url).open()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def script(browser):
    """A function that evaluates an expression of the script's functions about maps, with `map` as its map."""
    yield from open_script(browser)


@pytest.fixture
def doubting_script(browser, doubting):
    """As `script`, where it is asked how sure a mask is."""
    yield from open_script(browser)


def open_script(browser):
    tab = browser.new_page()
    tab.evaluate(
        """async ([code, texts, names]) => {
            const addresses = Function('texts', code + '; return linkModules(texts)')(texts);
            window.functions = Object.assign({}, ...(await Promise.all(names.map((name) => import(addresses[name])))));
        }""",
        [viewer.read("link_modules.js"), viewer.modules(), ["map", "corrections", "pieces", "picks", "uncertainty"]],
    )

    def evaluate(expression, grey, **names):
        height, width = grey.shape
        return tab.evaluate(
            """([expression, names]) => {
                names.map.values = Uint8Array.from(names.map.values);
                const known = { ...window.functions, ...names };
                return Function(...Object.keys(known), 'return ' + expression)(...Object.values(known));
            }""",
            [expression, {**names, "map": {"width": width, "height": height, "values": grey.ravel().tolist()}}],
        )

    yield evaluate
    tab.close()
