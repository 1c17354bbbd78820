"""YOLO's segmentation labels: a text file for each photo, a line for each outline, in shares of the sides.

Format: https://docs.ultralytics.com/datasets/segment/
"""

import math
from pathlib import Path

import yaml

from segmenter.datasets.formats import common
from segmenter.datasets.formats.common import Reading
from segmenter.datasets.formats.sources import Sources, files_under
from segmenter.datasets.pairs import NO_MASK
from segmenter.errors import DatasetError, OutlineError
from segmenter.io.images import PHOTO_SUFFIXES

NAME = "YOLO"
SUFFIXES = (".txt", ".yaml", ".yml")


def find(sources: Sources) -> list[Path]:
    """The folders named `labels` that hold text files beside an `images` folder."""
    if sources.file:
        return []
    parents = {path.parent for path in files_under(sources.folder, (".txt",))}
    inside = [path for path in parents if "labels" in path.relative_to(sources.folder).parts]
    return sorted({Path(*path.parts[: _last(path.parts, "labels") + 1]) for path in inside})


def _last(parts: tuple[str, ...], name: str) -> int:
    return len(parts) - 1 - parts[::-1].index(name)


def read(found: list[Path], sources: Sources, reading: Reading) -> None:
    """Add the photos that lie in `images` beside each `labels`.

    Raises:
        DatasetError: there are no such photos, or the names of the classes cannot be read.
    """
    names = _class_names(sources.folder)
    labels_of = {}
    for labels in found:
        images = labels.with_name("images")
        for photo in files_under(images, PHOTO_SUFFIXES):
            labels_of[photo] = (labels / photo.relative_to(images)).with_suffix(".txt")
    if not labels_of:
        raise DatasetError(f"{sources.folder} has labels/ but no photos in images/ beside it; put them there")
    for photo, label in sorted(labels_of.items()):
        if not label.is_file():
            problem = f"{label.name} is missing in {label.parent.name}/"
            reading.error(NO_MASK, photo.name, problem, "outline the object, or remove the photo")
            continue
        size = reading.size_of(photo)
        if size:
            _add(photo, label, size, names, reading)


def _class_names(folder: Path) -> dict[int, str]:
    """Class number → name, from data.yaml or classes.txt; empty where neither is there."""
    for path in [*files_under(folder, (".yaml", ".yml")), *files_under(folder, ("classes.txt",))]:
        try:
            text = path.read_text(encoding="utf-8-sig")
            names = text.split("\n") if path.suffix == ".txt" else (yaml.safe_load(text) or {}).get("names")
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError) as error:
            raise DatasetError(f"{path.name} cannot be read ({error}); export it again") from error
        if isinstance(names, list):
            return {number: str(name).strip() for number, name in enumerate(names)}
        if isinstance(names, dict):
            return {number: str(name) for number, name in names.items()}
    return {}


def _add(photo: Path, label: Path, size: tuple[int, int], names: dict[int, str], reading: Reading) -> None:
    parts, boxes = [], 0
    try:
        lines = label.read_text(encoding="utf-8-sig").splitlines()
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            name, drawn = _outline(line, size, names, f"line {number}")
            if not reading.take(name):
                continue
            boxes += drawn == ()
            parts.append(drawn)
    except (OSError, UnicodeDecodeError) as error:
        reading.error(common.UNREADABLE, label.name, f"it cannot be read ({error})", "export it again")
    except OutlineError as error:
        reading.error(common.BAD_OUTLINE, label.name, str(error), common.OPEN_ADVICE)
    else:
        if boxes:
            reading.refuse_boxes(photo, label, boxes)
        else:
            reading.add(photo, label, size, parts)


def _outline(
    line: str, size: tuple[int, int], names: dict[int, str], where: str
) -> tuple[str, tuple[float, ...] | None]:
    """(class name, outline in pixels); the outline is () where the line is a box, None where it encloses nothing."""
    try:
        number, *shares = (float(word) for word in line.split())
    except ValueError as error:
        raise OutlineError(f"{where} is not a class number followed by coordinates") from error
    if not (math.isfinite(number) and number == int(number) and number >= 0):
        raise OutlineError(f"{where} begins with {number:g}, which is no class number")
    name = names.get(int(number), str(int(number)))
    if len(shares) == 4:
        return name, ()
    if len(shares) < 6 or len(shares) % 2:
        raise OutlineError(f"{where} has {len(shares)} coordinates: an outline has an even count, 6 or more")
    if not all(-common.MARGIN <= share <= 1 + common.MARGIN for share in shares):
        raise OutlineError(f"{where} has coordinates outside 0 … 1: they are shares of the photo's sides")
    return name, common.outline([share * size[1 - i % 2] for i, share in enumerate(shares)], size)
