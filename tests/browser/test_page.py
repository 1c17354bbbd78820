"""What a visitor does on the page, in real Chromium, down to the pixels of the downloaded file."""

import re
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from gradio.utils import get_upload_folder
from PIL import Image

import app
from segmenter import Segmenter, open_photo
from segmenter.render import uncertainty
from segmenter.render.cutout import cut
from segmenter.render.encode import to_png
from tests.standin import BROKEN_SIDE, RedSegmenter, as_jpeg, red_disc

# 4:3 and larger than what is sent to the browser, so that the downloaded file shows what the server kept.
CHAIR = as_jpeg(red_disc(1600, 1200), turned=True)


@pytest.fixture
def visitor(visit):
    visitor = visit()
    yield visitor
    assert visitor.complaints == []
    strange = [r for r in visitor.requests if not r.split(" ", 1)[1].startswith((visitor.address, "data:", "blob:"))]
    assert strange == [], "the page asked hosts other than its own"


def expected(data, threshold, segmenter=None):
    photo = open_photo(data)
    return cut(photo, (segmenter or RedSegmenter()).probabilities(photo), threshold)


def download(visitor):
    """Click the button; (name of the file, its pixels)."""
    with visitor.tab.expect_download() as caught:
        visitor.tab.click(".download")
    with Image.open(caught.value.path()) as picture:
        assert picture.mode == "RGBA"
        return caught.value.suggested_filename, np.array(picture)


def test_something_good_is_there_before_anything_is_uploaded(visitor):
    assert visitor.tab.get_attribute(".examples button", "aria-pressed") == "true"
    assert visitor.canvas(".heat")[..., 3].max() > 0
    assert visitor.words()


