"""Photos with masks: pairs found in a folder, their masks read, and both decoded to be judged on."""

import csv
import re
import struct
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from PIL import ExifTags, Image

from segmenter.datasets import class_masks, layouts, mask_names
from segmenter.datasets.class_masks import ClassTable
from segmenter.datasets.findings import Finding
from segmenter.datasets.layouts import Part
from segmenter.datasets.mask_files import ClassMask, UnitedMask, open_mask_picture, read_mask_file
from segmenter.errors import DatasetError
from segmenter.io import images
from segmenter.io.images import PHOTO_SUFFIXES
from segmenter.render import compositing

GROUP_COLUMNS = ("group", "model", "seat_models")  # in a CSV beside the folders, first found counts
NO_MASK = "photos without a mask"
NO_PHOTO = "masks without a photo"
TWO_MASKS = "photos with two masks"
TWO_PHOTOS = "masks with two photos"
ON_ITS_SIDE = (5, 6, 7, 8)  # the orientations of EXIF that exchange height and width
# What Pillow raises on files that it cannot read.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error, Image.DecompressionBombError)


class MaskSource(Protocol):
    """A mask that is no picture file, such as the outlines of an annotation file."""

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """(mask, known), both bool, height × width of the photo."""
        ...


@dataclass(frozen=True)
class Pair:
    """A photo, its mask, and the groups it belongs to (photos that show the same thing).

    The mask is a picture file; the photo's own file, where its transparency is the mask; or a
    `MaskSource`, where an annotation file describes it (see `formats.common.Drawing`). `read_mask`
    reads them all.
    """

    photo: Path
    mask: Path | MaskSource
    groups: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The photo's file name."""
        return self.photo.name

    @property
    def mask_file(self) -> Path:
        """The mask's picture file.

        Raises:
            DatasetError: it is no file, but described by an annotation file.
        """
        if isinstance(self.mask, Path):
            return self.mask
        if isinstance(self.mask, ClassMask):
            return self.mask.file
        raise DatasetError(f"{self.name} has no mask picture, but outlines; save its mask as a picture first")

    @property
    def mask_pictures(self) -> tuple[Path, ...]:
        """The picture files that the mask is in: none where it is outlined, several where each object has its own."""
        if isinstance(self.mask, UnitedMask):
            return self.mask.files
        file = self.mask.file if isinstance(self.mask, ClassMask) else self.mask
        return (file,) if isinstance(file, Path) else ()

    def with_classes(self, table: ClassTable | None, wanted: frozenset[str] | None) -> "Pair":
        """The same pair, its mask read by classes, where it is one picture; see `ClassMask`."""
        file = self.mask.file if isinstance(self.mask, ClassMask) else self.mask
        return replace(self, mask=ClassMask(file, table, wanted)) if isinstance(file, Path) else self

    @property
    def is_cutout(self) -> bool:
        """Whether the photo's own transparency is its mask."""
        return self.mask == self.photo


@dataclass(frozen=True)
class Case:
    """A photo to be judged on, decoded: photo uint8 H × W × 3, truth and known bool H × W."""

    name: str
    photo: np.ndarray
    truth: np.ndarray
    known: np.ndarray


def read_folder(folder: str | PathLike[str]) -> list[Pair]:
    """The pairs of a folder that holds `images/` and `masks/` with files of the same name.

    Where a CSV beside them has the columns `file` and one of `GROUP_COLUMNS`, photos with a common
    group (several are separated by `;`) are kept on one side of a split.

    Returns:
        list of Pair, sorted by name.

    Raises:
        DatasetError: there is no such folder, or a photo lacks its mask, or nothing is in it.
    """
    pairs, found = pair_up(folder)
    lonely = [finding.name for finding in found if finding.kind in (NO_MASK, TWO_MASKS)]
    if lonely:
        raise DatasetError(
            f"{len(lonely)} photos have no mask of the same name, or more than one, in "
            f"{Path(folder) / 'masks'}: {', '.join(lonely[:5])}{' …' if len(lonely) > 5 else ''}"
        )
    return pairs


