"""Pictures of the page, for README.md and for looking at: `python -m tests.browser.screenshots [FOLDER] [--all]`.

Writes screenshot.png, or with --all one picture of each combination of screen, theme and language.
"""

import argparse
import io
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import app
from segmenter import Segmenter
from tests.browser.conftest import ARGUMENTS, Visitor, chromium_path

SCREENS = {
    "desktop": {"viewport": {"width": 1280, "height": 860}},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
}
THEMES = ("light", "dark")
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}


def take_picture(browser, address, screen, theme, language, example=None, whole=False):
    """One picture of the page with an example on it (the first by default), as a Pillow image."""
    context = browser.new_context(**SCREENS[screen], color_scheme=theme, locale=LANGUAGES[language])
    visitor = Visitor(context, address).open()
    if example:
        visitor.tab.click(f'[data-example^="{example}"]')
        visitor.ready()
    visitor.tab.mouse.move(0, 0)
    visitor.tab.wait_for_timeout(1500)  # until the heatmap has faded in
    picture = Image.open(io.BytesIO(visitor.tab.screenshot(full_page=whole)))
    context.close()
    return picture


def save_small(picture, path):
    """Write a PNG of 256 colours, less than half the size of one of all."""
    picture = picture.convert("RGB")
    palette = picture.quantize(256, kmeans=3)
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs"))
    parser.add_argument("--all", action="store_true", help="every screen, theme and language")
    parser.add_argument("--weights", help="weights folder (the bundled one by default)")
    parser.add_argument("--example", help="start of the name of the example to show")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    page = app.build_page(Segmenter.load(options.weights))
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        if options.all:
            for view in product(SCREENS, THEMES, LANGUAGES):
                picture = take_picture(browser, address, *view, options.example, whole=view[0] == "phone")
                picture.save(options.folder / f"{'-'.join(view)}.png")
        else:
            picture = take_picture(browser, address, "desktop", "light", "en", options.example)
            save_small(picture, options.folder / "screenshot.png")
        browser.close()
    page.close()


if __name__ == "__main__":
    main()
