"""The pieces of a mask: which of them are the furniture that a photo is about, and which are scraps beside it.

Where all that a mask shows is doubtful, it is most likely no furniture: of pictures of other things, masks that are
at least `SURE` on the mean are rare, and of furniture the others are. Then nothing is cut out at this threshold.

A piece is a set of connected pixels whose probability reaches `LINK` of the threshold, and some of which reach
the threshold itself; pixels that touch at a corner are connected. So a leg stays with its chair where the map
is lukewarm between them. A piece weighs the sum of the probabilities that reach the threshold: how many pixels
of furniture are to be expected in what the mask shows of it.
"""

from collections.abc import Iterable

import cv2
import numpy as np

from segmenter.inference import tiles

LEAST = 1 / 3  # of the heaviest piece's weight: a lighter piece is a scrap; a chair beside its table is none
LINK = 0.5  # of the threshold: what reaches this much connects
SURE = 0.77  # of a mask's pixels on the mean, at a threshold of 0.5 or more; at a lower one, in proportion
HIDDEN = 0.9  # of the threshold: what a doubtful map reaches at most
SOFT = 1 / 400  # how far a scrap's soft rim reaches, as a share of the map's longer side: as far as alpha's


def without_scraps(
    probabilities: np.ndarray, threshold: float = 0.5, keep: Iterable[tuple[int, int]] = ()
) -> np.ndarray:
    """The map without scraps: only the heaviest piece is left, and every other at least `LEAST` as heavy.

    Where nothing is sure enough (see `is_doubtful`), and nothing is kept, the whole map is lowered below the threshold.

    A scrap and its soft rim become 0, and from there the map rises to what it was, so that neither a cutout
    nor a heatmap shows where it has been. Pixels nearer to a piece that stays keep their values.

    Args:
        probabilities: float32, H × W, 0 … 1.
        threshold: 0 … 1.
        keep: (x, y) in pixels; a piece that holds one of these points stays, however light it is.

    Returns:
        float32, H × W, 0 … 1; `probabilities` itself where there are no scraps. The time it takes grows with
        the number of pixels alone.
    """
    keep = list(keep)
    if not keep and is_doubtful(probabilities, threshold):
        return probabilities * np.float32(HIDDEN * threshold / probabilities.max())
    return heaviest(probabilities, threshold, keep)


def heaviest(probabilities: np.ndarray, threshold: float = 0.5, keep: Iterable[tuple[int, int]] = ()) -> np.ndarray:
    """As `without_scraps`, however doubtful all of it is."""
    linked = probabilities >= np.float32(LINK * threshold)
    count, labels = cv2.connectedComponents(linked.astype(np.uint8), connectivity=8)
    if count <= 2:  # the background, and one piece
        return probabilities
    inside = probabilities >= threshold
    weights = np.bincount(labels[inside], probabilities[inside], count)
    scraps = (weights > 0) & (weights < LEAST * weights.max())  # what weighs nothing is in no mask, and stays as it is
    scraps[[labels[y, x] for x, y in keep]] = False
    return _without(probabilities, scraps[labels], linked) if scraps.any() else probabilities


def is_doubtful(probabilities: np.ndarray, threshold: float) -> bool:
    """Whether the pixels that reach the threshold are too unsure on the mean to be furniture.

    A lower threshold asks for as much less: whoever moves it there wants to see what is unsure.
    """
    inside = (probabilities >= threshold).view(np.uint8)
    return bool(inside.any()) and cv2.mean(probabilities, mask=inside)[0] < SURE * min(1.0, 2 * threshold)


def reach(shape: tuple[int, ...]) -> int:
    """How far the soft rim of a scrap reaches on a map of this shape, in pixels."""
    return max(2, round(max(shape) * SOFT)) + 1


def _without(probabilities, scraps, linked):
    """The map without what is True in `scraps`, which is part of `linked`; both are bool, H × W."""
    result, near = probabilities.copy(), reach(probabilities.shape)
    for tile in tiles.tiles(*probabilities.shape):
        outer, inner = tiles.grown(tile, 3 * near, probabilities.shape)  # what is farther off changes nothing here
        if not scraps[outer].any():
            continue
        away = _distance(scraps[outer])
        factor = np.clip((away - near) / (2 * near), 0, 1)  # 0 on the soft rim, 1 from three times as far on
        others = linked[outer] & ~scraps[outer]
        lowered = ~others & (away <= _distance(others)) if others.any() else ~others
        part = result[tiles.core(tile)]
        np.multiply(part, factor[inner], out=part, where=lowered[inner])
    return result


def _distance(marked):
    """From each pixel to the nearest that is True: float32, in pixels."""
    return cv2.distanceTransform((~marked).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
