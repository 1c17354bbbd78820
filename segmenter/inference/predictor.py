"""Segmenter: a weights folder → probability maps. Serving only: nothing here imports TensorFlow."""

import hashlib
import os
import threading
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from cachetools import LRUCache
from isal import isal_zlib

from segmenter import weights_format
from segmenter.inference import backdrop, clicks, completing, picking, preprocessing, refine, second_look as nearby
from segmenter.inference.network import Network, Seen

WEIGHTS = weights_format.BUNDLED
CACHE_BYTES = 192 * 1024 * 1024
LOOKS_BYTES = 32 * 1024 * 1024  # of the network's own answers, packed, from which a map is made again without it
SEEN_BYTES = 64 * 1024 * 1024  # of what is kept for further clicks on the same photos
LOOKS_LEVEL = 1  # of packing: lightly, as most of a map is 0 or 1

DOUBTFUL = 0.1  # a probability that is farther than this from 0 and from 1 is in doubt
CLEAR = 0.1  # a map with fewer doubtful pixels than this share of its furniture's is clear,
CLEARED = 0.2  # with fewer than this, another look from nearby clears it as well as its mirror image would,
NEARBY = 0.5  # and what is seen from nearby is joined with what was seen before, so that more is left to that


class Segmenter:
    """The network with its weights, ready to look at photos. One object may serve many threads."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Load the weights of a folder; `Segmenter.load` is the usual way.

        Raises:
            WeightsError: the folder is not there, or lacks a file, or its files do not fit.
        """
        self.folder = Path(folder)
        self.config = weights_format.read_config(self.folder)
        self._network = Network(self.folder / weights_format.LITERT, self.size)
        # Whether parts of the furniture are completed by the picker: where validation found that it pays
        self.completes = self.can_pick and bool(self.config.get(weights_format.COMPLETES))
        self._maps: LRUCache[Any, np.ndarray] = LRUCache(CACHE_BYTES, getsizeof=_bytes_of)  # of the photos seen last
        self._looks: LRUCache[Any, bytes] = LRUCache(LOOKS_BYTES, getsizeof=len)
        self._seen: LRUCache[Any, picking.Views] = LRUCache(SEEN_BYTES, getsizeof=_bytes_of)  # for clicks
        self._maps_lock = threading.Lock()

    @classmethod
    def load(cls, place: str | os.PathLike[str] | None = None) -> "Segmenter":
        """Load weights from a place.

        Args:
            place: a folder with `config.json` and `model.tflite`, or a repository of the Hub as
                "OWNER/NAME" or "OWNER/NAME@revision" (a folder of that name comes first); the
                folder that comes with the project by default.

        Raises:
            WeightsError: there are no usable weights at that place.
        """
        return cls(WEIGHTS if place is None else weights_format.locate(place))

    @property
    def size(self) -> int:
        """Side of the network's input square, in pixels."""
        return self.config["size"]

    @property
    def threshold(self) -> float:
        """The threshold that suits these weights, 0 … 1."""
        return self.config["threshold"]

    @property
    def can_pick(self) -> bool:
        """Whether these weights can be asked for single pieces."""
        return self._network.can_pick

    def probabilities(
        self,
        photo: np.ndarray,
        second_look: bool = True,
        refine: bool = True,
        points: Sequence[Sequence[float]] | None = None,
        labels: Sequence[int] | None = None,
    ) -> np.ndarray:
        """How probably each pixel is furniture, or the piece that was clicked.

        The last maps are kept, so that asking again for the same photo costs nothing.

        Args:
            photo: uint8, H × W × 3, RGB, upright.
            second_look: show the network the found objects again from nearby, where they
                are small in the photo, and the picker the piece that was clicked.
            refine: let the outline follow the photo's edges instead of stretching the
                network's square.
            points: clicks as (x, y), in pixels of the photo: one piece is asked for, not all furniture.
            labels: for each point 1 (this piece) or 0 (not this); 1 for all by default.

        Returns:
            probability map: float32, H × W, 0 … 1, read-only.

        Raises:
            ValueError: `photo` is not such an array, a point does not lie on it, or the weights cannot pick.
        """
        _check_photo(photo)
        clicked = None
        if points is not None:
            clicked = self._check_clicks(points, labels, photo.shape)
        return self._map(photo, bool(second_look), bool(refine), clicked)

    def preview(self, photo: np.ndarray, longest: int) -> np.ndarray:
        """What `probabilities` says of a photo, for showing it: made at no more pixels than are shown.

        Args:
            photo: uint8, H × W × 3, RGB, upright.
            longest: of the map's sides, in pixels; a smaller photo's map is of its own size.

        Returns:
            probability map: float32, h × w, 0 … 1, read-only.

        Raises:
            ValueError: `photo` is not such an array.
        """
        _check_photo(photo)
        return self._map(photo, longest=longest if longest < max(photo.shape) else None)

    def _map(self, photo, second_look=True, refine=True, clicked=None, longest=None):
        photo = np.ascontiguousarray(photo)
        key = (hashlib.sha256(photo.data).digest(), photo.shape, second_look, refine, clicked, longest)
        with self._maps_lock:
            kept = self._maps.get(key)
        if kept is not None:
            return kept
        if clicked:
            coarse = self._see(photo, key[0]).piece(clicked, second_look)
        else:
            coarse = self._look(photo, key[:3])
        shown = preprocessing.at_most(photo, longest) if longest else photo
        result = _at_full_size(coarse, shown, refine)
        if refine:
            backdrop.consult(shown, result, coarse, adds=not clicked)
        result.flags.writeable = False  # it is shared by all who ask
        self._keep(self._maps, key, result)
        return result

    def _keep(self, cache, key, value):
        if cache.getsizeof(value) <= cache.maxsize:  # a larger one is refused with an error
            with self._maps_lock:
                cache[key] = value

    def first_look(self, photo: np.ndarray) -> np.ndarray:
        """What the network says of a photo squeezed to its square, before any refinement.

        Unless that is clear (see `is_clear`), it is asked for the photo's mirror image too, and the mean
        counts: what it makes of a doubtful part often depends on the side it sees it from. Where
        `probabilities` takes a second look, that shows the other side, so that more is clear without.

        Returns:
            float32, size × size, 0 … 1.
        """
        return _Asked(self._network, photo).furniture()

    def _look_nearby(self, photo):
        """What the network says of a part of a photo: float32, size × size, 0 … 1."""
        return _Asked(self._network, photo).nearby()

    def _look(self, photo, key):
        """The coarse map of a photo whose key ends in whether it is looked at closer."""
        with self._maps_lock:
            packed = self._looks.get(key)
        kept = None if packed is None else self._unpacked(packed)
        answers = []

        def answer(ask, *question):  # the same questions come in the same order
            answers.append(ask(*question) if kept is None else kept[len(answers)])
            return answers[-1]

        asked = _Asked(self._network, photo)
        coarse = answer(asked.furniture, key[-1])
        if key[-1]:
            look = partial(answer, self._look_nearby)
            coarse = nearby.join(photo, coarse, self.second_look_boxes(coarse), look)
        if self.completes:
            coarse = completing.complete(coarse, self.size, partial(answer, asked.piece))
        if kept is None:
            self._keep(self._looks, key, isal_zlib.compress(np.stack(answers).data, LOOKS_LEVEL))
        return coarse

    def _unpacked(self, packed):
        """The answers, each float32, size × size."""
        return np.frombuffer(isal_zlib.decompress(packed), np.float32).reshape(-1, self.size, self.size)

    def prepare(self, photo: np.ndarray) -> None:
        """Let the encoder see a photo before anybody clicks on it: the first click then takes no longer than the next.

        Args:
            photo: uint8, H × W × 3, RGB, upright, as it will be given to `probabilities`.

        Raises:
            ValueError: `photo` is not such an array, or the weights cannot pick.
        """
        _check_photo(photo)
        self._check_can_pick()
        photo = np.ascontiguousarray(photo)
        self._see(photo, hashlib.sha256(photo.data).digest())

    def _check_can_pick(self):
        if not self.can_pick:
            raise ValueError(f"the weights in {self.folder} were not trained to pick single pieces; leave points out")

    def _check_clicks(self, points, labels, shape):
        """The clicks as shares of the photo's sides, as a map is kept by them."""
        self._check_can_pick()
        labels = [1] * len(points) if labels is None else labels
        return tuple(zip(picking.check(points, labels, shape), map(int, labels), strict=True))

    def _see(self, photo: np.ndarray, key) -> picking.Views:
        """What the encoder sees of a photo, kept for the next click."""
        with self._maps_lock:
            seen = self._seen.get(key)
        if seen is None:
            seen = picking.Views(self._network, photo)
            self._keep(self._seen, key, seen)
        return seen

    def second_look_boxes(self, square: np.ndarray) -> list[tuple[float, float, float, float]]:
        """Where a second look is worthwhile: around the objects that are small in the photo.

        Args:
            square: float32, s × s, 0 … 1, as `first_look` gives it.

        Returns:
            boxes (left, top, right, bottom), as shares of the photo's width and height, 0 … 1. They do not overlap.
        """
        return nearby.boxes(square)


