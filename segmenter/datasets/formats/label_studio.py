"""Label Studio's annotations: a JSON list of tasks, with polygons in hundredths of the photo's sides, and brush masks.

Format: https://labelstud.io/guide/export
"""

from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from segmenter.datasets.formats import common, rle_pack, shapes
from segmenter.datasets.formats.common import Part, Reading
from segmenter.datasets.formats.sources import Json, PhotoFinder, Sources
from segmenter.errors import OutlineError

NAME = "Label Studio"
SUFFIXES = (".json",)
LABELS = ("polygonlabels", "ellipselabels", "brushlabels", "rectanglelabels", "labels")
MARKS = (*LABELS, "polygon", "ellipse", "brush", "rectangle")  # kinds of results that mark a region


def find(sources: Sources) -> list[Json]:
    """The JSON files that hold tasks, in Label Studio's long form or its short one."""
    found = ((path, _tasks(data)) for path, data in sources.json)
    return [Json(path, tasks) for path, tasks in found if tasks]


def _tasks(data: Any) -> list[tuple[str, list[Any]]]:
    """(the photo's address, its results) of each task; none where these are no tasks."""
    tasks = [_task(each) for each in data] if isinstance(data, list) else []
    return [task for task in tasks if task] if tasks and all(tasks) else []


def _task(task: Any) -> tuple[str, list[Any]] | None:
    if not isinstance(task, dict):
        return None
    if isinstance(task.get("data"), dict) and isinstance(task.get("annotations"), list):
        done = [each for each in task["annotations"] if isinstance(each, dict) and not each.get("was_cancelled")]
        listed = (each.get("result") for each in done)
        results = [result for each in listed if isinstance(each, list) for result in each]
        return _address(task["data"], task.get("file_upload")), results
    results = [each for value in task.values() if isinstance(value, list) for each in value]  # the short form
    marked = any(isinstance(each, dict) and "original_width" in each for each in results)
    return (_address(task, None), [{"value": each, **each} for each in results]) if marked else None


def _address(data: dict[str, Any], uploaded: Any) -> str:
    """Where the photo was, by the first text that may be an address."""
    texts = [value for value in (data.get("image"), *data.values(), uploaded) if isinstance(value, str)]
    return texts[0].partition("?d=")[2] or texts[0] if texts else ""


def read(found: list[Json], sources: Sources, reading: Reading) -> None:
    """Add the photos of all files."""
    finder = PhotoFinder(reading.folder)
    for path, tasks in found:
        for address, results in tasks:
            photo = finder.find(address, path) or finder.find(_without_prefix(address), path)
            if photo is None:
                reading.miss(address.rpartition("/")[2], path)
            else:
                _add(photo, path, results, reading)


def _without_prefix(address: str) -> str:
    """A photo's name before it was sent there: eight letters and a minus are put before it."""
    name = address.rpartition("/")[2]
    return name[9:] if name[8:9] == "-" else name


def _add(photo: Path, path: Path, results: list[Any], reading: Reading) -> None:
    size = reading.size_of(photo)
    if size is None:
        return
    parts, boxes = [], 0
    with reading.refusing(photo, path):
        for result in results:
            value = result.get("value", {})
            if not _marks_a_region(result, value):
                continue
            if not reading.take(_class_of(value)):
                continue
            if result.get("image_rotation"):
                raise OutlineError("it was turned while it was outlined: turn the photo itself, and outline it anew")
            box = "points" not in value and "radiusX" not in value and "rle" not in value
            boxes += box
            if not box:
                parts.append(_shape(value, size))
        if boxes:
            reading.refuse_boxes(photo, path, boxes)
        else:
            reading.add(photo, path, size, parts)


def _marks_a_region(result: dict[str, Any], value: Any) -> bool:
    known = result.get("type") in MARKS or any(name in value for name in LABELS)
    return isinstance(value, dict) and known and bool({"points", "radiusX", "rle", "width"} & value.keys())


def _class_of(value: dict[str, Any]) -> str:
    named = next((value[name] for name in LABELS if value.get(name)), ["object"])
    return ", ".join(str(name) for name in named) if isinstance(named, list) else str(named)


def _shape(value: dict[str, Any], size: tuple[int, int]) -> Part | None:
    height, width = size
    if "rle" in value:
        painted = rle_pack.decode(value["rle"], size)
        return coco_mask.encode(np.asfortranarray(painted, np.uint8)) if painted.any() else None
    if "radiusX" in value:
        x, y, across, down = (float(value[name]) / 100 for name in ("x", "y", "radiusX", "radiusY"))
        return shapes.ellipse(x * width, y * height, across * width, down * height, 0, size)
    return common.outline([share / 100 * size[1 - i % 2] for i, share in enumerate(_flat(value["points"]))], size)


def _flat(points: list[Any]) -> list[float]:
    return [float(number) for point in points for number in point[:2]]
