"""The single pieces that photos with masks show: what a click can mean.

A picture of numbers says which they are: `pieces/NAME.png` beside `images/` and `masks/`, grey of 8 bits, 0 where
there is no piece, else the number of the piece. Where there is none, each of several mask pictures of a photo is
a piece (`chair_0.png`, `chair_1.png`), or else each connected part of its mask.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segmenter.datasets.mask_files import UnitedMask, read_mask_file
from segmenter.datasets.pairs import DECODE_ERRORS, Case, Pair, cases, read_mask, same_frame
from segmenter.errors import DatasetError
from segmenter.inference.pieces import LEAST as SCRAP
from segmenter.io import images

FOLDER = "pieces"
LEAST = 0.004  # share of a photo that a piece must cover: of a smaller one the network sees next to nothing
DEPTH = 3  # folders between images/ and a photo, at most
GREYS = ("L", "P")  # modes of a picture whose pixels are numbers of 8 bits


@dataclass(frozen=True)
class PieceSet:
    """Pieces to be picked: where each of them is, decoded one at a time as they are asked for."""

    places: Sequence[Any]
    load: Callable[[Any], Case]  # a place → its photo, with the piece as the truth

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Case]:
        return map(self.load, self.places)

    def draw(self, most: int, seed: int = 0) -> "PieceSet":
        """At most so many of them, in the same order, drawn by a seed."""
        if len(self) <= most:
            return self
        chosen = sorted(random.Random(seed).sample(range(len(self)), most))
        return replace(self, places=[self.places[number] for number in chosen])


def main_pieces(pairs: Sequence[Pair]) -> PieceSet:
    """Pairs whose masks show one piece each, as a PieceSet."""
    return PieceSet(pairs, lambda pair: next(cases([pair])))


def of_pairs(pairs: Iterable[Pair]) -> PieceSet:
    """All pieces of pairs that cover at least `LEAST` of their photo, as a PieceSet.

    Raises:
        DatasetError: a file cannot be read.
    """
    return PieceSet([(pair, number) for pair in pairs for number in large(read(pair)[0])], _case)


def find_file(pair: Pair) -> Path | None:
    """The picture of a pair's piece numbers; None where there is none.

    That of `images/a/chair.jpg` is `pieces/a/chair.png`, where `pieces/` lies beside `images/`.
    """
    for folder in pair.photo.parents[:DEPTH]:
        file = folder.parent / FOLDER / pair.photo.relative_to(folder).with_suffix(".png")
        if file.is_file():
            return file
    return None


def read(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Which piece each pixel of a photo shows.

    Returns:
        (numbers, known), of the mask's height and width: uint8, 0 where there is no piece, else its number;
        and bool, False where nobody could tell. Of connected parts those that are scraps beside the others
        (see `inference.pieces`), or too small to be picked, are not known: they may belong to any of them.

    Raises:
        DatasetError: a file cannot be read, or shows another frame than the mask.
    """
    mask, known = read_mask(pair)
    file = find_file(pair)
    if file:
        return _read_numbers(file, mask.shape), known
    if isinstance(pair.mask, UnitedMask):
        return _stack(pair.mask), known
    return connected(mask & known, known)


def connected(mask: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The connected parts of a mask as pieces: (numbers, known), see `read`. Both arguments are bool, H × W."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = np.array(statistics)[:, cv2.CC_STAT_AREA]
    areas[0] = 0  # the background
    at = np.asarray(labels, np.int32)
    is_piece = areas >= max(SCRAP * areas.max(), LEAST * mask.size)  # so there are at most 1 / LEAST
    numbers = np.zeros(count, np.uint8)
    numbers[is_piece] = np.arange(1, is_piece.sum() + 1)
    is_scrap = ~is_piece
    is_scrap[0] = False
    return numbers[at], known & ~is_scrap[at]


def large(numbers: np.ndarray) -> list[int]:
    """The numbers of the pieces that cover at least `LEAST` of the picture."""
    areas = np.bincount(numbers.ravel())
    return [number for number in range(1, len(areas)) if areas[number] >= LEAST * numbers.size]


def _case(place: tuple[Pair, int]) -> Case:
    pair, number = place
    case = next(cases([pair]))
    numbers, known = read(pair)
    size = case.truth.shape[1], case.truth.shape[0]
    truth, known = (
        cv2.resize(part.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        for part in (numbers == number, known)
    )
    return Case(f"{case.name} {number}", case.photo, truth, known)


def _read_numbers(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The numbers of a file, at the mask's size."""
    name = f"{FOLDER}/{file.name}"
    try:
        picture = images.decode(file.read_bytes())
        mode, numbers = picture.mode, np.asarray(picture)
    except DECODE_ERRORS as error:
        raise DatasetError(f"{name} cannot be read ({error}); save it again as PNG") from error
    if mode not in GREYS:
        raise DatasetError(
            f"{name} holds no numbers of pieces; save it as a grey PNG of 8 bits, 0 where there is no piece, "
            "else the number of the piece"
        )
    if not same_frame(numbers.shape, shape):
        raise DatasetError(
            f"{name} is {numbers.shape[1]} × {numbers.shape[0]} but its mask is {shape[1]} × {shape[0]}: they must "
            "show the same frame"
        )
    return cv2.resize(numbers, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)


def _stack(mask: UnitedMask) -> np.ndarray:
    """The numbers of objects that have a mask picture each; where two overlap, the later lies in front."""
    numbers = None
    for number, file in enumerate(mask.files[:255], 1):
        part, known = read_mask_file(file)
        numbers = np.zeros(part.shape, np.uint8) if numbers is None else numbers
        numbers[part & known] = number
    assert numbers is not None, "there are several files"
    return numbers
