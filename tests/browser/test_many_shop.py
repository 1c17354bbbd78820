"""What a shop needs of many photos: one finish for all with a preview, one photo taken out or looked at, names of files."""

import io
import re
import zipfile

import pytest

from segmenter.batch import runner
from segmenter.render.options import PRESETS
from tests.browser.test_many_page import choose, disc, expected, finished, jpeg, names, said
from tests.standin import as_jpeg, red_disc


@pytest.fixture
def visitor(visit):
    visitor = visit()
    visitor.tab.click(".places [data-place=many]")
    choose(visitor, [jpeg(f"chair {i}.jpg", disc(700 + i)) for i in range(3)])
    yield visitor
    assert visitor.complaints == []


def start(visitor):
    visitor.tab.click(".many-start")
    finished(visitor)


def members(visitor):
    with visitor.tab.expect_download() as caught:
        visitor.tab.click(".many-zip")
    with zipfile.ZipFile(caught.value.path()) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def shown(visitor, name):
    visitor.tab.wait_for_function("name => document.querySelector('.many-shown').textContent === name", arg=name)
    visitor.ready()


def test_a_preset_by_its_name_is_seen_on_a_photo_of_the_batch(visitor):
    assert visitor.tab.locator(".finish summary").is_visible()
    visitor.tab.click("[data-do=manyPreview]")
    shown(visitor, "chair 0.jpg")
    visitor.tab.click(".finish summary")
    visitor.tab.click("text=White square, 1000")
    visitor.settle()
    picture = visitor.canvas(".cutout")
    assert picture.shape[0] == picture.shape[1] and picture[2, 2].tolist() == [255] * 4
    assert visitor.tab.get_attribute("[data-preset=marketplace-1000]", "aria-pressed") == "true"
    assert "enlarged" in visitor.tab.inner_text(".many-larger")
    board, panel = (visitor.tab.locator(part).bounding_box() for part in (".many-board", ".finish"))
    assert board["x"] + board["width"] <= panel["x"]  # side by side
    visitor.tab.click("[data-do=manyPreviewNext]")
    shown(visitor, "chair 1.jpg")
    visitor.tab.click("[data-do=manyPreviewPrevious]")
    shown(visitor, "chair 0.jpg")
    start(visitor)
    found = members(visitor)
    assert found["cutouts/chair 1.jpg"] == expected(disc(701), **PRESETS["marketplace-1000"])
    visitor.tab.click(".places [data-place=studio]")  # which has its parts again
    for part in (".hand .finish", ".hand .sureness"):
        visitor.tab.wait_for_selector(part)


def test_that_a_preset_enlarges_is_said(visitor):
    visitor.tab.click(".places [data-place=studio]")
    visitor.give("chair.jpg", as_jpeg(red_disc(400, 300)))
    visitor.ready()
    visitor.tab.click(".finish summary")
    visitor.tab.click("[data-preset=marketplace-2000]")
    visitor.settle()
    assert re.search(r"enlarged \d+\.\d times", visitor.tab.inner_text(".size"))
    visitor.tab.click("[data-preset=plain]")
    visitor.settle()
    assert "enlarged" not in visitor.tab.inner_text(".size")


def test_one_photo_is_taken_out(visitor):
    visitor.tab.hover('.many-list li:has-text("chair 1.jpg")')
    visitor.tab.click('[data-do=manyRemove][data-name="chair 1.jpg"]')
    visitor.tab.wait_for_selector('.many-list li:has-text("chair 1.jpg")', state="detached")
    assert names(visitor) == ["chair 0.jpg", "chair 2.jpg"]
    visitor.tab.wait_for_selector('.many-start:has-text("Cut out 2 photos")')
    start(visitor)
    visitor.tab.focus('[data-do=manyRemove][data-name="chair 0.jpg"]')
    visitor.tab.keyboard.press("Enter")
    visitor.tab.wait_for_selector('.many-list li:has-text("chair 0.jpg")', state="detached")
    assert [name for name in members(visitor) if name.startswith("cutouts/")] == ["cutouts/chair 2.png"]


def test_from_one_photo_to_the_next_and_back_to_all(visitor):
    start(visitor)
    first = names(visitor)[0]
    visitor.tab.click(f'[data-do=manyOpen][data-name="{first}"]')
    visitor.tab.wait_for_selector(".batch:not([hidden])")
    visitor.ready()
    place = int(first.split(".")[0][-1])
    assert visitor.tab.inner_text(".batch-place") == f"{place + 1} of 3"
    visitor.slide(70)
    visitor.tab.click("[data-do=batchNext]")
    following = f"chair {(place + 1) % 3}.jpg"
    visitor.tab.wait_for_function(
        "name => document.querySelector('.photo').getAttribute('aria-label').startsWith(name)", arg=following
    )
    visitor.ready()
    assert visitor.tab.input_value(".slider") == "50"  # which is that of all
    visitor.tab.click("text=Back to all photos")
    finished(visitor)
    assert members(visitor)[f"cutouts/chair {place}.png"] == expected(disc(700 + place), threshold=0.7)
    visitor.tab.click(".places [data-place=studio]")
    visitor.tab.click('[data-example="10_yellow_sofa"]')
    visitor.ready()
    assert visitor.tab.locator(".batch").is_hidden()


def test_names_by_a_pattern_and_cutouts_alone(visitor):
    visitor.tab.fill(".many-names", "shop-{n}-{name}")
    assert "shop-001-chair 0.png" in visitor.tab.inner_text(".many-example")
    start(visitor)
    found = members(visitor)
    assert found["cutouts/shop-001-chair 0.png"] == expected(disc(700))
    assert found["masks/shop-003-chair 2.png"] == expected(disc(702), what="mask")
    assert b"cutouts/shop-002-chair 1.png" in found["results.csv"]
    visitor.tab.check(".many-only")
    assert sorted(members(visitor)) == [f"shop-{i + 1:03d}-chair {i}.png" for i in range(3)]


@pytest.mark.parametrize(("pattern", "words"), [("../{n}", "none of"), ("same", "{name} or {n}")])
def test_a_bad_pattern_is_answered_in_words(visitor, pattern, words):
    start(visitor)
    visitor.tab.fill(".many-names", pattern)
    visitor.tab.click(".many-zip")
    visitor.tab.wait_for_function(
        "words => document.querySelector('.many-message').textContent.includes(words)", arg=words
    )


def test_a_fault_of_ours_is_not_called_a_bad_photo(visitor, monkeypatch):
    whole = runner.run

    def stumble(sources, *rest, **more):
        if sources[0].name == "chair 1.jpg":
            raise RuntimeError("a fault of the server's")
        return whole(sources, *rest, **more)

    monkeypatch.setattr(runner, "run", stumble)
    choose(visitor, [jpeg("broken.jpg", b"no photo")])
    start(visitor)
    assert "Done: 3 of 4" in said(visitor)
    assert "1 could not be used" in said(visitor) and "1 did not get through" in said(visitor)
    assert visitor.tab.inner_text(".many-start") == "Cut out the other 1"
    visitor.complaints.clear()  # the browser's, of an answer of the server's


def test_photos_of_a_zip_are_seen_before_the_run_and_can_be_previewed(visit):
    visitor = visit()
    visitor.tab.click(".places [data-place=many]")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("one.jpg", disc(720))
    choose(visitor, [{"name": "shop.zip", "mimeType": "application/zip", "buffer": file.getvalue()}])
    visitor.tab.wait_for_function("document.querySelector('.many-list img').naturalWidth > 0")
    visitor.tab.click("[data-do=manyPreview]")
    shown(visitor, "one.jpg")
    assert visitor.complaints == []
