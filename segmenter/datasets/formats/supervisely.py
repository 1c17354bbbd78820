"""Supervisely's annotations: a JSON for each photo, `chair.jpg.json`, with polygons and bitmaps.

Format: https://docs.supervisely.com/customization-and-integration/00_ann_format_navi
"""

import base64
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.datasets.formats import common, shapes
from segmenter.datasets.formats.common import Code, Part, Reading
from segmenter.datasets.formats.sources import Json, PhotoFinder, Sources
from segmenter.datasets.pairs import NO_MASK
from segmenter.errors import OutlineError
from segmenter.io import images
from segmenter.io.images import MAX_PIXELS

NAME = "Supervisely"
SUFFIXES = (".json",)
WITHOUT_AREA = ("point", "line", "graph", "cuboid")


def find(sources: Sources) -> list[Json]:
    """The JSON files that hold objects and the size of a photo."""
    return [file for file in sources.json if _is_annotation(file.data)]


def _is_annotation(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("objects"), list) and isinstance(data.get("size"), dict)


def read(found: list[Json], sources: Sources, reading: Reading) -> None:
    """Add the photos of all files."""
    finder, seen = PhotoFinder(reading.folder), set()
    for path, data in found:
        # In older exports the annotation's name lacks the photo's ending.
        names = [path.stem, *(path.stem + suffix for suffix in images.PHOTO_SUFFIXES)]
        photo = next(filter(None, (finder.find(name, path) for name in names)), None)
        if photo is None:
            reading.miss(path.stem, path)
            continue
        seen.add(photo)
        _add(photo, path, data, reading)
    for photo in finder.photos:
        if photo not in seen:
            reading.error(NO_MASK, photo.name, "no annotation is for it", "outline the object, or remove the photo")


def _add(photo: Path, path: Path, data: dict[str, Any], reading: Reading) -> None:
    given = data["size"]
    size = common.given_size(given.get("height"), given.get("width")) or reading.size_of(photo)
    if size is None:
        return
    parts, boxes = [], 0
    with reading.refusing(photo, path):
        for drawn in data["objects"]:
            if not reading.take(str(drawn.get("classTitle"))):
                continue
            kind = drawn.get("geometryType")
            boxes += kind == "rectangle"
            if kind not in ("rectangle", *WITHOUT_AREA):
                parts.append(_shape(drawn, kind, size))
        if boxes:
            reading.refuse_boxes(photo, path, boxes)
        else:
            reading.add(photo, path, size, parts)


def _shape(drawn: dict[str, Any], kind: Any, size: tuple[int, int]) -> Part | None:
    if kind == "polygon":
        outer = common.outline(_flat(drawn["points"]["exterior"]), size)
        holes = [common.outline(_flat(points), size) for points in drawn["points"].get("interior") or ()]
        return shapes.with_holes(outer, [hole for hole in holes if hole], size) if outer else None
    if kind == "bitmap":
        return _bitmap(drawn["bitmap"], size)
    raise OutlineError(f"it has a {kind}, which we cannot read: draw a polygon or a mask")


def _flat(points: list[Any]) -> list[Any]:
    return [number for point in points for number in point[:2]]


def _bitmap(bitmap: dict[str, Any], size: tuple[int, int]) -> Code:
    """A mask as a packed PNG in base64, whose left upper corner is at `origin`."""
    packed = zlib.decompressobj().decompress(base64.b64decode(bitmap["data"]), MAX_PIXELS)
    picture = images.decode(packed)
    # Its pixels are drawn in the colour channel, or in the opacity where there is one.
    channel = picture.getchannel("A") if "A" in picture.getbands() else picture.convert("L")
    left, top = (int(number) for number in bitmap["origin"])
    return shapes.patch(np.asarray(channel) > 0, left, top, size)
