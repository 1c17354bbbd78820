"""What became of each photo of a batch: its table, and the journal by which a run is taken up again.

A line of `.journal.jsonl` is about one photo that is done. It has a fingerprint of all that the results
depend on (the photo's content, choices, corrections, weights, background picture), and the SHA-256 of
each file that was made. Only where the fingerprint is the same and these very files are still there is the
photo done: names alone say nothing, since a later run with other choices writes to the same ones.
"""

import csv
import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segmenter.errors import ChairliftError, DiskFullError, GoneError, PhotoError, is_disk_full
from segmenter.io import files
from segmenter.render import corrections
from segmenter.render.options import Choices

JOURNAL, TABLE = ".journal.jsonl", "results.csv"
FOLDERS = {"cutout": "cutouts", "mask": "masks", "heatmap": "heatmaps", "map": "maps"}
FORMULAS = ("=", "+", "-", "@", "\t")  # how a text begins that a spreadsheet would take as a formula
VERSION = 3  # of what a line of the journal means


@dataclass(frozen=True)
class Result:
    """What became of one photo; all but the last four are the columns of results.csv."""

    file: str
    cutout: str = ""  # the file in the output folder, or "" where there is none; of other kinds alone, that file
    mask: str = ""
    width: int = 0
    height: int = 0
    coverage: float = 0.0  # share of the photo inside the mask
    check: int = 0  # how many places deserve a look, see `uncertainty.find`
    doubtfulness: float = 1.0  # see `uncertainty.doubtfulness`; a broken photo is as doubtful as can be
    seconds: float = 0.0
    error: str = ""
    resumed: bool = False  # it was done already
    note: str = field(default="", compare=False)  # what a person should know of it
    thumbnail: bytes = field(default=b"", repr=False)  # a WebP of the cutout, where asked for
    problem: ChairliftError | None = field(default=None, repr=False, compare=False)  # what `error` says


COLUMNS = [each.name for each in fields(Result)][:-4]


class Settings:
    """What all photos of a run have in common, as far as their results depend on it.

    Args:
        choices: Choices whose threshold is settled.
        segmenter: a Segmenter, or anything with its `probabilities` and `threshold`.
        background: uint8, H × W × 3, or None.
    """

    def __init__(self, choices: Choices, segmenter: Any, background: np.ndarray | None) -> None:
        self._text = json.dumps([VERSION, choices.to_json(), _identity(segmenter), _digest(background)])

    def fingerprint(self, stem: str, data: bytes, edits: Sequence[dict]) -> str:
        """Of one photo: what its results are called, its file's bytes, its corrections. A hash in hexadecimal."""
        photo = [self._text, stem, corrections.to_json(edits), hashlib.sha256(data).hexdigest()]
        return hashlib.sha256(json.dumps(photo).encode()).hexdigest()


