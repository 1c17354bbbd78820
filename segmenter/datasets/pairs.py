"""Photos with masks from a folder: pairs, groups, folds, and the batches that training reads."""

import csv
import random
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from PIL import Image, ImageOps

from segmenter.datasets import augment
from segmenter.errors import DatasetError
from segmenter.inference import preprocessing
from segmenter.io import images
from segmenter.render import compositing

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
MASK_SUFFIXES = (*PHOTO_SUFFIXES, ".gif")
MASK_ENDINGS = ("_mask", "-mask", "_matte")  # chair.jpg may have its mask in chair.png or chair_mask.png
GROUP_COLUMNS = ("group", "model", "seat_models")  # in a CSV beside the folders, first found counts
HEADROOM = 1.5  # decoded photos are kept this much larger than the network's square, to zoom into


@dataclass(frozen=True)
class Pair:
    """A photo, its mask, and the groups it belongs to (photos that show the same thing).

    The mask is a picture file; the photo's own file, where its transparency is the mask; or an
    object with `read()` → (mask, known) and `file`, where an annotation file describes it (see
    `load.Drawing`). `read_mask` reads them all.
    """

    photo: Path
    mask: object
    groups: tuple = ()

    @property
    def name(self):
        return self.photo.name

    @property
    def is_cutout(self):
        return self.mask == self.photo


@dataclass(frozen=True)
class Finding:
    """What is wrong with one file of a data set, and what to do about it.

    The level is "error" where the file is left out, "warning" where it is used all the same;
    the kind is the heading that findings are gathered under.
    """

    level: str
    kind: str
    name: str
    problem: str
    advice: str


@dataclass(frozen=True)
class Square:
    """A decoded pair: photo uint8 s × s × 3, target float32 s × s, weight float32 s × s (see losses).

    A cutout's photo is laid on white and has its opacity in `alpha`, float32 s × s, 0 … 1.
    """

    photo: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    alpha: np.ndarray | None = None


@dataclass(frozen=True)
class Case:
    """A photo to be judged on, decoded: photo uint8 H × W × 3, truth and known bool H × W."""

    name: str
    photo: np.ndarray
    truth: np.ndarray
    known: np.ndarray


def told(found, most=4):
    """Findings in words: one line a kind, with how many, the first names, and what to do."""
    kinds = {}
    for finding in found:
        kinds.setdefault((finding.level, finding.kind), []).append(finding)
    lines = []
    for (level, kind), alike in sorted(kinds.items(), key=lambda item: (item[0][0], -len(item[1]))):
        names = ", ".join(finding.name for finding in alike[:most]) + (", …" if len(alike) > most else "")
        first = alike[0]
        fate = "left out" if level == "error" else "used"
        lines.append(f"{kind[0].upper()}{kind[1:]}: {len(alike)}, {fate} ({names})")
        lines.append(f"    {first.name}: {first.problem}; {first.advice}")
    return "\n".join(lines)


NO_MASK = "photos without a mask"
NO_PHOTO = "masks without a photo"
TWO_MASKS = "photos with two masks"
TWO_PHOTOS = "masks with two photos"


def read_folder(folder):
    """The pairs of a folder that holds `images/` and `masks/` with files of the same name.

    Where a CSV beside them has the columns `file` and one of `GROUP_COLUMNS`, photos with a common
    group (several are separated by `;`) are kept on one side of a split.

    Returns:
        list of Pair, sorted by name.

    Raises:
        DatasetError: there is no such folder, or a photo lacks its mask, or nothing is in it.
    """
    pairs, found = pair_up(folder)
    lonely = [finding.name for finding in found if finding.kind in (NO_MASK, TWO_MASKS)]
    if lonely:
        raise DatasetError(
            f"{len(lonely)} photos have no mask of the same name, or more than one, in "
            f"{Path(folder) / 'masks'}: {', '.join(lonely[:5])}{' …' if len(lonely) > 5 else ''}"
        )
    return pairs


def pair_up(folder):
    """As `read_folder`, but what has no partner is left out and told of.

    Returns:
        (pairs, found): list of Pair, sorted by name, and list of Finding.

    Raises:
        DatasetError: there is no such folder, or there are no photos in it.
    """
    folder = Path(folder)
    for part in (folder / "images", folder / "masks"):
        if not part.is_dir():
            raise DatasetError(f"{part} is missing: put the photos in images/ and their masks in masks/")
    pictures = pictures_in(folder / "images")
    if not pictures:
        raise DatasetError(f"{folder / 'images'} holds no photos ({', '.join(PHOTO_SUFFIXES)})")
    names = Counter(path.stem for path in pictures)
    masks = _masks_by_name(folder / "masks", names)
    groups, pairs, found = _read_groups(folder), [], []
    for path in pictures:
        fitting = masks.get(path.stem, [])
        if len(fitting) == 1:
            pairs.append(Pair(path, fitting[0], groups.get(path.name, (path.stem,))))
        else:
            found.append(_no_pair(path, fitting))
    found += [_two_photos(pair) for pair in pairs if names[pair.photo.stem] > 1]
    found += [_no_photo(path) for stem in sorted(masks.keys() - names) for path in masks[stem]]
    return pairs, found


