"""The photos of the page, small: photo and heatmap as JPEG, outlines as paths, all within a budget."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from segmenter.evaluation.evaluate import Judged
from segmenter.render import alpha
from segmenter.render.heatmap import heatmap

ALL = 48  # as many photos are all shown; of more, the worst, the middle and the best
WORST, MIDDLE, BEST = 30, 9, 9
SIDES = (720, 560, 420, 320)  # longer side in pixels; the first that fits the budget
QUALITY = 80


def choose(rows: Sequence[Any]) -> dict[str, list[int]]:
    """Which photos are shown.

    Args:
        rows: photos' figures, worst first.

    Returns:
        dict of title → list of indices; empty lists are left out.
    """
    count = len(rows)
    if count <= ALL:
        return {"Worst first": list(range(count))}
    middle = count // 2 - MIDDLE // 2
    return {
        "The worst": list(range(WORST)),
        "In the middle": list(range(middle, middle + MIDDLE)),
        "The best": list(range(count - BEST, count)),
    }


def embed(shown: Mapping[Any, Judged], threshold: float, limit: int) -> dict[Any, dict[str, Any]]:
    """The layers of several photos, as large as the budget allows.

    Args:
        shown: dict of key → (Score, Case, map).
        threshold: where the map is cut for the outline.
        limit: bytes that all of them may take.

    Returns:
        dict of key → layers (see `layers`). Where even the smallest are too large, the last keys
        are left out.
    """
    found: dict[Any, dict[str, Any]] = {}
    for side in SIDES:
        found, total = {}, 0
        for key, judged in shown.items():
            one = layers(judged, threshold, side)
            size = sum(len(part) for part in one.values() if isinstance(part, str))
            if total + size > limit:
                break
            found[key] = one
            total += size
        if len(found) == len(shown):
            break
    return found


def layers(judged: Judged, threshold: float, side: int) -> dict[str, Any]:
    """What lies on top of each other in one picture.

    Args:
        judged: (Score, Case, map).
        threshold: 0 … 1.
        side: longer side in pixels.

    Returns:
        dict: `photo` and `heat`, JPEG data URIs; `found` and `true`, the outlines as SVG paths in
        pixels; `width` and `height` in pixels.
    """
    _, case, probabilities = judged
    scale = min(1.0, side / max(case.truth.shape))
    size = max(1, round(case.truth.shape[1] * scale)), max(1, round(case.truth.shape[0] * scale))
    photo = cv2.resize(case.photo, size, interpolation=cv2.INTER_AREA)
    heat = cv2.resize(heatmap(case.photo, probabilities), size, interpolation=cv2.INTER_AREA)
    return {
        "photo": _jpeg(photo),
        "heat": _jpeg(heat),
        "found": _outline(alpha.mask(probabilities, threshold), scale),
        "true": _outline(case.truth, scale),
        "width": size[0],
        "height": size[1],
    }


def _jpeg(picture: np.ndarray) -> str:
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _outline(mask: np.ndarray, scale: float) -> str:
    """The contours of a mask as one SVG path of whole and half pixels; specks are left out."""
    contours, _ = cv2.findContours(mask.astype("uint8"), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parts = []
    for contour in contours:
        points = cv2.approxPolyDP(contour, 0.6 / scale, True).reshape(-1, 2)
        if len(points) > 2:
            steps = " ".join(
                f"{round(2 * (x + 0.5) * scale) / 2:g},{round(2 * (y + 0.5) * scale) / 2:g}" for x, y in points
            )
            parts.append(f"M{steps}Z")
    return "".join(parts)
