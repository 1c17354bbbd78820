"""The collection of the default weights: what its folders hold, what trains and what never does.

A collection is a folder with `photos/`, `rooms/`, `scenes/`, `objects/`, `renders/` and
`backgrounds/`, each with the CSV that says what its pictures are, and `wild/`, photos from other
sources. Fold 0, `scenes/val` and all of `wild/` are for validation alone.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from segmenter.datasets.copy_paste import Object, cut_object
from segmenter.datasets.pairs import Case, Pair, cases, read_folder, read_table
from segmenter.datasets.pieces import PieceSet, main_pieces
from segmenter.inference import preprocessing

SEATS = {"chair", "armchair", "stool", "bench", "sofa"}
GAPPY = {"chair", "swivelchair", "table"}
OUTLINES = {"outline", "outline+unknown"}  # masks that a person outlined, gaps and all
VALIDATION_FOLD = "0"
WILD = "wild_"  # begins the names of the validation photos that none of the others resemble
EMPTY = "empty"  # name of the validation pictures without furniture
PIECE = 0.015  # share of a scene that a piece must cover for a click on it to be judged
TOUCHING = 0.5  # pixels at another piece, per pixel of a square piece's side, from which it touches that
ROOMS_SEAT = 0.02  # share of a room that its seats must cover for it to be judged on


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of the collection with its mask: 255 foreground, 128 unknown, dark greys background.

    Light greys are the anti-aliased rim of rendered furniture; what is less than about half of it is background.

    Where `doubtful`, the mask is an outline that may have painted over gaps (see `segmenter.models.losses`).
    """

    photo: Path
    mask: Path
    row: dict[str, str]
    doubtful: bool = False

    def read(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(photo uint8 H × W × 3, target float32 H × W 0 … 1, weight float32 H × W)."""
        photo, mask = read_rgb(self.photo), _grey(self.mask)
        target = _foreground(mask).astype(np.float32)
        weight = (mask != preprocessing.UNKNOWN).astype(np.float32)
        if self.doubtful:
            weight = np.where(target > 0, -weight, weight)
        return photo, target, weight

    def read_empty(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `read`, but nothing in it is furniture."""
        photo = read_rgb(self.photo)
        return photo, np.zeros(photo.shape[:2], np.float32), np.ones(photo.shape[:2], np.float32)


@dataclass(frozen=True)
class Levels:
    """The mask of such a picture, for judging by; see `pairs.Pair`."""

    file: Path
    empty: bool = False  # nothing in the picture is furniture

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """(mask, known), both bool H × W."""
        mask = _grey(self.file)
        foreground = np.zeros(mask.shape, bool) if self.empty else _foreground(mask)
        return foreground, np.full(mask.shape, True) if self.empty else mask != preprocessing.UNKNOWN


def _foreground(mask: np.ndarray) -> np.ndarray:
    foreground, known = preprocessing.read_mask(mask)
    return foreground & known


def read_rgb(path: str | os.PathLike[str]) -> np.ndarray:
    """A picture of the collection: uint8, H × W × 3."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def read_numbers(path: str | os.PathLike[str]) -> np.ndarray:
    """Which piece of a scene each pixel shows: uint8, H × W; 0 for none."""
    with Image.open(path) as picture:
        return np.asarray(picture)


def _grey(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


def _png(path):
    return path.with_suffix(".png")


def read_pictures(
    collection: str | os.PathLike[str],
    name: str,
    keep: Callable[[dict[str, str]], bool] = lambda row: row["fold"] != VALIDATION_FOLD,
) -> list[Picture]:
    """The pictures of one folder for which `keep(row)` is true, by default those that may train."""
    folder = Path(collection) / name
    return [
        Picture(folder / "images" / row["file"], _png(folder / "masks" / row["file"]), row, _is_doubtful(row))
        for row in read_table(folder / f"{name}.csv")
        if keep(row)
    ]


def _is_doubtful(row):
    """Outlines of sofas and beds are right as they are; those of chairs and tables may have lost their gaps."""
    gappy = bool(GAPPY & set(row["classes"].split("+"))) if "classes" in row else True
    return gappy and row.get("mask") in OUTLINES


def training_scenes(collection: str | os.PathLike[str]) -> list[Picture]:
    """The rendered scenes that may train, as a list of Picture."""
    pairs = read_folder(Path(collection) / "scenes" / "train")
    return [Picture(pair.photo, pair.mask_file, {}) for pair in pairs]


def scene_pieces(collection: str | os.PathLike[str], part: str) -> list[tuple[Path, Path]]:
    """The scenes of a part ("train" or "val") of which it is known which piece each pixel shows.

    Returns:
        list of (photo, picture of piece numbers from 1 on, 0 where there is no furniture).
    """
    folder = Path(collection) / "scenes" / part
    photos = {photo.stem: photo for photo in sorted((folder / "images").iterdir())}
    return [(photos[each.stem], each) for each in sorted((folder / "pieces").glob("*.png")) if each.stem in photos]


def rendered_objects(collection: str | os.PathLike[str]) -> list[Object]:
    """The renders outside the validation fold, as a list of Object."""
    folder = Path(collection) / "renders"
    found = []
    for row in read_table(folder / "renders.csv"):
        if row["fold"] == VALIDATION_FOLD:
            continue
        with Image.open(folder / "cutouts" / row["file"]) as picture:
            cutout = np.asarray(picture.convert("RGBA"))
        shadow = _grey(_png(folder / "shadows" / row["file"])).astype(np.float32) / 255
        shadow = cv2.GaussianBlur(shadow, (0, 0), 1.5)  # the rendering is grainy
        corner = (float(row["x0"]), float(row["y0"]))
        found.append(Object(cutout, row["category"], shadow, float(row["frame"]), corner, row["model"]))
    return found


@lru_cache(maxsize=2048)
def cut_photo(picture: Picture) -> Object:
    """The furniture of a photo with an exact mask, as an Object."""
    photo, target, _ = picture.read()
    return cut_object(photo, target, picture.row["classes"].split("+")[0])


def background_photos(collection: str | os.PathLike[str]) -> list[np.ndarray]:
    """The pictures of places without furniture, as a list of uint8 H × W × 3."""
    folder = Path(collection) / "backgrounds"
    return [read_rgb(folder / row["file"]) for row in read_table(folder / "backgrounds.csv")]


# Validation


def validation_pairs(collection: str | os.PathLike[str]) -> dict[str, list[Pair]]:
    """What the default weights are validated on: name of the source → list of Pair.

    The photos of `wild/` by where they come from, the rooms with seats and exact masks, the scenes
    whose models never trained, the photos' fold 0, by how their masks were made, and, as `EMPTY`,
    pictures of things that are no furniture.
    """
    held_out = {}
    for picture in read_pictures(collection, "wild", lambda row: True):
        held_out.setdefault(f"{WILD}{picture.row['source']}", []).append(_pair(picture))
    held_out["rooms"] = [_pair(picture) for picture in read_pictures(collection, "rooms", _is_judged_room)]
    held_out["scenes"] = [
        Pair(pair.photo, Levels(pair.mask_file)) for pair in read_folder(Path(collection) / "scenes" / "val")
    ]
    for picture in read_pictures(collection, "photos", _is_held_out):
        kind = picture.row["mask"]
        held_out.setdefault(f"photos_{'cut' if kind == 'cut' else 'others'}", []).append(_pair(picture))
    held_out[EMPTY] = empty_pairs(collection)
    return held_out


def empty_pairs(collection: str | os.PathLike[str]) -> list[Pair]:
    """The validation pictures of things that are no furniture, as a list of Pair."""
    pictures = read_pictures(collection, "objects", _is_held_out)
    return [Pair(picture.photo, Levels(picture.mask, empty=True)) for picture in pictures]


def validation_pieces(collection: str | os.PathLike[str]) -> dict[str, PieceSet]:
    """What a picker is validated on: name of the source → pieces, as PieceSet.

    Of the scenes whose models never trained, every piece of at least `PIECE` of the picture: `scenes_seats`,
    `scenes_others`, and again as `scenes_touching` those that touch another; and the main pieces of the photos
    of `wild/` and of the photos' fold 0.
    """
    place = Path(collection)
    kinds = {row["file"]: row["pieces"].split() for row in read_table(place / "scenes" / "scenes.csv")}
    found: dict[str, list[tuple[Path, Path, int]]] = {"scenes_seats": [], "scenes_others": [], "scenes_touching": []}
    for photo, numbered in scene_pieces(collection, "val"):
        pieces = read_numbers(numbered)
        for number, kind in enumerate(kinds[photo.name], 1):
            piece = pieces == number
            if piece.mean() < PIECE:
                continue
            found["scenes_seats" if kind in SEATS else "scenes_others"].append((photo, numbered, number))
            around = cv2.dilate(piece.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            if (around & (pieces > 0) & ~piece).sum() > TOUCHING * np.sqrt(piece.sum()):
                found["scenes_touching"].append((photo, numbered, number))
    sources = {name: PieceSet(each, _piece_case) for name, each in found.items()}
    held_out = validation_pairs(collection)
    for name in ("wild_caltech101", "wild_duts", "photos_cut", "photos_others"):
        sources[name] = main_pieces(held_out.get(name, []))
    return sources


def _piece_case(place):
    photo, numbered, number = place
    pieces = read_numbers(numbered)
    return Case(f"{photo.stem} {number}", read_rgb(photo), pieces == number, np.ones(pieces.shape, bool))


def validation_cases(collection: str | os.PathLike[str]) -> dict[str, Iterator[Case]]:
    """The photos of `validation_pairs`, decoded one at a time as they are asked for."""
    return {name: cases(pairs) for name, pairs in validation_pairs(collection).items()}


def thing_pairs(collection: str | os.PathLike[str]) -> list[Pair]:
    """Some of the same pictures, where the thing itself is what is looked for: for the first curriculum."""
    return [_pair(picture) for picture in read_pictures(collection, "objects", _is_held_out)[::3]]


def _is_held_out(row):
    return row["fold"] == VALIDATION_FOLD


def _is_judged_room(row):
    return _is_held_out(row) and row["mask"] == "exact" and float(row["seat"]) > ROOMS_SEAT


def _pair(picture):
    return Pair(picture.photo, Levels(picture.mask))


def watched_pairs(held_out: dict[str, list[Pair]]) -> list[Pair]:
    """The validation pairs that are looked at after every epoch; none of `wild/`, which only judges the end."""
    if "things" in held_out:
        return held_out["things"]
    return held_out["scenes"] + held_out["rooms"] + held_out["photos_cut"][:48] + held_out["photos_others"][:96]


def credits(collection: str | os.PathLike[str]) -> list[str]:
    """One line a licence: the authors of the rendered furniture that trained, where it asks for names."""
    place, authors = Path(collection), {}
    for row in read_table(place / "renders" / "renders.csv"):
        if row["fold"] != VALIDATION_FOLD:
            authors.setdefault(row["licence"], set()).add(row["author"])
    for row in read_table(place / "scenes" / "scenes.csv"):
        if row["set"] == "train":
            for part in ("seat", "other"):
                names, licences = row[f"{part}_authors"].split(";"), row[f"{part}_licences"].split(";")
                for name, licence in zip(names, licences):
                    authors.setdefault(licence.strip(), set()).add(name.strip())
    return [
        f"3D models under {licence}, by {', '.join(sorted(names - {''}))}"
        for licence, names in sorted(authors.items())
        if licence
    ]
