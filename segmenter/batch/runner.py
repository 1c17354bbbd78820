"""Many photos: the same work on each, in parallel, to be stopped and taken up again.

    for progress in run(["photos/"], Segmenter.load(), Choices(background="#ffffff"), "out"):
        print(progress.done, progress.total)

leaves `cutouts/`, `masks/` and `results.csv` in `out`. `.journal.jsonl` there remembers what is done.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from segmenter.batch.find import Source, find
from segmenter.batch.journal import FOLDERS, Journal, Result, Settings, disk_full, write_table
from segmenter.errors import PhotoError, is_disk_full
from segmenter.inference import crowd
from segmenter.inference.preprocessing import at_most
from segmenter.io import files
from segmenter.io.images import open_photo, size_notice
from segmenter.render import corrections, picks, render, uncertainty
from segmenter.render.options import Choices
from segmenter.render.render import Product

THUMBNAIL_SIDE = 256
CHECK_SIDE = 1024  # longest side on which places to check are counted, in pixels
POLL = 0.2  # seconds between looks at whether to stop
WANTED = {"cutout": ("cutout", "mask"), "all": ("cutout", "mask", "map")}  # any other kind is wanted alone

log = logging.getLogger(__name__)


class Predictor(Protocol):
    """What a batch needs of a Segmenter."""

    @property
    def threshold(self) -> float: ...

    def probabilities(self, photo: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    done: int  # with failed ones
    total: int
    failed: int
    seconds_left: float | None  # None until the first photo is done
    result: Result | None = None  # of the photo that was done just now
    cancelled: bool = False


def work(
    data: bytes,
    segmenter: Predictor,
    choices: Choices = Choices(),
    edits: Sequence[dict] = (),
    background: np.ndarray | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Result, dict[str, Product]] | None:
    """All that is made of one photo.

    Args:
        data: the photo file's bytes.
        segmenter: a Segmenter, or anything with its `probabilities` and `threshold`.
        choices, edits, background: as in `render.produce`.
        stopped: asked between the steps; what is true ends the work.

    Returns:
        (Result without names and seconds; dict of kind → Product), or None if it was stopped.

    Raises:
        PhotoError: the photo or the corrections cannot be used.
    """
    threshold = segmenter.threshold if choices.threshold is None else choices.threshold
    photo = open_photo(data)
    if stopped():
        return None
    probabilities = picks.look(segmenter, photo, choices, edits)
    if stopped():
        return None
    rendering = render.Rendering(photo, probabilities, choices.at(threshold), edits, background)
    products = {kind: rendering.product(kind) for kind in WANTED.get(choices.what, (choices.what,))}
    answered = picks.answered(rendering.edits)
    found = uncertainty.find(at_most(rendering.probabilities, CHECK_SIDE), threshold, answered)
    result = Result(
        file="",
        width=photo.shape[1],
        height=photo.shape[0],
        coverage=round(float(rendering.mask().mean()), 6),
        check=found["check"],
        doubtfulness=round(found["doubtfulness"], 4),
        note=str(size_notice(data, photo) or ""),
    )
    return result, products


def work_rows(photos: Iterable[bytes], segmenter: Predictor, choices: Choices = Choices()) -> dict[str, list]:
    """`work` on the columns of a table, as Ray Data's `map_batches` and its like pass them.

    Args:
        photos: the bytes of each photo file.
        segmenter, choices: as in `work`.

    Returns:
        dict of column → list, a value a photo: `cutout` (the file's bytes, or those of the other
        kind that was chosen alone; empty where the photo cannot be used), `mask` (likewise),
        `coverage`, `check`, `doubtfulness`, `error`: as in `Result`.
    """
    columns = {name: [] for name in ("cutout", "mask", "coverage", "check", "doubtfulness", "error")}
    for data in photos:
        try:
            result, products = work(bytes(data), segmenter, choices) or (Result(""), {})
        except PhotoError as error:
            result, products = Result("", error=str(error)), {}
        files_made = [product.data for product in products.values()]
        columns["cutout"].append(files_made[0] if files_made else b"")
        columns["mask"].append(products["mask"].data if "mask" in products else b"")
        for name in ("coverage", "check", "doubtfulness", "error"):
            columns[name].append(getattr(result, name))
    return columns


def run(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | list[Source],
    segmenter: Predictor,
    choices: Choices,
    out: str | os.PathLike[str],
    *,
    edits: dict[str, Any] | None = None,
    background: np.ndarray | None = None,
    recursive: bool = False,
    workers: int | None = None,
    cancelled: threading.Event | None = None,
    thumbnails: bool = False,
) -> Generator[Progress]:
    """Work on many photos.

    What was done before in the same folder, of the same photo with the same choices, corrections,
    background picture and weights, is not done again as long as its files are there unchanged. A photo
    that cannot be used says so in its Result, and in results.csv, and stops nothing.

    Args:
        sources: as in `find`, or what it returned.
        segmenter: a Segmenter, or anything with its `probabilities` and `threshold`.
        choices: Choices, for all photos.
        out: the folder for the results.
        edits: dict of a Source's name → its corrections.
        background: uint8, H × W × 3, for `background="own"`.
        workers: photos that are worked on at the same time; as many as there are processors by default.
        cancelled: threading.Event; once it is set, the run ends without waiting for the photos in hand.
        thumbnails: add a small picture to each Result.

    Yields:
        Progress: at once, after each photo, and once more where the run was cancelled.

    Raises:
        PhotoError: there are no photos, or `out` cannot be written to.
        DiskFullError: there is no room for the next result. All that was there is kept, and the same
            run goes on once there is room.
    """
    given: Any = sources
    found = isinstance(given, list) and given and all(isinstance(each, Source) for each in given)
    photos = given if found else find(given, recursive)
    task = _Task(segmenter, choices.at(segmenter.threshold), Path(out), edits or {}, background, thumbnails)
    yield from task.run(photos, workers or _processors(), cancelled or threading.Event())


class _Task:
    """One run: what is the same for all of its photos, and what is known of those that are done."""

    def __init__(self, segmenter, choices, out, edits, background, thumbnails):
        self.segmenter, self.choices, self.out, self.background = segmenter, choices, out, background
        self.edits = {name: corrections.check(some) for name, some in edits.items()}
        self.thumbnails = thumbnails
        self.settings = Settings(choices, segmenter, background)
        self.lock, self.closed = threading.Lock(), False  # nothing is written once it is closed
        self.journal = Journal(out)

    def run(self, sources, workers, cancelled):
        """See the function of this name."""
        pool, waiting, pending = ThreadPoolExecutor(workers), iter(sources), set()
        results, failed, fresh, started = {}, 0, 0, time.monotonic()
        try:
            yield Progress(0, len(sources), 0, None)
            while not cancelled.is_set():
                while len(pending) <= workers and (source := next(waiting, None)) is not None:
                    pending.add(pool.submit(self.one, source, cancelled))
                if not pending:
                    break
                finished, pending = wait(pending, POLL, FIRST_COMPLETED)
                for result in filter(None, (future.result() for future in finished)):
                    results[result.file] = replace(result, thumbnail=b"", problem=None)  # memory stays flat
                    failed, fresh = failed + bool(result.error), fresh + (not result.resumed)
                    pace = (time.monotonic() - started) / fresh if fresh else None
                    left = None if pace is None else pace * (len(sources) - len(results))
                    yield Progress(len(results), len(sources), failed, left, result)
        finally:
            self.close([results[source.name] for source in sources if source.name in results])
            pool.shutdown(wait=False, cancel_futures=True)
        if cancelled.is_set() and len(results) < len(sources):
            yield Progress(len(results), len(sources), failed, None, cancelled=True)

    def one(self, source, cancelled):
        """A source's Result, or None if the run has ended meanwhile."""
        started = time.monotonic()
        try:
            data, edits = source.read(), self.edits.get(source.name, ())
            fingerprint = self.settings.fingerprint(source.stem, data, edits)
            known = self.journal.done(fingerprint)
            if known is not None:
                return self.with_thumbnail(replace(known, file=source.name, resumed=True))
            with crowd.joined():
                made = work(
                    data,
                    self.segmenter,
                    self.choices,
                    edits,
                    self.background,
                    lambda: self.closed or cancelled.is_set(),
                )
            return made and self.keep(source, fingerprint, started, *made)
        except PhotoError as error:
            problem = error.with_traceback(None)
        except Exception as error:  # whatever else it is, the other photos are not to suffer from it
            if is_disk_full(error):
                raise disk_full() from error
            log.exception("%s failed", source.name)
            message = "This photo could not be worked on ({kind}: {why})."
            problem = PhotoError(message, "photo.failed", kind=type(error).__name__, why=str(error))
        seconds = round(time.monotonic() - started, 3)
        return Result(source.name, seconds=seconds, error=str(problem), problem=problem)

    def keep(self, source, fingerprint, started, result, products):
        """Write what was made of a photo. Returns its Result, or None if the run has ended meanwhile."""
        paths = {kind: f"{FOLDERS[kind]}/{source.stem}{product.suffix}" for kind, product in products.items()}
        made = {paths[kind]: product.data for kind, product in products.items()}
        with self.lock:
            if self.closed:
                return None
            for name, data in made.items():
                path = self.out / name
                path.parent.mkdir(parents=True, exist_ok=True)
                files.write(path, data)
            first = next(iter(made))
            seconds = round(time.monotonic() - started, 3)
            result = replace(result, file=source.name, cutout=first, mask=paths.get("mask", ""), seconds=seconds)
            self.journal.add(fingerprint, result, made)
        return self.with_thumbnail(result)

    def with_thumbnail(self, result):
        if not self.thumbnails:
            return result
        return replace(result, thumbnail=_thumbnail((self.out / result.cutout).read_bytes()))

    def close(self, results):
        """End the run: nothing is written after this but the table of what is done."""
        with self.lock:
            self.closed = True
            try:
                self.journal.close()
                write_table(self.out, results)
            except OSError as error:
                if is_disk_full(error):  # an earlier table stays; the next run writes it anew
                    raise disk_full() from error
                raise


def _processors():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _thumbnail(data):
    """A picture file in small, as the bytes of a WebP file."""
    picture = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    scale = min(1.0, THUMBNAIL_SIDE / max(picture.shape[:2]))
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, small = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 80])
    return small.tobytes()
