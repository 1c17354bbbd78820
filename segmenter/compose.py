"""An object pasted on a background with a soft shadow: training data, and the page's new backgrounds."""

import cv2
import numpy as np


def paste(background, cutout, shadow=None):
    """Lay a cutout over a background of the same size, its shadow first.

    Args:
        background: uint8, H × W × 3, RGB.
        cutout: uint8, H × W × 4, RGBA, straight alpha.
        shadow: float32, H × W, 0 (none) … 1 (black), or None.

    Returns:
        uint8, H × W × 3.
    """
    picture = background.astype(np.float32)
    if shadow is not None:
        picture *= 1 - shadow[..., np.newaxis]
    alpha = cutout[..., 3:].astype(np.float32) / 255
    picture += alpha * (cutout[..., :3] - picture)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def place(cutout, matrix, height, width):
    """A cutout moved by an affine matrix onto an empty canvas, without dark or bright fringes.

    Args:
        cutout: uint8, h × w × 4, RGBA, straight alpha.
        matrix: 2 × 3, from cutout pixels to canvas pixels.

    Returns:
        uint8, height × width × 4, straight alpha.
    """
    premultiplied = cutout.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if shrink > 1.4:
        premultiplied = cv2.GaussianBlur(premultiplied, (0, 0), 0.4 * shrink)
    moved = cv2.warpAffine(premultiplied, matrix, (width, height), flags=cv2.INTER_LINEAR)
    colours = moved[..., :3] * (255 / np.maximum(moved[..., 3:], 1.0))
    return np.clip(np.dstack([colours, moved[..., 3]]) + 0.5, 0, 255).astype(np.uint8)


def harmonise(cutout, background, strength):
    """Give the cutout a little of the background's brightness and tint.

    Args:
        cutout: uint8, H × W × 4, RGBA.
        background: uint8, H × W × 3, RGB.
        strength: 0 (as it is) … 1 (nearly the background's mean; the dark is not blown up).
    """
    solid = cutout[..., 3] > 127
    if not solid.any():
        return cutout
    own = cutout[..., :3][solid].mean(axis=0)
    gain = (1 - strength) + strength * (background.reshape(-1, 3).mean(axis=0) + 20) / (own + 20)
    result = cutout.copy()
    result[..., :3] = np.clip(cutout[..., :3] * gain, 0, 255).astype(np.uint8)
    return result


def plain_room(height, width, rng):
    """A wall and a floor in two plain colours with soft light, or one backdrop without a seam.

    Returns:
        uint8, height × width × 3, RGB.
    """
    wall, floor = _wall_colour(rng), _wall_colour(rng)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis]
    columns = np.linspace(-0.5, 0.5, width, dtype=np.float32)[np.newaxis]
    horizon = rng.uniform(0.35, 0.8) + columns * rng.uniform(-0.25, 0.25)
    softness = rng.uniform(0.002, 0.01) if rng.random() < 0.6 else rng.uniform(0.05, 0.4)
    below = 1 / (1 + np.exp(np.clip((horizon - rows) / softness, -30, 30)))
    picture = wall + below[..., np.newaxis] * (floor - wall)
    light = 1 + (rows - 0.5) * rng.uniform(-0.4, 0.4) + columns * rng.uniform(-0.5, 0.5)
    picture = picture * light[..., np.newaxis]
    if rng.random() < 0.6:
        picture += below[..., np.newaxis] * _floor_pattern(height, width, rng)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _wall_colour(rng):
    base = rng.uniform(40, 250)
    return np.clip(base + rng.normal(0, 18, 3), 0, 255).astype(np.float32)


def _floor_pattern(height, width, rng):
    """Streaks or cloudy spots: noise, blurred more along one axis than the other."""
    noise = rng.normal(0, 1, (height, width)).astype(np.float32)
    across, along = np.exp(rng.uniform(-0.5, 2.5, 2))
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=float(across), sigmaY=float(along))
    return (noise / (noise.std() + 1e-6) * rng.uniform(2, 22))[..., np.newaxis]
