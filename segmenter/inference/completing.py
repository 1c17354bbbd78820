"""The parts of a furniture map, completed by the picker: where the map has half of a chair, it knows the whole.

The map tells each pixel by itself and its surroundings; the picker has learnt which pixels belong together. So each
part beside which the map is lukewarm is asked for as a person would, by a click into its middle, with the part as
the piece so far.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from segmenter.inference import clicks

LINK = 0.25  # what reaches this much connects
LEAST = 1 / 3  # of the heaviest part's weight: a lighter one is left as it is
SMALLEST = 0.002  # share of the square that a part must cover
MOST = 4  # parts of one photo
LUKEWARM = 0.08  # what reaches this much, but not 0.5, may be of the part
AROUND = 4  # pixels from the part, within which it may be
DOUBT = 0.1  # of the part's own area, from which on the picker is asked
SURE = 0.8  # a part or a piece that is less sure than this on the mean may be nothing at all
KEEPS = 0.7  # a piece that has less than this of the part is another one,
GROWS = 3.0  # and one that is more than this many times as large is more than it
THICK = 2  # pixels: what is added is a disc of this radius somewhere, or it would close the gaps of a chair


class Part(NamedTuple):
    """A connected part of a map."""

    map: np.ndarray  # float32, size × size, 0 … 1; 0 elsewhere
    middle: tuple[float, float]  # x and y as shares of the square, the point of the part farthest from its outline


def complete(coarse: np.ndarray, size: int, ask: Callable[[Part], np.ndarray]) -> np.ndarray:
    """A map with its parts completed; nowhere less than it was.

    Args:
        coarse: float32, h × w, 0 … 1: a map squeezed to any shape.
        size: side of the picker's square.
        ask: what the picker makes of a part: float32, size × size, 0 … 1.
    """
    furniture = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_AREA)
    for part in parts(furniture):
        if not _may_go_on(part, furniture):
            continue
        piece = ask(part)
        if _goes_on(piece, part):
            added = np.where(_thick((piece >= 0.5) & (furniture < 0.5)), piece, np.float32(0))
            coarse = np.maximum(coarse, cv2.resize(added, coarse.shape[::-1], interpolation=cv2.INTER_LINEAR))
    return coarse


def _thick(region):
    """A region (bool, size × size) without its thin parts."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * THICK + 1, 2 * THICK + 1))
    padded = np.pad(region, 2 * THICK).astype(np.uint8)  # beyond the square nothing is known
    opened = cv2.dilate(cv2.morphologyEx(padded, cv2.MORPH_OPEN, disc), disc)
    return region & (opened[2 * THICK : -2 * THICK, 2 * THICK : -2 * THICK] > 0)


def _may_go_on(part, furniture):
    """Whether a part is furniture, and much beside it may be of it."""
    own = part.map >= 0.5
    around = cv2.dilate((part.map > 0).astype(np.uint8), np.ones((2 * AROUND + 1,) * 2, np.uint8)) > 0
    lukewarm = around & (furniture > LUKEWARM) & (furniture < 0.5)
    return lukewarm.sum() >= DOUBT * own.sum() and part.map[own].mean() >= SURE


def _goes_on(piece, part):
    """Whether a piece is the part, and perhaps more."""
    inside, own = piece >= 0.5, part.map >= 0.5
    if not inside.any() or inside.sum() > GROWS * own.sum():
        return False
    return (inside & own).sum() >= KEEPS * own.sum() and piece[inside].mean() >= SURE


def parts(furniture: np.ndarray) -> Sequence[Part]:
    """The connected parts of a map that are worth completing, the heaviest first.

    Args:
        furniture: float32, size × size, 0 … 1.
    """
    size = furniture.shape[0]
    count, labels = cv2.connectedComponents((furniture >= LINK).astype(np.uint8), connectivity=8)
    inside = furniture >= 0.5
    weights = np.bincount(labels[inside], furniture[inside], count)
    chosen = [n for n in np.argsort(-weights)[:MOST] if weights[n] > max(LEAST * weights.max(), SMALLEST * size**2)]
    return [_part(furniture, labels == number, inside) for number in chosen]


def _part(furniture, here, inside):
    y, x = divmod(int(np.argmax(clicks.depth(here & inside))), furniture.shape[1])
    size = furniture.shape[0]
    return Part(np.where(here, furniture, np.float32(0)), ((x + 0.5) / size, (y + 0.5) / size))
