"""What labelling tools export (COCO, labelme, YOLO) → pairs whose masks are drawn when they are read."""

import base64
import binascii
import hashlib
import io
import json
import math
import os
import re
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from pycocotools import mask as coco_mask

from segmenter.datasets.pairs import NO_MASK, PHOTO_SUFFIXES, DatasetError, Finding, Pair
from segmenter.errors import OutlineError
from segmenter.io.images import MAX_PIXELS

MARGIN = 0.1  # an outline may reach this share of the side beyond the frame: hands slip
CIRCLE_POINTS = 72
IGNORED = "__ignore__"  # labelme's label for what nobody could tell

OPEN_ADVICE = "correct the outline in the labelling tool and export again"
NO_OUTLINE = "photos in which nothing is outlined"
BOXES = "photos with boxes instead of outlines"
BAD_OUTLINE = "photos whose outlines cannot be drawn"
STRAY = "outlines that enclose nothing"
MISSING = "photos that are missing"
UNREADABLE = "files that cannot be read"
BOX_ADVICE = (
    "boxes are not enough, masks are needed: outline the objects (polygons or brush) and export them "
    "as instance segmentation"
)


@dataclass(frozen=True, eq=False)
class Drawing:
    """A mask that an annotation file describes, drawn when it is read.

    Args:
        file: the annotation file.
        size: (height, width) of the frame in pixels.
        parts: run-length codes of pycocotools, or outlines (x0, y0, x1, y1, …) in pixels, where
            whole numbers are the pixels' corners; the mask is what any of them covers.
        unknown: the same, for what nobody could tell.
    """

    file: Path
    size: tuple
    parts: tuple
    unknown: tuple = ()

    def read(self):
        """(mask, known), both bool, H × W.

        Raises:
            DatasetError: a run-length code does not fit the frame.
        """
        return self._draw(self.parts), ~self._draw(self.unknown)

    def _draw(self, parts):
        if not parts:
            return np.zeros(self.size, bool)
        codes = [part if isinstance(part, dict) else _encode(part, self.size) for part in parts]
        try:
            return coco_mask.decode(coco_mask.merge(codes)).astype(bool)
        except (ValueError, TypeError) as error:
            raise DatasetError(f"{self.file.name}: a run-length code cannot be read ({error}); export it again") from error


def _encode(outline, size):
    return coco_mask.frPyObjects([list(outline)], *size)[0]


def outline(numbers, size):
    """Check an outline.

    Args:
        numbers: x0, y0, x1, y1, … in pixels.
        size: (height, width) of the frame.

    Returns:
        tuple of float, or None where it encloses nothing.

    Raises:
        OutlineError: these are no coordinates, or they lie outside the frame.
    """
    try:
        values = tuple(float(number) for number in numbers)
    except (TypeError, ValueError) as error:
        raise OutlineError("its outline has coordinates that are no numbers") from error
    if len(values) % 2 or not all(math.isfinite(value) for value in values):
        raise OutlineError("its outline has an odd count of coordinates, or infinite ones")
    height, width = size
    for name, side, along in (("x", width, values[0::2]), ("y", height, values[1::2])):
        worst = max(along, default=0), min(along, default=0)
        if worst[0] > side * (1 + MARGIN) or worst[1] < -side * MARGIN:
            far = worst[0] if worst[0] > side * (1 + MARGIN) else worst[1]
            raise OutlineError(
                f"its outline has {name} = {far:g}, outside the {width} × {height} frame: perhaps it was "
                "drawn on a picture of another size"
            )
    return values if _area(values) >= 0.5 else None


def _area(values):
    x, y = np.array(values[0::2]), np.array(values[1::2])
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2 if len(x) > 2 else 0.0