class _Asked:
    """What the network is asked of one photo, which it sees once for all of it."""

    def __init__(self, network: Network, photo: np.ndarray) -> None:
        self.network = network
        self.photo = photo

    @cached_property
    def square(self) -> np.ndarray:
        """The photo as the network sees it: float32, 1 × size × size × 3, 0 … 1."""
        return preprocessing.to_network(self.photo, self.network.size)

    @cached_property
    def seen(self) -> Seen:
        return self.network.see(self.square)

    def furniture(self, closer: bool = False) -> np.ndarray:
        """What it says of the photo, see `first_look`: float32, size × size, 0 … 1.

        Args:
            closer: whether what is small in the photo is looked at again from nearby, and from the other side.
        """
        own = self.seen.furniture if self.network.can_pick else self.network.furniture(self.square)
        if is_clear(own) or (closer and is_clear(own, CLEARED) and nearby.boxes(own)):
            return own
        return (own + self.mirrored()) / 2

    def nearby(self) -> np.ndarray:
        """The same of a part of a photo, of all of which `furniture` said what its own side shows.

        So the mirror image comes first, and the part as it is only where that leaves doubt.
        """
        mirrored = self.mirrored()
        return mirrored if is_clear(mirrored, NEARBY) else (mirrored + self.network.furniture(self.square)) / 2

    def mirrored(self) -> np.ndarray:
        """What it says of the photo's mirror image, turned back: float32, size × size, 0 … 1."""
        return cv2.flip(self.network.furniture(cv2.flip(self.square[0], 1)[np.newaxis]), 1)

    def piece(self, part: completing.Part) -> np.ndarray:
        """What the picker makes of a part of the map: float32, size × size, 0 … 1."""
        return self.network.pick(self.seen, clicks.draw([part.middle], [1], clicks.so_far(part.map)))


def is_clear(square: np.ndarray, most: float = CLEAR) -> bool:
    """Whether a map is so sure of furniture that the mirror image would hardly change it.

    Args:
        square: float32, s × s, 0 … 1.
        most: doubtful pixels, as a share of the furniture's, from which it is not clear.
    """
    sure, doubtful = square >= 0.5, (square > DOUBTFUL) & (square < 1 - DOUBTFUL)
    return bool(np.count_nonzero(doubtful) < most * np.count_nonzero(sure))


def _bytes_of(kept: np.ndarray | picking.Views) -> int:
    return kept.nbytes


def _at_full_size(coarse, photo, follow_edges):
    """A coarse map at the photo's size: float32, H × W; along the photo's edges, or merely stretched."""
    if follow_edges:
        return refine.refine(photo, coarse)
    return cv2.resize(coarse, photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _check_photo(photo):
    if getattr(photo, "dtype", None) != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
        raise ValueError("a photo is a uint8 array of height × width × 3; open_photo makes one of a file")
