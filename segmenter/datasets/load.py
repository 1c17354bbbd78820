"""Where photos with masks come from: a folder, a zip, what labelling tools export, or the Hub."""

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from segmenter.datasets import class_masks, findings, formats, layouts, mask_files
from segmenter.datasets.findings import Finding
from segmenter.datasets.formats.common import Reading, group_of
from segmenter.datasets.formats.sources import Sources, files_under
from segmenter.datasets.pairs import DECODE_ERRORS, Pair, pair_up
from segmenter.errors import DatasetError
from segmenter.io import archives, images
from segmenter.io.images import PHOTO_SUFFIXES

OPAQUE = "pictures without transparency"
UNPACKED = (*PHOTO_SUFFIXES, ".csv", *formats.SUFFIXES)  # of a zip; all else in it is left there
LAYOUTS = (
    "photos in images/ and their masks in masks/, or pictures with a transparent background, "
    f"or an export as {', '.join(formats.NAMES[:-1])} or {formats.NAMES[-1]} segmentation"
)
LOOKED_AT = 20  # masks, to see whether they have classes
# Folders that mean something where they are; any other lone folder is only a wrapping.
KNOWN_FOLDERS = {"images", "masks", "labels", "annotations", "train", "val", "valid", "validation", "test"}


@dataclass(frozen=True)
class Place:
    """What was found in one place.

    Args:
        name: short, as for an output folder.
        kind: "masks", "cutouts", or the NAME of one of `formats`.
        folder: where the files lie, unpacked.
        pairs: list of Pair.
        found: list of Finding: what had to be left out already.
        classes: name → number of outlines; empty where masks have no classes.
        splits: the folders such as train and val that it is divided into, which are read as one.
    """

    name: str
    kind: str
    folder: Path
    pairs: list[Pair]
    found: list[Finding]
    classes: dict[str, int]
    splits: tuple[str, ...] = ()

    def summary(self) -> str:
        """One line for a terminal: how many of what, the classes, and what is done with its own split."""
        what = {"masks": "photos with masks", "cutouts": "cutouts"}.get(self.kind, f"photos of a {self.kind} export")
        named = ", ".join(f"{name} ({count})" for name, count in self.classes.items())
        line = f"{self.name}: {len(self.pairs)} {what}{f', outlines: {named}' if named else ''}"
        if not self.splits:
            return line
        return f"{line}; its {' and '.join(self.splits)} are read as one, and split anew by groups"


def open_place(
    place: str | PathLike[str],
    classes: Iterable[str] | None = None,
    cache: str | PathLike[str] | None = None,
    pull: Callable[[str], Path] | None = None,
) -> Place:
    """Find the photos and masks of a place, whatever its layout.

    A place is a folder, a zip of one (it may hold a single folder of any name), an annotation file, or
    `hf://datasets/OWNER/NAME[@REVISION]`. Of the layouts the first that fits counts: `images/` and
    `masks/`; what `formats` reads; photos and masks by other names of folders, see `layouts.find`;
    pictures with transparency. Subfolders such as train/ and val/ are read as one: how to split is
    decided here, by groups.

    Args:
        place: str or path.
        classes: names of the classes that are foreground (default: all).
        cache: folder for what is unpacked (default: `archives.default_cache()`).
        pull: fetches an address of the Hub as a folder: `hub.datasets.pull_dataset`, without which
            no address can be opened.

    Returns:
        Place.

    Raises:
        DatasetError: nothing of it can be read; the message says why and what to do.
    """
    cache = Path(cache) if cache else archives.default_cache()
    text = str(place)
    if text.startswith(("hf:/", "http:/", "https:/")):
        name, path = _pull(text, pull)
    else:
        path = Path(text).expanduser()
        name = path.resolve().stem if path.is_file() else path.resolve().name
    folder, file = _locate(path, cache)
    kind, pairs, found, counts = _read(folder, file, classes, cache)
    if not pairs:
        raise DatasetError(f"none of the photos in {name} can be used:\n{findings.summarise(found)}")
    splits = layouts.splits_of(folder, [pair.photo for pair in pairs])
    return Place(name, kind, folder, pairs, found, dict(counts.most_common()), splits if len(splits) > 1 else ())


def _pull(address: str, pull: Callable[[str], Path] | None) -> tuple[str, Path]:
    match = re.fullmatch(r"hf://datasets/([\w.-]+)/([\w.-]+)(@[\w./-]+)?", address)
    if not match:
        raise DatasetError(f"{address} is no data set's address; it reads hf://datasets/OWNER/NAME or …/NAME@REVISION")
    if pull is None:
        raise DatasetError(f"{address} must be fetched first: pull it, and give the folder that it is in then")
    return match[2], Path(pull(address))