def pictures_in(folder, suffixes=PHOTO_SUFFIXES):
    """The picture files right in a folder, sorted by name; hidden ones do not count."""
    return sorted(path for path in Path(folder).iterdir()
                  if path.suffix.lower() in suffixes and not path.name.startswith("."))  # fmt: skip


def _masks_by_name(folder, names):
    """The stem of the photo that is meant → its masks; chair_mask.png is meant for chair.jpg."""
    found = {}
    for path in pictures_in(folder, MASK_SUFFIXES):
        ending = next((ending for ending in MASK_ENDINGS if path.stem.lower().endswith(ending)), "")
        meant = path.stem if path.stem in names else path.stem[: len(path.stem) - len(ending)]
        found.setdefault(meant, []).append(path)
    return found


def _no_pair(path, masks):
    if masks:
        names = " and ".join(mask.name for mask in masks)
        return Finding("error", TWO_MASKS, path.name, f"masks/ holds {names} for it", "keep the right one of them")
    return Finding("error", NO_MASK, path.name, "masks/ holds no file of the same name",
                   f"add {path.stem}.png to masks/, or remove the photo")  # fmt: skip


def _two_photos(pair):
    return Finding("warning", TWO_PHOTOS, pair.name, f"another photo in images/ has the mask {pair.mask.name} too",
                   "keep one of them, unless both fit the mask; they stay on one side of a split")  # fmt: skip


def _no_photo(path):
    return Finding("error", NO_PHOTO, path.name, "images/ holds no photo of the same name",
                   "add the photo, or remove the mask")  # fmt: skip


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


def folds(pairs, k, seed):
    """Divide pairs into k folds for cross-validation, never parting a group.

    The folds are as even as a greedy division makes them: the largest groups are dealt first, each
    to the smallest fold so far.

    Args:
        pairs: list of Pair.
        k: how many folds, from 2 to the number of groups.
        seed: int.

    Returns:
        list of k (training, validation), each two lists of Pair in the order given; every pair is
        in exactly one of the validation lists.

    Raises:
        DatasetError: k is below 2 or above the number of groups.
    """
    numbers = join_groups(pairs)
    sizes = Counter(numbers)
    if k < 2:
        raise DatasetError(f"{k} folds cannot be compared: ask for 2 or more, such as 5")
    if k > len(sizes):
        raise DatasetError(
            f"{len(pairs)} photos in {len(sizes)} groups cannot be divided into {k} folds; "
            f"ask for {len(sizes)} at most, or add photos"
        )
    order = sorted(sizes)
    random.Random(seed).shuffle(order)
    counts, fold_of = [0] * k, {}
    for number in sorted(order, key=lambda number: -sizes[number]):
        fold_of[number] = counts.index(min(counts))
        counts[fold_of[number]] += sizes[number]
    return [
        (
            [pair for pair, number in zip(pairs, numbers) if fold_of[number] != fold],
            [pair for pair, number in zip(pairs, numbers) if fold_of[number] == fold],
        )
        for fold in range(k)
    ]


def read_mask(pair):
    """The mask of a pair as (mask, known), both bool H × W, of whatever kind it is.

    Raises:
        DatasetError: it cannot be read.
    """
    if not isinstance(pair.mask, Path):
        return pair.mask.read()
    if pair.is_cutout:
        opaque = _opacity(pair) > 0.5
        return opaque, np.ones_like(opaque)
    return read_mask_file(pair.mask)


def read_mask_file(path):
    """A mask picture file as (mask, known), both bool H × W; see `preprocessing.read_mask`."""
    try:
        return preprocessing.read_mask(open_mask_picture(path))
    except preprocessing.MaskError as error:
        raise DatasetError(f"{path.name}: {error}") from error


