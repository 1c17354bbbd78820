"""The report in real Chromium: from the disk, on a desk and a phone, by mouse, keys and on paper."""

import re

import pytest

from tests.evaluation.reports import CONFIG, FINDINGS, NASTY, judge, make_history, write

SIZES = {"desk": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Path of a report with everything in it."""
    metrics, judged = judge(12, names=[NASTY])
    before, _ = judge(12, 0.7, names=[NASTY], seed=4)
    folder = tmp_path_factory.mktemp("report")
    write(
        folder,
        {**metrics, "data": "boxes"},
        judged,
        before=before,
        history=make_history(gap=0.2),
        config=CONFIG,
        findings=FINDINGS,
    )
    return folder / "report.html"


@pytest.fixture
def open_report(browser, page):
    """A function that opens the report in a tab of given size and settings; complaints fail the test."""
    contexts, complaints = [], []

    def open_tab(size="desk", **settings):
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: asked(request.url))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.goto(page.as_uri())
        return tab

    def asked(url):
        if url != page.as_uri() and not url.startswith("data:"):
            complaints.append(f"asked for {url}")

    yield open_tab
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_follows_light_and_dark(open_report, size, scheme):
    tab = open_report(size, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") == SIZES[size][0]
    ink, paper = tab.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    brightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) / 3 for colour in (ink, paper)]
    assert (
        (brightness[0] < 60 and brightness[1] > 220)
        if scheme == "light"
        else (brightness[0] > 220 and brightness[1] < 40)
    )
    assert tab.locator("h1").bounding_box()["y"] < 200, "the verdict comes first"
    beyond = tab.evaluate("""() => [...document.querySelectorAll('main p, main h1, main h2, main li, main dd, .plot')].filter(
        one => one.checkVisibility() && !one.closest('.scroll') && one.getBoundingClientRect().right > innerWidth + 1
    ).map(one => one.outerHTML.slice(0, 80))""")
    assert beyond == []


def test_pictures_are_there_and_show_what_is_asked_for(open_report):
    tab = open_report()
    tab.evaluate("document.querySelectorAll('img').forEach(one => one.loading = 'eager')")
    tab.wait_for_function("[...document.images].every(one => one.complete && one.naturalWidth)")
    assert tab.locator(".picture").count() == 12
    heat, lines = tab.locator(".picture .heat").first, tab.locator(".picture path.found").first
    for view, shown in (("Heatmap", (True, True)), ("Outlines", (False, True)), ("Photo", (False, False))):
        tab.get_by_label(view, exact=True).check()
        assert (heat.is_visible(), lines.is_visible()) == shown
        assert tab.locator(".picture .photo").first.is_visible()


def test_the_outline_lies_on_the_object(open_report):
    """The layers have one frame: the mask's outline encloses the box where the photo has it."""
    tab = open_report()
    photo, line = (tab.locator(f".picture {part}").first.bounding_box() for part in (".photo", "path.true"))
    scale = photo["width"] / 64
    assert line["x"] - photo["x"] == pytest.approx(12 * scale, abs=1.6 * scale)
    assert line["y"] - photo["y"] == pytest.approx(10 * scale, abs=1.6 * scale)
    assert line["width"] == pytest.approx(20 * scale, abs=2.5 * scale)


def test_keys_are_enough(open_report):
    tab = open_report()
    picture = tab.locator(".picture").first
    before = picture.bounding_box()["width"]
    picture.focus()
    tab.keyboard.press("Enter")
    assert picture.get_attribute("aria-expanded") == "true" and picture.bounding_box()["width"] > 1.5 * before
    tab.keyboard.press("Escape")
    assert picture.get_attribute("aria-expanded") == "false" and picture.bounding_box()["width"] == before
    tab.locator("#view-heat").focus()
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#view-outlines").is_checked()
    tab.locator("summary").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("table").first.is_visible()


def test_a_screen_reader_gets_words_and_tables_for_what_is_drawn(open_report):
    tab = open_report()
    names = tab.evaluate("[...document.querySelectorAll('.plot')].map(one => one.getAttribute('aria-label'))")
    assert len(names) == 4 and all("table below" in name for name in names)
    assert tab.evaluate("[...document.images].every(one => one.hasAttribute('alt'))")
    assert tab.evaluate(
        "[...document.querySelectorAll('svg')].every(one => one.getAttribute('aria-hidden') === 'true')"
    )
    headings = tab.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(one => Number(one.tagName[1]))")
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(headings, headings[1:]))
    assert tab.locator("table").count() == 3 and tab.locator("thead th:not([scope])").count() == 0


def test_names_are_text_whatever_they_hold(open_report):
    tab = open_report()
    assert tab.locator(".caption .name data").all_inner_texts().count(NASTY) == 1
    assert tab.locator("script").count() == 1


def test_paper_has_all_tables_and_dark_ink(open_report):
    tab = open_report(color_scheme="dark")
    tab.emulate_media(media="print", color_scheme="dark")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert all(tab.locator("table").nth(n).is_visible() for n in range(3))
    assert tab.evaluate("getComputedStyle(document.body).color") == "rgb(17, 17, 17)"
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    tab.emulate_media(media="screen")
    assert not tab.locator("table").first.is_visible()
    assert tab.pdf()[:5] == b"%PDF-"
