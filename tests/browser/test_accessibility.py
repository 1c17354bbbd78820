"""Everybody can use every place: axe-core finds no serious fault, and the keyboard is enough."""

import io
import zipfile

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

import app
from segmenter import open_photo
from segmenter.render.cutout import cut
from tests.browser.test_about_page import real_address  # noqa: F401
from tests.browser.test_many_page import disc, jpeg
from tests.standin import RedSegmenter

SCREENS = {
    "desktop": {"viewport": (1280, 900)},
    "phone": {"viewport": (390, 844), "is_mobile": True, "has_touch": True},
}
PLACES = ("studio", "many", "about")


def show_place(visitor, place):
    """Bring a place to the screen, with something in it."""
    visitor.tab.evaluate("place => { location.hash = place; }", place)
    visitor.tab.wait_for_selector(f'.chairlift[data-place="{place}"]')
    if place == "about":
        visitor.tab.wait_for_selector(".about-card article h2")
    if place == "many" and not visitor.tab.locator(".many-list li").count():
        visitor.tab.set_input_files(".many-file", [jpeg("chair.jpg", disc(1)), jpeg("broken.jpg", b"x")])
        visitor.tab.click(".many-start")
        visitor.tab.wait_for_selector(".many-zip:not([hidden])")
    visitor.tab.wait_for_timeout(900)  # until all has faded in


def faults(visitor):
    """What axe-core calls serious or critical."""
    found = Axe().run(visitor.tab, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{fault['impact']}: {fault['id']}: {node['target']}: {node['html'][:160]}: {node['failureSummary']}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_axe_finds_no_serious_fault(visit, real_address, locale, theme, screen):  # noqa: F811
    visitor = visit(url=real_address, locale=locale, color_scheme=theme, **SCREENS[screen])
    found = []
    for place in PLACES:
        show_place(visitor, place)
        found += [f"{place}: {fault}" for fault in faults(visitor)]
    show_place(visitor, "studio")
    views = visitor.tab.locator("[data-do=view]")
    for i in range(views.count()):
        if not views.nth(i).is_visible():
            continue
        views.nth(i).click()
        visitor.tab.wait_for_timeout(700)
        found += [f"studio, view {i}: {fault}" for fault in faults(visitor)]
    summary = visitor.tab.locator(".finish summary")
    if summary.count():
        summary.click()
        visitor.tab.wait_for_timeout(500)
        found += [f"studio, finish: {fault}" for fault in faults(visitor)]
    assert found == [], "\n".join(found)


def test_axe_would_find_a_fault(visit):
    visitor = visit()
    visitor.tab.evaluate("document.querySelector('.download').style.color = '#ffe97a'")
    assert any("color-contrast" in fault for fault in faults(visitor))


def tab_to(visitor, selector, most=90):
    """Go on with the Tab key until an element has the focus."""
    for _ in range(most):
        visitor.tab.keyboard.press("Tab")
        if visitor.tab.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard does not lead to {selector}")


def is_seen(visitor):
    """Whether whoever looks can tell what has the focus."""
    return visitor.tab.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2")


def test_the_keyboard_is_enough_from_example_to_download(visit):
    visitor = visit()
    tab_to(visitor, '.examples [data-example="10_yellow_sofa"]')
    assert is_seen(visitor)
    visitor.tab.keyboard.press("Enter")
    visitor.ready()
    tab_to(visitor, "#chairlift-threshold")
    for _ in range(10):
        visitor.tab.keyboard.press("ArrowLeft")
    visitor.settle()
    tab_to(visitor, ".download")
    assert is_seen(visitor)
    with visitor.tab.expect_download() as caught:
        visitor.tab.keyboard.press("Enter")
    photo = open_photo(app.EXAMPLES / "10_yellow_sofa.jpg")
    with Image.open(caught.value.path()) as picture:
        np.testing.assert_array_equal(np.array(picture), cut(photo, RedSegmenter().probabilities(photo), 0.4))


def test_the_keyboard_is_enough_for_many_photos(visit):
    visitor = visit()
    visitor.tab.on("filechooser", lambda chooser: None)  # from now on the browser asks here; that takes it a moment
    tab_to(visitor, ".places [data-place=many]")
    assert is_seen(visitor)
    visitor.tab.keyboard.press("Enter")
    visitor.tab.wait_for_selector('.place[data-place="many"]:visible')
    tab_to(visitor, "[data-do=manyChoose]")
    with visitor.tab.expect_file_chooser() as chooser:
        visitor.tab.keyboard.press("Enter")
    chooser.value.set_files([jpeg("a.jpg", disc(60)), jpeg("b.jpg", disc(61))])
    visitor.tab.wait_for_selector(".many-start:not([hidden])")
    tab_to(visitor, ".many-start")
    visitor.tab.keyboard.press("Enter")
    visitor.tab.wait_for_selector(".many-zip:not([hidden])")
    tab_to(visitor, ".many-zip")
    with visitor.tab.expect_download() as caught:
        visitor.tab.keyboard.press("Enter")
    with zipfile.ZipFile(io.BytesIO(open(caught.value.path(), "rb").read())) as archive:
        assert "cutouts/a.png" in archive.namelist()
    tab_to(visitor, '[data-do=manyOpen][data-name="a.jpg"]')
    assert is_seen(visitor)
    visitor.tab.keyboard.press("Enter")
    visitor.tab.wait_for_selector(".chairlift[data-place=studio][data-state=ready]")


def test_about_is_reached_and_read_by_keyboard(visit, real_address):  # noqa: F811
    visitor = visit(url=real_address)
    tab_to(visitor, ".places [data-place=about]")
    visitor.tab.keyboard.press("Enter")
    visitor.tab.wait_for_selector(".about-figures td")
    tab_to(visitor, ".about .slider")
    before = visitor.tab.get_attribute(".about-curve .marker", "x1")
    visitor.tab.keyboard.press("ArrowRight")
    visitor.settle()
    assert visitor.tab.get_attribute(".about-curve .marker", "x1") != before
