"""CVAT's own annotations, "CVAT for images 1.1": an XML with polygons, ellipses and brushed masks.

Format: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from segmenter.datasets.formats import common, shapes
from segmenter.datasets.formats.common import Code, Part, Reading
from segmenter.datasets.formats.sources import PhotoFinder, Sources, Xml
from segmenter.errors import OutlineError
from segmenter.io.images import MAX_PIXELS

NAME = "CVAT"
SUFFIXES = (".xml",)
WITHOUT_AREA = ("points", "polyline", "cuboid", "skeleton", "tag")


def find(sources: Sources) -> list[Xml]:
    """The XML files that hold images with shapes."""
    return [file for file in sources.xml if file.root.tag == "annotations" and file.root.find("image") is not None]


def read(found: list[Xml], sources: Sources, reading: Reading) -> None:
    """Add the photos of all files."""
    finder = PhotoFinder(reading.folder)
    for path, root in found:
        for image in root.iter("image"):
            name = image.get("name") or ""
            photo = finder.find(name, path)
            if photo is None:
                reading.miss(name, path)
            else:
                _add(photo, path, image, reading)


def _add(photo: Path, path: Path, image: Element, reading: Reading) -> None:
    sides = [image.get(name, "") for name in ("height", "width")]
    given = common.given_size(*(int(side) if side.isdecimal() and len(side) < 9 else None for side in sides))
    size = given or reading.size_of(photo)
    if size is None:
        return
    parts, boxes = [], 0
    with reading.refusing(photo, path):
        for shape in image:
            if shape.tag in WITHOUT_AREA or not reading.take(shape.get("label") or "object"):
                continue
            boxes += shape.tag == "box"
            if shape.tag != "box":
                parts.append(_shape(shape, size))
        if boxes:
            reading.refuse_boxes(photo, path, boxes)
        else:
            reading.add(photo, path, size, parts)


def _shape(shape: Element, size: tuple[int, int]) -> Part | None:
    if shape.tag == "polygon":
        points = shape.attrib["points"].split(";")
        return common.outline([number for point in points for number in point.split(",")], size)
    if shape.tag == "ellipse":
        x, y, across, down, turn = (float(shape.get(name, 0)) for name in ("cx", "cy", "rx", "ry", "rotation"))
        return shapes.ellipse(x, y, across, down, np.radians(turn), size)
    if shape.tag == "mask":
        return _run_lengths(shape, size)
    raise OutlineError(f"it has a {shape.tag}, which we cannot read: draw a polygon or a mask")


def _run_lengths(shape: Element, size: tuple[int, int]) -> Code:
    """A mask within its box: row by row, how many pixels are out of it, then in it, and so on."""
    left, top, width, height = (int(shape.attrib[name]) for name in ("left", "top", "width", "height"))
    counts = [int(count) for count in shape.attrib["rle"].split(",")]
    fits = max(width, height) <= max(size) and width * height <= MAX_PIXELS
    if min(width, height, *counts) < 0 or not fits or sum(counts) != width * height:
        raise OutlineError("its run lengths do not add up to the box around it")
    inside = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(height, width)
    return shapes.patch(inside, left, top, size)
