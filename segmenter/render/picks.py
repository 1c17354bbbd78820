"""Pieces that a person picked by clicks: which map a photo has once they are made.

A pick is a correction (see `segmenter.render.corrections`) of the form

    {"do": "only" | "add" | "take", "points": [[x, y], …], "labels": [1, 0, …]}

with x as a share of the photo's width and y of its height; a label is 1 where the point lies on the piece that is
meant, and 0 where it does not. "only" leaves this piece alone, "add" puts it to what there is, "take" takes it away.
Picks come before all other corrections, in their own order, and the last "only" undoes those before it. Where there
are any, no scraps are taken away from what they leave: a person has said what is wanted.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from segmenter.errors import PhotoError
from segmenter.inference import picking
from segmenter.render import corrections


def look(segmenter: Any, photo: np.ndarray, choices: Any, edits: Sequence[dict] | None = ()) -> np.ndarray:
    """The map of a photo with the pieces that were picked, before all other corrections.

    Args:
        segmenter: a Segmenter, or anything with its `probabilities`, `threshold` and, to pick, `can_pick`.
        photo: uint8, H × W × 3, RGB.
        choices: Choices, of which the threshold and `pieces` count.
        edits: corrections, picks and others.

    Returns:
        float32, H × W, 0 … 1; what the segmenter says of the photo where nothing was picked.

    Raises:
        PhotoError: the corrections are not valid, or these weights cannot pick.
    """
    edits = corrections.check(edits)
    picks = effective(edits)
    if not picks:
        return segmenter.probabilities(photo)
    if not getattr(segmenter, "can_pick", False):
        raise PhotoError("These weights were not trained to pick single pieces.", "pick.cannot")
    if picks[0]["do"] == "only":
        chosen = piece(segmenter, photo, picks[0])
        picks = picks[1:]
    else:
        threshold = segmenter.threshold if choices.threshold is None else choices.threshold
        chosen = corrections.without_scraps_but(segmenter.probabilities(photo), edits, threshold, choices.pieces)
    for pick in picks:
        found = piece(segmenter, photo, pick)
        chosen = np.maximum(chosen, found) if pick["do"] == "add" else np.minimum(chosen, 1 - found)
    return chosen


def effective(edits: Sequence[dict]) -> list[dict]:
    """The picks among checked corrections that count: from the last "only" on."""
    picks = [edit for edit in edits if corrections.is_pick(edit)]
    last = max((number for number, pick in enumerate(picks) if pick["do"] == "only"), default=0)
    return picks[last:]


def _kept(edits):
    """Those of the picks that count whose pieces are kept."""
    return [pick for pick in effective(edits) if pick["do"] != "take"]


def answered(edits: Sequence[dict]) -> list[list[float]]:
    """Where a person has decided: the points of pieces and gaps that were kept or dropped, and on pieces picked."""
    picked = [point for pick in _kept(edits) for point, label in zip(pick["points"], pick["labels"]) if label]
    return [edit["at"] for edit in edits if "at" in edit] + picked


def piece(segmenter: Any, photo: np.ndarray, pick: dict) -> np.ndarray:
    """The map of one picked piece: float32, H × W, 0 … 1."""
    height, width = photo.shape[:2]
    # A share lies on the pixel whose middle is nearest; rounded, so that whole pixels come back as they went.
    points = [
        (round(min(max(x * width - 0.5, 0), width - 1), 6), round(min(max(y * height - 0.5, 0), height - 1), 6))
        for x, y in pick["points"]
    ]
    return segmenter.probabilities(photo, points=points, labels=pick["labels"])


def from_pixels(points: Any, labels: Any, shape: tuple[int, ...]) -> dict:
    """The pick "only" of clicks in pixels of a photo.

    Args:
        points: list of (x, y).
        labels: of each 1 or 0; None: 1 for all.
        shape: of the photo, height first.

    Raises:
        PhotoError: they are no clicks on such a photo; the message says why.
    """
    try:
        labels = [1] * len(points) if labels is None else labels
        shares = picking.check(points, labels, shape)
    except (TypeError, ValueError) as error:
        raise PhotoError("These clicks cannot be used: {why}.", "pick.invalid", why=str(error)) from error
    return {"do": "only", "points": [list(share) for share in shares], "labels": [int(label) for label in labels]}


def numbered(segmenter: Any, photo: np.ndarray, edits: Sequence[dict], mask: np.ndarray) -> np.ndarray | None:
    """Which piece each pixel of a finished mask shows.

    What no pick holds belongs to the nearest piece; a connected part without any is a piece of its own.

    Args:
        segmenter, photo: as in `look`.
        edits: checked corrections.
        mask: bool, H × W.

    Returns:
        uint8, H × W, 0 where the mask is not, and a number from 1 on for each piece; None where none was picked.
    """
    kept = _kept(edits)
    if not kept:
        return None
    surest, result = np.full(mask.shape, 0.5, np.float32), np.zeros(mask.shape, np.uint8)
    for number, pick in enumerate(kept, 1):
        found = piece(segmenter, photo, pick)
        here = mask & (found >= surest)
        result[here], surest[here] = number, found[here]
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    parts = np.asarray(labels, np.int32)
    alone = np.ones(count, bool)  # the parts that no pick holds anything of
    alone[parts[result > 0]] = alone[0] = False
    result = np.where(alone[parts], np.minimum(len(kept) + np.cumsum(alone), 255)[parts], result).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        (result == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    numbers = np.zeros(int(nearest.max()) + 1, np.uint8)
    numbers[nearest[result > 0]] = result[result > 0]
    return np.where(mask, numbers[nearest], 0).astype(np.uint8)
