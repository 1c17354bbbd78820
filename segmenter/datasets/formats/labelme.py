"""labelme's annotations: a JSON file for each photo, with polygons, rectangles, circles and brushed masks.

Format: https://github.com/wkentaro/labelme
"""

import base64
import binascii
import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.datasets.formats import common, shapes
from segmenter.datasets.formats.common import Code, Part, Reading
from segmenter.datasets.formats.sources import Json, PhotoFinder, Sources
from segmenter.datasets.pairs import NO_MASK
from segmenter.errors import OutlineError
from segmenter.io import files, images
from segmenter.io.images import PHOTO_SUFFIXES

NAME = "labelme"
SUFFIXES = (".json",)
WITHOUT_AREA = ("point", "points", "line", "linestrip")  # key points and the like, drawn beside the outlines
_ENCLOSES_NOTHING = "it has a {kind}, which encloses nothing: draw a polygon, a rectangle or a circle"
IGNORED = "__ignore__"  # the label for what nobody could tell


def find(sources: Sources) -> list[Json]:
    """The JSON files that hold shapes."""
    return [file for file in sources.json if _is_labelme(file.data)]


def _is_labelme(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("shapes"), list)


def read(found: list[Json], sources: Sources, reading: Reading) -> None:
    """Add the photos of all files; what two files outline in one photo is taken together."""
    for path, error in sources.broken:
        reading.error(common.UNREADABLE, path.name, str(error), "or remove the file")
    finder, file_of = PhotoFinder(reading.folder), {}
    for path, data in found:
        photo = _photo_of(path, data, finder, reading.cache)
        if photo is None:
            name = str(data.get("imagePath") or path.stem)
            problem = f"{path.name} names it, but it is not there"
            reading.error(common.MISSING, name, problem, "put the photos beside their JSON files")
            continue
        if photo in file_of:
            problem = f"{file_of[photo].name} and {path.name} are both for it, and their outlines are taken together"
            reading.warn(common.TWO_FILES, photo.name, problem, "if one of them is a mere copy, remove it")
        file_of.setdefault(photo, path)
        _add(photo, path, data, reading)
    for photo in finder.photos:
        if photo not in file_of:
            reading.error(NO_MASK, photo.name, "no labelme file is for it", "outline the object, or remove the photo")


def _photo_of(path: Path, data: dict[str, Any], finder: PhotoFinder, cache: Path) -> Path | None:
    """The photo that is meant: the one it names, one of the JSON's own name, or the one inside it."""
    named = str(data.get("imagePath") or "")
    candidates = [named, *(path.stem + suffix for suffix in PHOTO_SUFFIXES)]
    found = next(filter(None, (finder.find(name, path) for name in candidates if name)), None)
    if found or not isinstance(data.get("imageData"), str):
        return found
    try:
        content = base64.b64decode(data["imageData"], validate=True)
    except binascii.Error:
        return None
    suffix = Path(named.replace("\\", "/")).suffix.lower()
    folder = cache / f"labelme-{hashlib.sha256(content).hexdigest()[:16]}"
    target = folder / f"{path.stem}{suffix if suffix in PHOTO_SUFFIXES else '.png'}"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        files.write(target, content)
    return target


def _add(photo: Path, path: Path, data: dict[str, Any], reading: Reading) -> None:
    size = common.given_size(data.get("imageHeight"), data.get("imageWidth")) or reading.size_of(photo)
    if size is None:
        return
    parts, unknown = [], []
    try:
        for shape in data["shapes"]:
            label = str(shape.get("label"))
            if label == IGNORED:
                unknown.append(_shape(shape, size))
            elif reading.take(label):
                parts.append(_shape(shape, size))
        if parts and not any(parts):
            _refuse_lines(data["shapes"])
    except common.NONSENSE as error:
        why = str(error) if isinstance(error, OutlineError) else f"a shape in it is incomplete ({error})"
        reading.refuse(photo, common.BAD_OUTLINE, f"{why} ({path.name})", common.OPEN_ADVICE)
        return
    reading.add(photo, path, size, parts, unknown)


def _refuse_lines(shapes: list[dict[str, Any]]) -> None:
    """Raise OutlineError where lines or points are all that was drawn."""
    kinds = [shape.get("shape_type") for shape in shapes if shape.get("label") != IGNORED]
    if kinds and all(kind in WITHOUT_AREA for kind in kinds):
        raise OutlineError(_ENCLOSES_NOTHING.format(kind=kinds[0]))


def _shape(shape: dict[str, Any], size: tuple[int, int]) -> Part | None:
    kind, points = shape.get("shape_type") or "polygon", shape["points"]
    if kind in WITHOUT_AREA:
        return None
    if kind == "mask":
        return _brushed(shape, size)
    if kind == "rectangle":
        (left, top), (right, bottom) = points
        points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    elif kind == "circle":
        (x, y), (rim_x, rim_y) = points
        radius = math.hypot(rim_x - x, rim_y - y)
        return shapes.ellipse(x, y, radius, radius, 0, size)
    elif kind != "polygon":
        raise OutlineError(_ENCLOSES_NOTHING.format(kind=kind))
    return common.outline([number for point in points for number in point[:2]], size)


def _brushed(shape: dict[str, Any], size: tuple[int, int]) -> Code:
    """A brushed mask, as a run-length code: a picture in base64 that fills the box between its two points."""
    (left, top), _ = shape["points"]
    patch = np.asarray(images.decode(base64.b64decode(shape["mask"])).convert("L")) > 0
    return shapes.patch(patch, round(left), round(top), size)
