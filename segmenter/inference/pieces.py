"""The pieces of a mask: which of them are the furniture that a photo is about, and which are scraps beside it.

Where all that a mask shows is doubtful, it is most likely no furniture: of pictures of other things, masks that are
at least `SURE` on the mean are rare, and of furniture the others are, the more so the smaller they are. Then nothing is
cut out at this threshold. Of a single piece beside the heaviest the same is true: a rail behind a chair, as heavy as a
second chair would be.

A piece is a set of connected pixels whose probability reaches `LINK` of the threshold, and some of which reach
the threshold itself; pixels that touch at a corner are connected. So a leg stays with its chair where the map
is lukewarm between them. A piece weighs the sum of the probabilities that reach the threshold: how many pixels
of furniture are to be expected in what the mask shows of it.
"""

import math
from collections.abc import Iterable

import cv2
import numpy as np

from segmenter.inference import tiles

LEAST = 1 / 3  # of the heaviest piece's weight: a lighter piece is a scrap; a chair beside its table is none
LINK = 0.5  # of the threshold: what reaches this much connects
SURE = 0.82  # of a mask's pixels on the mean, at a threshold of 0.5 or more; at a lower one, in proportion
USUAL = 0.1  # share of the map that such a mask covers
EASE = 0.05  # so much less is asked of a mask of ten times the size, and more of a smaller one
HIDDEN = 0.9  # of the threshold: what a doubtful map reaches at most
WORKING_PIXELS = 4_000_000  # the pieces of a larger map are told apart on squares of several pixels
SMALL_TILE = 64  # side of the tiles in which scraps are taken away, in pixels; most scraps are small
STRIP_PIXELS = 2**18  # that are looked at together
SOFT = 1 / 400  # how far a scrap's soft rim reaches, as a share of the map's longer side: as far as alpha's


def without_scraps(
    probabilities: np.ndarray, threshold: float = 0.5, keep: Iterable[tuple[int, int]] = ()
) -> np.ndarray:
    """The map without scraps: only the heaviest piece is left, and every other at least `LEAST` as heavy and not doubtful.

    Where nothing is sure enough (see `is_doubtful`), and nothing is kept, the whole map is lowered below the threshold.

    A scrap and its soft rim become 0, and from there the map rises to what it was, so that neither a cutout
    nor a heatmap shows where it has been. Pixels nearer to a piece that stays keep their values.

    Args:
        probabilities: float32, H × W, 0 … 1.
        threshold: 0 … 1.
        keep: (x, y) in pixels; a piece that holds one of these points stays, however light or doubtful it is.

    Returns:
        float32, H × W, 0 … 1; `probabilities` itself where there are no scraps. The time it takes grows with
        the number of pixels alone. On a map of more than `WORKING_PIXELS`, pieces that are less than two of its
        working squares apart may count as one; all else is exact to the pixel.
    """
    keep = list(keep)
    if not keep and is_doubtful(probabilities, threshold):
        return probabilities * np.float32(HIDDEN * threshold / probabilities.max())
    return heaviest(probabilities, threshold, keep, doubtful=False)


