"""The live canvas: the page's own html, css, js and texts, and the pictures they are given.

Nothing here knows Gradio; app.py puts these parts into its page.
"""

import base64
import json
import re
from functools import cache
from graphlib import TopologicalSorter
from importlib import resources
from typing import Any

import cv2
import numpy as np

from segmenter.errors import ChairliftError, PhotoError
from segmenter.inference import picking, pieces
from segmenter.inference.preprocessing import at_most
from segmenter.io import png
from segmenter.render import backgrounds
from segmenter.render.constants import CONSTANTS
from segmenter.render.encode import encode

PHOTO_SIDE = CONSTANTS["page"]["photo_side"]  # longer side of the photo as the page shows it, in pixels
MAP_SIDE = 960  # and of the map, whose outline is drawn as a curve between its pixels
THUMBNAIL_SIDE = 160
THUMBNAIL_QUALITY = 80  # of JPEG
# The folder of the rooms' thumbnails: drawing them takes a second, in which the page would not be up yet.
ROOMS = "rooms"  # `python -m tests.room_thumbnails` makes it
ROOM_SIDE = CONSTANTS["page"]["room_side"]
# Of the photo and of the map as they are sent: photos of noise would take several times as much. In base64 and
# together at most 1.5 MB.
PHOTO_BYTES, MAP_BYTES = 600_000, 450_000

PIECES = {name: getattr(pieces, name.upper()) for name in ("least", "link", "sure", "usual", "ease", "hidden")}
STYLES = ("viewer", "stage", "finish", "phone")  # of the studio and of what all places share; later ones overrule
TEXTS = ("texts", "finish")  # likewise
PLACES = ("many", "about")  # beside the studio; each has an html, a css and a json of its texts, named after it
IMPORT = re.compile(r" from '\./(\w+)\.js';")


def read(name: str) -> str:
    """One of this folder's files as text, such as viewer.html.

    Raises:
        FileNotFoundError: there is none of that name.
    """
    return (resources.files(__name__) / name).read_text(encoding="utf-8")


def page() -> str:
    """The page's html, the other places put into it."""
    html = read("viewer.html")
    for place in PLACES:
        html = html.replace(f"<!-- {place} -->", read(f"{place}.html"))
    return html


def modules() -> dict[str, str]:
    """The script as ES modules: name → text, every module after those that it imports.

    One of them, constants, is made of the numbers that the script shares with `segmenter.render`.

    Raises:
        graphlib.CycleError: modules import each other in a circle.
    """
    files = (resources.files(__name__) / "script").iterdir()
    found = {file.name.removesuffix(".js"): file.read_text(encoding="utf-8") for file in files}
    numbers = {**CONSTANTS, "pieces": PIECES, "clicks": picking.MAX_CLICKS}
    found["constants"] = f"export default {json.dumps(numbers)};"
    order = TopologicalSorter({name: IMPORT.findall(text) for name, text in sorted(found.items())}).static_order()
    return {name: found[name] for name in order}


def script() -> str:
    """What runs in the browser once the page's html is there: the body of a function of what Gradio gives it."""
    return "chairliftScript.then(({ start }) => start({ element, props }));"


@cache
def texts() -> dict[str, dict[str, Any]]:
    """The page's words: dict of language (`en`, `zh`) → dict of key → text."""
    languages = {}
    for name in (*TEXTS, *PLACES):
        for language, words in json.loads(read(f"{name}.json") or "{}").get("languages", {}).items():
            languages.setdefault(language, {}).update(words)
    return languages


def head() -> str:
    """What the page needs in its <head>: the icon of its tab, the style, and the modules of its script.

    These are made of blobs, whose addresses are the same under any path and without a network, and are there by
    the time Gradio has drawn the page.
    """
    icon = base64.b64encode(read("icon.svg").encode()).decode()
    yellow = "#" + bytes(CONSTANTS["heatmap"]["yellow"]).hex()
    styles = "".join(read(f"{name}.css") for name in (*STYLES, *PLACES))
    sources = json.dumps(modules(), ensure_ascii=False).replace("<", "\\u003c")  # nothing in them ends the <script>
    return (
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,{icon}">'
        f"<style>:root {{ --yellow: {yellow}; }}\n{styles}</style>"
        f"<script>{read('link_modules.js')}window.chairliftModules = linkModules({sources}); "
        "const chairliftScript = import(chairliftModules.viewer);</script>"
    )


