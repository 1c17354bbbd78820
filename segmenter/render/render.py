"""A photo, its map and a person's choices → the finished file. Every way out goes through here.

    product = produce(photo, probabilities, Choices(background="#ffffff", shadow=0.5, format="jpeg"))

The same photo, map and choices give the same bytes, whoever asks.
"""

import json
from dataclasses import dataclass, replace

import cv2
import numpy as np

from segmenter.render import alpha as cutout, backgrounds, compositing, corrections
from segmenter.render.options import PRESETS, Choices
from segmenter.io.files import zipped
from segmenter.io.images import MAX_PIXELS, PhotoError

__all__ = ["PRESETS", "Choices", "Product", "map_png", "mask", "parts", "picture", "preview", "produce"]

MIMES = {".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg", ".zip": "application/zip"}
ON_WHITE = "JPEG knows no transparency, so the background is white."
PREVIEW_QUALITY = 85
STANDING = 0.52  # share of a room's width or height that an object takes
FEET = 0.88  # where it stands, as a share of the room's height from above
WALL = 0.8  # share of the height added to a room's picture that is added above the object
SPECK = 200  # a piece this many times smaller than the largest counts for neither frame nor place
STRIP = 256  # rows that are composed at a time, as float32 takes four times the memory


@dataclass(frozen=True)
class Product:
    """A finished file."""

    data: bytes
    suffix: str  # ".png", ".webp", ".jpg" or ".zip"
    kind: str  # "cutout", "mask", "heatmap", "map" or "all"
    notes: tuple = ()  # sentences that the person should know of it

    @property
    def mime(self):
        """Its media type, such as "image/png"."""
        return MIMES[self.suffix]

    def name(self, stem):
        """The file's name, after the photo's name without its suffix."""
        return f"{stem}-{self.kind}{self.suffix}"


def produce(photo, probabilities, choices=Choices(), edits=(), background=None):
    """The file that a person asked for.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, H × W, 0 … 1.
        choices: Choices; a threshold of None counts as 0.5, so fill in the weights' own before.
        edits: corrections by hand, see `segmenter.render.corrections`.
        background: uint8, h × w × 3, RGB, for the choice `background="own"`.

    Returns:
        Product. The mask (0 and 255), the map (16 bits, 65535 is surely furniture) and the heatmap
        are of the photo's own size and view; frame, background and shadow are the cutout's.

    Raises:
        PhotoError: the corrections are not valid, or the own background is missing.
        ValueError: the map is not of the photo's size.
    """
    if choices.what != "all":
        return parts(photo, probabilities, choices, edits, background, (choices.what,))[choices.what]
    found = parts(photo, probabilities, choices, edits, background, ("cutout", "mask", "map"))
    settings = {
        "settings": choices.to_json(),
        "corrections": corrections.to_json(edits),
        "photo": {"width": photo.shape[1], "height": photo.shape[0]},
    }
    files = {f"{kind}{product.suffix}": product.data for kind, product in found.items()}
    files["settings.json"] = json.dumps(settings, indent=1).encode()
    return Product(zipped(files), ".zip", "all", found["cutout"].notes)


def parts(photo, probabilities, choices, edits, background, wanted):
    """Several products of one photo: dict of kind → Product, for each wanted kind but "all"."""
    choices = choices.at(0.5)
    probabilities = corrections.apply(probabilities, edits, choices.threshold)
    found = {}
    for kind in wanted:
        if kind == "cutout":
            found[kind] = _encoded(picture(photo, probabilities, choices, background), choices, kind)
        elif kind == "heatmap":
            found[kind] = _encoded(cutout.heatmap(photo, probabilities), choices, kind)
        elif kind == "mask":
            inside = mask(probabilities, choices)
            found[kind] = Product(cutout.to_png(inside.astype(np.uint8) * 255), ".png", kind)
        else:
            found[kind] = Product(map_png(probabilities), ".png", kind)
    return found


def preview(photo, probabilities, choices=Choices(), edits=(), background=None, side=1280):
    """The cutout as `produce` gives it, on a canvas of at most `side` pixels, as a WebP: quick to make and to send."""
    shape, width, height = choices.canvas_shape()
    if shape == "pixels" and max(width, height) > side:
        scale = side / max(width, height)
        choices = replace(choices, canvas=f"{max(16, round(width * scale))}x{max(16, round(height * scale))}")
    scale = side / max(photo.shape)
    if scale < 1:
        size = [max(1, round(length * scale)) for length in photo.shape[1::-1]]
        photo, probabilities = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (photo, probabilities))
    transparent = choices.format != "jpeg" or choices.background != "transparent"
    choices = replace(choices, what="cutout", format="webp", quality=PREVIEW_QUALITY,
                      background=choices.background if transparent else "#ffffff")  # fmt: skip
    return produce(photo, probabilities, choices, edits, background)


def mask(probabilities, choices):
    """What the finished cutout shows of the photo: bool, H × W."""
    inside = cutout.mask(probabilities, choices.threshold)
    if not choices.shift:
        return inside
    unit = max(probabilities.shape) / 1000
    return cutout.grow(cutout.alpha(probabilities, choices.threshold), choices.shift * unit) >= 0.5


