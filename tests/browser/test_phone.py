"""Small phones: nothing sticks out, in any view, in both languages, down to 320 pixels."""

import pytest

from tests.browser.test_many_page import disc, jpeg
from tests.browser.test_studio import show
from tests.standin import as_jpeg, red_disc

VIEWS = ("heat", "cutout", "compare", "unsure", "steps")


def stick_out(visitor):
    """What is wider than the screen, or cut off at its side; rows that are scrolled by themselves may be."""
    return visitor.tab.evaluate(
        """() => {
            const wide = document.documentElement.scrollWidth > innerWidth ? ['the page: ' + document.documentElement.scrollWidth] : [];
            const out = [...document.querySelectorAll('.chairlift *')].filter((node) => {
                if (!node.checkVisibility() || node.closest('.strip, .about-scroll, .stage, svg') || node.matches('.file, .many-file')) return false;
                const { left, right, width } = node.getBoundingClientRect();
                return width > 0 && (left < -0.5 || right > innerWidth + 0.5);
            });
            return [...wide, ...out.map((node) => node.outerHTML.slice(0, 100))];
        }"""
    )


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("width", [360, 320])
def test_nothing_sticks_out(visit, width, locale):
    visitor = visit(viewport=(width, 640), locale=locale, is_mobile=True, has_touch=True, device_scale_factor=2)
    visitor.give("a chair with quite a long name of its own.jpg", as_jpeg(red_disc(400, 300)))
    visitor.ready()
    for view in VIEWS:
        show(visitor, view)
        assert stick_out(visitor) == [], view
    visitor.tab.click(".finish summary")
    visitor.tab.click("[data-preset=marketplace-2000]")
    visitor.settle()
    assert stick_out(visitor) == []
    visitor.tab.click("button.correct")
    assert stick_out(visitor) == []
    visitor.tab.click(".done")
    visitor.tab.click(".places [data-place=many]")
    visitor.tab.set_input_files(
        ".many-file", [jpeg("a-chair-whose-name-has-no-end-and-no-spaces.jpg", disc(800)), jpeg("x.jpg", b"x")]
    )
    visitor.tab.click("[data-do=manyPreview]")
    visitor.ready()
    assert stick_out(visitor) == []
    visitor.tab.click(".many-start")
    visitor.tab.wait_for_selector(".many-zip:not([hidden])")
    assert stick_out(visitor) == []
    visitor.tab.click(".places [data-place=about]")
    visitor.tab.wait_for_selector(".about-weights dd")
    assert stick_out(visitor) == []


def test_words_do_not_wait_for_their_font(visit):
    visitor = visit()
    faces = visitor.tab.evaluate(
        "[...document.fonts].filter(({ family }) => family.includes('Plex Sans')).map(({ display }) => display)"
    )
    assert faces and set(faces) == {"swap"}