def pair_up(folder: str | PathLike[str]) -> tuple[list[Pair], list[Finding]]:
    """As `read_folder`, but what has no partner is left out and becomes a Finding.

    Returns:
        (pairs, found): list of Pair, sorted by name, and list of Finding.

    Raises:
        DatasetError: there is no such folder, or there are no photos in it.
    """
    folder = Path(folder)
    parts = layouts.find(folder) or [_plain_part(folder)]
    groups = _read_groups(folder)
    pairs, found = [], []
    for part in parts:
        # A photo's name says which one it is in its own folder alone.
        before = "" if len(parts) == 1 else f"{part.folder.relative_to(folder).as_posix()}/"
        some, lonely = _pair_part(part, before, groups)
        pairs += some
        found += lonely
    table = class_masks.find_table(folder)
    return (pairs if table is None else [pair.with_classes(table, None) for pair in pairs]), found


def _plain_part(folder: Path) -> Part:
    """images/ and masks/, whatever is in masks/.

    Raises:
        DatasetError: one of them is missing, or there are no photos.
    """
    photos, masks = folder / "images", folder / "masks"
    for part in (photos, masks):
        if not part.is_dir():
            raise DatasetError(f"{part} is missing: put the photos in images/ and their masks in masks/")
    pictures = layouts.pictures_in(photos)
    if not pictures:
        raise DatasetError(f"{photos} holds no photos ({', '.join(PHOTO_SUFFIXES)})")
    return Part(photos, masks, pictures, layouts.pictures_in(masks))


def _pair_part(part: Part, before: str, groups: dict[str, tuple[str, ...]]) -> tuple[list[Pair], list[Finding]]:
    """(pairs, found) of one part; `before` makes its photos' names unlike those of others."""
    names = Counter(path.stem for path in part.photos)
    masks = mask_names.by_photo(part.masks, names)
    pairs, found, shared = [], [], []
    for path in part.photos:
        fitting = masks.get(path.stem, [])
        numbered = mask_names.are_numbered(path.stem, fitting)
        if len(fitting) != 1 and not numbered:
            found.append(_no_pair(path, fitting, part))
            continue
        mask = UnitedMask(tuple(fitting)) if len(fitting) > 1 else fitting[0]
        own = (without_variant(f"{before}{path.stem}"),)
        pairs.append(Pair(path, mask, groups.get(unicodedata.normalize("NFC", path.name), own)))
        if names[path.stem] > 1:
            shared.append(_two_photos(path, fitting[0], part))
    found += shared
    found += [_no_photo(path, part) for stem in sorted(masks.keys() - names) for path in masks[stem]]
    return pairs, found


def _no_pair(path: Path, masks: list[Path], part: Part) -> Finding:
    place = f"{part.masks_folder.name}/"
    if masks:
        names = " and ".join(mask.name for mask in masks)
        return Finding("error", TWO_MASKS, path.name, f"{place} holds {names} for it", "keep the right one of them")
    if part.folder == part.masks_folder:
        return Finding("error", NO_MASK, path.name, "no mask lies beside it", f"add {path.stem}_mask.png, or remove it")
    advice = f"add {path.stem}.png to {place}, or remove the photo"
    return Finding("error", NO_MASK, path.name, f"{place} holds no file of the same name", advice)


def _two_photos(path: Path, mask: Path, part: Part) -> Finding:
    problem = f"another photo in {part.folder.name}/ has the mask {mask.name} too"
    advice = "keep one of them, unless both fit the mask; they stay on one side of a split"
    return Finding("warning", TWO_PHOTOS, path.name, problem, advice)


def _no_photo(path: Path, part: Part) -> Finding:
    advice = "add the photo, or remove the mask"
    return Finding("error", NO_PHOTO, path.name, f"{part.folder.name}/ holds no photo of the same name", advice)


def without_variant(name: str) -> str:
    """A photo's name without what Roboflow adds to each variant of it: `.rf.` and a number."""
    return re.split(r"\.rf\.", name)[0]