def _locate(path: Path, cache: Path) -> tuple[Path, Path | None]:
    """(folder, None), or (folder, file) where a single annotation file was asked for."""
    if path.is_dir():
        folder = _unwrap(path)
        zips = files_under(folder, (".zip",))
        if zips and not files_under(folder, PHOTO_SUFFIXES):
            if len(zips) == 1 and not files_under(folder, formats.SUFFIXES):
                return _unwrap(archives.unpack(zips[0], cache, UNPACKED)), None
            return archives.gather(folder, zips, cache, UNPACKED), None
        return folder, None
    if not path.exists():
        raise DatasetError(
            f"{path} is missing: put the photos in images/ and their masks in masks/ of a folder, and name that folder"
        )
    if path.suffix.lower() in (".json", ".xml"):
        return path.parent, path
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return _unwrap(archives.unpack(path, cache, UNPACKED)), None
    raise DatasetError(f"{path.name} is neither a folder nor a zip: give a folder or a zip with {LAYOUTS}")


def _unwrap(folder: Path) -> Path:
    """The folder inside, where it is all there is and its name means nothing."""
    while True:
        try:
            inside = [path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "__MACOSX"]
        except OSError as error:
            raise DatasetError(f"{folder} cannot be read: {error.strerror}; check its permissions") from error
        if len(inside) != 1 or not inside[0].is_dir() or inside[0].name.lower() in KNOWN_FOLDERS:
            return folder
        folder = inside[0]


def _read(
    folder: Path, file: Path | None, classes: Iterable[str] | None, cache: Path
) -> tuple[str, list[Pair], list[Finding], Counter[str]]:
    """(kind, pairs, found, classes) by the first layout that fits."""
    if file is None and (folder / "masks").is_dir():
        return "masks", *_read_masks(folder, classes), Counter()
    reading = Reading(folder, set(classes) if classes else None, cache)
    kind = formats.read(Sources(folder, file), reading)
    if kind:
        _refuse_unknown(reading.wanted or set(), reading.classes)
        return kind, reading.finish(), reading.found, reading.classes
    if file is None and layouts.find(folder):
        return "masks", *_read_masks(folder, classes), Counter()
    _refuse_classes(classes, "cutouts")
    return "cutouts", *_read_cutouts(folder), Counter()


def _read_masks(folder: Path, classes: Iterable[str] | None) -> tuple[list[Pair], list[Finding]]:
    """Photos with mask pictures, of whose classes some may be asked for, as (pairs, found)."""
    pairs, found = pair_up(folder)
    if not classes:
        return pairs, found
    table, wanted = class_masks.find_table(folder), frozenset(classes)
    if table is None:
        files = [pair.mask for pair in pairs if isinstance(pair.mask, Path)]
        if not any(mask_files.has_classes(path) for path in files[:LOOKED_AT]):
            _refuse_classes(classes, "masks")
    _refuse_unknown(wanted, (table or class_masks.VOC_TABLE).classes)
    return [pair.with_classes(table, wanted) for pair in pairs], found


def _refuse_unknown(wanted: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise DatasetError(f"nothing is labelled {', '.join(unknown)}; the classes are {', '.join(known) or 'none'}")


def _refuse_classes(classes: Iterable[str] | None, kind: str) -> None:
    if classes:
        raise DatasetError(f"{kind} have no classes to choose from; leave the choice of classes out")


def _read_cutouts(folder: Path) -> tuple[list[Pair], list[Finding]]:
    """Pictures whose transparency is their mask, as (pairs, found)."""
    pictures = files_under(folder, PHOTO_SUFFIXES)
    if not pictures:
        raise DatasetError(
            f"{folder} holds no photos ({', '.join(PHOTO_SUFFIXES)}): put there {LAYOUTS}{_hint(folder)}"
        )
    pairs, found = [], []
    for path in pictures:
        if _has_alpha(path):
            pairs.append(Pair(path, path, (group_of(path, folder),)))
        else:
            advice = "save the cutout as PNG or WebP with a transparent background"
            found.append(Finding("error", OPAQUE, path.name, "there is no transparency to tell the object by", advice))
    if not pairs and (folder / "images").is_dir():
        try:
            pair_up(folder)  # says that masks/ is missing
        except DatasetError as error:
            raise DatasetError(f"{error}{_hint(folder)}") from error
    if not pairs:
        raise DatasetError(
            f"the {len(pictures)} pictures in {folder} have neither masks nor a transparent background: put there "
            f"{LAYOUTS}{_seen(folder, pictures)}{_hint(folder)}"
        )
    return pairs, found


def _seen(folder: Path, pictures: list[Path]) -> str:
    """Which folders hold the pictures, where there are two or more that may be those of photos and masks."""
    names = sorted({path.parent.relative_to(folder).as_posix() for path in pictures if path.is_relative_to(folder)})
    if len(names) < 2:
        return ""
    told = ", ".join(f"{name}/" for name in names[:4])
    return f". Seen were {told}: call the one of the photos images/, and the one of the masks masks/"


def _has_alpha(path: Path) -> bool:
    """Whether a picture has an alpha channel; a file that cannot be read is judged later."""
    try:
        with images.open_image(path.read_bytes()) as picture:
            return picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info
    except DECODE_ERRORS:
        return path.suffix.lower() in (".png", ".webp")


def _hint(folder: Path) -> str:
    """What to do about annotations that are there, but not read."""
    return formats.hint(Sources(folder))