@dataclass
class Reading:
    """What was read from a data set so far."""

    folder: Path
    wanted: set | None = None  # names of classes; None: all
    pairs: list = field(default_factory=list)
    found: list = field(default_factory=list)
    classes: Counter = field(default_factory=Counter)

    def error(self, kind, name, problem, advice):
        self.found.append(Finding("error", kind, name, problem, advice))

    def warn(self, kind, name, problem, advice):
        self.found.append(Finding("warning", kind, name, problem, advice))

    def take(self, name):
        """Count an outline of this class, and say whether it belongs to the foreground."""
        self.classes[name] += 1
        return self.wanted is None or name in self.wanted

    def add(self, photo, file, size, parts, unknown=()):
        """Add a photo with its outlines; one without any is left out."""
        kept = tuple(part for part in parts if part is not None)
        if len(kept) < len(parts):
            self.warn(STRAY, photo.name, f"{len(parts) - len(kept)} of its outlines in {file.name} have no area",
                      "those are ignored; a stray click, perhaps")  # fmt: skip
        if kept:
            drawing = Drawing(file, size, kept, tuple(part for part in unknown if part is not None))
            self.pairs.append(Pair(photo, drawing, (group_of(photo, self.folder),)))
        else:
            self.error(NO_OUTLINE, photo.name, f"{file.name} outlines nothing in it",
                       "outline the object, or remove the photo")  # fmt: skip

    def size_of(self, photo):
        """(height, width) of a photo file, upright, or None, which is told of."""
        try:
            with Image.open(photo) as picture:
                turned = picture.getexif().get(0x0112, 1) >= 5
                return picture.size if turned else picture.size[::-1]
        except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError):
            self.error(UNREADABLE, photo.name, "it is empty or no picture", "save it again as JPEG or PNG")
            return None


def group_of(photo, folder):
    """The name that a photo shares with its variants: some tools add `.rf.` and a number to each."""
    name = photo.relative_to(folder).with_suffix("").as_posix() if photo.is_relative_to(folder) else photo.stem
    return re.split(r"\.rf\.", name)[0]


def files_under(folder, suffixes):
    """The files below a folder with one of these suffixes, sorted; hidden ones do not count."""
    found = []
    for root, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "__MACOSX")
        found += [Path(root) / name for name in sorted(files)
                  if name.lower().endswith(tuple(suffixes)) and not name.startswith(".")]  # fmt: skip
    return found


def read_json(path):
    """The contents of a JSON file.

    Raises:
        DatasetError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no JSON, or no UTF-8
        raise DatasetError(f"{path.name} is broken JSON ({error}); export it again") from error


def is_coco(data):
    return isinstance(data, dict) and isinstance(data.get("images"), list) and "annotations" in data


def is_labelme(data):
    return isinstance(data, dict) and isinstance(data.get("shapes"), list)


class PhotoFinder:
    """Finds photos by the paths that annotation files give, which rarely hold on another machine."""

    def __init__(self, folder):
        self.by_name = defaultdict(list)
        for path in files_under(folder, PHOTO_SUFFIXES):
            self.by_name[path.name].append(path)

    def find(self, wanted, near):
        """The photo whose path ends most like `wanted`; of equals, the nearest to the file `near`."""
        parts = str(wanted).replace("\\", "/").split("/")[::-1]

        def likeness(path):
            own = path.parts[::-1]
            alike = next((i for i, pair in enumerate(zip(parts, own)) if pair[0] != pair[1]), len(parts))
            return alike, len(os.path.commonpath([path, near]))

        return max(self.by_name.get(parts[0], []), key=likeness, default=None)


def read_coco(files, reading):
    """COCO's instance segmentation, polygons and run-length codes, from (path, contents) of each file."""
    finder, seen = PhotoFinder(reading.folder), set()
    for path, data in files:
        names, by_photo = _coco_parts(path, data)
        for entry in data["images"]:
            name = entry.get("file_name") if isinstance(entry, dict) else None
            if not isinstance(name, str) or not isinstance(entry.get("id"), (int, str)):
                reading.error(UNREADABLE, path.name, "an image in it lacks its id or file_name", "export it again")
                continue
            photo = finder.find(name, path)
            if photo is None:
                reading.error(MISSING, name, f"{path.name} names it, but it is not in {reading.folder.name}",
                              "put the photos beside the JSON file, or into images/")  # fmt: skip
            elif photo not in seen:
                seen.add(photo)
                _add_coco(photo, path, entry, by_photo[entry["id"]], names, reading)


