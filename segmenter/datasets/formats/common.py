"""What the formats of labelling tools have in common: outlines become pairs, whose masks are drawn when they are read."""

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pycocotools import mask as coco_mask

from segmenter.datasets.findings import Finding
from segmenter.datasets.formats.sources import Sources
from segmenter.datasets.pairs import DECODE_ERRORS, Pair, upright_size, without_variant
from segmenter.errors import DatasetError, OutlineError
from segmenter.io import images
from segmenter.io.images import MAX_PIXELS

MARGIN = 0.1  # an outline may reach this share of the side beyond the frame: hands slip

OPEN_ADVICE = "correct the outline in the labelling tool and export again"
NO_OUTLINE = "photos in which nothing is outlined"
BOXES = "photos with boxes instead of outlines"
BAD_OUTLINE = "photos whose outlines cannot be drawn"
STRAY = "outlines that enclose nothing"
MISSING = "photos that are missing"
UNREADABLE = "files that cannot be read"
TWO_SIZES = "photos that two files give different sizes"
TWO_FILES = "photos that two files describe"
BOX_ADVICE = (
    "boxes are not enough, masks are needed: outline the objects (polygons or brush) and export them "
    "as instance segmentation"
)

# What comes of annotations whose parts are missing, or are of another kind than they should be.
NONSENSE = (TypeError, ValueError, AttributeError, LookupError, OverflowError, zlib.error)

Code = Mapping[str, Any]  # a run-length code as pycocotools makes it: size, counts
Part = tuple[float, ...] | Code  # an outline x0, y0, x1, y1, … in pixels, or a code


class Format(Protocol):
    """A format of annotations: a module of `formats` with these names.

    NAME is what people call it. SUFFIXES are the endings of its files, which are unpacked from
    zips and fetched from the Hub.
    """

    @property
    def NAME(self) -> str: ...

    @property
    def SUFFIXES(self) -> tuple[str, ...]: ...

    def find(self, sources: Sources) -> list[Any]:
        """What of this format is there, for `read`; empty where there is nothing."""
        ...

    def read(self, found: list[Any], sources: Sources, reading: "Reading") -> None:
        """Add all photos with their outlines to the reading.

        Raises:
            DatasetError: nothing of it can be read.
        """
        ...


@dataclass(frozen=True, eq=False)
class Drawing:
    """A mask that annotation files describe, drawn when it is read.

    Args:
        files: the annotation files.
        size: (height, width) of the frame in pixels.
        parts: run-length codes of pycocotools, or outlines (x0, y0, x1, y1, …) in pixels, where
            whole numbers are the pixels' corners; the mask is what any of them covers.
        unknown: the same, for what nobody could tell.
    """

    files: tuple[Path, ...]
    size: tuple[int, int]
    parts: tuple[Part, ...]
    unknown: tuple[Part, ...] = ()

    @property
    def file_names(self) -> str:
        """The names of the annotation files, for a sentence."""
        return " and ".join(file.name for file in self.files)

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """(mask, known), both bool, H × W.

        Raises:
            DatasetError: a run-length code does not fit the frame.
        """
        return self._draw(self.parts), ~self._draw(self.unknown)

    def joined(self, other: "Drawing") -> "Drawing":
        """The outlines of both, which are of one size."""
        files = tuple(dict.fromkeys(self.files + other.files))
        return Drawing(files, self.size, self.parts + other.parts, self.unknown + other.unknown)

    def _draw(self, parts: tuple[Part, ...]) -> np.ndarray:
        if not parts:
            return np.zeros(self.size, bool)
        codes: Any = [_encode(part, self.size) if isinstance(part, tuple) else part for part in parts]
        try:
            return coco_mask.decode(coco_mask.merge(codes)).astype(bool)
        except (ValueError, TypeError) as error:
            raise DatasetError(
                f"{self.file_names}: a run-length code cannot be read ({error}); export it again"
            ) from error


def _encode(outline: tuple[float, ...], size: tuple[int, int]) -> Code:
    outlines: Any = [list(outline)]
    return coco_mask.frPyObjects(outlines, *size)[0]


def outline(numbers: Iterable[Any], size: tuple[int, int]) -> tuple[float, ...] | None:
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
    except (TypeError, ValueError, OverflowError) as error:
        raise OutlineError("its outline has coordinates that are no numbers, or too large ones") from error
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


def _area(values: tuple[float, ...]) -> float:
    x, y = np.array(values[0::2]), np.array(values[1::2])
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2 if len(x) > 2 else 0.0