def test_an_upload_becomes_heatmap_outline_cutout_and_words(visitor):
    visitor.give("my chair.jpg", CHAIR)
    visitor.ready()
    photo = open_photo(CHAIR)
    probabilities = RedSegmenter().probabilities(photo)

    shown = visitor.canvas(".photo")  # upright, though the file lies on its side
    assert shown.shape[:2] == (960, 1280)
    small = cv2.resize(photo, (1280, 960), interpolation=cv2.INTER_AREA)
    assert np.abs(shown[..., :3].astype(int) - small).mean() < 4

    heat = visitor.canvas(".heat")  # where it is surest, yellow; where not, a shade
    middle, corner = heat[heat.shape[0] // 2, int(0.4 * heat.shape[1])], heat[5, 5]
    assert middle[0] > 220 and 180 < middle[1] < 230 and middle[2] < 40 and middle[3] > 150
    assert corner[:3].max() < 10 and 80 < corner[3] < 120

    said = visitor.words()
    (coverage,) = map(int, re.findall(r"(\d+) %", said))
    assert abs(coverage - 100 * (probabilities >= 0.5).mean()) < 1
    check = uncertainty.find(cv2.resize(probabilities, (480, 360), interpolation=cv2.INTER_AREA))["check"]
    assert said == f"One piece of furniture, {coverage} % of the photo. " + (
        f"Check {check} place" if check else "Looks clean."
    )
    assert visitor.tab.inner_text(".size").startswith("1600 × 1200")


def test_the_outline_lies_where_the_threshold_is(visitor):
    visitor.give("chair.jpg", CHAIR)
    visitor.ready()
    visitor.slide(60)
    line = visitor.canvas(".outline")
    mask = cv2.resize(RedSegmenter().probabilities(open_photo(CHAIR)), (line.shape[1], line.shape[0])) >= 0.6
    edge = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    near = cv2.dilate(edge.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert line[..., 3][edge].mean() > 150
    assert line[..., 3][~near].max() == 0


def test_the_cutout_shown_is_the_cutout_downloaded(visitor):
    visitor.give("chair.jpg", CHAIR)
    visitor.ready()
    for threshold in (20, 50, 85):
        visitor.slide(threshold)
        alpha = visitor.canvas(".cutout")[..., 3].astype(int)
        wanted = cv2.resize(expected(CHAIR, threshold / 100)[..., 3], alpha.shape[::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(alpha - wanted).mean() < 2.5


def test_dragging_the_slider_by_mouse_asks_the_server_nothing(visitor):
    visitor.give("chair.jpg", CHAIR)
    visitor.ready()
    box = visitor.tab.locator(".sureness .slider").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = visitor.canvas(".outline"), visitor.canvas(".cutout"), visitor.words()
    visitor.requests.clear()
    visitor.tab.mouse.move(x, y)
    visitor.tab.mouse.down()
    for step in range(1, 31):
        visitor.tab.mouse.move(x + step * box["width"] / 90, y)
    visitor.settle()
    after = visitor.canvas(".outline"), visitor.canvas(".cutout"), visitor.words()
    visitor.tab.mouse.up()
    visitor.tab.wait_for_timeout(500)
    assert visitor.requests == []
    assert (before[0] != after[0]).any()
    assert (before[1] != after[1]).any()
    assert before[2] != after[2]


def test_the_slider_obeys_the_keyboard_and_asks_the_server_nothing(visitor):
    visitor.give("chair.jpg", CHAIR)
    visitor.ready()
    visitor.tab.focus(".slider")
    before = visitor.canvas(".cutout"), int(visitor.tab.input_value(".slider"))
    visitor.requests.clear()
    for _ in range(12):
        visitor.tab.keyboard.press("ArrowRight")
    visitor.settle()
    assert int(visitor.tab.input_value(".slider")) == before[1] + 12
    assert visitor.tab.get_attribute(".slider", "aria-valuetext").startswith(str(before[1] + 12))
    assert (visitor.canvas(".cutout") != before[0]).any()
    assert visitor.requests == []


def test_a_frame_of_the_slider_costs_little_more_than_touching_every_pixel(visitor):
    """Medians of frames that take turns, as machines differ: one of the slider's, one of a plain pass over the photo."""
    visitor.give("chair.jpg", CHAIR)
    visitor.ready()
    slider, plain = visitor.tab.evaluate(
        """async () => {
            const slider = document.querySelector('.slider'), canvas = document.createElement('canvas');
            const photo = document.querySelector('.stage canvas'), median = times => times.sort((a, b) => a - b)[20];
            canvas.width = photo.width; canvas.height = photo.height;
            const context = canvas.getContext('2d', { willReadFrequently: true }), times = { slider: [], plain: [] };
            function pass() {
                const picture = context.getImageData(0, 0, canvas.width, canvas.height);
                for (let i = 0; i < picture.data.length; i++) picture.data[i] = (picture.data[i] + 1) & 255;
                context.putImageData(picture, 0, 0);
            }
            function frame(ask, into) {
                ask(); // for something to be done in the next frame
                return new Promise(done => requestAnimationFrame(start => {
                    const channel = new MessageChannel(); // heard when this frame's drawing is done
                    channel.port1.onmessage = () => { into.push(performance.now() - start); done(); };
                    channel.port2.postMessage(0);
                }));
            }
            for (let i = 0; i < 40; i++) {
                slider.value = 30 + i;
                await frame(() => slider.dispatchEvent(new Event('input', { bubbles: true })), times.slider);
                await frame(() => requestAnimationFrame(pass), times.plain);
            }
            return [median(times.slider), median(times.plain)];
        }"""
    )
    assert slider < 5 * plain, (slider, plain)


def test_the_downloaded_file_is_the_cutout_to_the_pixel(visitor):
    visitor.give("my chair.jpg", CHAIR)
    visitor.ready()
    visitor.slide(40)
    name, pixels = download(visitor)
    assert name == "my chair-cutout.png"
    assert pixels.shape == (1200, 1600, 4)
    np.testing.assert_array_equal(pixels, expected(CHAIR, 0.4))
    visitor.slide(70)
    np.testing.assert_array_equal(download(visitor)[1], expected(CHAIR, 0.7))


def test_a_photo_deleted_meanwhile_is_sent_again_by_itself(visitor):
    visitor.give("chair.jpg", CHAIR)
    visitor.ready()
    for path in Path(get_upload_folder()).rglob("chair.jpg"):
        path.unlink()
    np.testing.assert_array_equal(download(visitor)[1], expected(CHAIR, 0.5))


def test_each_example_is_one_click(visitor):
    buttons = visitor.tab.locator(".examples button")
    assert buttons.count() == len(app.SHOWN)
    for button in (buttons.nth(2), buttons.last):
        before = visitor.canvas(".photo")
        button.click()
        visitor.ready()
        assert button.get_attribute("aria-pressed") == "true"
        after = visitor.canvas(".photo")
        assert after.shape != before.shape or (after != before).any()


def test_an_example_can_be_downloaded(visitor):
    path = app.EXAMPLES / f"{app.SHOWN[1]}.jpg"
    visitor.tab.click(f'[data-example="{path.stem}"]')
    visitor.ready()
    name, pixels = download(visitor)
    assert name == f"{path.stem}-cutout.png"
    np.testing.assert_array_equal(pixels, expected(path.read_bytes(), 0.5))


def test_a_photo_can_be_pasted(visitor):
    paste_or_drop(visitor, "paste")


def test_a_photo_can_be_dropped(visitor):
    paste_or_drop(visitor, "drop")


def paste_or_drop(visitor, event):
    visitor.tab.evaluate(
        """async ([event, bytes]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], 'chair.jpg', { type: 'image/jpeg' }));
            const options = { bubbles: true, cancelable: true };
            document.dispatchEvent(event === 'paste'
                ? new ClipboardEvent('paste', { ...options, clipboardData: files })
                : new DragEvent('drop', { ...options, dataTransfer: files }));
        }""",
        [event, list(as_jpeg(red_disc(320, 240)))],
    )
    visitor.tab.wait_for_function("document.querySelector('.size').textContent.startsWith('320 × 240')")
    visitor.ready()


def test_the_camera_takes_a_photo(visit):
    visitor = visit(permissions=["camera"])
    visitor.tab.click("[data-do=openCamera]")
    visitor.tab.wait_for_function("document.querySelector('video').videoWidth > 0")
    visitor.tab.click(".shoot")
    visitor.tab.wait_for_selector(".camera", state="hidden")
    visitor.ready()
    assert visitor.tab.get_attribute(".photo", "aria-label").startswith("camera.jpg")
    assert visitor.complaints == []


def test_a_photo_shows_before_the_network_is_done(visitor, monkeypatch):
    slow = RedSegmenter.probabilities

    def wait_first(self, photo):
        released.wait(30)
        return slow(self, photo)

    released = threading.Event()
    monkeypatch.setattr(RedSegmenter, "probabilities", wait_first)
    visitor.give("chair.jpg", as_jpeg(red_disc(400, 300)))
    visitor.tab.wait_for_selector('.chairlift[data-state="waiting"][data-shown="yes"]')
    visitor.tab.wait_for_function("document.querySelector('.words').textContent.startsWith('Looking')")
    assert visitor.canvas(".photo")[150, 160, 0] > 180  # the disc's red
    released.set()
    visitor.ready()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG is a drawing"),
        ("broken.jpg", CHAIR[:5000], "damaged"),
        ("empty.jpg", b"", "empty"),
        ("page.pdf", b"%PDF-1.7", "PDF document"),
    ],
)
def test_a_bad_file_is_answered_in_plain_words(visitor, name, data, words):
    visitor.give(name, data)
    visitor.tab.wait_for_selector('.chairlift[data-state="problem"]')
    assert words in visitor.tab.inner_text(".problem")
    assert visitor.tab.is_disabled(".download")
    visitor.give("chair.jpg", CHAIR)  # and one can go on
    visitor.ready()


def test_a_fault_of_ours_is_no_endless_wait(visit):
    visitor = visit()
    visitor.give("strange.png", to_png(red_disc(BROKEN_SIDE, 10)), "image/png")
    visitor.tab.wait_for_selector('.chairlift[data-state="problem"]')
    assert "try again" in visitor.tab.inner_text(".problem")


def test_a_photo_without_furniture_says_what_to_try(visitor):
    visitor.give("wall.png", to_png(np.full((300, 400, 3), 128, np.uint8)), "image/png")
    visitor.ready()
    assert visitor.words().startswith("No furniture found. Try ")
    assert visitor.tab.is_disabled(".download")


def test_chinese_by_the_browser_and_by_choice(visit):
    visitor = visit(locale="zh-CN")
    tab = visitor.tab
    assert tab.get_attribute("html", "lang") == "zh-CN"
    assert tab.inner_text(".download") == "下载 PNG"
    visitor.give("x.svg", b"<svg/>", "image/svg+xml")
    tab.wait_for_selector('.chairlift[data-state="problem"]')
    assert "SVG 是图形" in tab.inner_text(".problem")
    tab.click(".language")
    assert tab.inner_text(".download") == "Download PNG"
    assert "SVG is a drawing" in tab.inner_text(".problem")
    visitor.open()
    assert tab.get_attribute("html", "lang") == "en"
    assert visitor.complaints == []


def brightness(visitor):
    colour = visitor.tab.evaluate("getComputedStyle(document.body).backgroundColor")
    return np.mean([int(part) for part in re.findall(r"\d+", colour)[:3]])


def test_dark_and_light_follow_the_browser(visit):
    assert brightness(visit(color_scheme="light")) > 200
    assert brightness(visit(color_scheme="dark")) < 60


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_phone_scrolls_down_only(visit, locale):
    visitor = visit(viewport=(390, 844), locale=locale, is_mobile=True, has_touch=True, device_scale_factor=2)
    for example in ("10_yellow_sofa", "04_two_chairs_at_table"):
        visitor.tab.click(f'[data-example="{example}"]')
        visitor.ready()
        assert visitor.tab.evaluate("document.documentElement.scrollWidth") == 390
    assert visitor.tab.locator(".sureness .slider").bounding_box()["width"] > 300
    assert visitor.complaints == []


def test_everything_can_be_reached_by_keyboard_and_has_a_name(visitor):
    reached = []
    visitor.tab.evaluate("document.activeElement.blur()")
    for _ in range(45):
        visitor.tab.keyboard.press("Tab")
        reached.append(
            visitor.tab.evaluate(
                "(a => a.closest('.chairlift') ? [a.dataset.do || a.className || a.dataset.example, "
                "a.getAttribute('aria-label') || a.textContent.trim() || a.labels?.[0]?.textContent] : null)(document.activeElement)"
            )
        )
    reached = [item for item in reached if item]
    assert {
        "choose",
        "openCamera",
        "heat",
        "slider",
        "save",
        "language",
        "programs",
        "view",
        "correct",
        "copyLink",
    } <= {what for what, _ in reached}
    assert all(name for _, name in reached)


def test_the_heatmap_can_be_taken_away(visitor):
    visitor.tab.click("[data-do=heat]")
    assert visitor.tab.get_attribute("[data-do=heat]", "aria-pressed") == "false"
    visitor.tab.wait_for_function("getComputedStyle(document.querySelector('.heat')).opacity === '0'")


def test_reduced_motion_is_respected(visit):
    visitor = visit(reduced_motion="reduce")
    assert visitor.tab.evaluate("getComputedStyle(document.querySelector('.heat')).transitionDuration") == "0s"


def test_the_endpoints_are_explained(visit):
    visitor = visit()  # Gradio's explanation asks for things that are not there, so complaints do not count
    visitor.tab.click("[data-do=programs]")
    visitor.tab.wait_for_selector("text=How probably each pixel of a photo is furniture >> visible=true")  # as a tool
    visitor.tab.click("text=Python >> visible=true")
    visitor.tab.wait_for_selector("text=/probability >> visible=true")


def test_the_real_weights_find_a_real_chair(visit):
    """From the bundled weights to the downloaded file: what `python app.py` serves."""
    segmenter = Segmenter.load()
    page = app.build_page(segmenter)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    try:
        visitor = visit(url=url)
        assert "of the photo" in visitor.words()
        _, pixels = download(visitor)
        first = app.EXAMPLES / f"{app.SHOWN[0]}.jpg"
        threshold = round(100 * segmenter.threshold) / 100
        np.testing.assert_array_equal(pixels, expected(first.read_bytes(), threshold, segmenter))
        assert visitor.complaints == []
    finally:
        page.close()