def _coco_parts(path, data):
    """(category id → name, image id → annotations); what is neither is refused."""
    try:
        names = {each["id"]: str(each.get("name", each["id"])) for each in data.get("categories") or []}
        by_photo = defaultdict(list)
        for annotation in data["annotations"]:
            by_photo[annotation["image_id"]].append(annotation)
        return names, by_photo
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path.name} is not COCO as we know it: an annotation or a category lacks its {error}; "
            "export it again as COCO instance segmentation"
        ) from error


def _add_coco(photo, path, entry, annotations, names, reading):
    size = _given_size(entry.get("height"), entry.get("width")) or reading.size_of(photo)
    if size is None:
        return
    parts, boxes = [], 0
    try:
        for annotation in annotations:
            number = annotation.get("category_id")
            if not reading.take(names.get(number, str(number))):
                continue
            drawn = _coco_segmentation(annotation.get("segmentation"), size)
            boxes += not drawn
            parts += drawn
    except (OutlineError, TypeError, AttributeError) as error:
        why = str(error) if isinstance(error, OutlineError) else f"an annotation of it makes no sense ({error})"
        reading.error(BAD_OUTLINE, photo.name, f"{why} ({path.name})", OPEN_ADVICE)
        return
    if boxes:
        reading.error(BOXES, photo.name, f"{boxes} objects have a box but no outline in {path.name}", BOX_ADVICE)
        return
    reading.add(photo, path, size, parts)


def _given_size(height, width):
    whole = all(isinstance(side, int) and side > 0 for side in (height, width))
    return (height, width) if whole and height * width <= MAX_PIXELS else None


def _coco_segmentation(segmentation, size):
    if isinstance(segmentation, dict):
        return [_run_lengths(segmentation, size)]
    if not isinstance(segmentation, list):
        return []
    polygons = [segmentation] if segmentation and not isinstance(segmentation[0], list) else segmentation
    return [outline(polygon, size) for polygon in polygons]


def _run_lengths(code, size):
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
        return coco_mask.frPyObjects({"size": list(size), "counts": counts}, *size)
    data = counts.encode("utf-8") if isinstance(counts, str) else b""
    if not data or not all(48 <= byte < 112 for byte in data) or (data[-1] - 48) & 32:
        raise OutlineError("its run-length code is damaged")
    rle = {"size": list(size), "counts": data}
    try:
        coco_mask.decode(rle)
    except (ValueError, TypeError) as error:
        raise OutlineError("its run-length code is damaged") from error
    return rle


def read_labelme(files, reading, cache):
    """labelme's JSON files, one a photo, from (path, contents) of each."""
    finder, seen = PhotoFinder(reading.folder), set()
    for path, data in files:
        photo = _labelme_photo(path, data, finder, cache)
        if photo is None:
            reading.error(MISSING, str(data.get("imagePath") or path.stem), f"{path.name} names it, but it is not there",
                          "put the photos beside their JSON files")  # fmt: skip
            continue
        seen.add(photo)
        _add_labelme(photo, path, data, reading)
    lonely = (photo for photos in finder.by_name.values() for photo in photos if photo not in seen)
    for photo in sorted(lonely):
        reading.error(NO_MASK, photo.name, "no labelme file is for it", "outline the object, or remove the photo")


def _labelme_photo(path, data, finder, cache):
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
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(content)
        os.replace(file.name, target)
    return target


def _add_labelme(photo, path, data, reading):
    size = _given_size(data.get("imageHeight"), data.get("imageWidth")) or reading.size_of(photo)
    if size is None:
        return
    parts, unknown, boxes = [], [], 0
    try:
        for shape in data["shapes"]:
            label = str(shape.get("label"))
            if label == IGNORED:
                unknown.append(_labelme_shape(shape, size))
            elif reading.take(label):
                drawn = _labelme_shape(shape, size)
                parts.append(drawn)
    except (OutlineError, AttributeError, TypeError, KeyError, IndexError, ValueError) as error:
        why = str(error) if isinstance(error, OutlineError) else f"a shape in it is incomplete ({error})"
        reading.error(BAD_OUTLINE, photo.name, f"{why} ({path.name})", OPEN_ADVICE)
        return
    reading.add(photo, path, size, parts, unknown)


