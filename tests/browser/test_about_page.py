"""What the page tells of the weights that serve."""

import json
import re

import pytest

import app
from segmenter import Segmenter
from segmenter.inference.predictor import WEIGHTS

METRICS = json.loads((WEIGHTS / "metrics.json").read_text())


@pytest.fixture(scope="module")
def real_address(upload_folder):
    page = app.build_page(Segmenter.load())
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    yield url
    page.close()


@pytest.fixture
def visitor(visit, real_address):
    visitor = visit(url=real_address)
    visitor.tab.click(".places [data-place=about]")
    visitor.tab.wait_for_selector(".about-figures td")
    yield visitor
    assert visitor.complaints == []
    strange = [r for r in visitor.requests if not r.split(" ", 1)[1].startswith((visitor.address, "data:", "blob:"))]
    assert strange == [], "the page asked hosts other than its own"


def test_the_table_says_what_was_measured(visitor):
    rows = visitor.tab.locator(".about-figures tbody tr")
    assert rows.count() == len(METRICS["sources"])
    for row, source in zip(rows.all(), METRICS["sources"].values()):
        cells = row.locator("td").all_inner_texts()
        assert cells[0] == str(source["photos"])
        for cell, key in zip(cells[1:4], ("iou", "dice", "boundary_f")):
            assert float(cell) == pytest.approx(source[key], abs=0.0006)
        assert float(cells[4].rstrip("%").strip()) == pytest.approx(100 * source["gap_accuracy"], abs=0.06)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_every_kind_of_photos_has_a_name_in_words(visit, real_address, locale):
    visitor = visit(url=real_address, locale=locale)
    visitor.tab.click(".places [data-place=about]")
    visitor.tab.wait_for_selector(".about-figures td")
    names = visitor.tab.locator(".about-figures tbody th").all_inner_texts()
    assert len(set(names)) == len(METRICS["sources"]) and not {*names} & {*METRICS["sources"]}
    dashes = visitor.tab.eval_on_selector_all(
        ".about-curve .curve", 'all => all.map(one => one.outerHTML.match(/dasharray=.([^"]*)/)[1])'
    )
    assert len(set(dashes)) == len(METRICS["sources"]), "curves that look the same"
    curves = visitor.tab.inner_text(".about-choice figcaption").splitlines()
    assert not [line for line in curves if line.startswith(tuple(METRICS["sources"]))]


def test_the_curve_marks_where_the_slider_stands(visitor):
    x = lambda: float(visitor.tab.get_attribute(".about-curve .marker", "x1"))  # noqa: E731
    before = x()
    figures = {percent: [] for percent in (30, 70)}
    for percent in figures:
        visitor.tab.evaluate(
            """value => { const slider = document.querySelector('.about .slider'); slider.value = value;
                          slider.dispatchEvent(new Event('input', { bubbles: true })); }""",
            percent,
        )
        visitor.settle()
        figures[percent] = [
            float(n) for n in re.findall(r"IoU ([\d.]+)", visitor.tab.inner_text(".about-choice figcaption"))
        ]
        at = METRICS["thresholds"].index(percent / 100)
        wanted = [source["iou_by_threshold"][at] for source in METRICS["sources"].values()]
        assert figures[percent] == pytest.approx(wanted, abs=0.0006)
    assert x() > before
    assert visitor.tab.input_value("#chairlift-threshold") == "70"  # it is the studio's slider
    dots = visitor.tab.locator(".about-curve .dot").evaluate_all("dots => dots.map(dot => +dot.getAttribute('cy'))")
    ranked = sorted(range(len(dots)), key=lambda i: dots[i])
    assert ranked == sorted(range(len(dots)), key=lambda i: -figures[70][i])  # the higher, the better


def test_the_studios_slider_moves_the_marker(visitor):
    visitor.tab.click(".places [data-place=studio]")
    visitor.slide(25)
    visitor.tab.click(".places [data-place=about]")
    visitor.tab.wait_for_selector('.chairlift[data-place="about"]')  # the address changes first, the page after it
    assert "25" in visitor.tab.inner_text(".about-choice figcaption strong")


def test_card_samples_and_weights_are_there(visitor):
    card = visitor.tab.inner_text(".about-card article")
    assert "What it calls furniture" in card and "Limits" in card and "license_name" not in card
    image = visitor.tab.locator(".about-samples img")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 1000
    assert "worst" in image.get_attribute("alt")
    assert METRICS["weights_sha256"] in visitor.tab.inner_text(".about-weights")


def test_chinese(visitor):
    visitor.tab.click(".language")
    assert visitor.tab.inner_text(".about h1") == "关于这个模型"
    assert "白底商品" in visitor.tab.inner_text(".about-figures")
    assert visitor.tab.get_attribute(".about-card article", "lang") == "en"


def test_weights_without_papers_are_no_error(visit):
    visitor = visit()
    visitor.tab.click(".places [data-place=about]")
    visitor.tab.wait_for_selector(".about-weights dd")
    assert not visitor.tab.is_visible(".about-figures") and not visitor.tab.is_visible(".about-card")
    assert visitor.complaints == []


def test_a_phone_scrolls_down_only(visit, real_address):
    visitor = visit(url=real_address, viewport=(390, 844), is_mobile=True, has_touch=True)
    for place in ("about", "many"):
        visitor.tab.goto(f"{real_address}#{place}")
        visitor.tab.wait_for_timeout(1500)
        assert visitor.tab.evaluate("document.documentElement.scrollWidth") == 390


def test_the_cards_tables_break_no_number(visit, real_address):
    visitor = visit(url=real_address, viewport=(360, 740))
    visitor.tab.click(".places [data-place=about]")
    visitor.tab.wait_for_selector(".about-card td")
    broken = visitor.tab.evaluate(
        r"""() => [...document.querySelectorAll('.about-card td')].flatMap((cell) => {
            const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), found = [];
            for (let text; (text = texts.nextNode());) {
                for (const { index, 0: number } of text.data.matchAll(/[\d.,–]*\d[\d.,]*\s?%?/g)) {
                    const range = document.createRange();
                    range.setStart(text, index);
                    range.setEnd(text, index + number.trim().length);
                    if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) found.push(number);
                }
            }
            return found;
        })"""
    )
    assert broken == []