def read_table(path: str | PathLike[str]) -> list[dict[str, str]]:
    """The rows of a CSV file as a list of dicts, column → text.

    Raises:
        DatasetError: it is no CSV in UTF-8.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{Path(path).name} is no CSV ({error}); save it again as CSV in UTF-8") from error


def _read_groups(folder: Path) -> dict[str, tuple[str, ...]]:
    groups = {}
    for table in sorted(folder.glob("*.csv")):
        for row in read_table(table):
            column = next((name for name in GROUP_COLUMNS if row.get(name)), None)
            if column and row.get("file"):
                groups[unicodedata.normalize("NFC", row["file"])] = tuple(
                    name.strip() for name in row[column].split(";")
                )
    return groups


def read_mask(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """The mask of a pair as (mask, known), both bool H × W, of whatever kind it is.

    Raises:
        DatasetError: it cannot be read.
    """
    if not isinstance(pair.mask, Path):
        return pair.mask.read()
    if pair.is_cutout:
        opaque = read_opacity(pair) > 0.5
        return opaque, np.ones_like(opaque)
    return read_mask_file(pair.mask)


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """(height, width) of an opened picture as `exif_transpose` will turn it, of which only the header is read."""
    width, height = picture.size
    return (width, height) if orientation(picture) in ON_ITS_SIDE else (height, width)


def orientation(picture: Image.Image) -> int:
    """How the EXIF of an opened picture says that it is turned, 1 … 8, 1 = upright; see `ImageOps.exif_transpose`."""
    try:
        given = picture.getexif().get(ExifTags.Base.Orientation)
    except DECODE_ERRORS:  # unreadable EXIF says nothing about the way up
        return 1
    return given if isinstance(given, int) and 1 <= given <= 8 else 1


def open_photo(pair: Pair) -> np.ndarray:
    """The photo of a pair, uint8, H × W × 3, RGB, upright.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        return images.open_photo(pair.photo)
    except images.PhotoError as error:
        raise DatasetError(f"{pair.name}: {error}") from error


def same_frame(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes (height, width, …) have the same sides, but for 3 % of rounding."""
    return abs(np.log(one[1] * other[0] / (one[0] * other[1]))) <= 0.03


def read_opacity(pair: Pair) -> np.ndarray:
    """A cutout's opacity, float32 H × W, 0 … 1; 1 throughout where the file has no transparency."""
    picture = open_mask_picture(pair.photo)
    if picture.ndim == 2 or picture.shape[2] == 3:
        return np.ones(picture.shape[:2], np.float32)
    return picture[..., 3].astype(np.float32) / 255


def lay_on(photo: np.ndarray, alpha: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Lay a cutout on a background.

    As the cutout was laid on white before, the colours that its file has under full transparency,
    often black or leftovers, never show.

    Args:
        photo: uint8, H × W × 3, the cutout on white.
        alpha: float32, H × W, 0 … 1, its opacity.
        background: uint8, H × W × 3.

    Returns:
        uint8, H × W × 3.
    """
    gone = (1 - alpha)[..., np.newaxis] * (255.0 - background)
    return np.clip(photo - gone + 0.5, 0, 255).astype(np.uint8)


def lay_on_room(photo: np.ndarray, alpha: np.ndarray, name: str) -> np.ndarray:
    """As `lay_on`, on a plain room that follows from the name, so that it is judged alike every time."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    height, width = alpha.shape
    return lay_on(photo, alpha, compositing.plain_room(height, width, rng))


def load_case(pair: Pair) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A pair to be judged on: (photo uint8 H × W × 3, mask bool H × W, known bool H × W).

    The mask is brought to the photo's size where it was drawn on a smaller copy. A cutout is laid
    on a plain room, as on white it would be all too easy.

    Raises:
        DatasetError: a file cannot be read.
    """
    photo = open_photo(pair)
    size = photo.shape[1], photo.shape[0]
    mask, known = (
        cv2.resize(part.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for part in read_mask(pair)
    )
    shown = lay_on_room(photo, read_opacity(pair), pair.name) if pair.is_cutout else photo
    return shown, mask, known


def cases(pairs: Iterable[Pair]) -> Iterator[Case]:
    """Pairs as `metrics.Case`s, decoded one at a time as they are asked for."""
    return (Case(pair.name, *load_case(pair)) for pair in pairs)