def _labelme_shape(shape, size):
    kind, points = shape.get("shape_type") or "polygon", shape["points"]
    if kind == "mask":
        return _labelme_mask(shape, size)
    if kind == "rectangle":
        (left, top), (right, bottom) = points
        points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    elif kind == "circle":
        (x, y), (rim_x, rim_y) = points
        radius = math.hypot(rim_x - x, rim_y - y)
        angles = np.arange(CIRCLE_POINTS) * (2 * math.pi / CIRCLE_POINTS)
        points = np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)])
    elif kind != "polygon":
        raise OutlineError(f"it has a {kind}, which encloses nothing: draw a polygon, a rectangle or a circle")
    return outline([number for point in points for number in point[:2]], size)


def _labelme_mask(shape, size):
    """A brushed mask: a picture in base64 that fills the box between its two points."""
    (left, top), _ = shape["points"]
    with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as picture:
        patch = np.asarray(picture.convert("L")) > 0
    full = np.zeros(size, np.uint8, order="F")
    left, top = max(0, round(left)), max(0, round(top))
    patch = patch[: size[0] - top, : size[1] - left]
    full[top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    return coco_mask.encode(full)


def label_folders(folder):
    """The folders named `labels` below a folder that hold text files beside an `images` folder."""
    found = {path.parent for path in files_under(folder, (".txt",))}
    return sorted({Path(*path.parts[: _last(path.parts, "labels") + 1]) for path in found
                   if "labels" in path.relative_to(folder).parts})  # fmt: skip


def _last(parts, name):
    return len(parts) - 1 - parts[::-1].index(name)


def read_yolo(reading):
    """YOLO's segmentation labels: a text file a photo, a line an outline, in shares of the sides."""
    names = _yolo_names(reading.folder)
    labels_of = {}
    for labels in label_folders(reading.folder):
        images = labels.with_name("images")
        for photo in files_under(images, PHOTO_SUFFIXES):
            labels_of[photo] = (labels / photo.relative_to(images)).with_suffix(".txt")
    if not labels_of:
        raise DatasetError(f"{reading.folder} has labels/ but no photos in images/ beside it; put them there")
    for photo, label in sorted(labels_of.items()):
        if not label.is_file():
            reading.error(NO_MASK, photo.name, f"{label.name} is missing in {label.parent.name}/",
                          "outline the object, or remove the photo")  # fmt: skip
            continue
        size = reading.size_of(photo)
        if size:
            _add_yolo(photo, label, size, names, reading)


def _yolo_names(folder):
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


def _add_yolo(photo, label, size, names, reading):
    parts, boxes = [], 0
    try:
        lines = label.read_text(encoding="utf-8-sig").splitlines()
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            name, drawn = _yolo_line(line, size, names, f"line {number}")
            if not reading.take(name):
                continue
            boxes += drawn == ()
            parts.append(drawn)
    except (OSError, UnicodeDecodeError) as error:
        reading.error(UNREADABLE, label.name, f"it cannot be read ({error})", "export it again")
    except OutlineError as error:
        reading.error(BAD_OUTLINE, label.name, str(error), OPEN_ADVICE)
    else:
        if boxes:
            reading.error(BOXES, photo.name, f"{boxes} objects have a box but no outline in {label.name}", BOX_ADVICE)
        else:
            reading.add(photo, label, size, parts)


def _yolo_line(line, size, names, where):
    """(class name, outline in pixels); the outline is () where the line is a box."""
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
    if not all(-MARGIN <= share <= 1 + MARGIN for share in shares):
        raise OutlineError(f"{where} has coordinates outside 0 … 1: they are shares of the photo's sides")
    return name, outline([share * size[1 - i % 2] for i, share in enumerate(shares)], size)
