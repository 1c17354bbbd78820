"""Photos with masks from a folder: pairs, groups, folds, and the batches that training reads."""

import csv
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from PIL import Image

from segmenter import augmentation, photos, preprocessing

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
GROUP_COLUMNS = ("group", "model", "seat_models")  # in a CSV beside the folders, first found counts
HEADROOM = 1.5  # decoded photos are kept this much larger than the network's square, to zoom into


class DatasetError(ValueError):
    """A data set that cannot be trained on; the message says which file and what to do."""


@dataclass(frozen=True)
class Pair:
    """A photo, its mask picture, and the groups it belongs to (photos that show the same thing)."""

    photo: Path
    mask: Path
    groups: tuple = ()


@dataclass(frozen=True)
class Square:
    """A decoded pair: photo uint8 s × s × 3, target float32 s × s, weight float32 s × s (see losses)."""

    photo: np.ndarray
    target: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Case:
    """A photo to be judged on, decoded: photo uint8 H × W × 3, truth and known bool H × W."""

    name: str
    photo: np.ndarray
    truth: np.ndarray
    known: np.ndarray


def read_folder(folder):
    """The pairs of a folder that holds `images/` and `masks/` with files of the same name.

    Where a CSV beside them has the columns `file` and one of `GROUP_COLUMNS`, photos with a common
    group (several are separated by `;`) are kept on one side of a split.

    Returns:
        list of Pair, sorted by name.

    Raises:
        DatasetError: there is no such folder, or a photo lacks its mask, or nothing is in it.
    """
    folder = Path(folder)
    for part in (folder / "images", folder / "masks"):
        if not part.is_dir():
            raise DatasetError(f"{part} is missing: put the photos in images/ and their masks in masks/")
    masks = {path.stem: path for path in (folder / "masks").iterdir() if _is_picture(path)}
    found = sorted(path for path in (folder / "images").iterdir() if _is_picture(path))
    if not found:
        raise DatasetError(f"{folder / 'images'} holds no photos ({', '.join(PHOTO_SUFFIXES)})")
    lonely = [path.name for path in found if path.stem not in masks]
    if lonely:
        raise DatasetError(
            f"{len(lonely)} photos have no mask of the same name in {folder / 'masks'}: "
            f"{', '.join(lonely[:5])}{' …' if len(lonely) > 5 else ''}"
        )
    groups = _read_groups(folder)
    return [Pair(path, masks[path.stem], groups.get(path.name, (path.stem,))) for path in found]


def _is_picture(path):
    return path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")


