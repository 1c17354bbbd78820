"""What lies on a floor and is no furniture: rugs, and the shadows that the sun casts.

A plain round rug looks like the top of a table, and a hard shadow has the outline of what casts it. Photos show too few
of both for a network to learn that neither stands up.
"""

import cv2
import numpy as np

CORNERED = 0.4  # share of the rugs that have corners
PATTERNED = 0.3  # and that have stripes, or a border


def lay_rug(photo: np.ndarray, floor: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A rug on the floor, in the light that falls there.

    Args:
        photo: uint8, s × s × 3, RGB.
        floor: row in pixels where the furniture on it will stand.
        rng: numpy Generator.

    Returns:
        (photo uint8 s × s × 3, how much of each pixel shows the rug, float32 s × s, 0 … 1).
    """
    size = photo.shape[0]
    half = size * np.array([rng.uniform(0.2, 0.75), 0.0])
    half[1] = half[0] * rng.uniform(0.16, 0.45)  # seen from the height of a person, or a camera low above the floor
    middle = np.array([rng.uniform(0.25, 0.75) * size, floor - half[1] * rng.uniform(-0.2, 0.9)])
    outline = _corners(rng) if rng.random() < CORNERED else _circle()
    alpha = _drawn(middle + half * outline, size)
    thick = _drawn(middle + half * outline + [0, rng.uniform(0, 0.012) * size], size)  # its edge, towards the viewer
    colours = _woven(middle, half, size, rng) * _light(photo, alpha > 0.5)[..., np.newaxis]
    result = photo * (1 - 0.5 * thick[..., np.newaxis])
    result += alpha[..., np.newaxis] * (colours - result)
    return np.clip(result + 0.5, 0, 255).astype(np.uint8), np.maximum(alpha, thick)


def cast_shadow(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The hard shadow of a cutout on the floor, as from the sun: its outline, laid flat from its lowest row.

    Args:
        alpha: float32, H × W, 0 … 1: where the cutout is.
        rng: numpy Generator.

    Returns:
        float32, H × W, 0 (none) … 1 (black); less than 1 everywhere.
    """
    rows = np.flatnonzero((alpha > 0.5).any(axis=1))
    if not len(rows):
        return np.zeros(alpha.shape, np.float32)
    foot = rows[-1]
    flat = rng.choice([-1, 1]) * rng.uniform(0.15, 0.6)  # behind it, or towards the viewer
    lean = rng.choice([-1, 1]) * rng.uniform(0.2, 1.4)
    matrix = np.array([[1, -lean, lean * foot], [0, flat, foot - flat * foot]], np.float64)
    shadow = cv2.warpAffine(alpha, matrix, alpha.shape[::-1], flags=cv2.INTER_LINEAR)
    soft = rng.uniform(0.001, 0.01) * max(alpha.shape)
    return np.clip(cv2.GaussianBlur(shadow, (0, 0), soft), 0, 1) * np.float32(rng.uniform(0.3, 0.75))


def _circle():
    turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def _corners(rng):
    """A rectangle that is farther off at its upper side."""
    far, lean = rng.uniform(0.55, 0.95), rng.uniform(-0.5, 0.5)
    return np.array([[-far + lean, -1], [far + lean, -1], [1, 1], [-1, 1]], np.float64)


def _drawn(points, size):
    """The inside of a polygon: float32, size × size, 0 … 1, its rim a pixel soft."""
    picture = np.zeros((size, size), np.uint8)
    cv2.fillPoly(picture, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return picture.astype(np.float32) / 255


def _light(photo, there):
    """How much brighter a photo is than it is on the mean in some place: float32, s × s."""
    light = cv2.GaussianBlur(photo.astype(np.float32).mean(axis=2), (0, 0), photo.shape[0] / 16)
    usual = light[there].mean() if there.any() else 0
    return np.clip(light / max(usual, 1), 0.4, 1.6)


def _woven(middle, half, size, rng):
    """A cloth of one colour, or with stripes or a border of another: float32, size × size × 3."""
    grey = rng.uniform(30, 235)
    first, second = (np.clip(grey + rng.normal(0, spread, 3), 10, 245) for spread in (25, 60))
    y, x = (np.mgrid[:size, :size] - middle[::-1, np.newaxis, np.newaxis]) / half[::-1, np.newaxis, np.newaxis]
    other = np.zeros((size, size), np.float32)
    if rng.random() < PATTERNED:
        if rng.random() < 0.5:
            turn = rng.uniform(0, np.pi)
            along = x * np.cos(turn) + y * np.sin(turn)
            other = (np.sin(along * rng.uniform(8, 30)) > rng.uniform(-0.5, 0.7)).astype(np.float32)
        else:
            away, inner = np.hypot(x, y), rng.uniform(0.5, 0.85)
            other = ((away > inner) & (away < inner + 0.12)).astype(np.float32)
    cloth = first + other[..., np.newaxis] * (second - first)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (size, size)).astype(np.float32), (0, 0), rng.uniform(0.4, 1.2))
    return cloth + grain[..., np.newaxis] * rng.uniform(0, 14)
