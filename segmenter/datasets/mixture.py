"""Training pictures of the default weights, drawn from a collection: see `Mixture`.

Every `draw` is a function of a numpy Generator → (photo uint8 s × s × 3, target float32 s × s,
weight float32 s × s), see `segmenter.models.losses`.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import cv2
import numpy as np

from segmenter.datasets import augment, barred, collection, grounds
from segmenter.datasets.collection import Picture
from segmenter.datasets.copy_paste import Object, put
from segmenter.inference import preprocessing
from segmenter.render import compositing

Item = TypeVar("Item")
Sample = tuple[np.ndarray, np.ndarray, np.ndarray]  # photo, target, weight; see `segmenter.models.losses`

SHARES = {  # of the samples, by curriculum
    "things": {"things": 1.0},  # what a thing in a photo is, before it is learnt which things are furniture
    "furniture": {"photos": 0.28, "rooms": 0.23, "scenes": 0.12, "pasted": 0.18, "empty": 0.19},
}
LAMPS = {"lamp"}  # nobody's piece of furniture on its own: it only stands beside one
MARKED = 0.08  # share of the photos drawn that show cabinets, cribs and benches, which are few
COVERED = {"photos": 0.3, "scenes": 0.25, "pasted": 0.35, "empty": 0.2}  # share with another thing in front
BARRED = 0.3  # share of the pasted that shows drawn furniture of bars, whose gaps are exact
RUGS, SUNNY = 0.35, 0.25  # shares of the pasted with a rug on the floor, and with shadows as from the sun
LEAST_LEFT = 0.3  # of the furniture that a thing in front of it must leave to be seen
MISTAKEN = 0.01  # share of a picture without furniture, beyond which what is seen there is a mistake
HARDER = 4.0  # times as often are pictures drawn that were mistaken
LOOKED_AT = 32  # pictures at a time
LARGEST_THING = 0.7  # share of its picture, beyond which a thing is rather a close view than a thing

STRENGTHS = {
    "photos": augment.Strength(scale=(0.45, 1.35)),
    "rooms": augment.Strength(scale=(0.8, 2.2), shift=0.2),
    "scenes": augment.Strength(scale=(0.75, 2.2), shift=0.2),
    "things": augment.Strength(scale=(0.7, 1.4)),
    "empty": augment.Strength(scale=(0.7, 1.6)),
}


class Mixture:
    """The `draw` of `TrainingBatches` for the default weights: shares of the sources, seeded.

    Args:
        place: the collection's folder, see `collection`.
        size: side of the network's square in pixels.
        curriculum: one of `SHARES`.
    """

    def __init__(self, place: str | os.PathLike[str], size: int, curriculum: str = "furniture") -> None:
        self.shares, self.size = SHARES[curriculum], size
        things = collection.read_pictures(place, "objects")
        in_front = Things(things, size)
        self.draws = {"things": Changed(things, None, STRENGTHS["things"], size)}
        self.empty = Changed(things, None, STRENGTHS["empty"], size, in_front, COVERED["empty"], empty=True)
        if curriculum == "things":
            return
        photos, rooms = (collection.read_pictures(place, name) for name in ("photos", "rooms"))
        scenes = collection.training_scenes(place)
        self.draws |= {
            "photos": Changed(photos, photo_chances(photos), STRENGTHS["photos"], size, in_front, COVERED["photos"]),
            "rooms": Changed(rooms, room_chances(rooms), STRENGTHS["rooms"], size),
            "scenes": Changed(scenes, None, STRENGTHS["scenes"], size, in_front, COVERED["scenes"]),
            "empty": self.empty,
            "pasted": Pasted(
                [collection.rendered_objects(place), [each for each in photos if each.row["mask"] == "cut"]],
                Backgrounds(collection.background_photos(place), things, [each for each in rooms if is_bare(each.row)]),
                in_front,
                size,
            ),
        }

    def __call__(self, _index: int, rng: np.random.Generator) -> Sample:
        source = rng.choice(list(self.shares), p=list(self.shares.values()))
        return self.draws[source](rng)

    def harden(self, predict: Callable[[np.ndarray], np.ndarray]) -> float:
        """Look through the pictures without furniture, and draw those more often in which some is seen.

        Reference: Shrivastava, Gupta & Girshick, "Training Region-based Object Detectors with Online Hard
        Example Mining", CVPR 2016; here once, before training.

        Args:
            predict: function of float32 batch × size × size × 3, 0 … 1, → batch × size × size × 1: the network
                that training starts from.

        Returns:
            The share of the pictures in which furniture is seen.
        """
        empty = self.empty
        areas = []
        for start in range(0, len(empty.pictures), LOOKED_AT):
            photos = [each.read_empty()[0] for each in empty.pictures[start : start + LOOKED_AT]]
            squares = np.concatenate([preprocessing.to_network(photo, self.size) for photo in photos])
            areas += list((np.asarray(predict(squares)) >= 0.5).mean(axis=(1, 2, 3)))
        empty.ladder = np.cumsum(hard_chances(np.array(areas)))
        return float((np.array(areas) > MISTAKEN).mean())


def hard_chances(areas: np.ndarray) -> np.ndarray:
    """How often each picture without furniture is drawn: `HARDER` times as often where some is seen.

    Args:
        areas: float, one a picture: the share of it that is called furniture.

    Returns:
        float, of the same length, with the sum 1.
    """
    chances = np.where(areas > MISTAKEN, HARDER, 1.0)
    return chances / chances.sum()


def photo_chances(pictures: Sequence[Picture]) -> np.ndarray:
    """How often each photo is drawn: chairs oftener than beds, and the few cabinets much oftener."""
    marked = np.array([each.row["mask"] == "marked" for each in pictures])
    chances = np.array([1.6 if collection.GAPPY & set(each.row["classes"].split("+")) else 0.8 for each in pictures])
    if marked.any() and not marked.all():
        chances[marked] = MARKED / (1 - MARKED) * chances[~marked].sum() / marked.sum()
    return chances / chances.sum()


def room_chances(pictures: Sequence[Picture]) -> np.ndarray:
    """How often each room is drawn: seats with people or pets on and beside them the oftenest."""
    chances = np.ones(len(pictures))
    for number, picture in enumerate(pictures):
        seat, living = float(picture.row["seat"]) > 0.01, float(picture.row["living"]) > 0.01
        chances[number] = 1 + 2 * seat + 2 * (seat and living)
    return chances / chances.sum()


def is_bare(row: dict[str, str]) -> bool:
    """Whether a room surely holds no seat, so that it may be a background."""
    return float(row["seat"]) == 0 and row["rest_is_background"] == "yes"


class Changed:
    """Pictures as `augment.augment` changes them, some with another thing in front.

    Args:
        pictures: list of `collection.Picture`.
        chances: how probably each is drawn, or None where all are alike.
        strength: augmentation.Strength.
        size: side of the network's square in pixels.
        things: Things; of the pictures that are drawn, the share `covered` gets one.
        empty: whether nothing in the pictures counts.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        chances: np.ndarray | None,
        strength: augment.Strength,
        size: int,
        things: "Things | None" = None,
        covered: float = 0.0,
        empty: bool = False,
    ) -> None:
        self.pictures, self.strength, self.size = pictures, strength, size
        self.ladder = None if chances is None else np.cumsum(chances)
        self.things, self.covered, self.empty = things, covered, empty

    def __call__(self, rng: np.random.Generator) -> Sample:
        picture = self._pick(rng)
        photo, target, weight = picture.read_empty() if self.empty else picture.read()
        still = replace(self.strength, colour=0.0, damage=0.0)
        sample = augment.augment(photo, target, weight, self.size, rng, still)
        if self.things and rng.random() < self.covered:
            sample = self.things.cover(sample, rng)
        return _expose(sample, rng)

    def _pick(self, rng: np.random.Generator) -> Picture:
        if self.ladder is None:
            return _one_of(self.pictures, rng)
        number = int(np.searchsorted(self.ladder, rng.random()))
        return self.pictures[min(number, len(self.pictures) - 1)]


