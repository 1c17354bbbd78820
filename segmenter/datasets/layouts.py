"""Where a folder keeps its photos and where their masks, by the names of its folders and files."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from segmenter.datasets import mask_names
from segmenter.errors import PhotoError
from segmenter.io import files, images
from segmenter.io.images import PHOTO_SUFFIXES

# What a folder's name says of it, small letters; a name is made of such words and perhaps others: train_masks.
PHOTO_WORDS = ("images image imgs img im jpegimages photos photo pictures originals original inputs input rgb").split()
# Of several folders of masks the first in this order counts.
MASK_WORDS = (
    "masks mask gt gts segmentationclasspng segmentationclass segmentationclassaug segmentation segmentations "
    "groundtruth ground truth mattes matte alpha targets target labels label annotations annotation annot"
).split()
SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing", "dev")  # folders of a split
DEPTH = 2  # folders down, in which images/ and masks/ are looked for
PLAIN_MODES = ("1", "L", "P")  # of a mask that stands beside its photo under the same name


class Part(NamedTuple):
    """Photos and masks that belong together."""

    folder: Path  # of the photos
    masks_folder: Path
    photos: list[Path]
    masks: list[Path]


def find(folder: str | os.PathLike[str]) -> list[Part]:
    """The parts of a data set of photos and mask pictures; none where its folders have no such names.

    These are looked for: `images/` and `masks/`, by any of their usual names, such as `JPEGImages/` and
    `SegmentationClass/`; the same in folders such as `train/` and `val/`, around them or inside; `train/` and
    `train_masks/`; and masks that lie beside their photos (`chair.jpg` with `chair_mask.png` or a grey `chair.png`).
    """
    folder = Path(folder)
    found = [part for level in _levels(folder) for part in level]
    return found or [part for root, _ in files.walk(folder) for part in _mixed(root)]


def pictures_in(folder: str | os.PathLike[str], suffixes: Sequence[str] = PHOTO_SUFFIXES) -> list[Path]:
    """The picture files right in a folder, sorted by name; hidden ones do not count."""
    found = (path for path in Path(folder).iterdir() if path.suffix.lower() in suffixes)
    return sorted(path for path in found if not path.name.startswith("."))


def splits_of(folder: Path, photos: Sequence[Path]) -> tuple[str, ...]:
    """The names of the folders, such as train and val, that photos below a folder were divided into."""
    inside = [path.relative_to(folder).parent.parts for path in photos if path.is_relative_to(folder)]
    return tuple(sorted({part for parts in inside for part in parts if part.lower() in SPLITS}))


def _levels(folder: Path) -> Iterator[list[Part]]:
    """The parts of a folder; where it has none, those of the folders inside."""
    level = [folder]
    for _ in range(DEPTH + 1):
        found = {each: _parts_of(each) for each in level}
        yield [part for parts in found.values() for part in parts]
        level = [inside for each, parts in found.items() if not parts for inside in _folders_in(each)]


def _folders_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__MACOSX")))


def _parts_of(folder: Path) -> list[Part]:
    """Of each folder of photos and its folder of masks, which lie beside each other."""
    photos: dict[tuple[str, ...], list[tuple[int, Path]]] = {}
    masks: dict[tuple[str, ...], list[tuple[int, Path]]] = {}
    for path in _folders_in(folder):
        words = re.findall(r"[^\s_-]+?(?=annot$)|[^\s_-]+", path.name.lower())
        rest = tuple(word for word in words if word not in PHOTO_WORDS and word not in MASK_WORDS)
        ranks = [MASK_WORDS.index(word) for word in words if word in MASK_WORDS]
        if ranks:
            masks.setdefault(rest, []).append((ranks[0], path))
        else:  # of two, the one that has a word for photos; it has fewer other words
            photos.setdefault(rest, []).append((0 if len(rest) < len(words) else 1, path))
    found = []
    for rest in photos.keys() & masks.keys():
        both = [_with_pictures(each[rest]) for each in (photos, masks)]
        if both[0] and both[1]:
            found += _divided(both[0], both[1])
    return sorted(found)


def _with_pictures(ranked: list[tuple[int, Path]]) -> Path | None:
    """The first of several folders that has pictures in it, or below it."""
    paths = [path for _, path in sorted(ranked, key=lambda each: (each[0], not each[1].name.islower(), each[1]))]
    return next((path for path in paths if any(pictures for _, pictures in _pictures_below(path))), None)


def _pictures_below(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """(folder, its pictures) for a folder and all below it, as paths inside it."""
    for root, _ in files.walk(folder):
        yield root.relative_to(folder), pictures_in(root)


def _divided(photos: Path, masks: Path) -> list[Part]:
    """The part of two folders, and those of the folders in them that have the same names in both."""
    found = []
    for inside, pictures in _pictures_below(photos):
        if pictures and (masks / inside).is_dir():
            found.append(Part(photos / inside, masks / inside, pictures, pictures_in(masks / inside)))
    return found


def _mixed(folder: Path) -> list[Part]:
    """The part of a folder in which masks lie beside their photos; none where there are no such masks."""
    pictures, by_stem = pictures_in(folder), {}
    for path in pictures:
        by_stem.setdefault(path.stem, []).append(path)
    masks = {path for path in pictures if _is_beside_its_photo(path, by_stem)}
    photos = [path for path in pictures if path not in masks]
    return [Part(folder, folder, photos, sorted(masks))] if masks and photos else []


def _is_beside_its_photo(path: Path, by_stem: dict[str, list[Path]]) -> bool:
    """Whether a picture is the mask of another: by its ending, or a grey twin of a coloured picture."""
    shorter = (path.stem.removesuffix(ending) for ending in mask_names.ENDINGS if path.stem.endswith(ending))
    if any(stem in by_stem for stem in shorter):
        return True
    twins = [other for other in by_stem[path.stem] if other != path]
    lossless = path.suffix.lower() in (".png", ".bmp", ".gif")
    return bool(twins) and lossless and _is_plain(path) and not _is_plain(twins[0])


def _is_plain(path: Path) -> bool:
    """Whether a picture may be a mask by its header: grey, or of few colours."""
    try:
        with images.open_image(path.read_bytes()) as picture:
            return isinstance(picture, Image.Image) and picture.mode in PLAIN_MODES
    except (OSError, PhotoError):
        return False