@dataclass
class Reading:
    """What was read from a data set so far.

    Args:
        folder: the data set.
        wanted: names of the classes that are foreground; None: all.
        cache: folder for photos that lie inside annotation files.
    """

    folder: Path
    wanted: set[str] | None = None
    cache: Path = Path()
    found: list[Finding] = field(default_factory=list)
    classes: Counter[str] = field(default_factory=Counter)
    drawings: dict[Path, Drawing] = field(default_factory=dict)  # by photo
    refused: set[Path] = field(default_factory=set)  # photos that are left out, whatever else outlines them

    def error(self, kind: str, name: str, problem: str, advice: str) -> None:
        """Note what is left out."""
        self.found.append(Finding("error", kind, name, problem, advice))

    def warn(self, kind: str, name: str, problem: str, advice: str) -> None:
        """Note what is used, but suspicious."""
        self.found.append(Finding("warning", kind, name, problem, advice))

    def refuse(self, photo: Path, kind: str, problem: str, advice: str) -> None:
        """Leave a photo out: with only some of its outlines its mask would be wrong."""
        self.refused.add(photo)
        self.error(kind, photo.name, problem, advice)

    def refuse_boxes(self, photo: Path, file: Path, boxes: int) -> None:
        """Leave a photo out in which so many objects have a box alone."""
        self.refuse(photo, BOXES, f"{boxes} objects have a box but no outline in {file.name}", BOX_ADVICE)

    def miss(self, name: str, file: Path) -> None:
        """Note a photo that an annotation file names, and that is not there."""
        problem = f"{file.name} names it, but it is not in {self.folder.name}"
        self.error(MISSING, name, problem, "put the photos beside their annotations, or into images/")

    @contextmanager
    def refusing(self, photo: Path, file: Path) -> Iterator[None]:
        """Leave a photo out where what is read meanwhile of its annotations makes no sense."""
        try:
            yield
        except OutlineError as error:
            self.refuse(photo, BAD_OUTLINE, f"{error} ({file.name})", OPEN_ADVICE)
        except NONSENSE as error:
            why = f"an annotation of it makes no sense ({type(error).__name__}: {error})"
            self.refuse(photo, BAD_OUTLINE, f"{why} ({file.name})", OPEN_ADVICE)

    def take(self, name: str) -> bool:
        """Count an outline of this class, and say whether it belongs to the foreground."""
        self.classes[name] += 1
        return self.wanted is None or name in self.wanted

    def add(
        self,
        photo: Path,
        file: Path,
        size: tuple[int, int],
        parts: Sequence[Part | None],
        unknown: Sequence[Part | None] = (),
    ) -> None:
        """Add what an annotation file outlines in a photo to what others outline in it.

        Args:
            photo: the photo's file.
            file: the annotation file.
            size: (height, width) of the frame that it was outlined in.
            parts: see `Drawing`; None for an outline that encloses nothing.
            unknown: the same, for what nobody could tell.
        """
        kept = tuple(part for part in parts if part is not None)
        if len(kept) < len(parts):
            problem = f"{len(parts) - len(kept)} of its outlines in {file.name} have no area"
            self.warn(STRAY, photo.name, problem, "those are ignored; a stray click, perhaps")
        drawing = Drawing((file,), size, kept, tuple(part for part in unknown if part is not None))
        before = self.drawings.setdefault(photo, drawing)
        if before.size != size:
            (one, other), (height, width) = before.size, size
            problem = f"it is {other} × {one} by {before.file_names}, but {width} × {height} by {file.name}"
            self.refuse(photo, TWO_SIZES, problem, "remove the file that was made for another picture")
        elif before is not drawing:
            self.drawings[photo] = before.joined(drawing)

    def finish(self) -> list[Pair]:
        """The pairs, in the order in which their photos were added; one without any outline is left out."""
        pairs = []
        for photo, drawing in self.drawings.items():
            if photo in self.refused:
                continue
            if drawing.parts:
                pairs.append(Pair(photo, drawing, (group_of(photo, self.folder),)))
            else:
                problem = f"{drawing.file_names} outlines nothing in it"
                self.error(NO_OUTLINE, photo.name, problem, "outline the object, or remove the photo")
        return pairs

    def size_of(self, photo: Path) -> tuple[int, int] | None:
        """(height, width) of a photo file, upright; where it cannot be read, None, and the photo is refused."""
        try:
            with images.open_image(photo.read_bytes()) as picture:
                return upright_size(picture)
        except DECODE_ERRORS:
            self.refuse(photo, UNREADABLE, "it is empty or no picture", "save it again as JPEG or PNG")
            return None


def group_of(photo: Path, folder: Path) -> str:
    """The name that a photo shares with its variants: some tools add `.rf.` and a number to each."""
    name = photo.relative_to(folder).with_suffix("").as_posix() if photo.is_relative_to(folder) else photo.stem
    return without_variant(name)


def given_size(height: Any, width: Any) -> tuple[int, int] | None:
    """(height, width) as an annotation file gives them, or None where these are no sides of a photo."""
    if not all(isinstance(side, int) and side > 0 for side in (height, width)):
        return None
    return (height, width) if height * width <= MAX_PIXELS else None