def _one_of(items: Sequence[Item], rng: np.random.Generator) -> Item:
    return items[int(rng.integers(len(items)))]


def _mirrored(sample: Sample) -> Sample:
    photo, target, weight = (np.ascontiguousarray(part[:, ::-1]) for part in sample)
    return photo, target, weight


def _expose(sample: Sample, rng: np.random.Generator) -> Sample:
    """A sample in another light and through another camera."""
    photo, target, weight = sample
    photo = augment.damage(augment.shift_colours(photo, rng), rng)
    return photo, target, weight.astype(np.float32)


class Things:
    """What stands out in ordinary photos, cut out to be put in front of furniture, on it and beside it.

    Args:
        pictures: list of `collection.Picture` of things that are no furniture.
        size: side of the network's square in pixels.
    """

    def __init__(self, pictures: Sequence[Picture], size: int) -> None:
        self.pictures = [each for each in pictures if float(each.row["thing"]) < LARGEST_THING]
        self.size = size

    def cover(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Put one thing into a sample: it is no furniture, and hides what is behind it."""
        photo, target, weight = sample
        cutout = self._place(self._cut(rng), target, rng)
        alpha = cutout[..., 3].astype(np.float32) / 255
        left = target * (1 - alpha)
        if left.sum() < LEAST_LEFT * target.sum():
            return sample
        cutout = compositing.harmonise(cutout, photo, rng.uniform(0, 0.4))
        return compositing.paste(photo, cutout), left, np.where(alpha > 0.3, 1.0, weight)

    def place_anywhere(self, rng: np.random.Generator) -> np.ndarray:
        """RGBA uint8, size × size × 4: one thing on an empty canvas."""
        return self._place(self._cut(rng), np.zeros((self.size, self.size), np.float32), rng)

    def _cut(self, rng):
        """RGBA uint8 of a thing; one that its picture's sides cut is given up for another, a few times."""
        for _ in range(4):
            photo, target, _ = _one_of(self.pictures, rng).read()
            sides = (target[0].any(), target[:, 0].any(), target[:, -1].any())
            if not any(sides):
                break
        alpha = cv2.erode(np.asarray(target * 255, np.uint8), np.ones((3, 3), np.uint8))  # less of its old background
        alpha = cv2.GaussianBlur(alpha, (0, 0), 0.7)
        x, y, width, height = cv2.boundingRect(alpha)
        cutout = np.dstack([photo, alpha])[y : y + max(1, height), x : x + max(1, width)]
        return cutout[:, ::-1] if rng.random() < 0.5 else cutout

    def _place(self, cutout, target, rng):
        """The thing on an empty canvas: mostly so that its foot stands somewhere on the furniture."""
        height, width = cutout.shape[:2]
        scale = np.exp(rng.uniform(np.log(0.12), np.log(0.65))) * self.size / max(height, width)
        foot = rng.uniform(0, 1, 2) * self.size
        inside = np.flatnonzero(target > 0.5)
        if len(inside) and rng.random() < 0.7:
            row, column = divmod(int(inside[rng.integers(len(inside))]), self.size)
            foot = np.array([column, row], np.float64)
        offset = foot - scale * np.array([width / 2, height * rng.uniform(0.7, 1.0)])
        matrix = np.column_stack([np.diag([scale, scale]), offset])
        return compositing.place(np.ascontiguousarray(cutout), matrix, self.size, self.size)


class Backgrounds:
    """Places to paste furniture into, as samples with an empty target.

    Args:
        photos: list of uint8 H × W × 3 without furniture.
        things, rooms: lists of `collection.Picture` without furniture.
    """

    def __init__(self, photos: Sequence[np.ndarray], things: Sequence[Picture], rooms: Sequence[Picture]) -> None:
        self.photos, self.things, self.rooms = photos, things, rooms

    def __call__(self, size: int, rng: np.random.Generator) -> Sample:
        kind = rng.choice(4, p=[0.3, 0.25, 0.3, 0.15])
        if kind == 0:
            return _blank(self._crop(_one_of(self.photos, rng), size, rng))
        if kind == 1 or not self.things or not self.rooms:
            return _blank(compositing.plain_room(size, size, rng))
        still = replace(STRENGTHS["empty"], colour=0.0, damage=0.0)
        if kind == 2:
            whole = _one_of(self.things, rng).read_empty()
        else:
            whole = _one_of(self.rooms, rng).read()
        photo, target, weight = whole
        return augment.augment(photo, target, weight, size, rng, still)

    @staticmethod
    def _crop(whole, size, rng):
        side = int(min(whole.shape[:2]) * rng.uniform(0.5, 1.0))
        y, x = (rng.integers(0, extent - side + 1) for extent in whole.shape[:2])
        picture = preprocessing.resize(whole[y : y + side, x : x + side], size, size)
        if rng.random() < 0.3:  # out of focus
            picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 4))
        return picture


