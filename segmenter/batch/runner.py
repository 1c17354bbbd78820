"""Many photos: the same work on each, in parallel, to be stopped and taken up again.

    for progress in run(["photos/"], Segmenter.load(), Choices(background="#ffffff"), "out"):
        print(progress.done, progress.total)

leaves `cutouts/`, `masks/` and `results.csv` in `out`. `.journal.jsonl` there remembers what is done.
"""

import csv
import glob
import hashlib
import io
import json
import logging
import os
import re
import shutil
import threading
import time
import zipfile
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from segmenter.io import files
from segmenter.render import corrections, render, uncertainty
from segmenter.render.options import Choices
from segmenter.io.images import PhotoError, open_photo

# HEIC is not supported, but who has such files shall hear of it rather than miss them.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".heic", ".heif")
MAX_FILE = 200 * 1024 * 1024  # bytes of one photo in a zip, unpacked
MAX_MEMBERS = 100_000
JOURNAL, TABLE = ".journal.jsonl", "results.csv"
THUMBNAIL_SIDE = 256
DOUBTS_SIDE = 1024  # longest side on which doubts are counted
POLL = 0.2  # seconds between looks at whether to stop
FOLDERS = {"cutout": "cutouts", "mask": "masks", "heatmap": "heatmaps", "map": "maps"}
WANTED = {"cutout": ("cutout", "mask"), "all": ("cutout", "mask", "map")}  # any other kind is wanted alone
VERSION = 1  # of what a journal's key means

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A photo file, on the disk or in a zip."""

    name: str  # unique, relative and safe as a path: what it is called in the results
    path: Path
    member: str | None = None

    @property
    def stem(self):
        """Its name without the suffix: what its results are called."""
        return str(PurePosixPath(self.name).with_suffix(""))

    def read(self):
        """Its bytes.

        Raises:
            PhotoError: it cannot be read.
        """
        try:
            if self.member is None:
                return self.path.read_bytes()
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
                data = file.read(MAX_FILE + 1)
        except (OSError, RuntimeError, zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
            raise PhotoError(f"The file {PurePosixPath(self.name).name!r} cannot be opened.") from error
        except Exception as error:  # zlib.error and its like: each compression has its own
            raise PhotoError(f"The file {PurePosixPath(self.name).name!r} is damaged inside the ZIP.") from error
        if len(data) > MAX_FILE:
            megabytes = MAX_FILE // 1024**2
            raise PhotoError(f"This file is larger than {megabytes} MB. Please make it smaller and try again.")
        return data


@dataclass(frozen=True)
class Result:
    """What became of one photo; all but the last two are the columns of results.csv."""

    file: str
    cutout: str = ""  # the file in the output folder, or "" where there is none; of other kinds alone, that file
    mask: str = ""
    width: int = 0
    height: int = 0
    coverage: float = 0.0  # share of the photo inside the mask
    confidence: float = 0.0  # mean probability inside the mask
    doubts: int = 0  # loose pieces and enclosed gaps
    doubtfulness: float = 1.0  # see `uncertainty.doubtfulness`; a broken photo is as doubtful as can be
    seconds: float = 0.0
    error: str = ""
    resumed: bool = False  # it was done already
    thumbnail: bytes = field(default=b"", repr=False)  # a WebP of the cutout, where asked for


COLUMNS = [each.name for each in fields(Result)][:-2]


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    done: int  # with failed ones
    total: int
    failed: int
    seconds_left: float | None  # None until the first photo is done
    result: Result | None = None  # of the photo that was done just now
    cancelled: bool = False


def find(sources, recursive=False):
    """The photos of files, folders, zips and patterns such as `photos/*.jpg`, in the order given.

    Args:
        sources: paths, or one of them.
        recursive: look into folders' folders too; in zips all are looked into.

    Returns:
        list of Source. Their names are safe below any folder, and no two lead to the same results.

    Raises:
        PhotoError: there are no photos there, or a zip cannot be read.
    """
    if isinstance(sources, (str, os.PathLike)):
        sources = [sources]
    found = []
    for source in sources:
        found += _found(os.fspath(source), recursive)
    if not found:
        raise PhotoError(f"No photos were found there. Looked for {', '.join(SUFFIXES)} and ZIP files with such.")
    return _distinct(found)


def _found(source, recursive):
    """(name as it is, path, member) of the photos at one place."""
    path = Path(source)
    if path.is_dir():
        inside = path.rglob("*") if recursive else path.iterdir()
        chosen = [each for each in inside if _is_photo(each.relative_to(path).as_posix()) and each.is_file()]
        return [(each.relative_to(path).as_posix(), each, None) for each in sorted(chosen)]
    if path.suffix.lower() == ".zip" and path.is_file():
        return [(name, path, name) for name in _members(path)]
    if not path.exists() and glob.has_magic(source):
        return [each for match in sorted(glob.glob(source, recursive=True)) for each in _found(match, recursive)]
    return [(path.name, path, None)]  # a file that is missing is told of like one that is broken


def _is_photo(name):
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)
    return not hidden and name.lower().endswith(SUFFIXES)


def _members(path):
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise PhotoError(f"The ZIP {path.name!r} cannot be opened: it is damaged or no ZIP at all.") from error
    if len(names) > MAX_MEMBERS:
        raise PhotoError(f"The ZIP {path.name!r} holds {len(names)} files; at most {MAX_MEMBERS} are possible.")
    return sorted({name for name in names if _is_photo(name.replace("\\", "/"))})


def _distinct(found):
    """Sources with safe names, of which no two are alike without their suffixes, capitals aside."""
    sources, taken = [], set()
    for name, path, member in found:
        parts = [_safe(part) for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        suffix = Path(parts[-1]).suffix if parts else ""
        stem = "/".join(parts).removesuffix(suffix) or "photo"
        unique, number = stem, 2
        while unique.casefold() in taken:
            unique, number = f"{stem}-{number}", number + 1
        taken.add(unique.casefold())
        sources.append(Source(unique + suffix, path, member))
    return sources


def safe_name(name):
    """What a photo of this name is called in the results: a relative path that is possible everywhere."""
    return _distinct([(name, None, None)])[0].name


def _safe(part):
    """A file name that is possible everywhere and leads nowhere else."""
    part = re.sub(r'[\x00-\x1f<>:"|?*]', "_", part).strip(" .")
    stem, dot, suffix = part[-150:].rpartition(".") if "." in part[-150:] else (part[-150:], "", "")
    stem = stem.strip(" .-") or "photo"
    reserved = re.fullmatch("con|prn|aux|nul|com[0-9]|lpt[0-9]", stem, re.IGNORECASE)
    return f"{stem}{'_' if reserved else ''}{dot}{suffix}"


def work(data, segmenter, choices=Choices(), edits=(), background=None, stopped=lambda: False):
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
    choices = choices.at(segmenter.threshold)
    photo = open_photo(data)
    if stopped():
        return None
    probabilities = segmenter.probabilities(photo)
    if stopped():
        return None
    rendering = render.Rendering(photo, probabilities, choices, edits, background)
    products = {kind: rendering.product(kind) for kind in WANTED.get(choices.what, (choices.what,))}
    probabilities, inside = rendering.probabilities, rendering.mask()
    small = _at_most(probabilities, DOUBTS_SIDE)
    found = uncertainty.find(small, choices.threshold)
    result = Result(
        file="", width=photo.shape[1], height=photo.shape[0], coverage=round(float(inside.mean()), 6),
        confidence=round(float(probabilities.mean(where=inside, dtype=np.float64)), 4) if inside.any() else 0.0,
        doubts=len(found["islands"]) + len(found["gaps"]) + found["more"], doubtfulness=round(found["doubtfulness"], 4),
    )  # fmt: skip
    return result, products


def work_rows(photos, segmenter, choices=Choices()):
    """`work` on the columns of a table, as Ray Data's `map_batches` and its like pass them.

    Args:
        photos: the bytes of each photo file.
        segmenter, choices: as in `work`.

    Returns:
        dict of column → list, a value a photo: `cutout` (the file's bytes, or those of the other
        kind that was chosen alone; empty where the photo cannot be used), `mask` (likewise),
        `coverage`, `confidence`, `doubtfulness`, `error`.
    """
    columns = {name: [] for name in ("cutout", "mask", "coverage", "confidence", "doubtfulness", "error")}
    for data in photos:
        try:
            result, products = work(bytes(data), segmenter, choices)
        except PhotoError as error:
            result, products = Result("", error=str(error)), {}
        files_made = [product.data for product in products.values()]
        columns["cutout"].append(files_made[0] if files_made else b"")
        columns["mask"].append(products["mask"].data if "mask" in products else b"")
        for name in ("coverage", "confidence", "doubtfulness", "error"):
            columns[name].append(getattr(result, name))
    return columns


def _at_most(values, side):
    scale = side / max(values.shape)
    if scale >= 1:
        return values
    size = [max(1, round(length * scale)) for length in values.shape[::-1]]
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)


def run(sources, segmenter, choices, out, *, edits=None, background=None, recursive=False, workers=None,
        cancelled=None, thumbnails=False):  # fmt: skip
    """Work on many photos.

    What was done before in the same folder, of the same photo with the same choices, corrections
    and weights, is not done again. A photo that cannot be used is told of in its Result, and in
    results.csv, and stops nothing.

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
    """
    if not (isinstance(sources, list) and sources and all(isinstance(each, Source) for each in sources)):
        sources = find(sources, recursive)
    task = _Task(segmenter, choices.at(segmenter.threshold), Path(out), edits or {}, background, thumbnails)
    yield from task.run(sources, workers or _processors(), cancelled or threading.Event())


class _Task:
    """One run: what is the same for all of its photos, and what is known of those that are done."""

    def __init__(self, segmenter, choices, out, edits, background, thumbnails):
        self.segmenter, self.choices, self.out, self.background = segmenter, choices, out, background
        self.edits = {name: corrections.check(some) for name, some in edits.items()}
        self.thumbnails = thumbnails
        self.settings = json.dumps([VERSION, choices.to_json(), _identity(segmenter), _digest(background)])
        self.lock, self.closed = threading.Lock(), False  # nothing is written once it is closed
        try:
            out.mkdir(parents=True, exist_ok=True)
            self.known = _read_journal(out / JOURNAL)
            self.journal = open(out / JOURNAL, "a", encoding="utf-8")
            self.journal.write("\n" if out.joinpath(JOURNAL).stat().st_size else "")  # a line may have been cut short
        except OSError as error:
            raise PhotoError(f"The folder {str(out)!r} cannot be written to.") from error

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
                    results[result.file] = replace(result, thumbnail=b"")  # memory stays flat
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
            data = source.read()
            key = self.key(source, data)
            known = self.known.get(key)
            if known is not None and self.is_there(known):
                return self.with_thumbnail(replace(known, file=source.name, resumed=True))
            made = work(data, self.segmenter, self.choices, self.edits.get(source.name, ()), self.background,
                        lambda: self.closed or cancelled.is_set())  # fmt: skip
            return made and self.keep(source, key, started, *made)
        except PhotoError as error:
            problem = str(error)
        except Exception as error:  # whatever it is, the other photos are not to suffer from it
            log.exception("%s failed", source.name)
            problem = f"This photo could not be worked on ({type(error).__name__}: {error})."
        return Result(source.name, seconds=round(time.monotonic() - started, 3), error=problem)

    def key(self, source, data):
        """What a photo's results depend on, as a hash."""
        edits = corrections.to_json(self.edits.get(source.name, ()))
        told = json.dumps([self.settings, source.stem, edits, hashlib.sha256(data).hexdigest()])
        return hashlib.sha256(told.encode()).hexdigest()

    def is_there(self, result):
        return all((self.out / name).is_file() for name in (result.cutout, result.mask) if name)

    def keep(self, source, key, started, result, products):
        """Write what was made of a photo. Returns its Result, or None if the run has ended meanwhile."""
        paths = {
            kind: f"{FOLDERS[kind]}/{source.stem}{product.suffix}" for kind, product in products.items()
        }
        with self.lock:
            if self.closed:
                return None
            for kind, product in products.items():
                path = self.out / paths[kind]
                path.parent.mkdir(parents=True, exist_ok=True)
                files.write(path, product.data)
            first = next(iter(paths.values()))
            seconds = round(time.monotonic() - started, 3)
            result = replace(result, file=source.name, cutout=first, mask=paths.get("mask", ""), seconds=seconds)
            line = {"key": key, "result": {name: getattr(result, name) for name in COLUMNS}}
            self.journal.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.journal.flush()
        return self.with_thumbnail(result)

    def with_thumbnail(self, result):
        if not self.thumbnails:
            return result
        return replace(result, thumbnail=_thumbnail((self.out / result.cutout).read_bytes()))

    def close(self, results):
        """End the run: nothing is written after this but the table of what is done."""
        with self.lock:
            self.closed = True
            self.journal.close()
            write_table(self.out, results)


