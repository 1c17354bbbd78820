"""Many photos at once, as a visitor sees them: progress, cancelling, the doubtful ones first, and the zip."""

import csv
import io
import re
import threading
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from gradio.utils import get_upload_folder

from segmenter import Choices, open_photo, produce
from segmenter.render.encode import to_png
from segmenter.web import batch_handlers
from segmenter.web.live_weights import LiveWeights, Weights
from segmenter.web.uploads import Uploads
from tests.browser.conftest import WAIT
from tests.browser.test_page import CHAIR
from tests.standin import RedSegmenter, as_jpeg, red_disc


@pytest.fixture
def visitor(visit):
    visitor = visit()
    visitor.tab.click(".places [data-place=many]")
    yield visitor
    assert visitor.complaints == []
    strange = [r for r in visitor.requests if not r.split(" ", 1)[1].startswith((visitor.address, "data:", "blob:"))]
    assert strange == [], "the page asked hosts other than its own"


def disc(number):
    """A small photo that no other number has."""
    return as_jpeg(red_disc(96, 72, radius=0.2 + 0.001 * number))


def jpeg(name, data):
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def choose(visitor, files):
    visitor.tab.set_input_files(".many-file", files)
    visitor.tab.wait_for_selector(".many-start:not([hidden])")


def finished(visitor):
    visitor.tab.wait_for_selector(".many[data-many=ready] .many-zip:not([hidden])")


def said(visitor):
    return visitor.tab.inner_text(".many-message")


def download(visitor):
    """The zip: (dict of name → bytes, the rows of its table)."""
    with visitor.tab.expect_download() as caught:
        visitor.tab.click(".many-zip")
    assert caught.value.suggested_filename == "chairlift.zip"
    with zipfile.ZipFile(caught.value.path()) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return members, list(csv.DictReader(io.StringIO(members.pop("results.csv").decode())))


def expected(data, edits=(), **choices):
    photo = open_photo(data)
    return produce(photo, RedSegmenter().probabilities(photo), Choices(**choices).at(0.5), edits).data


def names(visitor):
    return visitor.tab.locator(".many-list b").all_text_contents()


def test_two_hundred_photos_with_broken_ones_among_them(visitor):
    photos = {f"chair {i:03d}.jpg": disc(i) for i in range(198)}
    files = [jpeg(*photo) for photo in photos.items()]
    files[7:7] = [jpeg("broken.jpg", CHAIR[:3000]), jpeg("drawing.svg", b"<svg/>")]
    choose(visitor, files)
    assert visitor.tab.inner_text(".many-start") == "Cut out 200 photos"
    visitor.tab.evaluate(
        """() => { window.values = []; const bar = document.querySelector('.many progress');
                   new MutationObserver(() => window.values.push([bar.value, document.querySelector('.many-count').textContent]))
                     .observe(bar, { attributes: true, attributeFilter: ['value'] }); }"""
    )
    visitor.tab.click(".many-start")
    visitor.tab.wait_for_selector(".many-zip:not([hidden])", timeout=10 * WAIT)
    values = visitor.tab.evaluate("window.values")
    assert len({value for value, _ in values}) > 150  # it moved with every photo, or nearly
    assert [value for value, _ in values] == sorted(value for value, _ in values)
    assert any(re.fullmatch(r"\d+ of 200, about .+ left", text) for _, text in values)
    assert "200 of 200" in said(visitor) and "2 could not be used" in said(visitor)
    problems = visitor.tab.locator(".many-problems li").all_inner_texts()
    assert sorted(text.split()[0] for text in problems) == ["broken.jpg", "drawing.svg"]
    assert any("damaged" in text for text in problems) and any("SVG is a drawing" in text for text in problems)
    members, rows = download(visitor)
    assert [row["file"] for row in rows] == [file["name"] for file in files]
    assert len(members) == 2 * 198
    for row in rows:
        assert bool(row["error"]) == (row["file"] not in photos) == (not row["cutout"])
    for name in ("chair 000.jpg", "chair 111.jpg", "chair 197.jpg"):
        stem = name.removesuffix(".jpg")
        assert members[f"cutouts/{stem}.png"] == expected(photos[name])
        assert members[f"masks/{stem}.png"] == expected(photos[name], what="mask")
        mask = cv2.imdecode(np.frombuffer(members[f"masks/{stem}.png"], np.uint8), cv2.IMREAD_GRAYSCALE)
        (row,) = (row for row in rows if row["file"] == name)
        assert float(row["coverage"]) == pytest.approx((mask > 0).mean(), abs=1e-6)


