"""Pictures of the page, for README.md and for looking at: `python -m tests.browser.screenshots [FOLDER] [--all]`.

Writes screenshot.png, or with --all every view on each combination of screen, theme and language; with --card the
picture that a link to the page shows.
"""

import argparse
import io
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import app
from segmenter import Segmenter
from segmenter.web import link_card, viewer
from tests.browser.conftest import ARGUMENTS, Visitor, chromium_path

SCREENS = {
    "desktop": {"viewport": {"width": 1280, "height": 860}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
}
SCREENS["small"] = {**SCREENS["phone"], "viewport": {"width": 360, "height": 740}}
SCREENS["card"] = {"viewport": {"width": link_card.SIZE[0], "height": link_card.SIZE[1]}}
THEMES = ("light", "dark")
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
PLACES = ("many", "about")
TWO_PIECES, PICKS = "04", {"only": (0.43, 0.53), "add": (0.68, 0.43)}  # an example, and where its chairs are clicked
VIEWS = ("heat", "cutout", "compare", "unsure", "steps", "pick", "correct", "finish", *PLACES)


def open_page(browser, address, screen, theme, language, example=None):
    """The page with an example on it (the first by default), as a Visitor."""
    context = browser.new_context(**SCREENS[screen], color_scheme=theme, locale=LANGUAGES[language])
    visitor = Visitor(context, address).open()
    if example:
        visitor.tab.click(f'[data-example^="{example}"]')
        visitor.ready()
    return visitor


def go_to(visitor, view):
    """Bring one of `VIEWS` on the page."""
    tab = visitor.tab
    if view in PLACES:
        tab.click(f'.places a[data-place="{view}"]')
    elif view == "pick":
        tab.click('[data-do=view][data-view="heat"]')
        tab.click(f'[data-example^="{TWO_PIECES}"]')
        visitor.ready()
        for kind, (x, y) in PICKS.items():
            tab.click(f"[data-kind={kind}]")
            box = tab.locator(".picking").bounding_box()
            tab.locator(".picking").click(position={"x": x * box["width"], "y": y * box["height"]})
            tab.wait_for_timeout(1500)  # until the piece is there
    elif view == "correct":
        tab.click("button.correct")
        tab.click("[data-brush=erase]")
        box = tab.locator(".easel").bounding_box()
        tab.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"])
    elif view == "finish":
        tab.click(".finish summary")
        tab.click('[data-background="room:daylight"]')
        tab.wait_for_selector(".board:not([aria-busy])")  # until the room is there
    else:
        tab.click(f'[data-do=view][data-view="{view}"]')
    if view not in ("correct", *PLACES):
        tab.mouse.move(0, 0)


def leave(visitor, view):
    """Undo what `go_to` did beyond changing the view."""
    tab = visitor.tab
    if view in PLACES:
        tab.click('.places a[data-place="studio"]')
    elif view == "pick":
        tab.click("[data-furniture=main]")
        tab.click("[data-kind=only]")
    elif view == "correct":
        tab.click(".done")
    elif view == "finish":
        tab.click(".plainly")
        tab.click(".finish summary")


def take_picture(visitor, whole=False):
    """A picture of the page as it is now, as a Pillow image."""
    visitor.tab.wait_for_timeout(1500)  # until the heatmap has faded in
    return Image.open(io.BytesIO(visitor.tab.screenshot(full_page=whole)))


def save_small(picture, path):
    """Write a PNG of 256 colours, less than half the size of one of all."""
    picture = picture.convert("RGB")
    palette = picture.quantize(256, kmeans=3)
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs"))
    parser.add_argument("--card", action="store_true", help="the picture of a link to the page, where the page has it")
    parser.add_argument("--all", action="store_true", help="every view, screen, theme and language")
    parser.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="WORD",
        choices=(*SCREENS, *THEMES, *LANGUAGES, *VIEWS),
        help="of --all, those that these words name, such as: phone dark unsure",
    )
    parser.add_argument("--weights", help="weights folder (the bundled one by default)")
    parser.add_argument("--example", help="start of the name of the example to show")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    page = app.build_page(Segmenter.load(options.weights))
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        if options.all:
            for combination in product(("desktop", "phone", "small"), THEMES, LANGUAGES):
                if options.only and not set(options.only) <= set(combination) | set(VIEWS):
                    continue
                visitor = open_page(browser, address, *combination, options.example)
                for view in [view for view in VIEWS if not set(options.only) & set(VIEWS) or view in options.only]:
                    go_to(visitor, view)
                    take_picture(visitor, whole=True).save(options.folder / f"{'-'.join((view, *combination))}.png")
                    leave(visitor, view)
                visitor.tab.context.close()
        elif options.card:
            visitor = open_page(browser, address, "card", "light", "en", options.example)
            picture = take_picture(visitor).convert("RGB")
            picture.save(Path(viewer.__file__).with_name(link_card.PICTURE), quality=85, optimize=True)
        else:
            visitor = open_page(browser, address, "desktop", "light", "en", options.example)
            visitor.tab.mouse.move(0, 0)
            save_small(take_picture(visitor), options.folder / "screenshot.png")
        browser.close()
    page.close()


if __name__ == "__main__":
    main()
