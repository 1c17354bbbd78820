"""Pairs decoded to squares, and the batches of them that Keras trains on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import keras
import numpy as np

from segmenter.datasets import augment
from segmenter.datasets.augment import Draw, Sample
from segmenter.datasets.pairs import Pair, lay_on, lay_on_room, open_photo, read_mask, read_opacity, same_frame
from segmenter.errors import DatasetError
from segmenter.inference import preprocessing
from segmenter.render import compositing

HEADROOM = 1.5  # decoded photos are kept this much larger than the network's square, to zoom into


@dataclass(frozen=True)
class Square:
    """A decoded pair: photo uint8 s × s × 3, target float32 s × s, weight float32 s × s (see losses).

    A cutout's photo is laid on white and has its opacity in `alpha`, float32 s × s, 0 … 1.
    """

    photo: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    alpha: np.ndarray | None = None


def load_square(pair: Pair, side: int) -> Square:
    """Decode a pair and squeeze it to a square of `side` pixels.

    Raises:
        DatasetError: a file cannot be read, or photo and mask differ in shape.
    """
    photo = open_photo(pair)
    mask, known = read_mask(pair)
    if not same_frame(photo.shape, mask.shape):
        raise DatasetError(
            f"{pair.name} is {photo.shape[1]} × {photo.shape[0]} but its mask is "
            f"{mask.shape[1]} × {mask.shape[0]}: they must show the same frame"
        )
    target = preprocessing.resize(mask.astype(np.float32), side, side)
    weight = cv2.resize(known.astype(np.float32), (side, side), interpolation=cv2.INTER_NEAREST)
    alpha = preprocessing.resize(read_opacity(pair), side, side) if pair.is_cutout else None
    return Square(preprocessing.resize(photo, side, side), target, weight, alpha)


def load_squares(pairs: Iterable[Pair], size: int) -> list[Square]:
    """Decode pairs for a network of `size` pixels, with `HEADROOM` to zoom into."""
    return [load_square(pair, int(size * HEADROOM)) for pair in pairs]


def emphasise_border(target: np.ndarray, weight: np.ndarray, strength: float, reach: int = 31) -> np.ndarray:
    """Raise the weight of pixels whose surroundings differ from them: borders, thin parts, gaps.

    Reference: Wei, Wang & Huang, "F3Net: Fusion, Feedback and Focus for Salient Object
    Detection", AAAI 2020 (its pixel position aware weights).

    Args:
        target: float32, H × W, 0 … 1.
        weight: float32, H × W.
        strength: the weight of a lone pixel becomes 1 + strength times what it was.
        reach: side of the surroundings in pixels.
    """
    if strength == 0:
        return weight
    return weight * (1 + strength * np.abs(cv2.blur(target, (reach, reach)) - target))


class TrainingBatches(keras.utils.PyDataset):
    """Endless variety in finite epochs: every sample is drawn from (seed, epoch, place in the epoch).

    Args:
        draw: function of (index, rng) → (photo uint8, target, weight), all of the network's size;
            index is each number below `samples` once an epoch, in an order drawn anew.
        samples: samples in an epoch.
        batch_size: photos a step.
        seed: int.
        border: strength of `emphasise_border`.
        epoch: the one to begin with.
    """

    def __init__(
        self, draw: Draw, samples: int, batch_size: int, seed: int, border: float = 0.0, epoch: int = 0
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        self.draw, self.samples, self.batch_size = draw, samples, batch_size
        self.seed, self.border, self.epoch = seed, border, epoch

    def __len__(self) -> int:
        return -(-self.samples // self.batch_size)

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.samples)
        indices = order[step * self.batch_size : (step + 1) * self.batch_size]
        return collate([self._sample(index) for index in indices])

    def _sample(self, index: int) -> Sample:
        rng = np.random.default_rng([self.seed, self.epoch, index])
        photo, target, weight = self.draw(index, rng)
        return photo, target, emphasise_border(target, weight, self.border)

    def on_epoch_end(self) -> None:
        self.epoch += 1


def augmented(squares: Sequence[Square], size: int, strength: augment.Strength = augment.Strength()) -> Draw:
    """The `draw` of `TrainingBatches` for a plain data set: each square in turn, changed at random.

    A cutout lies on another plain room each time.
    """

    def draw(index: int, rng: np.random.Generator) -> Sample:
        square = squares[index % len(squares)]
        photo = square.photo
        if square.alpha is not None:
            height, width = square.alpha.shape
            photo = lay_on(photo, square.alpha, compositing.plain_room(height, width, rng))
        return augment.augment(photo, square.target, square.weight, size, rng, strength)

    return draw


def collate(samples: Iterable[Sample]) -> tuple[np.ndarray, np.ndarray]:
    """Samples of (photo, target, weight) as one batch for Keras: (x, y), see `segmenter.models.losses`."""
    photo_list, targets, weights = zip(*samples)
    x = preprocessing.normalise(np.stack(photo_list))
    return x, np.stack([np.stack(targets), np.stack(weights)], axis=-1).astype(np.float32)


class ValidationBatches(keras.utils.PyDataset):
    """Squares as they are, brought to the network's size, in order; cutouts lie on plain rooms."""

    def __init__(self, squares: Sequence[Square], size: int, batch_size: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=2)
        self.squares, self.size, self.batch_size = squares, size, batch_size

    def __len__(self) -> int:
        return -(-len(self.squares) // self.batch_size)

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        start = step * self.batch_size
        numbers = range(start, min(start + self.batch_size, len(self.squares)))
        return collate([self._sample(self.squares[number], number) for number in numbers])

    def _sample(self, square: Square, number: int) -> Sample:
        photo = square.photo if square.alpha is None else lay_on_room(square.photo, square.alpha, str(number))
        photo = preprocessing.resize(photo, self.size, self.size)
        target = preprocessing.resize(square.target, self.size, self.size)
        weight = cv2.resize(square.weight, (self.size, self.size), interpolation=cv2.INTER_NEAREST)
        return photo, target, weight
