"""Corrections by hand: brush strokes, single pieces kept or dropped, and pieces picked, in JSON that fits any size.

An edit is one of

    {"do": "keep" | "erase", "radius": r, "points": [[x, y], …]}    a stroke of a round brush
    {"do": "keep" | "drop", "at": [x, y]}                            the piece, or enclosed gap, that holds this point
    {"do": "only" | "add" | "take", "points": …, "labels": …}        a piece picked by clicks, see `segmenter.render.picks`

with x as a share of the photo's width, y of its height, and r of its longer side.

What a stroke covers of each pixel is said in `segmenter.render.strokes`. Keeping makes alpha at least what is
covered, erasing at most what is not.

Where scraps are taken away, that comes before all corrections, but for the scraps that one of them keeps: what
a person decides is never undone by the rule.
"""

import io
import json
import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from segmenter.errors import PhotoError
from segmenter.inference.picking import MAX_CLICKS
from segmenter.inference.pieces import without_scraps
from segmenter.io.files import zipped
from segmenter.render import alpha, strokes
from segmenter.render.constants import CONSTANTS
from segmenter.render.encode import to_png

MAX_EDITS, MAX_POINTS = CONSTANTS["corrections"]["max_edits"], CONSTANTS["corrections"]["max_points"]
MAX_POINTS_IN_ALL = 50_000
ROWS_AT_ONCE = 256  # of a stroke that is put on a map
MAX_RADIUS = CONSTANTS["corrections"]["max_radius"]
PICKS = ("only", "add", "take")
MAX_PICKS = CONSTANTS["corrections"]["max_picks"]
BEYOND = CONSTANTS["corrections"]["beyond"]  # how far a stroke may leave the photo, as a share of its width or height


def check(edits: str | bytes | Sequence[dict] | None) -> tuple[dict, ...]:
    """Corrections from JSON, text or already read, as a tuple of dicts with numbers and nothing else.

    Raises:
        PhotoError: that is no list of edits, or there are too many.
    """
    if isinstance(edits, (str, bytes)):
        try:
            edits = json.loads(edits)
        except (ValueError, RecursionError) as error:
            raise PhotoError(
                "These corrections are not valid JSON: {why}", "correction.json", why=str(error)
            ) from error
    if edits is None:
        return ()
    if not isinstance(edits, (list, tuple)):
        raise PhotoError("The corrections must be a list.", "correction.list")
    if len(edits) > MAX_EDITS:
        message = "These are too many corrections: at most {limit} are possible."
        raise PhotoError(message, "correction.too_many", limit=MAX_EDITS)
    checked = tuple(_check_edit(edit, f"correction {number}") for number, edit in enumerate(edits, 1))
    if sum(map(is_pick, checked)) > MAX_PICKS:
        message = "These are too many picked pieces: at most {limit} are possible."
        raise PhotoError(message, "correction.too_many_picks", limit=MAX_PICKS)
    if sum(len(edit.get("points", ())) for edit in checked) > MAX_POINTS_IN_ALL:
        message = "These are too many corrections: at most {limit} points in all are possible."
        raise PhotoError(message, "correction.too_many", limit=MAX_POINTS_IN_ALL)
    return checked


def to_json(edits: str | bytes | Sequence[dict] | None) -> list[dict]:
    """Corrections as a list of plain dicts."""
    return [dict(edit) for edit in check(edits)]


def _check_edit(edit, name):
    if not isinstance(edit, dict):
        raise _bad(f"{name} must be an object")
    keys, do = set(edit), edit.get("do")
    if keys == {"do", "at"} and do in ("keep", "drop"):
        return {"do": do, "at": _check_point(edit["at"], 0, 1, name)}
    if keys == {"do", "points", "labels"} and do in PICKS:
        return _check_pick(edit, name)
    if keys != {"do", "radius", "points"} or do not in ("keep", "erase"):
        raise _bad(
            f'{name} must have "do" (keep or erase), "radius" and "points"; or "do" (keep or drop) and "at"; or "do" '
            '(only, add or take), "points" and "labels"'
        )
    points, radius = edit["points"], edit["radius"]
    if not _is_number(radius) or not 0 < radius <= MAX_RADIUS:
        raise _bad(f'the "radius" of {name} must be above 0 and at most {MAX_RADIUS}')
    if not isinstance(points, (list, tuple)) or not 1 <= len(points) <= MAX_POINTS:
        raise _bad(f'{name} must have 1 to {MAX_POINTS} "points"')
    points = [_check_point(point, -BEYOND, 1 + BEYOND, name) for point in points]
    return {"do": do, "radius": float(radius), "points": points}