class Journal:
    """The journal of an output folder, which is made where it is missing.

    Raises:
        PhotoError: the folder cannot be written to.
    """

    def __init__(self, out: str | os.PathLike[str]) -> None:
        self.out = Path(out)
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            self._entries = {entry["key"]: entry for entry in _read(self.out)}
            self._file = open(self.out / JOURNAL, "a", encoding="utf-8")
            self._file.write("\n" if (self.out / JOURNAL).stat().st_size else "")  # a line may have been cut short
        except OSError as error:
            if is_disk_full(error):
                raise disk_full() from error
            message = "The folder {folder!r} cannot be written to."
            raise PhotoError(message, "batch.folder", folder=str(out)) from error

    def done(self, fingerprint: str) -> Result | None:
        """The Result of an earlier run, if all that it made is still there as it was made."""
        entry = self._entries.get(fingerprint)
        return Result(**entry["result"]) if entry and _unchanged(self.out, entry["files"]) else None

    def add(self, fingerprint: str, result: Result, made: dict[str, bytes]) -> None:
        """Write down what became of a photo, after its files (dict of name → bytes) were written."""
        entry = {
            "key": fingerprint,
            "result": {name: getattr(result, name) for name in COLUMNS},
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in made.items()},
        }
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Nothing is written after this."""
        self._file.close()


def disk_full() -> DiskFullError:
    """The error that says what to do where a result finds no room."""
    message = "The disk is full. What is done is kept: free some space and do the same again, and it goes on from here."
    return DiskFullError(message, "batch.disk_full")


def write_table(out: str | os.PathLike[str], results: Iterable[Result]) -> None:
    """Write results.csv into a folder of results: a line for each Result.

    A text that a spreadsheet would work out, such as a photo's name that begins with `=`, begins with `'` there.
    """
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _as_text(getattr(result, name)) for name in COLUMNS} for result in results)
    files.write(Path(out) / TABLE, table.getvalue().encode("utf-8", "replace"))


def _as_text(value):
    if not isinstance(value, str):
        return value
    value = value.replace("\r", " ")  # it would end the line
    return f"'{value}" if value.startswith(FORMULAS) else value


def zip_of(out: str | os.PathLike[str], path: str | os.PathLike[str] | None = None) -> Path:
    """One zip with the table of a run, and all files that it names; with a map, where it was made with them.

    Args:
        out: the folder of a run.
        path: of the zip; by default beside the folder, of its name.

    Returns:
        Path of the zip. It is written file by file and takes its place when it is whole.

    Raises:
        PhotoError: there are no results in that folder.
        GoneError: a file that the table names was deleted.
        DiskFullError: there is no room for the zip.
    """
    out = Path(out)
    path = Path(path) if path else out.with_name(out.name + ".zip")
    try:
        with open(out / TABLE, newline="", encoding="utf-8") as table:
            rows = list(csv.DictReader(table))
    except OSError as error:
        raise PhotoError("There are no results in {folder!r}.", "batch.no_results", folder=str(out)) from error
    try:
        with files.replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name in [TABLE, *_named(out, rows)]:
                _add_to_zip(archive, out, name)
    except OSError as error:
        if is_disk_full(error):
            raise disk_full() from error
        raise
    return path


def _add_to_zip(archive, out, name):
    """Add a file of the folder of results, piece by piece."""
    try:
        source = open(out / name, "rb")
    except FileNotFoundError as error:
        message = "The file {name!r} is no longer in {folder!r}. Please run the batch again."
        raise GoneError(message, "gone.result", name=name, folder=str(out)) from error
    with source, archive.open(files.entry(name), "w", force_zip64=True) as member:
        shutil.copyfileobj(source, member, 1 << 20)


def _named(out, rows):
    """The files of a table's rows, in the order of the table."""
    made = {}  # name of a map → the files of each entry that has it
    for entry in _read(out):
        for name in entry["files"]:
            if name.startswith(f"{FOLDERS['map']}/"):
                made.setdefault(name, []).append(entry["files"])
    for row in rows:
        names = [row[column] for column in ("cutout", "mask") if row[column]]
        yield from names
        if row["mask"]:
            of_map = f"{FOLDERS['map']}/{PurePosixPath(row['mask']).relative_to(FOLDERS['mask'])}"
            together = (each for each in made.get(of_map, ()) if all(name in each for name in names))
            if any(_unchanged(out, each) for each in together):  # a map of an earlier run may be of another photo
                yield of_map


def _read(out):
    """The entries of a folder's journal; lines that were cut short or mean something else are passed over."""
    try:
        lines = (out / JOURNAL).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [entry for line in lines if (entry := _entry(line))]


def _entry(line):
    try:
        entry = json.loads(line)
        Result(**entry["result"])
        return entry if isinstance(entry["key"], str) and isinstance(entry["files"], dict) else None
    except (ValueError, TypeError, KeyError):
        return None


def _unchanged(out, made):
    """Whether files (dict of name → SHA-256) are still what they were."""
    try:
        for name, digest in made.items():
            with open(out / name, "rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    return False
    except OSError:
        return False
    return True


def _identity(segmenter):
    """What tells a segmenter's weights from others."""
    folder = getattr(segmenter, "folder", None)
    if folder is None:
        return [type(segmenter).__qualname__, segmenter.threshold]
    return [hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest() for name in ("config.json", "model.tflite")]


def _digest(picture):
    if picture is None:
        return None
    return [*picture.shape, hashlib.sha256(picture.tobytes()).hexdigest()]
