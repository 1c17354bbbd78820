"""Training samples for the picker: photos with one piece of several as the target.

A photo of several pieces is learnt from twice in one step, with a neighbour as the other target: where a click
says which of two is meant, the click alone makes the difference.

Every source is a function of a numpy Generator → (photo uint8 s × s × 3, one or two targets float32 s × s, weight
float32 s × s), see `segmenter.models.losses`; a target is the piece, all other furniture is background.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace

import cv2
import numpy as np

from segmenter.datasets import augment, barred, collection, pieces
from segmenter.datasets.augment import Sample
from segmenter.datasets.batches import HEADROOM, Square, augmented, load_square
from segmenter.datasets.copy_paste import Object, Varied, put
from segmenter.datasets.mixture import BARRED, STRENGTHS, Backgrounds, Changed, Things, is_bare, photo_chances
from segmenter.datasets.pairs import Pair
from segmenter.datasets.pieces import LEAST
from segmenter.errors import DatasetError
from segmenter.inference import preprocessing
from segmenter.render import compositing

SHARES = {"scenes": 0.4, "pasted": 0.3, "things": 0.12, "photos": 0.18}  # of the photos
ALIKE = 0.5  # share of the pasted samples whose furniture is all of one model, as chairs around a table are
DRAWN = 3  # different pieces of furniture of bars in one photo, where they are not alike
TRIES = 6  # before a sample is taken as it came
THING = 0.25  # share of what is pasted that is no furniture: anything can be picked
BESIDE = 0.5  # share of the photos of one's own into which a piece of another photo is pasted

Pieces = tuple[np.ndarray, list[np.ndarray], np.ndarray]  # photo, one or two targets, weight


class PieceSamples:
    """The photos of the picker's training on a collection: (number, rng) → a list of one or two samples.

    Args:
        place: the collection's folder, see `collection`.
        size: side of the network's square in pixels.
    """

    def __init__(self, place: str | os.PathLike[str], size: int) -> None:
        self.size = size
        things = collection.read_pictures(place, "objects")
        photos, rooms = (collection.read_pictures(place, name) for name in ("photos", "rooms"))
        in_front = Things(things, size)
        bare = [each for each in rooms if is_bare(each.row)]
        backgrounds = Backgrounds(collection.background_photos(place), things, bare)
        objects: list[Object | collection.Picture] = [*collection.rendered_objects(place)]
        cut: list[Object | collection.Picture] = [each for each in photos if each.row["mask"] == "cut"]
        photo_source = Changed(photos, photo_chances(photos), STRENGTHS["photos"], size, in_front, 0.4)
        self.sources: dict[str, Callable[[np.random.Generator], Pieces]] = {
            "scenes": ScenePieces(place, size),
            "pasted": PastedPieces([objects, cut], backgrounds, in_front, size),
            "things": _alone(Changed(things, None, STRENGTHS["things"], size)),
            "photos": _alone(photo_source),
        }

    def __call__(self, _index: int, rng: np.random.Generator) -> list[Sample]:
        return _large_enough(lambda: self.sources[rng.choice(list(SHARES), p=list(SHARES.values()))](rng))


def _alone(draw: Callable[[np.random.Generator], Sample]) -> Callable[[np.random.Generator], Pieces]:
    """Photos of one piece as a source."""

    def source(rng):
        photo, target, weight = draw(rng)
        return photo, [target], weight

    return source


def _large_enough(draw: Callable[[], Pieces]) -> list[Sample]:
    """Samples of the pieces of which enough is seen, or one of the last of `TRIES`."""
    for _ in range(TRIES):
        photo, targets, weight = draw()
        samples = [(photo, target, weight) for target in targets if (target * (weight > 0)).mean() > LEAST]
        if samples:
            return samples
    return [(photo, targets[0], weight)]


def with_neighbour(layers: list[np.ndarray], meant: int) -> list[np.ndarray]:
    """A piece, and of the others (float32, H × W, all of them) the one that touches it most, or any."""
    others = [layer for number, layer in enumerate(layers) if number != meant]
    around = cv2.dilate(layers[meant], np.ones((5, 5), np.uint8))
    return [layers[meant], *sorted(others, key=lambda other: -float((around * other).sum()))[:1]]


def _augment(photo, targets, weight, size, rng, strength) -> Pieces:
    """`augment.augment` for several targets at once."""
    photo, stacked, weight = augment.augment(photo, np.stack(targets, axis=-1), weight, size, rng, strength)
    return photo, list(np.moveaxis(stacked.reshape(*weight.shape, len(targets)), -1, 0)), weight


class ScenePieces:
    """Pieces of the rendered scenes that may train; a scene of many is seen the oftener for it."""

    def __init__(self, place: str | os.PathLike[str], size: int) -> None:
        self.size = size
        self.pieces = [
            (photo, numbered, number)
            for photo, numbered in collection.scene_pieces(place, "train")
            for number in pieces.large(collection.read_numbers(numbered))
        ]

    def __call__(self, rng: np.random.Generator) -> Pieces:
        photo, numbered, number = self.pieces[int(rng.integers(len(self.pieces)))]
        numbers = collection.read_numbers(numbered)
        large = pieces.large(numbers)
        targets = with_neighbour([(numbers == each).astype(np.float32) for each in large], large.index(number))
        weight = np.ones(numbers.shape, np.float32)
        return _augment(collection.read_rgb(photo), targets, weight, self.size, rng, STRENGTHS["scenes"])


class PastedPieces:
    """Several objects on a background, one hiding part of another; one or two of them are the pieces.

    Args:
        groups: lists of Object, or of `collection.Picture` to cut them out of.
        backgrounds: Backgrounds.
        things: Things, which are pasted too.
        size: side of the network's square in pixels.
    """

    def __init__(
        self,
        groups: list[list[Object | collection.Picture]],
        backgrounds: Backgrounds,
        things: Things,
        size: int,
    ) -> None:
        self.groups = [group for group in groups if group]
        self.backgrounds, self.things, self.size = backgrounds, things, size
        self.models: dict[str, list[Object]] = {}
        for thing in (each for group in self.groups for each in group if isinstance(each, Object)):
            self.models.setdefault(thing.model, []).append(thing)

    def __call__(self, rng: np.random.Generator) -> Pieces:
        photo, _, _ = self.backgrounds(self.size, rng)
        layers: list[np.ndarray] = []  # of each object, how much of each pixel shows it
        group = self._group(rng)
        for floor in np.sort(rng.uniform(0.5, 1.03, rng.choice([1, 2, 3, 4], p=[0.15, 0.35, 0.3, 0.2]))) * self.size:
            cutout, shadow = self._put(group, floor, rng)
            cutout = compositing.harmonise(cutout, photo, rng.uniform(0, 0.3))
            photo = compositing.paste(photo, cutout, shadow)
            alpha = cutout[..., 3].astype(np.float32) / 255
            layers = [layer * (1 - alpha) for layer in layers] + [alpha]
        large = [layer for layer in layers if layer.mean() > LEAST] or layers
        targets = with_neighbour(large, int(rng.integers(len(large))))
        weight = np.ones(targets[0].shape, np.float32)
        strength = replace(STRENGTHS["scenes"], scale=(0.9, 1.4), shift=0.1)
        return _augment(photo, targets, weight, self.size, rng, strength)

    def _group(self, rng):
        """What may be pasted into one photo."""
        is_alike = rng.random() < ALIKE
        if rng.random() < BARRED:
            return [barred.draw(rng) for _ in range(1 if is_alike else DRAWN)]
        group = self.groups[int(rng.integers(len(self.groups)))]
        return self._alike(group[int(rng.integers(len(group)))]) if is_alike else group

    def _alike(self, thing):
        """Everything that shows the same model."""
        return self.models[thing.model] if isinstance(thing, Object) and thing.model else [thing]

    def _put(self, group, floor, rng):
        if rng.random() < THING:
            return self.things.place_anywhere(rng), None
        thing = group[int(rng.integers(len(group)))]
        thing = thing if isinstance(thing, Object) else collection.cut_photo(thing)
        return put(thing, self.size, floor, 0.25, rng)


class PhotoPieces:
    """The photos of the picker's training on one's own, (number, rng) → a list of one or two samples.

    Beside or in front of some of them stands a piece of another photo, and both are to be told apart: many a photo
    shows one piece alone, which teaches nothing of that.

    Args:
        pairs: to train on.
        size: side of the network's square in pixels.

    Raises:
        DatasetError: a file cannot be read, or there are no pieces.
    """

    def __init__(self, pairs: Iterable[Pair], size: int) -> None:
        self.squares = [square for pair in pairs for square in piece_squares(pair, int(size * HEADROOM))]
        if not self.squares:
            raise no_pieces()
        self.plain = augmented(self.squares, size)
        self.others = Varied(self.plain, self.squares, size, 0.0, 0.0)

    def __call__(self, _index: int, rng: np.random.Generator) -> list[Sample]:
        return _large_enough(lambda: self._draw(rng))

    def _draw(self, rng: np.random.Generator) -> Pieces:
        photo, target, weight = self.plain(int(rng.integers(len(self.squares))), rng)
        if not self.others.objects or rng.random() >= BESIDE:
            return photo, [target], weight
        photo, alpha = self.others.add(photo, rng)
        weight = np.where(alpha > 0.3, 1.0, weight).astype(np.float32)
        return photo, [target * (1 - alpha), alpha], weight


def no_pieces() -> DatasetError:
    """What is said of photos without a piece to train on."""
    return DatasetError(f"no photo to train on shows a piece that covers {LEAST:.1%} of it or more; add photos that do")


def piece_squares(pair: Pair, side: int) -> list[Square]:
    """A Square of `side` pixels for each piece of a pair that can be picked, with the piece as its target."""
    numbers, known = pieces.read(pair)
    large = pieces.large(numbers)
    if not large:
        return []
    whole = load_square(pair, side)
    weight = cv2.resize(known.astype(np.float32), (side, side), interpolation=cv2.INTER_NEAREST)
    targets = (preprocessing.resize((numbers == number).astype(np.float32), side, side) for number in large)
    return [replace(whole, target=target, weight=weight) for target in targets]
