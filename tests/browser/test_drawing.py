"""Finished pictures are drawn beside the page, so that no slider waits for them."""

import pytest

from tests.browser.test_studio import PHOTO, set_range
from tests.standin import as_jpeg, red_disc

HEAVY = "background=room:loft&shadow=0.7&softness=4&shift=3"


@pytest.fixture
def visitor(visit):
    visitor = visit()
    visitor.show("ring.jpg", PHOTO)
    yield visitor
    assert visitor.complaints == []


def finish(visitor):
    visitor.tab.evaluate("settings => { location.hash = settings; }", HEAVY)
    visitor.settle()
    visitor.tab.wait_for_selector(".board:not([aria-busy])")
    visitor.settle()


def test_the_page_is_free_while_a_heavy_picture_is_drawn(visitor):
    """Frames go on while the picture is still being drawn: counted, not timed."""
    finish(visitor)
    frames = visitor.tab.evaluate(
        """async () => {
            const root = document.querySelector('.chairlift'), shadow = document.querySelector('.finish [name=shadow]');
            let during = 0;
            for (let i = 1; i <= 20; i++) {
                shadow.value = i / 20;
                shadow.dispatchEvent(new Event('input', { bubbles: true }));
                await new Promise(requestAnimationFrame);
                await new Promise(requestAnimationFrame);
                if (root.hasAttribute('data-drawing')) during++;
            }
            return during;
        }"""
    )
    assert frames > 0
    visitor.settle()
    assert visitor.tab.input_value(".finish [name=shadow]") == "1"


def test_the_last_of_many_settings_is_what_is_shown(visitor):
    finish(visitor)
    for value in (0.1, 0.9, 0.3):
        visitor.tab.evaluate(
            """value => { const input = document.querySelector('.finish [name=shadow]');
                          input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }""",
            value,
        )
    visitor.settle()
    swift = visitor.canvas(".cutout")
    set_range(visitor, "shadow", 0.8)
    set_range(visitor, "shadow", 0.3)
    assert (visitor.canvas(".cutout") == swift).all()


def test_without_a_worker_the_page_draws_by_itself(visit):
    visitor = visit()
    visitor.tab.add_init_script("window.Worker = class { constructor() { throw new Error('forbidden'); } };")
    visitor.open()
    visitor.give("chair.jpg", as_jpeg(red_disc(400, 300)))
    visitor.ready()
    finish(visitor)
    assert visitor.canvas(".cutout")[..., 3].min() == 255
    assert visitor.complaints == []
