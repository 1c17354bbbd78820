"""What makes a photo hard for a segmenter, in figures: size, frame, contrast, thin parts, gaps."""

import cv2
import numpy as np

SIDE = 384  # longer side on which traits are measured; they are shares and need no more
THIN = 0.012  # of the diagonal: what an opening with a disc of this radius removes is thin
RING = 0.02  # of the diagonal: how far on either side of the outline colours are compared
FRAME = 0.02  # of the frame's length: less than this along it is a toe, not a thing cut off


def measure(photo: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None) -> dict[str, float | None]:
    """The traits of one photo.

    Args:
        photo: uint8, H × W × 3, RGB.
        truth: bool, H × W: what is to be found.
        known: bool, H × W: where `truth` counts; everywhere by default.

    Returns:
        dict: `area`, the object's share of the photo; `at_frame`, the share of the frame's length
        that it covers; `contrast`, the median difference in colour (CIE76 ΔE) between its two sides
        along the outline; `thin`, the share of it that is thinner than twice `THIN`; all 0 … 1 but
        `contrast`, which starts at 0 and seldom exceeds 100. `contrast` and `thin` are None where
        there is no object or nothing beside it.
    """
    photo, inside, outside = _shrink(photo, truth, known)
    edge = np.concatenate([inside[0], inside[-1], inside[1:-1, 0], inside[1:-1, -1]])
    return {
        "area": float(inside.mean()),
        "at_frame": float(edge.mean()),
        "contrast": _contrast(photo, inside, outside),
        "thin": _thin(inside),
    }


def _shrink(
    photo: np.ndarray, truth: np.ndarray, known: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(photo, object, background) at `SIDE`; what is unknown is neither object nor background."""
    known = np.ones_like(truth) if known is None else known
    scale = min(1.0, SIDE / max(truth.shape))
    size = max(1, round(truth.shape[1] * scale)), max(1, round(truth.shape[0] * scale))
    photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    inside, outside = (
        cv2.resize(part.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
        for part in (truth & known, ~truth & known)
    )
    return photo, inside, outside


def _contrast(photo: np.ndarray, inside: np.ndarray, outside: np.ndarray) -> float | None:
    """Mean colours of the object and of the background within a small window, compared along the outline."""
    radius = max(2, round(RING * float(np.hypot(*inside.shape))))
    window = (2 * radius + 1, 2 * radius + 1)
    lab = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    means, weights = [], []
    for part in (inside, outside):
        weight = cv2.boxFilter(part.astype(np.float32), -1, window)
        total = cv2.boxFilter(lab * part[..., None].astype(np.float32), -1, window)
        means.append(total / np.maximum(weight, 1e-6)[..., None])
        weights.append(weight)
    outline = inside & (cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    outline &= (weights[0] > 0.05) & (weights[1] > 0.05)  # a real share of the window on both sides
    if not outline.any():
        return None
    return float(np.median(np.linalg.norm(means[0] - means[1], axis=-1)[outline]))


def _thin(inside: np.ndarray) -> float | None:
    if not inside.any():
        return None
    radius = max(1, round(THIN * float(np.hypot(*inside.shape))))
    steps = np.arange(-radius, radius + 1)
    disc = (steps[:, None] ** 2 + steps[None] ** 2 <= radius**2).astype(np.uint8)
    padded = cv2.copyMakeBorder(inside.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    thick = cv2.morphologyEx(padded, cv2.MORPH_OPEN, disc)[radius:-radius, radius:-radius] > 0
    return float((inside & ~thick).sum() / inside.sum())
