"""What a person may choose about a finished picture, as one value that every way in and out shares."""

import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from segmenter.errors import PhotoError
from segmenter.render import backgrounds
from segmenter.render.constants import CONSTANTS

FORMATS = tuple(CONSTANTS["choices"]["formats"])
KINDS = ("cutout", "mask", "heatmap", "map", "all")
PIECES = tuple(CONSTANTS["choices"]["pieces"])
SIDES = (16, 6000)  # of a canvas given in pixels
RATIO = 5  # a canvas is at most this many times as long as it is wide
DEFAULTS = CONSTANTS["choices"]["defaults"]
RANGES = CONSTANTS["choices"]["ranges"]  # lowest and highest

_ROOMS = tuple("room:" + name for name in backgrounds.NAMES)

# Squares of which the object fills 85 %, on white, are what most marketplaces ask for.
PRESETS = CONSTANTS["presets"]


def _choice(default, description):
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True)
class Choices:
    """How a photo and its map become a file. The defaults give what `cut` and `to_png` give.

    Raises:
        PhotoError: a value is not possible; the message names the setting and says what is.
    """

    threshold: float | None = _choice(None, "how sure it must be, 0 to 1; the weights' own by default")
    softness: float = _choice(
        DEFAULTS["softness"], "how far the edge is blurred, 0 to 10 thousandths of the photo's longer side"
    )
    shift: float = _choice(
        DEFAULTS["shift"],
        "how far the edge is moved, -20 to 20 thousandths of the photo's longer side; above 0 the object grows",
    )
    background: str = _choice(
        DEFAULTS["background"], f"transparent, #rrggbb, blur, own, or a room: {', '.join(_ROOMS)}"
    )
    tint: bool = _choice(DEFAULTS["tint"], "let the object take on the hue of a room too, and not its brightness alone")
    shadow: float = _choice(DEFAULTS["shadow"], "strength of a soft shadow where the object stands, 0 to 1")
    trim: bool = _choice(DEFAULTS["trim"], "cut the picture down to the object and a margin")
    margin: float = _choice(
        DEFAULTS["margin"], "free border round a trimmed object, 0 to 0.5 of the object's longer side"
    )
    canvas: str = _choice(
        DEFAULTS["canvas"], "photo, square, a shape such as 4:5, or a size in pixels such as 2000x2000"
    )
    format: str = _choice(DEFAULTS["format"], "png, webp or jpeg")
    quality: int = _choice(90, "of JPEG and WebP, 1 to 100; WebP at 100 loses nothing")
    what: str = _choice("cutout", "cutout, mask, heatmap, map, or all of them in a zip")
    pieces: str = _choice(
        DEFAULTS["pieces"], "main: the heaviest piece of furniture and sure others of at least a third of it; or all"
    )

    def __post_init__(self):
        if self.threshold is not None:
            self._check_number("threshold", 0, 1)
        for name, (low, high) in RANGES.items():
            self._check_number(name, low, high)
        self._check_number("quality", 1, 100)
        if self.quality != int(self.quality):
            raise _bad("quality", "a whole number from 1 to 100")
        object.__setattr__(self, "quality", int(self.quality))
        for name in ("trim", "tint"):
            if not isinstance(getattr(self, name), bool):
                raise _bad(name, "true or false")
        for name in ("background", "canvas", "format", "what", "pieces"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise _bad(name, "a word")
            object.__setattr__(self, name, value.strip().lower())
        if self.format not in FORMATS:
            raise _bad("format", _one_of(FORMATS))
        if self.what not in KINDS:
            raise _bad("what", _one_of(KINDS))
        if self.pieces not in PIECES:
            raise _bad("pieces", _one_of(PIECES))
        if self.room not in (None, *backgrounds.NAMES) or not (self.room or self._is_plain_background()):
            raise _bad("background", f"transparent, a colour such as #ffffff, blur, own, or {_one_of(_ROOMS)}")
        self.canvas_shape()

    def _check_number(self, name, low, high):
        """Let the setting be a float between two limits."""
        value = getattr(self, name)
        possible = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not possible or not low <= value <= high:  # not a number compares as False too
            raise _bad(name, f"a number from {low} to {high}")
        object.__setattr__(self, name, float(value) + 0.0)  # -0.0 is 0.0, so that equal settings are written alike

    def _is_plain_background(self):
        return self.background in ("transparent", "blur", "own") or self.colour is not None

    @property
    def room(self) -> str | None:
        """The name of the room in the background, or None."""
        return self.background.removeprefix("room:") if self.background.startswith("room:") else None

    @property
    def colour(self) -> tuple[int, ...] | None:
        """The background's (red, green, blue), 0 … 255, or None where it is no plain colour."""
        if not re.fullmatch("#[0-9a-f]{6}", self.background):
            return None
        return tuple(bytes.fromhex(self.background[1:]))

    def canvas_shape(self) -> tuple[str, int, int]:
        """What the canvas asks for: ("photo", 0, 0), ("ratio", width, height) or ("pixels", width, height)."""
        if self.canvas == "photo":
            return "photo", 0, 0
        if self.canvas == "square":
            return "ratio", 1, 1
        found = re.fullmatch(r"(\d{1,5})\s*([:x×])\s*(\d{1,5})", self.canvas, re.ASCII)
        if found:
            width, height = int(found[1]), int(found[3])
            possible = min(width, height) > 0 and max(width, height) <= RATIO * min(width, height)
            if possible and found[2] == ":":
                return "ratio", width, height
            if possible and SIDES[0] <= min(width, height) and max(width, height) <= SIDES[1]:
                return "pixels", width, height
        raise _bad(
            "canvas",
            f"photo, square, a shape such as 4:5, or a size such as 2000x2000 ({SIDES[0]} to {SIDES[1]} pixels "
            f"a side, and no side more than {RATIO} times the other)",
        )

    def at(self, threshold: float) -> "Choices":
        """The same choices, with this threshold where none was chosen."""
        return self if self.threshold is not None else replace(self, threshold=threshold)

    def to_json(self) -> dict[str, Any]:
        """All settings as a dict of plain JSON values, of which `from_json` makes the same choices."""
        return asdict(self)

    @classmethod
    def from_json(cls, settings: str | bytes | dict[str, Any]) -> "Choices":
        """Choices from a dict, or from JSON text of one; what is not named stays as by default.

        Raises:
            PhotoError: that is no such thing, or a setting is unknown or has an impossible value.
        """
        if isinstance(settings, (str, bytes)):
            try:
                settings = json.loads(settings, parse_constant=_no_constant)
            except (ValueError, RecursionError) as error:
                raise PhotoError("These settings are not valid JSON: {why}", "setting.json", why=str(error)) from error
        if not isinstance(settings, dict):
            message = 'Settings are given as an object of JSON, such as {"background": "#ffffff"}.'
            raise PhotoError(message, "setting.object")
        known = [each.name for each in fields(cls)]
        for name in settings:
            if name not in known:
                message, known = "{name!r} is not a setting; there are {known}.", ", ".join(known)
                raise PhotoError(message, "setting.unknown", name=str(name)[:40], known=known)
        return cls(**settings)


def _no_constant(name):
    raise ValueError(f"{name} is no number of JSON")


def _one_of(words):
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _bad(name, possible):
    return PhotoError("The setting {name!r} must be {possible}.", "setting.value", name=name, possible=possible)
