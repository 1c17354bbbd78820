"""Training pictures made of others: cutouts pasted where they never stood, and four photos in one.

References: Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance
Segmentation", CVPR 2021; Bochkovskiy, Wang & Liao, "YOLOv4", 2020 (its mosaics).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from segmenter.datasets import augment
from segmenter.datasets.augment import Draw, Sample
from segmenter.inference import preprocessing
from segmenter.render import compositing

if TYPE_CHECKING:
    from segmenter.datasets.batches import Square  # brings Keras along, which nothing here needs

SOLID = 200  # a cutout's colours are taken from where its alpha is above this
KNOWN = 0.98  # share of a mask that must be known for its object to be pasted elsewhere
SMALLEST = 0.01  # share of a picture that a cutout must have covered to be pasted elsewhere


@dataclass(frozen=True)
class Object:
    """A cutout to paste: RGBA uint8, the shadow on its floor (float32 or None), its place in the frame, its model."""

    cutout: np.ndarray
    category: str
    shadow: np.ndarray | None = None  # over the whole square frame
    frame: float = 0.0  # side of that frame in pixels
    corner: tuple[float, float] = (0.0, 0.0)  # of the cutout in that frame, x and y
    model: str = ""  # what others show from other sides; "" where there are none


def cut_object(photo: np.ndarray, target: np.ndarray, category: str) -> Object:
    """What a mask says is furniture, lifted out of its photo.

    Args:
        photo: uint8, H × W × 3.
        target: float32, H × W, 0 … 1.
        category: any word for what it is.

    Returns:
        Object without a shadow; its colours go on a little beyond its rim.
    """
    alpha = np.round(target * 255).astype(np.uint8)
    colours = spread_colours(photo, cv2.erode(alpha, np.ones((3, 3), np.uint8)) > SOLID)
    x, y, width, height = cv2.boundingRect(alpha)
    cutout = np.dstack([colours, cv2.GaussianBlur(alpha, (0, 0), 0.6)])
    return Object(cutout[y : y + height, x : x + width], category)


def spread_colours(photo: np.ndarray, solid: np.ndarray, steps: int = 4) -> np.ndarray:
    """Replace the colours outside `solid` by those of the nearest solid pixels, up to 2^steps away."""
    colours = photo.astype(np.float32)
    filled = solid.astype(np.float32)
    result = photo.copy()
    missing = ~solid
    for step in range(steps):
        sigma = 2.0**step
        near = cv2.GaussianBlur(filled, (0, 0), sigma)
        blurred = cv2.GaussianBlur(colours * filled[..., None], (0, 0), sigma)
        now = missing & (near > 0.02)
        result[now] = np.clip(blurred[now] / near[now][:, None], 0, 255).astype(np.uint8)
        missing &= ~now
    return result


def put(
    thing: Object, size: int, floor: float, smallest: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """An object and its shadow on an empty canvas, standing at row `floor`.

    Args:
        thing: Object.
        size: side of the canvas in pixels.
        floor: row in pixels, from the top.
        smallest: of the canvas that the object's longer side takes at least; below 0.3 it may stand
            anywhere, half outside too, else near the middle.
        rng: numpy Generator.

    Returns:
        (cutout uint8 size × size × 4, shadow float32 size × size, 0 … 1).
    """
    height, width = thing.cutout.shape[:2]
    scale = rng.uniform(smallest, 0.95) * size / max(height, width)
    stretch = np.exp(rng.uniform(-0.3, 0.3) / 2)
    scales = np.array([scale * stretch, scale / stretch])
    left = rng.uniform(0.3, 0.7) * size - scales[0] * width / 2
    if smallest < 0.3:  # one of several
        left = rng.uniform(-0.2, 1.2) * (size - scales[0] * width)
    offset = np.array([left, floor - scales[1] * height])
    matrix = np.column_stack([np.diag(scales), offset])
    cutout = compositing.place(thing.cutout, matrix, size, size)
    return cutout, _shadow(thing, scales, offset, size, rng) * rng.uniform(0.3, 1.0)


def _shadow(thing: Object, scales: np.ndarray, offset: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    if thing.shadow is None:
        return _ellipse_shadow(thing.cutout.shape, scales, offset, size, rng)
    zoom = thing.frame / thing.shadow.shape[0]
    corner = offset - scales * thing.corner
    matrix = np.column_stack([np.diag(scales * zoom), corner])
    shadow = cv2.warpAffine(thing.shadow, matrix, (size, size), flags=cv2.INTER_LINEAR)
    return np.clip(cv2.GaussianBlur(shadow, (0, 0), rng.uniform(0.5, 3)), 0, 1)


def _ellipse_shadow(
    cutout_shape: tuple[int, ...], scales: np.ndarray, offset: np.ndarray, size: int, rng: np.random.Generator
) -> np.ndarray:
    """A soft dark spot under an object of which no shadow was rendered."""
    height, width = cutout_shape[:2]
    shadow = np.zeros((size, size), np.float32)
    centre = offset + scales * [width / 2, height * rng.uniform(0.9, 0.98)]
    axes = np.maximum(1, scales * [width * rng.uniform(0.3, 0.55), height * rng.uniform(0.03, 0.12)])
    cv2.ellipse(shadow, centre.astype(int).tolist(), axes.astype(int).tolist(), 0, 0, 360, 0.7, -1)
    return cv2.GaussianBlur(shadow, (0, 0), rng.uniform(2, 10))


class Varied:
    """The `draw` of `TrainingBatches` for a few photos of one's own: more pictures than there are.

    Every photo comes in its turn, changed as `augment.augment` does. Into some, one or two of
    the cutouts of the others are pasted; some are four photos in one. So few photos repeat
    their places and neighbours too often, and a network learns those by heart.

    Args:
        plain: another `draw`, of single photos.
        squares: list of `batches.Square`, to cut objects out of.
        size: side of the network's square in pixels.
        pasted, mosaics: shares of the samples, together at most 1.
    """

    def __init__(self, plain: Draw, squares: "Iterable[Square]", size: int, pasted: float, mosaics: float) -> None:
        self.plain, self.size, self.pasted, self.mosaics = plain, size, pasted, mosaics
        self.objects = [
            cut_object(square.photo, square.target, "own")
            for square in squares
            if square.target.mean() > SMALLEST and (square.weight > 0).mean() > KNOWN
        ]

    def __call__(self, index: int, rng: np.random.Generator) -> Sample:
        which = rng.random()
        sample = self.plain(index, rng)
        if which < self.mosaics:
            return mosaic([sample, *(self._any(rng) for _ in range(3))], rng)
        if which < self.mosaics + self.pasted and self.objects:
            for _ in range(rng.integers(1, 3)):
                sample = self._paste(sample, rng)
        return sample

    def _any(self, rng: np.random.Generator) -> Sample:
        return self.plain(int(rng.integers(1 << 30)), rng)

    def _paste(self, sample: Sample, rng: np.random.Generator) -> Sample:
        photo, target, weight = sample
        photo, alpha = self.add(photo, rng)
        weight = np.where(alpha > 0.3, 1.0, weight).astype(np.float32)
        return photo, target * (1 - alpha) + alpha, weight

    def add(self, photo: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One of the objects in another light, standing anywhere in front of what is there.

        Args:
            photo: uint8, size × size × 3.
            rng: numpy Generator.

        Returns:
            (photo uint8 size × size × 3, how much of each pixel shows the object, float32 size × size, 0 … 1).
        """
        thing = self.objects[rng.integers(len(self.objects))]
        cutout, shadow = put(thing, self.size, rng.uniform(0.5, 1.1) * self.size, 0.2, rng)
        if rng.random() < 0.5:
            cutout, shadow = (np.ascontiguousarray(part[:, ::-1]) for part in (cutout, shadow))
        cutout = compositing.harmonise(cutout, photo, rng.uniform(0, 0.3))
        colours = augment.shift_colours(np.ascontiguousarray(cutout[..., :3]), rng, 0.7)
        photo = compositing.paste(photo, np.dstack([colours, cutout[..., 3]]), shadow)
        return photo, cutout[..., 3].astype(np.float32) / 255


def mosaic(samples: Sequence[Sample], rng: np.random.Generator) -> Sample:
    """Four pictures in one, side by side and one above the other.

    Args:
        samples: four of (photo uint8 s × s × 3, target, weight float32 s × s).
        rng: numpy Generator.

    Returns:
        (photo, target, weight) of the same size. Of each picture a window is taken, or all of it, squeezed.
    """
    size = samples[0][1].shape[0]
    row, column = (rng.uniform(0.3, 0.7, 2) * size).astype(int)
    photo, target, weight = (np.empty_like(part) for part in samples[0])
    rows, columns = (slice(0, row), slice(row, size)), (slice(0, column), slice(column, size))
    places = [(above, beside) for above in rows for beside in columns]
    for place, sample in zip(places, samples):
        height, width = (part.stop - part.start for part in place)
        if rng.random() < 0.5:
            sample = tuple(preprocessing.resize(part, height, width) for part in sample)
            top = left = 0
        else:
            top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
        for whole, part in zip((photo, target, weight), sample):
            whole[place] = part[top : top + height, left : left + width]
    return photo, target, weight