def open_mask_picture(path):
    """A mask picture as `preprocessing.read_mask` wants it: uint8, H × W or H × W × 3 or 4, upright.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        with Image.open(path) as picture:
            upright = ImageOps.exif_transpose(picture)
            if upright.mode not in ("L", "RGB", "RGBA"):
                upright = upright.convert(_plain_mode(upright))
            return np.asarray(upright)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = "the file is empty" if path.is_file() and not path.stat().st_size else error
        raise DatasetError(f"{path.name} cannot be read as a mask: {reason}; save it again as PNG") from error


def _plain_mode(picture):
    if picture.mode in ("1", "I;16", "I", "F"):
        return "L"
    return "RGBA" if "transparency" in picture.info or picture.mode in ("LA", "PA") else "RGB"


def _open_photo(pair):
    try:
        return images.open_photo(pair.photo)
    except images.PhotoError as error:
        raise DatasetError(f"{pair.name}: {error}") from error


def load_square(pair, side):
    """Decode a pair and squeeze it to a square of `side` pixels.

    Raises:
        DatasetError: a file cannot be read, or photo and mask differ in shape.
    """
    photo = _open_photo(pair)
    mask, known = read_mask(pair)
    if not same_frame(photo.shape, mask.shape):
        raise DatasetError(
            f"{pair.name} is {photo.shape[1]} × {photo.shape[0]} but its mask is "
            f"{mask.shape[1]} × {mask.shape[0]}: they must show the same frame"
        )
    target = preprocessing.resize(mask.astype(np.float32), side, side)
    weight = cv2.resize(known.astype(np.float32), (side, side), interpolation=cv2.INTER_NEAREST)
    alpha = preprocessing.resize(_opacity(pair), side, side) if pair.is_cutout else None
    return Square(preprocessing.resize(photo, side, side), target, weight, alpha)


def same_frame(one, other):
    """Whether two shapes (height, width, …) have the same sides, but for 3 % of rounding."""
    return abs(np.log(one[1] * other[0] / (one[0] * other[1]))) <= 0.03


def _opacity(pair):
    """A cutout's opacity, float32 H × W, 0 … 1; 1 throughout where the file has no transparency."""
    picture = open_mask_picture(pair.mask)
    if picture.ndim == 2 or picture.shape[2] == 3:
        return np.ones(picture.shape[:2], np.float32)
    return picture[..., 3].astype(np.float32) / 255


def lay_on(photo, alpha, background):
    """Lay a cutout on a background.

    As the cutout was laid on white before, the colours that its file has under full transparency,
    often black or leftovers, never show.

    Args:
        photo: uint8, H × W × 3, the cutout on white.
        alpha: float32, H × W, 0 … 1, its opacity.
        background: uint8, H × W × 3.

    Returns:
        uint8, H × W × 3.
    """
    gone = (1 - alpha)[..., np.newaxis] * (255.0 - background)
    return np.clip(photo - gone + 0.5, 0, 255).astype(np.uint8)


def _settle(photo, alpha, name):
    """A cutout on a plain room that follows from its name, so that it is judged alike every time."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return lay_on(photo, alpha, compositing.plain_room(*alpha.shape, rng))


def load_case(pair):
    """A pair to be judged on: (photo uint8 H × W × 3, mask bool H × W, known bool H × W).

    The mask is brought to the photo's size where it was drawn on a smaller copy. A cutout is laid
    on a plain room, as on white it would be all too easy.

    Raises:
        DatasetError: a file cannot be read.
    """
    photo = _open_photo(pair)
    size = photo.shape[1], photo.shape[0]
    mask, known = (
        cv2.resize(part.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for part in read_mask(pair)
    )
    return _settle(photo, _opacity(pair), pair.name) if pair.is_cutout else photo, mask, known


def cases(pairs):
    """Pairs as `metrics.Case`s, decoded one at a time as they are asked for."""
    return (Case(pair.name, *load_case(pair)) for pair in pairs)


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


def augmented(squares, size, strength=augment.Strength()):
    """The `draw` of `TrainingBatches` for a plain data set: each square in turn, changed at random.

    A cutout lies on another plain room each time.
    """

    def draw(index, rng):
        square = squares[index % len(squares)]
        photo = square.photo
        if square.alpha is not None:
            photo = lay_on(photo, square.alpha, compositing.plain_room(*square.alpha.shape, rng))
        return augment.augment(photo, square.target, square.weight, size, rng, strength)

    return draw


def collate(samples):
    """Samples of (photo, target, weight) as one batch for Keras: (x, y), see `segmenter.models.losses`."""
    photo_list, targets, weights = zip(*samples)
    x = preprocessing.normalise(np.stack(photo_list))
    return x, np.stack([np.stack(targets), np.stack(weights)], axis=-1).astype(np.float32)


class ValidationBatches(keras.utils.PyDataset):
    """Squares as they are, brought to the network's size, in order; cutouts lie on plain rooms."""

    def __init__(self, squares, size, batch_size):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=2)
        self.squares, self.size, self.batch_size = squares, size, batch_size

    def __len__(self):
        return -(-len(self.squares) // self.batch_size)

    def __getitem__(self, step):
        start = step * self.batch_size
        numbers = range(start, min(start + self.batch_size, len(self.squares)))
        return collate([self._sample(self.squares[number], number) for number in numbers])

    def _sample(self, square, number):
        photo = square.photo if square.alpha is None else _settle(square.photo, square.alpha, str(number))
        photo = preprocessing.resize(photo, self.size, self.size)
        target = preprocessing.resize(square.target, self.size, self.size)
        weight = cv2.resize(square.weight, (self.size, self.size), interpolation=cv2.INTER_NEAREST)
        return photo, target, weight