def map_png(probabilities):
    """A map as the bytes of a 16-bit grey PNG file: 0 is surely background, 65535 surely furniture."""
    _, data = cv2.imencode(".png", np.rint(probabilities * np.float32(65535)).astype(np.uint16))
    return data.tobytes()


def picture(photo, probabilities, choices, background=None):
    """The finished cutout as pixels: uint8, h × w × 4 (RGBA) where the background is transparent, else h × w × 3.

    Args:
        photo, probabilities, background: as in `produce`.
        choices: Choices whose threshold is settled.
    """
    rgba = cutout.cut(photo, probabilities, choices.threshold, choices.softness, choices.shift)
    view = _view(_object_box(rgba[..., 3]), photo.shape, choices)
    canvas = _background(photo, rgba[..., 3], view, choices, background)
    placed = view.placed(rgba)
    if canvas is None and not choices.shadow:
        return placed
    if choices.room:
        placed = _lit(placed, canvas, backgrounds.LIGHT[choices.room])
    shadow = compositing.contact_shadow(placed[..., 3], choices.shadow) if choices.shadow else None
    return _composed(canvas, placed, shadow)


def _object_box(alpha):
    """(left, top, right, bottom) of all that a cutout shows but specks, or None."""
    solid = (alpha >= 128).astype(np.uint8)
    count, _, statistics, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count == 1:
        return None
    statistics = statistics[1:][statistics[1:, cv2.CC_STAT_AREA] * SPECK >= statistics[1:, cv2.CC_STAT_AREA].max()]
    left, top, width, height, _ = statistics.T
    return int(left.min()), int(top.min()), int((left + width).max()), int((top + height).max())


def _lit(placed, canvas, strength):
    """The cutout with a little of its room's light."""
    box = cutout.box_of(placed[..., 3] > 0)
    if box is None:
        return placed
    lit, part = placed.copy(), np.s_[box[1] : box[3], box[0] : box[2]]
    lit[part] = compositing.harmonise(placed[part], _small(canvas), strength)
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
        box = cutout.box_of(rgba[..., 3] > 0)
        if box is None:
            return np.zeros((self.height, self.width, 4), np.uint8)
        part = cv2.copyMakeBorder(rgba[box[1] : box[3], box[0] : box[2]], 2, 2, 2, 2, cv2.BORDER_CONSTANT)
        x, y = (((box[side] - 2 + 0.5 - start) * self.scale - 0.5) for side, start in ((0, self.left), (1, self.top)))
        right, bottom = x + part.shape[1] * self.scale + 2, y + part.shape[0] * self.scale + 2
        left, right = (int(np.clip(edge, 0, self.width)) for edge in (np.floor(x) - 2, np.ceil(right)))
        top, bottom = (int(np.clip(edge, 0, self.height)) for edge in (np.floor(y) - 2, np.ceil(bottom)))
        canvas = np.zeros((self.height, self.width, 4), np.uint8)
        if left < right and top < bottom:
            matrix = np.float64([[self.scale, 0, x - left], [0, self.scale, y - top]])
            canvas[top:bottom, left:right] = compositing.place(part, matrix, bottom - top, right - left)
        return canvas


def _view(box, shape, choices):
    """The view that the choices ask for, of an object's box (None: there is no object)."""
    left, top, wide, tall = _frame(box, shape, choices)
    kind, width, height = choices.canvas_shape()
    if kind != "pixels":
        scale = min(1.0, (MAX_PIXELS / (wide * tall)) ** 0.5)
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


def _background(photo, alpha, view, choices, own):
    """What is behind the cutout: uint8, height × width × 3, or None where it is transparent."""
    if choices.background == "own":
        if own is None:
            raise PhotoError("An own background needs a picture. Please choose one, or another background.")
        return compositing.cover(own, view.height, view.width)
    if choices.background == "blur":
        return compositing.blurred(photo, alpha, view.frame, view.height, view.width)
    if choices.room:
        return backgrounds.draw(choices.room, view.height, view.width)
    colour = choices.colour or ((255, 255, 255) if _needs_white(choices) else None)
    return None if colour is None else np.full((view.height, view.width, 3), colour, np.uint8)


def _needs_white(choices):
    return choices.format == "jpeg" and choices.background == "transparent" and choices.what in ("cutout", "all")


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


def _encoded(pixels, choices, kind):
    """Pixels as a file in the chosen format."""
    if choices.format == "png":
        return Product(cutout.to_png(pixels), ".png", kind)
    turned = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    if choices.format == "jpeg":
        _, data = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, choices.quality])
        notes = (ON_WHITE,) if kind == "cutout" and _needs_white(choices) else ()
        return Product(data.tobytes(), ".jpg", kind, notes)
    lossless = 1 if choices.quality == 100 else 0  # OpenCV takes a quality above 100 for that
    _, data = cv2.imencode(".webp", turned, [cv2.IMWRITE_WEBP_QUALITY, choices.quality + lossless])
    return Product(data.tobytes(), ".webp", kind)
