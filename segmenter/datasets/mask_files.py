"""Mask pictures of every convention → masks."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from segmenter.datasets import class_masks
from segmenter.datasets.class_masks import ClassTable
from segmenter.errors import DatasetError, MaskError
from segmenter.inference import preprocessing
from segmenter.io import images


class MaskReading(NamedTuple):
    """What a mask picture says."""

    picture: np.ndarray  # uint8, H × W or H × W × 3 or 4, upright
    mask: np.ndarray  # bool, H × W
    known: np.ndarray  # bool, H × W; where it is False, the mask means nothing
    note: str = ""  # which of its classes are the object, where others are not


@dataclass(frozen=True)
class ClassMask:
    """A mask picture whose colours are classes, with what they are called.

    Args:
        file: the picture.
        table: see `class_masks.find_table`; None where the colours are PASCAL VOC's.
        wanted: names of the classes that are the object; None: see `ClassTable.objects`.
    """

    file: Path
    table: ClassTable | None
    wanted: frozenset[str] | None

    def look(self) -> MaskReading:
        """The mask with its picture.

        Raises:
            DatasetError: the file cannot be read.
            MaskError: it cannot be read as a mask.
        """
        return look(self.file, self.table, self.wanted)

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """(mask, known), both bool, H × W.

        Raises:
            DatasetError: it cannot be read.
        """
        return read_mask_file(self.file, self.table, self.wanted)


@dataclass(frozen=True)
class UnitedMask:
    """Mask pictures of the objects in one photo: what any of them covers is the object.

    Args:
        files: the pictures, in the order of their names.
    """

    files: tuple[Path, ...]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """(mask, known), both bool, H × W.

        Raises:
            DatasetError: one of them cannot be read, or they differ in size.
        """
        mask, known = read_mask_file(self.files[0])
        mask = mask & known
        for file in self.files[1:]:
            other, other_known = read_mask_file(file)
            if other.shape != mask.shape:
                names = f"{self.files[0].name} and {file.name}"
                raise DatasetError(f"{names} are masks of one photo, but differ in size; export them again")
            mask |= other & other_known
            known &= other_known
        return mask, known | mask


def look(path: Path, table: ClassTable | None = None, wanted: Collection[str] | None = None) -> MaskReading:
    """A mask picture file, its classes told apart where it has any; else see `preprocessing.read_mask`.

    Args:
        path: the file.
        table: what lies beside it to name the classes.
        wanted: names of the classes that are the object.

    Raises:
        DatasetError: the file cannot be read.
        MaskError: it cannot be read as a mask; the message says what to do.
    """
    decoded = _open(path)
    picture = _as_array(decoded)
    classes = class_masks.table_for(decoded, table)
    if classes:
        return MaskReading(picture, *class_masks.read(decoded, classes, wanted))
    if wanted:
        raise MaskError("it has no classes to choose from; leave the choice of classes out")
    class_masks.refuse_unclear(decoded)
    return MaskReading(picture, *preprocessing.read_mask(picture))


def read_mask_file(
    path: Path, table: ClassTable | None = None, wanted: Collection[str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """A mask picture file as (mask, known), both bool H × W; see `look`.

    Raises:
        DatasetError: it cannot be read, or not as a mask.
    """
    try:
        _, mask, known, _ = look(path, table, wanted)
    except MaskError as error:
        raise DatasetError(f"{path.name}: {error}") from error
    return mask, known


def open_mask_picture(path: Path) -> np.ndarray:
    """A mask picture as `preprocessing.read_mask` wants it: uint8, H × W or H × W × 3 or 4, upright.

    Raises:
        DatasetError: it cannot be read.
    """
    return _as_array(_open(path))


def has_classes(path: Path) -> bool:
    """Whether a mask picture's colours are those of PASCAL VOC's classes; False where it cannot be read."""
    try:
        return class_masks.table_for(_open(path)) is not None
    except DatasetError:
        return False


def _open(path: Path) -> Image.Image:
    try:
        return ImageOps.exif_transpose(images.decode(path.read_bytes()))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = "the file is empty" if path.is_file() and not path.stat().st_size else error.__cause__ or error
        raise DatasetError(f"{path.name} cannot be read as a mask: {reason}; save it again as PNG") from error


def _as_array(picture: Image.Image) -> np.ndarray:
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture = picture.convert(_plain_mode(picture))
    return np.asarray(picture)


def _plain_mode(picture: Image.Image) -> str:
    if picture.mode in ("1", "I;16", "I", "F"):
        return "L"
    return "RGBA" if "transparency" in picture.info or picture.mode in ("LA", "PA") else "RGB"
