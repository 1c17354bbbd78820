"""What the page and its endpoints do with photos. It knows nothing of Gradio, and keeps nothing of any visitor.

The page's questions and answers are dicts of plain JSON. A photo in a question is an example by its name
(`example`), or a file that was sent before (`path`).
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from cachetools import LRUCache

from segmenter.batch.runner import Predictor
from segmenter.errors import FULL, ChairliftError, GoneError, PhotoError
from segmenter.inference import crowd
from segmenter.io.images import open_photo, size_notice
from segmenter.render import corrections, encode, picks, render
from segmenter.render.options import Choices
from segmenter.web import model_info, viewer
from segmenter.web.disk import no_room
from segmenter.web.live_weights import LiveWeights
from segmenter.web.uploads import Uploads, file_data

MAX_MEGABYTES = 30  # of one photo
AT_ONCE = 2  # single photos that are worked on at the same time, visitors' and programs'
MOMENT = 0.05  # seconds, in which the next in line is at work
PREPARED_PIXELS = 16_000_000  # of a photo whose whole map is made before it is asked for; a larger one is not kept
SMALL_PHOTOS = 16  # that are kept, at the size of the page's maps, for the next click on them

Answer = TypeVar("Answer", bound=Callable[..., dict])


def refusing(answer: Answer) -> Answer:
    """Let a method that answers the page say what is wrong as the page says it to a visitor; see `refusal`."""

    @wraps(answer)
    def asked(*given: Any, **named: Any) -> dict:
        try:
            return answer(*given, **named)
        except PhotoError as error:
            return refusal(error)
        except OSError as error:
            if error.errno not in FULL:
                raise
            return refusal(no_room())

    return cast(Answer, asked)


class Handlers:
    """Answers to all that visitors and programs ask.

    Args:
        live: LiveWeights; or a Segmenter, or anything with its `probabilities` and `threshold`.
        uploads: Uploads.
        examples: paths of the photos that the page offers, in its order.
    """

    def __init__(
        self, live: LiveWeights | Predictor, uploads: Uploads, examples: Iterable[str | os.PathLike[str]] = ()
    ) -> None:
        self.live = live if isinstance(live, LiveWeights) else LiveWeights(live)
        self.uploads = uploads
        self.examples = {Path(path).stem: Path(path) for path in examples}
        self.show_example = lru_cache(maxsize=max(1, 2 * len(self.examples)))(self._show_example)  # of two weights
        self._small: LRUCache[Any, np.ndarray] = LRUCache(SMALL_PHOTOS)  # file and when it changed → photo
        self._small_lock = threading.Lock()
        self._places = threading.Semaphore(AT_ONCE)
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="ahead")  # what a visitor may ask for next
        self._ahead_is_free = threading.Semaphore()
        self.describe = lru_cache(maxsize=2)(model_info.describe)

    # The studio

    @refusing
    def look(self, question: dict) -> dict:
        """The photo that the page names, and its map, as the page draws them.

        The question may name `weights`, by which the map is made if they are still here.
        """
        weights, notice = self.live.named(question.get("weights")), self.live.notice
        path = self._source(question)
        shown, photo = self._shown(question, path, weights)
        if getattr(weights.segmenter, "can_pick", False) and self._ahead_is_free.acquire(blocking=False):
            self._ahead.submit(self._prepare, path, photo, weights)
        return {
            **shown,
            "weights": weights.to_json(),
            "size": getattr(weights.segmenter, "size", None),
            "canPick": bool(getattr(weights.segmenter, "can_pick", False)),
            "notice": notice,
        }

    @refusing
    def save(self, question: dict) -> dict:
        """The finished file for the page to hand over, by the weights whose map the visitor sees."""
        product, stem, notice = self._produce(question)
        notes = [*product.notes, *([viewer.problem(notice)] if notice else [])]
        return {"file": self.uploads.keep(product.data, product.name(stem)), "notes": notes}

    @refusing
    def pair(self, question: dict) -> dict:
        """The photo and its corrected mask as a zip, as `train.py --data` takes them."""
        path, weights = self._source(question), self.live.named(question.get("weights"))
        settings = {name: question[name] for name in ("threshold", "pieces") if question.get(name) is not None}
        choices = Choices.from_json(settings)
        threshold = weights.segmenter.threshold if choices.threshold is None else choices.threshold
        edits = corrections.check(question.get("edits"))
        with self._place():
            photo = open_photo(path)
            probabilities = picks.look(weights.segmenter, photo, choices, edits)
            data = corrections.training_pair(
                photo,
                probabilities,
                threshold,
                edits,
                choices.pieces,
                name=path.stem,
                source=path,
                numbered=lambda mask: picks.numbered(weights.segmenter, photo, edits, mask),
            )
        return {"file": self.uploads.keep(data, f"{path.stem}-training.zip"), "notes": []}

    @refusing
    def pick(self, question: dict) -> dict:
        """The piece at some clicks: its `map`, of the size of the map that the page has.

        The question names the photo and `weights` as for `look`; `points` and `labels` as a pick has them (see
        `segmenter.render.picks`), and the page's map's `width` and `height`.
        """
        path, weights = self._source(question), self.live.named(question.get("weights"))
        asked = {"do": "only", "points": question.get("points"), "labels": question.get("labels")}
        size = viewer.map_size(question.get("width"), question.get("height"))
        (checked,) = corrections.check([asked])
        found = picks.look(weights.segmenter, self._small_photo(path), Choices(), [checked])
        return {"map": viewer.piece(found, size)}

    def _small_photo(self, path, photo=None):
        """The photo of a file, which may be decoded already, at the size of the page's maps."""
        key = path, path.stat().st_mtime_ns
        with self._small_lock:
            kept = self._small.get(key)
        if kept is None:
            kept = viewer.small(open_photo(path) if photo is None else photo)
            with self._small_lock:
                self._small[key] = kept
        return kept

    def _prepare(self, path, photo, weights):
        """Let the first click on a photo take no longer than the next, and its file find the whole map made.

        While others are at work it would keep them waiting, and those who wait in line are at work a moment later.
        """
        try:
            time.sleep(MOMENT)
            if crowd.is_idle():
                weights.segmenter.prepare(self._small_photo(path, photo))
            if photo is not None and photo.size <= 3 * PREPARED_PIXELS and crowd.is_idle():
                weights.segmenter.probabilities(photo)
        except (PhotoError, OSError):
            pass  # it may be gone; who clicks on it then is told
        finally:
            self._ahead_is_free.release()

    @refusing
    def room(self, question: dict) -> dict:
        """The picture of a room, small, for the page to stand furniture in."""
        return viewer.room(question.get("room"), question.get("width"), question.get("height"))

    @refusing
    def photo_at(self, question: dict) -> dict:
        """Fetch the photo at a web address, the question's `address`: `file`, as Gradio's view of it."""
        address = question.get("address")
        if not isinstance(address, str) or not address.startswith(("http://", "https://")):
            raise PhotoError("A web address begins with http:// or https://.", "address.scheme")
        path = self.receive(address)
        open_photo(path)
        return {"file": file_data(path)}

    def _produce(self, question):
        """(Product, stem of the photo's name, Notice or None) of a question's photo, choices, edits and background."""
        path, weights = self._source(question), self.live.named(question.get("weights"))
        choices = Choices.from_json(question.get("choices") or {}).at(weights.segmenter.threshold)
        background, edits = question.get("background"), corrections.check(question.get("edits"))
        own = self.photo(background) if choices.background == "own" and background else None
        with self._place():
            photo = open_photo(path)
            product = render.produce(photo, weights.segmenter, choices, edits, open_photo(own) if own else None)
        return product, path.stem, size_notice(path, photo)

    # The model

    def about(self, question: dict) -> dict:
        """All that is known of the weights that serve now."""
        return self.describe(self.live.now)

    # The endpoints

    def cut(
        self,
        photo: Any,
        settings: dict | str,
        edits: str | None = None,
        background: Any = None,
        points: str = "",
        labels: str = "",
    ) -> dict:
        """A photo and choices → the finished file, as Gradio's view of it.

        Args:
            photo: what `Uploads.receive` takes.
            settings: what `Choices.from_json` takes.
            edits: what `corrections.check` takes.
            background: as `photo`, for the choice "own".
            points, labels: of one piece, which alone is cut out, as JSON: pairs of pixels, and 1 or 0 for each.

        Raises:
            PhotoError: something of this is not as it should be.
        """
        segmenter = self.live.now.segmenter
        choices = Choices.from_json(settings).at(segmenter.threshold)
        checked = corrections.check(edits or None)
        own = self.receive(background) if choices.background == "own" and background else None
        path = self.receive(photo)
        with self._place():
            opened = open_photo(path)
            if points or labels:
                checked = (*checked, picks.from_pixels(_json(points, "points"), _json(labels, "labels"), opened.shape))
            product = render.produce(opened, segmenter, choices, checked, open_photo(own) if own else None)
        return self.uploads.keep(product.data, product.name(path.stem))

    def probability(self, photo: Any) -> dict:
        """A photo → its map as a 16-bit PNG file, as Gradio's view of it."""
        path = self.receive(photo)
        with self._place():
            probabilities = self.live.now.segmenter.probabilities(open_photo(path))
        return self.uploads.keep(encode.map_png(probabilities), f"{path.stem}-probability.png")

    # Files

    def photo(self, path: Any) -> Path:
        """A photo that was sent before, if it is not too large."""
        return _not_too_large(self.uploads.find(path))

    def receive(self, file: Any) -> Path:
        """A photo that a program names, if it is not too large."""
        return _not_too_large(self.uploads.receive(file, MAX_MEGABYTES * 2**20))

    def _source(self, question):
        """The file that the page asks about."""
        if question.get("example") is not None:
            if not isinstance(question["example"], str) or question["example"] not in self.examples:
                raise PhotoError("This is not one of the example photos.", "photo.example")
            return self.examples[question["example"]]
        return self.photo(question.get("path"))

    def _shown(self, question, path, weights):
        """(what the page draws from, the photo or None)."""
        if question.get("example") is not None:
            return self.show_example(path.stem, weights), None  # the same for every visitor, so it is made once
        return self._show(path, weights.segmenter)

    def _show_example(self, name, weights):
        return self._show(self.examples[name], weights.segmenter)[0]

    def _show(self, path, segmenter):
        """(what the page draws from, the photo); the map has no more pixels than it draws, where weights make such."""
        with self._place():
            photo = open_photo(path)
            preview = getattr(segmenter, "preview", None)
            probabilities = preview(photo, viewer.MAP_SIDE) if preview else segmenter.probabilities(photo)
            return viewer.show(photo, probabilities), photo

    @contextmanager
    def _place(self):
        """Around the work on one photo: visitors and programs come by different lines, and share `AT_ONCE` places."""
        with self._places, crowd.joined():
            yield


def refusal(error: ChairliftError) -> dict:
    """An answer to the page that says what was wrong, and whether the photo should be sent again."""
    return {"problem": viewer.problem(error), "gone": isinstance(error, GoneError)}


def _json(text, name):
    """What a program says in JSON; None where it says nothing."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError) as error:
        message = "{name!r} is not valid JSON: {why}"
        raise PhotoError(message, "pick.json", name=name, why=str(error)) from error


def _not_too_large(path):
    if path.stat().st_size > MAX_MEGABYTES * 2**20:
        message = "This file is larger than {limit} MB. Please make it smaller and try again."
        raise PhotoError(message, "photo.too_large", limit=MAX_MEGABYTES)
    return path
