"""Shapes that labelling tools have beside polygons, as the outlines and run-length codes of a `Drawing`."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from segmenter.datasets.formats.common import Code, Part, outline

CORNERS = 72  # of the polygon that stands for an ellipse

Size = tuple[int, int]  # (height, width) of the frame, in pixels


def rectangle(left: Any, top: Any, width: Any, height: Any, size: Size) -> tuple[float, ...] | None:
    """The outline of a rectangle; see `outline` for what is raised.

    Args:
        left, top, width, height: in pixels.
        size: of the frame.
    """
    right, bottom = float(left) + float(width), float(top) + float(height)
    return outline([left, top, right, top, right, bottom, left, bottom], size)


def ellipse(x: Any, y: Any, across: Any, down: Any, turn: float, size: Size) -> tuple[float, ...] | None:
    """The outline of an ellipse; see `outline` for what is raised.

    Args:
        x, y: its centre, in pixels.
        across, down: its radii, in pixels.
        turn: by how much it is turned, clockwise, in radians.
        size: of the frame.
    """
    angles = np.arange(CORNERS) * (2 * math.pi / CORNERS)
    along, aside = float(across) * np.cos(angles), float(down) * np.sin(angles)
    turned_x = float(x) + along * math.cos(turn) - aside * math.sin(turn)
    turned_y = float(y) + along * math.sin(turn) + aside * math.cos(turn)
    return outline(np.column_stack([turned_x, turned_y]).ravel().tolist(), size)


def with_holes(outer: tuple[float, ...], holes: Sequence[tuple[float, ...]], size: Size) -> Part:
    """What an outline encloses without what its holes enclose."""
    if not holes:
        return outer
    outlines: Any = [list(outer), *map(list, holes)]
    drawn, *taken = (coco_mask.decode(code) > 0 for code in coco_mask.frPyObjects(outlines, *size))
    for hole in taken:
        drawn &= ~hole
    return coco_mask.encode(np.asfortranarray(drawn.astype(np.uint8)))


def patch(inside: np.ndarray, left: int, top: int, size: Size) -> Code:
    """A mask that fills a part of the frame; what is beyond the frame is cut off.

    Args:
        inside: bool, h × w.
        left, top: where its left upper corner is, in pixels of the frame.
        size: of the frame.
    """
    inside = inside[max(0, -top) :, max(0, -left) :]
    left, top = max(0, left), max(0, top)
    inside = inside[: max(0, size[0] - top), : max(0, size[1] - left)]
    full = np.zeros(size, np.uint8, order="F")
    full[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return coco_mask.encode(full)