def write_table(out, results):
    """Write results.csv into a folder of results: a line for each Result."""
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: getattr(result, name) for name in COLUMNS} for result in results)
    files.write(Path(out) / TABLE, table.getvalue().encode("utf-8"))


def _processors():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _identity(segmenter):
    """What tells a segmenter's weights from others."""
    folder = getattr(segmenter, "folder", None)
    if folder is None:
        return type(segmenter).__qualname__
    return [hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest() for name in ("config.json", "model.tflite")]


def _digest(picture):
    if picture is None:
        return None
    return [*picture.shape, hashlib.sha256(np.ascontiguousarray(picture)).hexdigest()]


def _read_journal(path):
    """Key → Result of all that an earlier run had done; a line that was cut short is passed over."""
    known = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return known
    for line in lines:
        try:
            entry = json.loads(line)
            known[entry["key"]] = Result(**entry["result"])
        except (ValueError, TypeError, KeyError):
            continue
    return known


def _thumbnail(data):
    """A picture file in small, as the bytes of a WebP file."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    scale = min(1.0, THUMBNAIL_SIDE / max(picture.shape[:2]))
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, small = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 80])
    return small.tobytes()


def zip_of(out, path=None):
    """One zip with all that results.csv tells of, and the table itself.

    Args:
        out: the folder of a run.
        path: of the zip; by default beside the folder, of its name.

    Returns:
        Path of the zip. It is written file by file and takes its place when it is whole.

    Raises:
        PhotoError: there are no results in that folder.
    """
    out = Path(out)
    path = Path(path) if path else out.with_name(out.name + ".zip")
    try:
        with open(out / TABLE, newline="", encoding="utf-8") as table:
            rows = list(csv.DictReader(table))
    except OSError as error:
        raise PhotoError(f"There are no results in {str(out)!r}.") from error
    names = [TABLE]
    for row in rows:
        names += [row[column] for column in ("cutout", "mask") if row[column]]
        if row["mask"] and (out / "maps").is_dir():
            names += [f"maps/{PurePosixPath(row['mask']).relative_to('masks')}"]
    with files.replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            with open(out / name, "rb") as source, archive.open(files.entry(name), "w", force_zip64=True) as member:
                shutil.copyfileobj(source, member, 1 << 20)
    return path
