"""COCO's instance segmentation: JSON files with polygons and run-length codes.

Format: https://cocodataset.org/#format-data
"""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pycocotools import mask as coco_mask

from segmenter.datasets.formats import common
from segmenter.datasets.formats.common import Code, Part, Reading
from segmenter.datasets.formats.sources import Json, PhotoFinder, Sources
from segmenter.errors import DatasetError, OutlineError

NAME = "COCO"
SUFFIXES = (".json",)
PASSED_OVER = "files without outlines"


def find(sources: Sources) -> list[Json]:
    """The JSON files that hold images and annotations."""
    return [file for file in sources.json if _is_coco(file.data)]


def _is_coco(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("images"), list) and "annotations" in data


def read(found: list[Json], sources: Sources, reading: Reading) -> None:
    """Add the photos of all files; what several files outline in one photo is taken together.

    Raises:
        DatasetError: a file is damaged, or its annotations lack what they need.
    """
    sources.refuse_broken()
    finder, name_of = PhotoFinder(reading.folder), {}
    for path, data in _with_outlines(found, reading):
        key = _key_of(data["images"])
        names, by_photo = _parts_of(path, data, key)
        for entry in data["images"]:
            name = entry.get("file_name") if isinstance(entry, dict) else None
            if not isinstance(name, str) or not _is_id(entry.get("id")):
                reading.error(
                    common.UNREADABLE, path.name, "an image in it lacks its id or file_name", "export it again"
                )
                continue
            photo = finder.find(name, path)
            if photo is None:
                problem = f"{path.name} names it, but it is not in {reading.folder.name}"
                reading.error(common.MISSING, name, problem, "put the photos beside the JSON file, or into images/")
                continue
            if not _may_be_same(name_of.setdefault(photo, name), name):
                problem = f"{name_of[photo]} and {name} are both taken for it, and their outlines together"
                reading.warn(common.TWO_FILES, photo.name, problem, "if these are two photos, add the other one")
            _add(photo, path, entry, by_photo[key(entry["id"])], names, reading)


def _with_outlines(found: list[Json], reading: Reading) -> list[Json]:
    """The files that outline something; captions or key points beside them are passed over, with a warning."""
    outlining = [file for file in found if _outlines_something(file.data["annotations"])]
    if not outlining:
        return found
    for path, data in found:
        if data["annotations"] and not _outlines_something(data["annotations"]):
            advice = "captions, key points and boxes are not needed; if it should have outlines, export it again"
            reading.warn(PASSED_OVER, path.name, "its annotations have no outlines", advice)
    return [file for file in found if not file.data["annotations"] or _outlines_something(file.data["annotations"])]


def _outlines_something(annotations: Any) -> bool:
    listed = annotations if isinstance(annotations, list) else []
    return any(isinstance(annotation, dict) and annotation.get("segmentation") for annotation in listed)


def _key_of(images: list[Any]) -> Callable[[Any], Any]:
    """What ids are compared by: 1, 1.0 and "1" are one, as programs rewrite them, unless all are images of their own."""
    ids = {(type(entry["id"]), entry["id"]) for entry in images if isinstance(entry, dict) and _is_id(entry.get("id"))}
    return _number if len({_number(each) for _, each in ids}) == len(ids) else lambda each: each


def _is_id(value: Any) -> bool:
    return isinstance(value, (int, float, str))


def _number(value: Any) -> Any:
    """A whole number that is written as a float or as text, as an int; anything else as it is."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20 else value


def _parts_of(
    path: Path, data: dict[str, Any], key: Callable[[Any], Any]
) -> tuple[dict[Any, str], dict[Any, list[Any]]]:
    """(category id → name, image id → annotations); what is neither is refused."""
    try:
        names = {_number(each["id"]): str(each.get("name", each["id"])) for each in data.get("categories") or []}
        by_photo = defaultdict(list)
        for annotation in data["annotations"]:
            by_photo[key(annotation["image_id"])].append(annotation)
        return names, by_photo
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path.name} is not COCO as we know it: an annotation or a category lacks its {error}; "
            "export it again as COCO instance segmentation"
        ) from error


def _may_be_same(one: str, other: str) -> bool:
    """Whether two paths may mean one photo: the shorter is the end of the longer."""
    one_parts, other_parts = (name.replace("\\", "/").split("/")[::-1] for name in (one, other))
    return all(a == b for a, b in zip(one_parts, other_parts))


def _add(
    photo: Path, path: Path, entry: dict[str, Any], annotations: list[Any], names: dict[Any, str], reading: Reading
) -> None:
    size = common.given_size(entry.get("height"), entry.get("width")) or reading.size_of(photo)
    if size is None:
        return
    parts, boxes = [], 0
    try:
        for annotation in annotations:
            number = _number(annotation.get("category_id"))
            if not reading.take(names.get(number, str(number))):
                continue
            drawn = _segmentation(annotation.get("segmentation"), size)
            boxes += not drawn
            parts += drawn
    except common.NONSENSE as error:
        why = str(error) if isinstance(error, OutlineError) else f"an annotation of it makes no sense ({error})"
        reading.refuse(photo, common.BAD_OUTLINE, f"{why} ({path.name})", common.OPEN_ADVICE)
        return
    if boxes:
        reading.refuse_boxes(photo, path, boxes)
        return
    reading.add(photo, path, size, parts)


def _segmentation(segmentation: Any, size: tuple[int, int]) -> list[Part | None]:
    if isinstance(segmentation, dict):
        return [_run_lengths(segmentation, size)]
    if not isinstance(segmentation, list):
        return []
    polygons = [segmentation] if segmentation and not isinstance(segmentation[0], list) else segmentation
    return [common.outline(polygon, size) for polygon in polygons]


def _run_lengths(code: dict[str, Any], size: tuple[int, int]) -> Code:
    """A run-length code, plain or compressed, as pycocotools' own; what would crash it is refused.

    Compressed counts are numbers of 5 bits a character, of which bit 32 says that more follow.
    """
    counts, given = code.get("counts"), code.get("size")
    if not isinstance(given, list) or tuple(given) != tuple(size):
        raise OutlineError(f"its run-length code is of size {given}, but the photo is said to be {list(size)}")
    if isinstance(counts, list):
        whole = all(isinstance(count, int) and count >= 0 for count in counts)
        if not whole or sum(counts) != size[0] * size[1]:
            raise OutlineError("its run lengths do not add up to the photo's pixels")
        plain: Any = {"size": list(size), "counts": counts}
        return coco_mask.frPyObjects(plain, *size)
    data = counts.encode("utf-8") if isinstance(counts, str) else b""
    if not data or not all(48 <= byte < 112 for byte in data) or (data[-1] - 48) & 32:
        raise OutlineError("its run-length code is damaged")
    rle: Any = {"size": list(size), "counts": data}
    try:
        coco_mask.decode(rle)
    except (ValueError, TypeError) as error:
        raise OutlineError("its run-length code is damaged") from error
    return rle
