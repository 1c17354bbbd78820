"""The zip of a visitor's results: which files are in it, and what they are called."""

import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from segmenter.batch import journal
from segmenter.batch.journal import Result
from segmenter.errors import PhotoError
from segmenter.io import files

MOST_LETTERS = 80  # of a pattern of names
PLAIN = "{name}"  # the pattern that leaves the names of the photos
RECORDS = ".records.jsonl"  # in the folder of results: what became of each photo, and by which weights


def check_pattern(pattern: object) -> str:
    """A pattern of names as a visitor gave it: `{name}` stands for the photo's name, `{n}` for its number.

    Returns:
        The pattern, or `PLAIN` where there is none.

    Raises:
        PhotoError: it is no text that files can be called, or all files would be called the same.
    """
    pattern = PLAIN if pattern is None or pattern == "" else pattern
    if not isinstance(pattern, str) or len(pattern) > MOST_LETTERS or re.search(r'[\x00-\x1f<>:"|?*\\/]', pattern):
        message = 'Names of files have at most {limit} letters, and none of < > : " | ? * / \\ among them.'
        raise PhotoError(message, "batch.pattern", limit=MOST_LETTERS)
    if "{name}" not in pattern and "{n}" not in pattern:
        raise PhotoError("Names of files need {name} or {n} in them, so that no two are the same.", "batch.same")
    return pattern.strip()


def write_zip(out: Path, path: Path, rows: Sequence[Result], pattern: str = PLAIN, only: str = "all") -> Path:
    """Write the results of some photos to a zip.

    Args:
        out: the folder of results.
        path: of the zip.
        rows: a Result each photo, in the order of the table.
        pattern: what `check_pattern` returned.
        only: "all", or "cutouts" for those alone.

    Returns:
        The path.

    Raises:
        GoneError: a file was deleted meanwhile.
    """
    if pattern == PLAIN and only == "all":
        journal.write_table(out, rows)
        return journal.zip_of(out, path)
    digits, taken, named, members = max(3, len(str(len(rows)))), set(), [], []
    for number, row in enumerate(rows, 1):
        stem = _stem(row.file, pattern, f"{number:0{digits}d}", taken) if row.cutout else ""
        made = {kind: getattr(row, kind) for kind in ("cutout", "mask") if getattr(row, kind)}
        calls = {
            kind: f"{PurePosixPath(name).parts[0]}/{stem}{PurePosixPath(name).suffix}" for kind, name in made.items()
        }
        named.append(replace(row, **calls))
        members += [(made[kind], calls[kind]) for kind in made if only == "all" or kind == "cutout"]
    if only == "all":
        journal.write_table(out, named)
        members.insert(0, (journal.TABLE, journal.TABLE))
    else:
        members = [(name, PurePosixPath(call).name) for name, call in members]
    with files.replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, call in members:
            archive.writestr(files.entry(call), (out / name).read_bytes())
    return path


def read_records(out: Path, weights: str | None) -> dict[str, Result]:
    """Name → the last Result of each photo; an error, where it was made by others than these weights."""
    found = {}
    try:
        lines = (out / RECORDS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return found
    for line in lines:
        try:
            record = json.loads(line)
            result, by = Result(**record["result"]), record["weights"]
        except (ValueError, TypeError, KeyError):  # it was cut short
            continue
        ours = by == weights
        found[result.file] = result if ours else Result(result.file, error="Other weights took over: cut it out again.")
    return found


def _stem(file, pattern, number, taken):
    """What a photo's files are called, which is `taken` then."""
    name = PurePosixPath(file).with_suffix("").as_posix().replace("/", "-")
    stem = unique = pattern.replace("{name}", name).replace("{n}", number)
    times = 2
    while unique.casefold() in taken:
        unique, times = f"{stem}-{times}", times + 1
    taken.add(unique.casefold())
    return unique