def heaviest(
    probabilities: np.ndarray,
    threshold: float = 0.5,
    keep: Iterable[tuple[int, int]] = (),
    least: float = LEAST,
    doubtful: bool = True,
) -> np.ndarray:
    """As `without_scraps`, however doubtful all of it is.

    Args:
        probabilities, threshold, keep: as there.
        least: share of the heaviest piece's weight; a lighter piece is a scrap.
        doubtful: whether doubtful pieces stay beside the heaviest.
    """
    step = math.ceil(math.sqrt(probabilities.size / WORKING_PIXELS))
    count, labels = cv2.connectedComponents(_linked(probabilities, threshold, step), connectivity=8)
    if count <= 2:  # the background, and one piece
        return probabilities
    weights, pixels = _weights(probabilities, threshold, step, labels, count)
    scraps = (weights > 0) & (weights < least * weights.max())  # what weighs nothing is in no mask, and stays as it is
    if not doubtful:
        asked = _asked(np.maximum(pixels, 1), probabilities.size, threshold)
        scraps |= (weights > 0) & (weights < asked) & (np.arange(count) != weights.argmax())
    scraps[[labels[y // step, x // step] for x, y in keep]] = False
    return _without(probabilities, scraps.take(labels), step, _link(threshold)) if scraps.any() else probabilities


def is_doubtful(probabilities: np.ndarray, threshold: float) -> bool:
    """Whether the pixels that reach the threshold are too unsure on the mean, for how many they are, to be furniture.

    A lower threshold asks for as much less: whoever moves it there wants to see what is unsure.
    """
    total, count = 0.0, 0
    for rows in _strips(probabilities.shape, 1):
        part = probabilities[rows]
        inside = (part >= threshold).view(np.uint8)
        pixels = cv2.countNonZero(inside)
        total, count = total + cv2.mean(part, mask=inside)[0] * pixels, count + pixels
    return bool(count and total < _asked(count, probabilities.size, threshold))


def _asked(pixels, size, threshold):
    """What so many pixels of a map of a size weigh at least together, where they are not doubtful."""
    return pixels * (SURE - EASE * np.log10(pixels / (USUAL * size))) * min(1.0, 2 * threshold)


def reach(shape: tuple[int, ...]) -> int:
    """How far the soft rim of a scrap reaches on a map of this shape, in pixels."""
    return max(2, round(max(shape) * SOFT)) + 1


def _link(threshold):
    """What a pixel must reach to be connected."""
    return np.float32(LINK * threshold)


def _strips(shape, step):
    """Slices of rows that cover a map, each of few pixels, so that what is made of them stays in a processor's cache."""
    rows = step * max(1, STRIP_PIXELS // (shape[1] * step))
    return [slice(top, top + rows) for top in range(0, shape[0], rows)]


def _linked(probabilities, threshold, step):
    """uint8, h × w: 1 where a square of `step` pixels a side holds a pixel that is connected."""
    linked = np.empty([-(-side // step) for side in probabilities.shape], np.uint8)
    for rows in _strips(probabilities.shape, step):
        reached = (probabilities[rows] >= _link(threshold)).view(np.uint8)
        linked[_squares(rows, step)] = _added_up(reached, step, np.bitwise_or)
    return linked


def _weights(probabilities, threshold, step, labels, count):
    """float64, twice count: of each label how much of it reaches the threshold, as sum of probabilities and in pixels."""
    weights, pixels = np.zeros(count), np.zeros(count)
    for rows in _strips(probabilities.shape, step):
        part = probabilities[rows]
        reached = part >= threshold
        inside = reached if step == 1 else _added_up(reached, step, np.bitwise_or)
        labelled = labels[_squares(rows, step)][inside]
        if step == 1:
            weights += np.bincount(labelled, part[inside], count)
            pixels += np.bincount(labelled, minlength=count)
        else:
            part = _added_up(np.where(reached, part, np.float32(0)), step, np.add)
            weights += np.bincount(labelled, part[inside], count)
            reached = _added_up(reached.astype(np.uint16), step, np.add)
            pixels += np.bincount(labelled, reached[inside], count)
    return weights, pixels


def _squares(rows, step):
    """The rows of squares that hold some rows of pixels."""
    return slice(rows.start // step, -(-rows.stop // step))


def _added_up(values, step, join) -> np.ndarray:
    """The values of each square joined, first down and then across: h × w, of the same kind."""
    if step == 1:
        return values
    joined = np.zeros((-(-len(values) // step), values.shape[1]), values.dtype)
    for row in range(step):
        some = values[row::step]
        join(joined[: len(some)], some, out=joined[: len(some)])
    result = np.zeros((len(joined), -(-values.shape[1] // step)), values.dtype)
    for column in range(step):
        some = joined[:, column::step]
        join(result[:, : some.shape[1]], some, out=result[:, : some.shape[1]])
    return result


def _without(probabilities, squares, step, link):
    """The map without scraps.

    Args:
        squares: bool, the map in squares of `step` pixels a side: True where one holds a scrap.
        link: what a pixel must reach to be connected.
    """
    result, near = probabilities.copy(), reach(probabilities.shape)
    side = math.ceil(max(SMALL_TILE, 6 * near) / step)  # of a tile, in squares
    height, width = probabilities.shape
    parts = tiles.tiles(height, width, side * step)
    for tile, is_near in zip(parts, _neighbourhood(squares, side).flat, strict=True):
        if not is_near:
            continue
        outer, inner = tiles.grown(tile, 3 * near, probabilities.shape)  # what is farther off changes nothing here
        rows, columns = (np.arange(part.start, part.stop) // step for part in outer)
        linked = probabilities[outer] >= link
        here = squares[rows][:, columns] & linked
        if not here.any():
            continue
        away = _distance(here)
        factor = np.clip((away - near) / (2 * near), 0, 1)  # 0 on the soft rim, 1 from three times as far on
        others = linked & ~here
        lowered = ~others & (away <= _distance(others)) if others.any() else ~others
        part = result[tiles.core(tile)]
        np.multiply(part, factor[inner], out=part, where=lowered[inner])
    return result


def _neighbourhood(marked, side):
    """Whether a tile of a picture, or one beside it, holds something that is True: bool, tiles down × across."""
    for axis in (0, 1):
        marked = np.logical_or.reduceat(marked, np.arange(0, marked.shape[axis], side), axis=axis)
    return cv2.dilate(marked.view(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _distance(marked):
    """From each pixel to the nearest that is True: float32, in pixels."""
    return cv2.distanceTransform((~marked).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