def read_table(path):
    """The rows of a CSV file as a list of dicts."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _read_groups(folder):
    groups = {}
    for table in sorted(folder.glob("*.csv")):
        for row in read_table(table):
            column = next((name for name in GROUP_COLUMNS if row.get(name)), None)
            if column and row.get("file"):
                groups[row["file"]] = tuple(name.strip() for name in row[column].split(";"))
    return groups


def join_groups(pairs):
    """Number the sets of pairs that are connected by common groups.

    Returns:
        list of int, one a pair: the same number where two pairs must stay together.
    """
    parent = {}

    def root(name):
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for pair in pairs:
        for name in pair.groups[1:]:
            parent[root(name)] = root(pair.groups[0])
    numbers = {}
    return [numbers.setdefault(root(pair.groups[0]), len(numbers)) for pair in pairs]


def split(pairs, validation, seed):
    """Divide pairs into training and validation by a seed, never parting a group.

    Args:
        pairs: list of Pair.
        validation: how many to validate on: a number from 1 up, or a share below 1. It is met
            exactly where the sizes of the groups allow, else as nearly as they do.
        seed: int.

    Returns:
        (training, validation): two lists of Pair, each in the order given.

    Raises:
        DatasetError: nothing would be left for one of the sides.
    """
    wanted = round(validation * len(pairs)) if validation < 1 else int(validation)
    numbers = join_groups(pairs)
    sizes = Counter(numbers)
    order = sorted(sizes)
    random.Random(seed).shuffle(order)
    chosen, count = set(), 0
    for number in order:
        if count + sizes[number] <= wanted:
            chosen.add(number)
            count += sizes[number]
    held_out = [pair for pair, number in zip(pairs, numbers) if number in chosen]
    kept = [pair for pair, number in zip(pairs, numbers) if number not in chosen]
    if not held_out or not kept:
        raise DatasetError(
            f"{len(pairs)} photos in {len(sizes)} groups cannot be split with {wanted} for validation; "
            "ask for fewer, or add photos"
        )
    return kept, held_out


def read_mask_file(path):
    """A mask picture file as (mask, known), both bool H × W; see `preprocessing.read_mask`."""
    try:
        with Image.open(path) as picture:
            plain = picture if picture.mode in ("L", "RGB", "RGBA") else picture.convert(_plain_mode(picture))
            return preprocessing.read_mask(np.asarray(plain))
    except preprocessing.MaskError as error:
        raise DatasetError(f"{path.name}: {error}") from error
    except OSError as error:
        raise DatasetError(f"{path.name} cannot be read as a mask: {error}") from error


def _plain_mode(picture):
    if picture.mode in ("1", "I;16", "I", "F"):
        return "L"
    return "RGBA" if "transparency" in picture.info or picture.mode in ("LA", "PA") else "RGB"


def load_square(pair, side):
    """Decode a pair and squeeze it to a square of `side` pixels.

    Raises:
        DatasetError: a file cannot be read, or photo and mask differ in shape.
    """
    try:
        photo = photos.open_photo(pair.photo)
    except photos.PhotoError as error:
        raise DatasetError(f"{pair.photo.name}: {error}") from error
    mask, known = read_mask_file(pair.mask)
    if abs(np.log(photo.shape[1] * mask.shape[0] / (photo.shape[0] * mask.shape[1]))) > 0.03:
        raise DatasetError(
            f"{pair.photo.name} is {photo.shape[1]} × {photo.shape[0]} but its mask is "
            f"{mask.shape[1]} × {mask.shape[0]}: they must show the same frame"
        )
    target = preprocessing.resize(mask.astype(np.float32), side, side)
    weight = cv2.resize(known.astype(np.float32), (side, side), interpolation=cv2.INTER_NEAREST)
    return Square(preprocessing.resize(photo, side, side), target, weight)


def load_case(pair):
    """A pair to be judged on: (photo uint8 H × W × 3, mask bool H × W, known bool H × W).

    The mask is brought to the photo's size where it was drawn on a smaller copy.

    Raises:
        DatasetError: a file cannot be read.
    """
    try:
        photo = photos.open_photo(pair.photo)
    except photos.PhotoError as error:
        raise DatasetError(f"{pair.photo.name}: {error}") from error
    parts = read_mask_file(pair.mask)
    size = photo.shape[1], photo.shape[0]
    mask, known = (
        cv2.resize(part.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for part in parts
    )
    return photo, mask, known


def cases(pairs):
    """Pairs as `evaluation.Case`s, decoded one at a time as they are asked for."""
    return (Case(pair.photo.name, *load_case(pair)) for pair in pairs)


def load_squares(pairs, size):
    """Decode pairs for a network of `size` pixels, with `HEADROOM` to zoom into."""
    return [load_square(pair, int(size * HEADROOM)) for pair in pairs]


def emphasise_border(target, weight, strength, reach=31):
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
    """

    def __init__(self, draw, samples, batch_size, seed, border=0.0, epoch=0):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        self.draw, self.samples, self.batch_size = draw, samples, batch_size
        self.seed, self.border, self.epoch = seed, border, epoch

    def __len__(self):
        return -(-self.samples // self.batch_size)

    def __getitem__(self, step):
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.samples)
        indices = order[step * self.batch_size : (step + 1) * self.batch_size]
        return collate([self._sample(index) for index in indices])

    def _sample(self, index):
        rng = np.random.default_rng([self.seed, self.epoch, index])
        photo, target, weight = self.draw(index, rng)
        return photo, target, emphasise_border(target, weight, self.border)

    def on_epoch_end(self):
        self.epoch += 1


def augmented(squares, size, strength=augmentation.Strength()):
    """The `draw` of `TrainingBatches` for a plain data set: each square in turn, changed at random."""

    def draw(index, rng):
        square = squares[index % len(squares)]
        return augmentation.augment(square.photo, square.target, square.weight, size, rng, strength)

    return draw


def collate(samples):
    """Samples of (photo, target, weight) as one batch for Keras: (x, y), see `segmenter.losses`."""
    photo_list, targets, weights = zip(*samples)
    x = preprocessing.normalise(np.stack(photo_list))
    return x, np.stack([np.stack(targets), np.stack(weights)], axis=-1).astype(np.float32)


class ValidationBatches(keras.utils.PyDataset):
    """Squares as they are, brought to the network's size, in order."""

    def __init__(self, squares, size, batch_size):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=2)
        self.squares, self.size, self.batch_size = squares, size, batch_size

    def __len__(self):
        return -(-len(self.squares) // self.batch_size)

    def __getitem__(self, step):
        start = step * self.batch_size
        return collate([self._sample(square) for square in self.squares[start : start + self.batch_size]])

    def _sample(self, square):
        photo = preprocessing.resize(square.photo, self.size, self.size)
        target = preprocessing.resize(square.target, self.size, self.size)
        weight = cv2.resize(square.weight, (self.size, self.size), interpolation=cv2.INTER_NEAREST)
        return photo, target, weight


if __name__ == "__main__":  # python -m segmenter.dataset push | pull | info
    import sys

    from segmenter import exchange

    sys.exit(exchange.main())