def test_cancelling_waits_for_nothing_and_one_can_go_on(visitor, monkeypatch):
    whole, seen, released = RedSegmenter.probabilities, [], threading.Event()

    def stop_after_two(self, photo):
        seen.append(photo.shape)
        if len(seen) > 2:
            released.wait(300)
        return whole(self, photo)

    monkeypatch.setattr(RedSegmenter, "probabilities", stop_after_two)
    choose(visitor, [jpeg(f"{i}.jpg", disc(300 + i)) for i in range(40)])
    visitor.tab.click(".many-start")
    visitor.tab.wait_for_function("document.querySelector('.many progress').value === 2")
    visitor.tab.click(".many-cancel")
    visitor.tab.wait_for_selector(".many-start:not([hidden])")
    assert not released.is_set()  # the photo in hand is not waited for
    assert "after 2 of 40" in said(visitor)
    visitor.tab.wait_for_timeout(500)
    visitor.requests.clear()
    visitor.tab.wait_for_timeout(1000)
    assert visitor.requests == []  # nothing goes on in secret
    assert len(download(visitor)[1]) == 2
    released.set()
    assert visitor.tab.inner_text(".many-start") == "Cut out the other 38"
    visitor.tab.click(".many-start")
    finished(visitor)
    assert len(download(visitor)[1]) == 40


def test_the_doubtful_ones_come_first_and_say_why(visitor):
    sure, soft = red_disc(200, 150), red_disc(200, 150)
    sure[(sure[..., 0] > 80) & (sure[..., 2] < 90)] = (255, 40, 30)
    wall = np.full((150, 200, 3), 128, np.uint8)
    files = {"sure.jpg": sure, "soft.jpg": soft, "wall.jpg": wall}
    choose(visitor, [jpeg(name, as_jpeg(photo)) for name, photo in files.items()] + [jpeg("bad.jpg", b"x")])
    visitor.tab.click(".many-start")
    finished(visitor)
    assert names(visitor) == ["bad.jpg", "wall.jpg", "soft.jpg", "sure.jpg"]
    words = dict(zip(names(visitor), visitor.tab.locator(".many-list .why").all_text_contents()))
    assert (
        words["wall.jpg"] == "no furniture found"
        and words["soft.jpg"].startswith("check ")
        and words["sure.jpg"] == "looks clean"
    )
    shown = visitor.tab.evaluate("[...document.querySelectorAll('.many-list img')].map(image => image.naturalWidth)")
    assert shown[0] == 0 and all(0 < width <= 256 for width in shown[1:])


def test_a_zip_comes_back_as_a_zip_with_the_studios_finish(visitor):
    visitor.tab.click(".places [data-place=studio]")
    visitor.slide(40)
    visitor.tab.click(".finish summary")
    visitor.tab.click('.finish [data-background="#ffffff"]')
    visitor.tab.click('.finish [data-format="jpeg"]')
    visitor.tab.click(".places [data-place=many]")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("shop/one.jpg", disc(1))
        archive.writestr("shop/two.jpg", disc(2))
        archive.writestr("list.txt", "no photo")
    choose(visitor, [{"name": "shop.zip", "mimeType": "application/zip", "buffer": file.getvalue()}])
    line = visitor.tab.inner_text(".many-finish").replace("\u202f", " ")
    assert "40 %" in line and "JPEG" in line and "white" in line.lower()
    visitor.tab.click(".many-start")
    finished(visitor)
    members, _ = download(visitor)
    choices = {"threshold": 0.4, "background": "#ffffff", "format": "jpeg"}
    assert members["cutouts/shop/one.jpg"] == expected(disc(1), **choices)
    assert members["cutouts/shop/two.jpg"] == expected(disc(2), **choices)


def test_one_click_to_correct_it_and_the_zip_has_it_corrected(visitor):
    choose(visitor, [jpeg("a.jpg", disc(10)), jpeg("b.jpg", disc(11))])
    visitor.tab.click(".many-start")
    finished(visitor)
    visitor.tab.click('[data-do=manyOpen][data-name="b.jpg"]')
    visitor.tab.wait_for_selector(".chairlift[data-place=studio][data-state=ready]")
    visitor.tab.wait_for_function("document.querySelector('.photo').getAttribute('aria-label').startsWith('b.jpg')")
    visitor.slide(70)
    visitor.tab.click(".places [data-place=many]")
    visitor.tab.wait_for_function("/^Done: 1 of 1/.test(document.querySelector('.many-message').textContent)")
    assert visitor.tab.input_value(".slider") == "50"  # for the others it stays what it was
    members, rows = download(visitor)
    assert members["cutouts/b.png"] == expected(disc(11), threshold=0.7)
    assert members["cutouts/a.png"] == expected(disc(10))
    assert len(rows) == 2


