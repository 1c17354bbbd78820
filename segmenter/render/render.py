"""A photo, its map and a person's choices → the finished file. Every way out goes through here.

    product = produce(photo, probabilities, Choices(background="#ffffff", shadow=0.5, format="jpeg"))

The same photo, map and choices give the same bytes, whoever asks.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from segmenter.errors import PhotoError
from segmenter.io.files import zipped
from segmenter.io.images import MAX_PIXELS
from segmenter.render import alpha, backgrounds, compositing, corrections, picks
from segmenter.render.constants import CONSTANTS
from segmenter.render.cutout import cut
from segmenter.render.encode import SUFFIXES, encode, map_png, to_png
from segmenter.render.heatmap import heatmap
from segmenter.render.options import Choices

ON_WHITE = "JPEG knows no transparency, so the background is white."
STANDING = CONSTANTS["render"]["standing"]  # share of a room's width or height that an object takes
FEET = CONSTANTS["render"]["feet"]  # where it stands, as a share of the room's height from above
WALL = CONSTANTS["render"]["wall"]  # share of the height added to a room's picture that is added above the object
SPECK = CONSTANTS["render"][
    "speck"
]  # a piece this many times smaller than the largest counts for neither frame nor place
# A canvas that is larger than the photo, as its shape asks for it, has at most so many pixels, or so many times
# those of the photo: a long thin one would become a huge square.
ROOMY, GROWTH = 12_000_000, 25
STRIP = 64  # rows that are composed at a time, as float32 takes four times the memory


@dataclass(frozen=True)
class Product:
    """A finished file."""

    data: bytes
    suffix: str  # ".png", ".webp", ".jpg" or ".zip"
    kind: str  # "cutout", "mask", "heatmap", "map" or "all"
    notes: tuple[str, ...] = ()  # sentences that the person should know of it

    def name(self, stem: str) -> str:
        """The file's name, after the photo's name without its suffix."""
        return f"{stem}-{self.kind}{self.suffix}"


def produce(
    photo: np.ndarray,
    probabilities: np.ndarray | Any,
    choices: Choices = Choices(),
    edits: str | Sequence[dict] = (),
    background: np.ndarray | None = None,
) -> Product:
    """The file that a person asked for: `Rendering.product` of what the choices say.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, H × W, 0 … 1; or the Segmenter, which then is asked for the map, for its threshold where
            the choices name none, and for the pieces that corrections pick by clicks (`add`, `take` and `only`, see
            `segmenter.render.picks`).
        choices, edits, background: as in `Rendering`.

    Raises:
        PhotoError: the corrections are not valid, or pick pieces where a map alone is given or the weights cannot pick;
            or the own background is missing.
        ValueError: the map is not of the photo's size.
    """
    edits = corrections.check(edits)
    if isinstance(probabilities, np.ndarray):
        if picks.effective(edits):
            message = (
                "These corrections pick pieces by clicks, which takes the network. Give produce the Segmenter in the "
                "place of the map: produce(photo, segmenter, choices, edits)."
            )
            raise PhotoError(message, "pick.map")
        return Rendering(photo, probabilities, choices, edits, background).product()
    segmenter = probabilities
    choices = choices.at(segmenter.threshold)
    return Rendering(photo, picks.look(segmenter, photo, choices, edits), choices, edits, background).product()


class Rendering:
    """One photo with all that was chosen about it, of which any number of files can be made.

    Attributes:
        probabilities: float32, H × W, 0 … 1: the map as choices and corrections leave it.
    """

    def __init__(
        self,
        photo: np.ndarray,
        probabilities: np.ndarray,
        choices: Choices = Choices(),
        edits: str | Sequence[dict] = (),
        background: np.ndarray | None = None,
    ) -> None:
        """Settle what is shown of the photo.

        Args:
            photo: uint8, H × W × 3, RGB.
            probabilities: float32, H × W, 0 … 1; where pieces were picked, as `picks.look` gives it.
            choices: Choices; a threshold of None counts as 0.5, so fill in the weights' own before.
            edits: corrections by hand, see `segmenter.render.corrections`.
            background: uint8, h × w × 3, RGB, for the choice `background="own"`.

        Raises:
            PhotoError: the corrections are not valid.
            ValueError: the map is not of the photo's size.
        """
        alpha.check_same_size(photo, probabilities)
        self.photo, self.choices, self.background = photo, choices.at(0.5), background
        self.threshold = 0.5 if choices.threshold is None else choices.threshold
        self.edits = corrections.check(edits)
        self.probabilities = corrections.apply(probabilities, self.edits, self.threshold, choices.pieces)

    def product(self, kind: str | None = None) -> Product:
        """A finished file.

        Args:
            kind: one of `options.KINDS`; by default the one that was chosen.

        Returns:
            Product. The mask (0 and 255), the map (16 bits, 65535 is surely furniture) and the heatmap
            are of the photo's own size and view; frame, background and shadow are the cutout's.

        Raises:
            PhotoError: the own background is missing.
        """
        kind = kind or self.choices.what
        if kind == "all":
            return self._everything()
        if kind == "mask":
            return Product(to_png(self.mask().astype(np.uint8) * 255), ".png", kind)
        if kind == "map":
            return Product(map_png(self.probabilities), ".png", kind)
        if kind == "heatmap":
            return self._picture_file(heatmap(self.photo, self.probabilities), kind)
        notes = (ON_WHITE,) if _needs_white(self.choices) else ()
        return self._picture_file(self.picture(), kind, notes)

    def mask(self) -> np.ndarray:
        """What the finished cutout shows of the photo: bool, H × W."""
        inside = alpha.mask(self.probabilities, self.threshold)
        if not self.choices.shift:
            return inside
        unit = max(self.probabilities.shape) / 1000
        opacity = alpha.alpha(self.probabilities, self.threshold)
        return alpha.grow(opacity, self.choices.shift * unit) >= 0.5

    def picture(self) -> np.ndarray:
        """The finished cutout as pixels.

        Returns:
            uint8, h × w × 4 (RGBA) where the background is transparent, else h × w × 3.

        Raises:
            PhotoError: the own background is missing.
        """
        choices = self.choices
        rgba = cut(
            self.photo, self.probabilities, self.threshold, "all", softness=choices.softness, shift=choices.shift
        )
        framed = choices.trim or choices.room
        view = _view(_object_box(rgba[..., 3]) if framed else None, self.photo.shape, choices)
        canvas = _background(self.photo, rgba[..., 3], view, choices, self.background)
        placed = view.placed(rgba)
        if canvas is None and not choices.shadow:
            return placed
        if choices.room:
            placed = _lit(placed, canvas, backgrounds.LIGHT[choices.room], choices.tint)
        shadow = compositing.contact_shadow(placed[..., 3], choices.shadow) if choices.shadow else None
        return _composed(canvas, placed, shadow)

    def _picture_file(self, pixels, kind, notes=()):
        """A picture that nobody else holds as a file."""
        data = encode(pixels, self.choices.format, self.choices.quality, overwrite=True)
        return Product(data, SUFFIXES[self.choices.format], kind, notes)

    def _everything(self):
        """Cutout, mask, map and settings in one zip."""
        found = {kind: self.product(kind) for kind in ("cutout", "mask", "map")}
        settings = {
            "settings": self.choices.to_json(),
            "corrections": corrections.to_json(self.edits),
            "photo": {"width": self.photo.shape[1], "height": self.photo.shape[0]},
        }
        files = {f"{kind}{product.suffix}": product.data for kind, product in found.items()}
        files["settings.json"] = json.dumps(settings, indent=1).encode()
        return Product(zipped(files), ".zip", "all", found["cutout"].notes)


def _object_box(opacity):
    """(left, top, right, bottom) of all that a cutout shows but specks, or None."""
    solid = (opacity >= 128).astype(np.uint8)
    count, _, statistics, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count == 1:
        return None
    statistics = statistics[1:][statistics[1:, cv2.CC_STAT_AREA] * SPECK >= statistics[1:, cv2.CC_STAT_AREA].max()]
    left, top, width, height, _ = statistics.T
    return int(left.min()), int(top.min()), int((left + width).max()), int((top + height).max())


def _lit(placed, canvas, strength, tint):
    """The cutout with a little of its room's light."""
    box = alpha.box_of(placed[..., 3] > 0)
    if box is None:
        return placed
    lit, part = placed.copy(), np.s_[box[1] : box[3], box[0] : box[2]]
    lit[part] = compositing.harmonise(placed[part], _small(canvas), strength, tint)
    return lit


