"""Random changes of (photo, mask) pairs, all drawn from one seeded generator."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]  # photo uint8 s × s × 3, target, weight float32 s × s
Draw = Callable[[int, np.random.Generator], Sample]  # of a sample's number and the only source of chance


@dataclass(frozen=True)
class Strength:
    """How far a photo may be changed. The defaults suit photos whose object fills much of the frame."""

    scale: tuple[float, float] = (0.55, 1.5)  # of the object, drawn on a logarithmic scale
    aspect: float = 0.25  # width over height changes by up to exp(± aspect)
    shift: float = 0.12  # of the side
    rotation: float = 12.0  # degrees
    colour: float = 1.0  # 0 leaves the colours alone
    damage: float = 1.0  # 0 leaves out blur, noise and JPEG


def augment(
    photo: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    size: int,
    rng: np.random.Generator,
    strength: Strength = Strength(),
) -> Sample:
    """Change photo and mask alike, and bring them to the network's size.

    Args:
        photo: uint8, H × W × 3.
        target: float32, H × W, 0 … 1, how much of the pixel is furniture.
        weight: float32, H × W, see `segmenter.models.losses`.
        size: side of the square that comes out, in pixels.
        rng: numpy Generator, the only source of chance.
        strength: how far it may be changed.

    Returns:
        (photo, target, weight) of size × size; what comes from outside the photo repeats its rim
        and weighs nothing.
    """
    matrix = _random_affine(photo.shape, size, rng, strength)
    shape = (size, size)
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if shrink > 1.4:  # bilinear sampling alone would alias
        photo = cv2.GaussianBlur(photo, (0, 0), 0.4 * shrink)
    photo = cv2.warpAffine(photo, matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    target = cv2.warpAffine(target, matrix, shape, flags=cv2.INTER_LINEAR)
    weight = cv2.warpAffine(weight, matrix, shape, flags=cv2.INTER_NEAREST)
    photo = shift_colours(photo, rng, strength.colour)
    return damage(photo, rng, strength.damage), target, weight


def _random_affine(shape: tuple[int, ...], size: int, rng: np.random.Generator, strength: Strength) -> np.ndarray:
    """2 × 3 matrix from photo pixels to square pixels: squeeze, flip, scale, rotate, shift."""
    height, width = shape[:2]
    scale = np.exp(rng.uniform(*np.log(strength.scale)))
    stretch = np.exp(rng.uniform(-strength.aspect, strength.aspect) / 2)
    angle = np.deg2rad(rng.uniform(-strength.rotation, strength.rotation)) * (rng.random() < 0.5)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([scale * stretch * flip, scale / stretch])
    linear = linear @ np.diag([size / width, size / height])
    shift = rng.uniform(-strength.shift, strength.shift, 2) * size
    # Pixel centres lie at whole numbers, so the middle of a side of n pixels is (n − 1) / 2.
    offset = (size - 1) / 2 + shift - linear @ [(width - 1) / 2, (height - 1) / 2]
    return np.column_stack([linear, offset])


def shift_colours(photo: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Another light: brightness, contrast, gamma, white balance, saturation and hue.

    Args and result: uint8, H × W × 3, RGB.
    """
    if strength == 0 or rng.random() < 0.15:
        return photo
    levels = np.arange(256, dtype=np.float32) / 255
    gamma = np.exp(rng.uniform(-0.35, 0.35) * strength)
    contrast = np.exp(rng.uniform(-0.3, 0.3) * strength)
    shift = rng.uniform(-0.12, 0.12) * strength
    gains = np.exp(rng.uniform(-0.1, 0.1, 3) * strength)
    curve = (levels**gamma - 0.5) * contrast + 0.5 + shift
    table = np.clip(curve[:, None] * gains * 255, 0, 255).astype(np.uint8)
    photo = cv2.LUT(photo, table.reshape(256, 1, 3))
    if rng.random() < 0.5:
        photo = _shift_hue(photo, rng, strength)
    return photo


def _shift_hue(photo: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    saturation = np.exp(rng.uniform(-0.6, 0.4) * strength) if rng.random() < 0.9 else 0.0
    hsv = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)
    hue = int(round(rng.uniform(-10, 10) * strength))  # OpenCV's hue: 0 … 179
    hues = ((np.arange(256) + hue) % 180).astype(np.uint8)
    saturations = np.clip(np.arange(256) * saturation, 0, 255).astype(np.uint8)
    table = np.stack([hues, saturations, np.arange(256, dtype=np.uint8)], axis=-1)
    return cv2.cvtColor(cv2.LUT(hsv, table.reshape(256, 1, 3)), cv2.COLOR_HSV2RGB)


def damage(photo: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """What cameras and websites do to photos: blur, loss of detail, noise, JPEG.

    Args and result: uint8, H × W × 3, RGB.
    """
    if rng.random() < 0.15 * strength:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.1 * strength:
        height, width = photo.shape[:2]
        factor = rng.uniform(0.4, 0.9)
        small = (max(1, int(width * factor)), max(1, int(height * factor)))
        photo = cv2.resize(cv2.resize(photo, small, interpolation=cv2.INTER_AREA), (width, height))
    if rng.random() < 0.25 * strength:
        noise = rng.normal(0, rng.uniform(1, 9), photo.shape).astype(np.float32)
        photo = np.clip(photo + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3 * strength:
        quality = int(rng.integers(30, 92))
        _, encoded = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, quality])
        photo = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    return photo