def show(photo: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """What the page draws from: a photo and its map, both small enough to be sent quickly.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, h × w, 0 … 1: of the photo's size or smaller.

    Returns:
        dict: `photo` and `map`, pictures as data URIs of at most `PHOTO_SIDE` and `MAP_SIDE`
        pixels; `width` and `height` of the photo itself.
    """
    shown = at_most(photo, PHOTO_SIDE)
    return {
        "photo": _bounded([lambda quality=quality: _jpeg_uri(shown, quality) for quality in (86, 70, 50)], PHOTO_BYTES),
        "map": _bounded(
            [lambda side=side: _map_uri(at_most(probabilities, side)) for side in (MAP_SIDE, 640, 480)], MAP_BYTES
        ),
        "width": photo.shape[1],
        "height": photo.shape[0],
    }


def small(photo: np.ndarray) -> np.ndarray:
    """A photo as small as its map is shown."""
    return at_most(photo, MAP_SIDE)


def map_size(width: Any, height: Any) -> tuple[int, int]:
    """The (width, height) of a map that the page says it has.

    Raises:
        PhotoError: it has none such.
    """
    if not all(type(side) is int and 0 < side <= MAP_SIDE for side in (width, height)):
        message = "A map's width and height are whole numbers from 1 to {limit}."
        raise PhotoError(message, "pick.size", limit=MAP_SIDE)
    return width, height


def piece(probabilities: np.ndarray, size: tuple[int, int]) -> str:
    """The map of a piece as a picture of (width, height) pixels: a PNG as data URI."""
    if probabilities.shape[::-1] != size:
        probabilities = cv2.resize(probabilities, size, interpolation=cv2.INTER_AREA)
    return _map_uri(np.clip(probabilities, 0, 1))


def thumbnail(photo: np.ndarray) -> str:
    """A photo (uint8, H × W × 3) as a small data URI, for the row of examples."""
    return _jpeg_uri(at_most(photo, THUMBNAIL_SIDE, shorter=True), THUMBNAIL_QUALITY)


@cache
def rooms() -> list[dict[str, str]]:
    """The rooms that the finish panel offers: of each its `name` and a `thumbnail`, a data URI."""
    folder = resources.files(__name__) / ROOMS
    return [
        {"name": name, "thumbnail": _data_uri((folder / f"{name}.jpg").read_bytes(), "jpeg")}
        for name in backgrounds.NAMES
    ]


def room_thumbnail(name: str) -> bytes:
    """What is kept of a room for `rooms`: the bytes of a JPEG, drawn anew."""
    return encode(backgrounds.draw(name, THUMBNAIL_SIDE, THUMBNAIL_SIDE), "jpeg", THUMBNAIL_QUALITY)


def room(name: Any, width: Any, height: Any) -> dict[str, Any]:
    """A room as the page draws it behind furniture.

    Args:
        name: one of `backgrounds.NAMES`.
        width, height: in pixels, whose ratio counts; at most `ROOM_SIDE` a side are drawn.

    Returns:
        dict: `picture`, a JPEG as data URI; `light`, how much of its light the furniture takes on, 0 … 1.

    Raises:
        PhotoError: there is no such room, or that is no size.
    """
    if name not in backgrounds.NAMES:
        raise PhotoError(
            "There is no such room; there are {known}.", "room.unknown", known=", ".join(backgrounds.NAMES)
        )
    if not all(isinstance(side, int) and not isinstance(side, bool) and 0 < side < 10**6 for side in (width, height)):
        raise PhotoError("A room's width and height are whole numbers above 0.", "room.size")
    scale = min(1.0, ROOM_SIDE / max(width, height))
    picture = backgrounds.draw(name, max(1, round(height * scale)), max(1, round(width * scale)))
    return {"picture": _jpeg_uri(picture, 82), "light": backgrounds.LIGHT[name]}


@cache
def _problems():
    """Dict of language → dict of an error's code → text, in which the names of the error's values stand in braces."""
    return json.loads(read("problems.json"))


def problem(error: ChairliftError) -> dict[str, str]:
    """What went wrong, in every language of the page.

    Args:
        error: its code finds the words in problems.json, which are filled with its values.

    Returns:
        dict of language → text. A language without a text for the code is left out: it says it in English.
    """
    known = {language: words[error.code] for language, words in _problems().items() if error.code in words}
    return {"en": str(error), **{language: text.format(**error.values) for language, text in known.items()}}


def _bounded(ways, most):
    """The first of several ways to make a data URI whose content takes at most so many bytes, or the last."""
    for make in ways:
        uri = make()
        if len(uri) * 3 / 4 <= most:
            break
    return uri


def _map_uri(probabilities):
    """float32, H × W, 0 … 1, as a grey picture within the page."""
    return _data_uri(png.encode(np.rint(probabilities * 255).astype(np.uint8)), "png")


def _jpeg_uri(picture, quality):
    """uint8, H × W × 3, RGB, as a picture within the page."""
    return _data_uri(encode(picture, "jpeg", quality), "jpeg")


def _data_uri(data, kind):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