def _small(picture):
    return cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA)


@dataclass(frozen=True)
class _View:
    """Which part of the photo's plane is shown, and on how many pixels."""

    left: float  # in pixels of the photo; it may begin before the photo and end after it
    top: float
    scale: float  # pixels of the canvas per pixel of the photo
    width: int  # of the canvas
    height: int

    @property
    def frame(self):
        """(left, top, right, bottom) in pixels of the photo."""
        return self.left, self.top, self.left + self.width / self.scale, self.top + self.height / self.scale

    def placed(self, rgba):
        """A cutout of the photo's size as it lies on the canvas: uint8, height × width × 4."""
        if self.scale == 1:  # the pixels stay what they are
            left, top = round(self.left), round(self.top)
            if (left, top, self.width, self.height) == (0, 0, rgba.shape[1], rgba.shape[0]):
                return rgba
            canvas = np.zeros((self.height, self.width, 4), np.uint8)
            part = rgba[max(0, top) : max(0, top + self.height), max(0, left) : max(0, left + self.width)]
            y, x = max(0, -top), max(0, -left)
            canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
            return canvas
        box = alpha.box_of(rgba[..., 3] > 0)
        if box is None:
            return np.zeros((self.height, self.width, 4), np.uint8)
        part = cv2.copyMakeBorder(rgba[box[1] : box[3], box[0] : box[2]], 2, 2, 2, 2, cv2.BORDER_CONSTANT)
        x, y = (((box[side] - 2 + 0.5 - start) * self.scale - 0.5) for side, start in ((0, self.left), (1, self.top)))
        right, bottom = x + part.shape[1] * self.scale + 2, y + part.shape[0] * self.scale + 2
        left, right = (int(np.clip(edge, 0, self.width)) for edge in (np.floor(x) - 2, np.ceil(right)))
        top, bottom = (int(np.clip(edge, 0, self.height)) for edge in (np.floor(y) - 2, np.ceil(bottom)))
        canvas = np.zeros((self.height, self.width, 4), np.uint8)
        if left < right and top < bottom:
            matrix = np.array([[self.scale, 0, x - left], [0, self.scale, y - top]], np.float64)
            canvas[top:bottom, left:right] = compositing.place(part, matrix, bottom - top, right - left)
        return canvas