def _blank(photo):
    return photo, np.zeros(photo.shape[:2], np.float32), np.ones(photo.shape[:2], np.float32)


class Pasted:
    """Draws pictures of one to three objects standing on a background, with their exact mask.

    A single object is the subject and counts, whatever furniture it is; of several, seats count and
    other furniture carries no loss.

    Args:
        groups: lists of Object, or of `collection.Picture` to cut them out of; each list is drawn as often.
        backgrounds: Backgrounds.
        things: Things.
        size: side of the network's square in pixels.
    """

    def __init__(
        self, groups: Sequence[Sequence[Object | Picture]], backgrounds: Backgrounds, things: Things, size: int
    ) -> None:
        self.groups = [group for group in groups if group]
        self.backgrounds, self.things, self.size = backgrounds, things, size

    def __call__(self, rng: np.random.Generator) -> Sample:
        photo, target, weight = self.backgrounds(self.size, rng)
        count = rng.choice([1, 2, 3], p=[0.74, 0.19, 0.07])
        group, drawn = _one_of(self.groups, rng), rng.random() < BARRED
        floors = np.sort(rng.uniform(0.55, 1.03, count)) * self.size  # the farther, the earlier
        if rng.random() < RUGS:
            photo, rug = grounds.lay_rug(photo, floors[-1], rng)
            target, weight = target * (1 - rug), np.where(rug > 0.3, 1.0, weight)
        sunny = rng.random() < SUNNY
        for floor in floors:
            thing = barred.draw(rng) if drawn else _one_of(group, rng)
            thing = thing if isinstance(thing, Object) else collection.cut_photo(thing)
            if count == 1 and thing.category in LAMPS:
                break
            smallest = 0.25 if count > 1 else 0.15 if rng.random() < 0.3 else 0.35
            cutout, shadow = put(thing, self.size, floor, smallest, rng)
            cutout = compositing.harmonise(cutout, photo, rng.uniform(0, 0.3))
            alpha = cutout[..., 3].astype(np.float32) / 255
            if sunny:
                shadow = np.maximum(shadow, grounds.cast_shadow(alpha, rng))
            photo = compositing.paste(photo, cutout, shadow)
            counts = count == 1 or thing.category in collection.SEATS or thing.frame == 0
            target = target * (1 - alpha) + alpha * counts
            weight = np.where(alpha > 0.3, float(counts), weight)
        sample = photo, target, weight
        if rng.random() < COVERED["pasted"]:
            sample = self.things.cover(sample, rng)
        if rng.random() < 0.5:
            sample = _mirrored(sample)
        return _expose(sample, rng)
