"""VIA's annotations (VGG Image Annotator, versions 1 and 2): a JSON with the regions of each photo.

Format: https://www.robots.ox.ac.uk/~vgg/software/via/
"""

from pathlib import Path
from typing import Any

from segmenter.datasets.formats import common, shapes
from segmenter.datasets.formats.common import Part, Reading
from segmenter.datasets.formats.sources import Json, PhotoFinder, Sources
from segmenter.errors import OutlineError

NAME = "VIA"
SUFFIXES = (".json",)
WITHOUT_AREA = ("point", "polyline", "line")
UNNAMED = "object"  # the class of a region that has no attribute


def find(sources: Sources) -> list[Json]:
    """The JSON files that hold photos with regions, or a whole project of VIA's."""
    found = ((path, _entries(data)) for path, data in sources.json)
    return [Json(path, entries) for path, entries in found if entries]


def _entries(data: Any) -> list[dict[str, Any]]:
    """The photos of a file, each with its `filename` and `regions`; none where it is no file of VIA's."""
    if isinstance(data, dict) and isinstance(data.get("_via_img_metadata"), dict):
        data = data["_via_img_metadata"]
    entries = list(data.values()) if isinstance(data, dict) else []
    ours = all(isinstance(entry, dict) and "filename" in entry and "regions" in entry for entry in entries)
    return entries if ours else []


def read(found: list[Json], sources: Sources, reading: Reading) -> None:
    """Add the photos of all files; a photo without regions has nothing outlined in it."""
    finder = PhotoFinder(reading.folder)
    for path, entries in found:
        for entry in entries:
            photo = finder.find(str(entry["filename"]), path)
            if photo is None:
                reading.miss(str(entry["filename"]), path)
            else:
                _add(photo, path, entry["regions"], reading)


def _add(photo: Path, path: Path, regions: Any, reading: Reading) -> None:
    size = reading.size_of(photo)
    if size is None:
        return
    parts = []
    with reading.refusing(photo, path):
        listed = list(regions.values()) if isinstance(regions, dict) else regions
        for region in listed:
            if not reading.take(_class_of(region.get("region_attributes"))):
                continue
            parts.append(_shape(region["shape_attributes"], size))
        if parts and not any(parts) and all(region["shape_attributes"]["name"] in WITHOUT_AREA for region in listed):
            raise OutlineError("it has points and lines alone, which enclose nothing: draw polygons")
        reading.add(photo, path, size, parts)


def _class_of(attributes: Any) -> str:
    """The value of a region's first attribute; of a group of boxes that may be ticked, those that are."""
    for value in attributes.values() if isinstance(attributes, dict) else ():
        if isinstance(value, dict):
            value = ", ".join(str(name) for name, ticked in value.items() if ticked)
        if value:
            return str(value).strip()
    return UNNAMED


def _shape(shape: dict[str, Any], size: tuple[int, int]) -> Part | None:
    kind = shape["name"]
    if kind in WITHOUT_AREA:
        return None
    if kind == "polygon":
        points = zip(shape["all_points_x"], shape["all_points_y"], strict=True)
        return common.outline([number for point in points for number in point], size)
    if kind == "rect":
        return shapes.rectangle(shape["x"], shape["y"], shape["width"], shape["height"], size)
    if kind == "circle":
        return shapes.ellipse(shape["cx"], shape["cy"], shape["r"], shape["r"], 0, size)
    if kind == "ellipse":
        return shapes.ellipse(shape["cx"], shape["cy"], shape["rx"], shape["ry"], shape.get("theta", 0), size)
    raise OutlineError(f"it has a {kind}, which is no shape of VIA's that we know: draw a polygon")