def is_pick(edit: dict) -> bool:
    """Whether a checked correction is a piece picked by clicks."""
    return edit["do"] in PICKS


def _check_pick(edit, name):
    points, labels = edit["points"], edit["labels"]
    if not isinstance(points, (list, tuple)) or not 1 <= len(points) <= MAX_CLICKS:
        raise _bad(f'{name} must have 1 to {MAX_CLICKS} "points"')
    right = isinstance(labels, (list, tuple)) and all(type(label) is int and label in (0, 1) for label in labels)
    if not right or len(labels) != len(points) or 1 not in labels:
        raise _bad(
            f'the "labels" of {name} must be 1 (this piece) or 0 (not this), one for each point, and one of them 1'
        )
    return {"do": edit["do"], "points": [_check_point(point, 0, 1, name) for point in points], "labels": list(labels)}


def _bad(why):
    return PhotoError("In the corrections, {why}.", "correction.invalid", why=why)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def _check_point(point, low, high, name):
    if not isinstance(point, (list, tuple)) or len(point) != 2 or not all(map(_is_number, point)):
        raise _bad(f"each point of {name} must be two numbers, [x, y]")
    if not all(low <= value <= high for value in point):
        raise _bad(f"the points of {name} must lie between {low} and {high}")
    return [float(point[0]), float(point[1])]


def apply(
    probabilities: np.ndarray, edits: str | Sequence[dict] | None, threshold: float = 0.5, pieces: str = "all"
) -> np.ndarray:
    """The map as a person corrected it.

    Args:
        probabilities: float32, H × W, 0 … 1; where pieces were picked, as `segmenter.render.picks.look` gives it.
        edits: corrections in their order, as above; picks only say here that scraps stay.
        threshold: 0 … 1, at which pieces are told apart and strokes have their exact edge.
        pieces: "main": scraps are taken away first, as `segmenter.inference.pieces` tells them, but
            for those that a correction keeps; "all": none are.

    Returns:
        float32, H × W, 0 … 1: a new array, or the same where there is nothing to change. What neither
        a correction nor the rule for scraps touches keeps its values.

    Raises:
        PhotoError: the corrections are not valid.
    """
    edits = check(edits)
    by_hand = [edit for edit in edits if not is_pick(edit)]
    if len(by_hand) == len(edits):
        probabilities = without_scraps_but(probabilities, edits, threshold, pieces)
    if not by_hand:
        return probabilities
    corrected = np.array(probabilities, np.float32)
    for edit in by_hand:
        if "points" in edit:
            _brush(corrected, edit, threshold)
        else:
            _settle(corrected, edit, threshold)
    return corrected


def without_scraps_but(probabilities: np.ndarray, edits: Sequence[dict], threshold: float, pieces: str) -> np.ndarray:
    """A map without scraps, but for those that a correction keeps; as it is where `pieces` is "all".

    Args:
        probabilities, threshold, pieces: as in `apply`.
        edits: checked corrections.
    """
    if pieces != "main":
        return probabilities
    kept = [_pixel(edit["at"], probabilities.shape) for edit in edits if edit["do"] == "keep" and "at" in edit]
    return without_scraps(probabilities, threshold, kept)


def _brush(corrected, edit, threshold):
    """Put a stroke on a map, in place."""
    height, width = corrected.shape
    radius = max(edit["radius"] * max(height, width), 0.5)
    points = np.array(edit["points"], np.float64) * (width, height)
    low, high = np.floor(points.min(axis=0) - radius - 2), np.ceil(points.max(axis=0) + radius + 3)
    left, top = np.clip(low, 0, (width, height)).astype(int)
    right, bottom = np.clip(high, 0, (width, height)).astype(int)
    if left >= right or top >= bottom:
        return
    covered = strokes.coverage(points - (left, top), radius, bottom - top, right - left)
    for row in range(0, bottom - top, ROWS_AT_ONCE):  # most rows have few pixels of a long stroke
        rows = slice(row, row + ROWS_AT_ONCE)
        touched = covered[rows] > 0
        some, part = covered[rows][touched], corrected[top:bottom, left:right][rows]
        if edit["do"] == "keep":
            aim = np.where(some == 1, np.float32(1), alpha.alpha_inverse(some, threshold))
            part[touched] = np.maximum(part[touched], aim)
        else:
            aim = np.where(some == 1, np.float32(0), alpha.alpha_inverse(1 - some, threshold))
            part[touched] = np.minimum(part[touched], aim)