def test_photos_can_be_dropped_and_names_do_not_clash(visitor):
    visitor.tab.evaluate(
        """([first, second]) => {
            const files = new DataTransfer();
            for (const bytes of [first, second]) files.items.add(new File([new Uint8Array(bytes)], 'chair.jpg', { type: 'image/jpeg' }));
            document.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: files }));
        }""",
        [list(disc(20)), list(disc(21))],
    )
    visitor.tab.wait_for_selector(".many-start:not([hidden])")
    assert names(visitor) == ["chair.jpg", "chair-2.jpg"]
    visitor.tab.click(".many-start")
    finished(visitor)
    members, _ = download(visitor)
    assert members["cutouts/chair.png"] == expected(disc(20)) and members["cutouts/chair-2.png"] == expected(disc(21))


def test_results_that_are_gone_can_be_made_again(visitor):
    choose(visitor, [jpeg("chair.jpg", disc(30))])
    visitor.tab.click(".many-start")
    finished(visitor)
    time.sleep(0.05)
    Uploads(get_upload_folder).sweep(0)
    visitor.tab.click(".many-zip")
    visitor.tab.wait_for_selector(".many-start:not([hidden])")
    assert "no longer kept" in said(visitor)
    visitor.tab.click(".many-start")
    finished(visitor)
    assert download(visitor)[0]["cutouts/chair.png"] == expected(disc(30))


def test_starting_over_deletes_everything(visitor):
    choose(visitor, [jpeg("my own chair.jpg", disc(40))])
    visitor.tab.click(".many-start")
    finished(visitor)
    assert list(Path(get_upload_folder()).rglob("my own chair*"))
    visitor.tab.click(".many-clear")
    visitor.tab.wait_for_timeout(500)
    assert not list(Path(get_upload_folder()).rglob("my own chair*"))
    assert names(visitor) == []


def test_chinese_says_what_is_wrong_in_chinese(visit):
    visitor = visit(locale="zh-CN")
    visitor.tab.click(".places [data-place=many]")
    choose(visitor, [jpeg("broken.jpg", CHAIR[:3000]), jpeg("chair.jpg", disc(50))])
    visitor.tab.click(".many-start")
    finished(visitor)
    assert "损坏" in visitor.tab.inner_text(".many-problems")
    assert "完成 2 / 2" in said(visitor)
    assert visitor.complaints == []


def test_a_run_of_many_does_not_keep_others_waiting(visit, visitor, monkeypatch):
    whole, slow = RedSegmenter.probabilities, threading.Event()

    def wait_for_small_ones(self, photo):
        if photo.shape[1] == 96:
            slow.wait(300)
        return whole(self, photo)

    monkeypatch.setattr(RedSegmenter, "probabilities", wait_for_small_ones)
    choose(visitor, [jpeg(f"{i}.jpg", disc(400 + i)) for i in range(4)])
    visitor.tab.click(".many-start")
    visitor.tab.wait_for_selector(".many-list [data-state=working]")
    other = visit()
    other.give("chair.jpg", as_jpeg(red_disc(400, 300)))
    other.ready()  # while the first visitor's photo is still being worked on
    assert visitor.tab.evaluate("document.querySelector('.many progress').value") == 0
    slow.set()
    finished(visitor)


def test_the_bounds_are_said(visitor):
    words = visitor.tab.inner_text(".many-bounds")
    assert str(batch_handlers.MOST_PHOTOS) in words and str(batch_handlers.MAX_ZIP_MEGABYTES) in words


def test_another_own_background_makes_the_photo_anew(visitor):
    photo, pictures = disc(500), [np.full((30, 40, 3), grey, np.uint8) for grey in (40, 200)]
    choose(visitor, [jpeg("chair.jpg", photo)])
    for number, picture in enumerate(pictures):
        visitor.tab.set_input_files(".own-file", [jpeg(f"wall {number}.png", to_png(picture))])
        visitor.tab.wait_for_selector("[data-do=ownPicture][aria-pressed=true], .own-picture.filled", state="attached")
        visitor.tab.click(".places [data-place=about]")
        visitor.tab.click(".places [data-place=many]")
        visitor.tab.click(".many-start:not([hidden])")
        finished(visitor)
        found = open_photo(download(visitor)[0]["cutouts/chair.png"])
        assert found[0, 0].tolist() == picture[0, 0].tolist()


def test_newer_weights_make_all_photos_anew(visitor, monkeypatch):
    serving = ["first"]
    monkeypatch.setattr(LiveWeights, "named", lambda self, _: Weights(self.now.segmenter, {"commit": serving[0]}))
    choose(visitor, [jpeg("a.jpg", disc(510))])
    visitor.tab.click(".many-start")
    finished(visitor)
    serving[0] = "second"
    choose(visitor, [jpeg("b.jpg", disc(511))])
    visitor.tab.click(".many-start")
    finished(visitor)
    assert [(row["file"], row["error"]) for row in download(visitor)[1]] == [("a.jpg", ""), ("b.jpg", "")]