def _view(box, shape, choices):
    """The view that the choices ask for, of an object's box (None: there is no object)."""
    left, top, wide, tall = _frame(box, shape, choices)
    kind, width, height = choices.canvas_shape()
    if kind != "pixels":
        most = min(MAX_PIXELS, max(ROOMY, GROWTH * shape[0] * shape[1]))
        scale = min(1.0, (most / (wide * tall)) ** 0.5)
        width, height = max(1, round(wide * scale)), max(1, round(tall * scale))
    if choices.room and box and not choices.trim:
        left, top, wide = _standing(box, width, height)
    return _View(left, top, width / wide, width, height)


def _frame(box, shape, choices):
    """(left, top, width, height) of what is shown, in pixels of the photo: whole ones, unless it is to be scaled."""
    left, top, wide, tall = 0, 0, shape[1], shape[0]
    if choices.trim and box:
        border = choices.margin * max(box[2] - box[0], box[3] - box[1])
        left, top = box[0] - border, box[1] - border
        wide, tall = box[2] - box[0] + 2 * border, box[3] - box[1] + 2 * border
    kind, across, down = choices.canvas_shape()
    if kind != "photo":  # the shorter side is lengthened to the canvas's shape
        longer, taller = max(wide, tall * across / down), max(tall, wide * down / across)
        left -= (longer - wide) / 2
        top -= (taller - tall) * (WALL if choices.room else 0.5)
        wide, tall = longer, taller
    return (left, top, wide, tall) if kind == "pixels" else tuple(round(side) for side in (left, top, wide, tall))


def _standing(box, width, height):
    """(left, top, width) of the frame in which a box stands on a room's floor, of a size that suits the room."""
    wide, tall = box[2] - box[0], box[3] - box[1]
    scale = min(STANDING * width / wide, STANDING * height / tall)
    return (box[0] + box[2] - width / scale) / 2, box[3] - FEET * height / scale, width / scale


def _background(photo, opacity, view, choices, own):
    """What is behind the cutout: uint8, height × width × 3, or None where it is transparent."""
    if choices.background == "own":
        if own is None:
            message = "An own background needs a picture. Please choose one, or another background."
            raise PhotoError(message, "background.missing")
        return compositing.cover(own, view.height, view.width)
    if choices.background == "blur":
        return compositing.blurred(photo, opacity, view.frame, view.height, view.width)
    if choices.room:
        return backgrounds.draw(choices.room, view.height, view.width)
    colour = choices.colour or ((255, 255, 255) if _needs_white(choices) else None)
    return None if colour is None else np.full((view.height, view.width, 3), colour, np.uint8)


def _needs_white(choices):
    return choices.format == "jpeg" and choices.background == "transparent"


def _composed(canvas, placed, shadow):
    """Cutout and shadow on the canvas; without a canvas, the shadow under the cutout in transparent black."""
    result = np.empty_like(placed if canvas is None else canvas)
    for top in range(0, len(placed), STRIP):
        rows = slice(top, top + STRIP)
        dark = None if shadow is None else shadow[rows]
        if canvas is not None:
            result[rows] = compositing.paste(canvas[rows], placed[rows], dark)
            continue
        opacity = placed[rows, :, 3] / np.float32(255)
        whole = opacity + (1 - opacity) * dark
        share = opacity / np.maximum(whole, np.float32(1e-6))
        result[rows, :, :3] = placed[rows, :, :3] * share[..., np.newaxis] + np.float32(0.5)
        result[rows, :, 3] = whole * 255 + np.float32(0.5)
    return result