def _pixel(point, shape):
    """The pixel (x, y) that a point in shares of width and height falls on."""
    height, width = shape
    return min(int(point[0] * width), width - 1), min(int(point[1] * height), height - 1)


def _settle(corrected, edit, threshold):
    """Keep or drop the piece or gap that holds a point, in place."""
    height, width = corrected.shape
    seed = _pixel(edit["at"], corrected.shape)
    inside = alpha.mask(corrected, threshold)
    is_piece = bool(inside[seed[1], seed[0]])
    region, (left, top, right, bottom) = _region(inside, seed, 8 if is_piece else 4)
    if not is_piece and (left == 0 or top == 0 or right == width or bottom == height):
        return  # the background as such is never filled
    reach = alpha.rim(corrected.shape) + 1
    box = np.s_[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach]
    region, kind = region[box], inside[box] == is_piece
    part, stays = corrected[box], is_piece == (edit["do"] == "keep")
    if stays:  # what lies deeper than its soft rim becomes sure
        deep = cv2.erode(region.astype(np.uint8), np.ones((2 * reach - 1, 2 * reach - 1), np.uint8))
        part[deep == 1] = float(is_piece)
    else:
        part[region | _skirt(region, kind, reach)] = float(not is_piece)


def _region(inside, seed, connectivity):
    """The connected region of the seed's kind: (bool, H × W; its box as left, top, right, bottom)."""
    grown = np.zeros((inside.shape[0] + 2, inside.shape[1] + 2), np.uint8)
    flags = connectivity | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
    _, _, _, (left, top, width, height) = cv2.floodFill(inside.astype(np.uint8), grown, seed, 0, flags=flags)
    return grown[1:-1, 1:-1] == 1, (left, top, left + width, top + height)


def _skirt(region, kind, reach):
    """The soft surroundings of a region: what is near it, of the other kind, and no nearer to a like region."""
    away = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    skirt = ~kind & (away <= reach)
    others = kind & ~region
    if others.any():
        skirt &= away <= cv2.distanceTransform((~others).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return skirt


def training_pair(
    photo: np.ndarray,
    probabilities: np.ndarray,
    threshold: float = 0.5,
    edits: str | Sequence[dict] | None = (),
    pieces: str = "main",
    name: str = "photo",
    source: str | os.PathLike[str] | bytes | None = None,
    numbered: Callable[[np.ndarray], np.ndarray | None] = lambda mask: None,
) -> bytes:
    """A photo and its corrected mask, as `train.py --data` takes them once they are unpacked.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities, threshold, edits, pieces: as in `apply`.
        name: of the photo, whose letters, digits, `-` and `_` count.
        source: the path or bytes that the photo was read from. They are taken as they are where
            they show just this photo; otherwise, or without them, it is written as a PNG.
        numbered: tells the pieces of the finished mask (bool, H × W) apart: uint8, H × W, or None.

    Returns:
        bytes of a zip: images/NAME.jpg (.png, .webp) and masks/NAME.png, which is 255 where it is
        furniture and 0 elsewhere; and pieces/NAME.png, where pieces are told apart.
    """
    inside = alpha.mask(apply(probabilities, edits, threshold, pieces), threshold)
    data, suffix = _as_it_came(photo, source) or (to_png(photo), ".png")
    name = re.sub(r"[^\w-]+", "_", name)[:80].strip("_") or "photo"
    parts = {f"images/{name}{suffix}": data, f"masks/{name}.png": to_png(inside.astype(np.uint8) * 255)}
    pieces_of_it = numbered(inside)
    if pieces_of_it is not None:
        parts[f"pieces/{name}.png"] = to_png(pieces_of_it)
    return zipped(parts)


def _as_it_came(photo, source):
    """(Bytes, suffix) of the photo's own file, if any reader of such files sees this photo in it; else None."""
    if source is None:
        return None
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        suffix = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}.get(image.format or "")
        same = suffix and image.size == photo.shape[1::-1] and np.array_equal(np.asarray(image.convert("RGB")), photo)
    return (data, suffix) if same else None
