"""Files that are written whole or not at all, and zips that are the same for the same content."""

import io
import json
import os
import secrets
import shutil
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

UNFINISHED = ".part"  # how names of files end that are being written


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of name → bytes. The same files give the same bytes: no dates, and nothing of this machine."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(entry(name), data)
    return file.getvalue()


def entry(name: str) -> zipfile.ZipInfo:
    """A zip's entry for a plain file that everybody may read."""
    info = zipfile.ZipInfo(name)  # of 1980, the format's first day
    info.create_system, info.external_attr = 3, 0o644 << 16
    return info


@contextmanager
def replacing(path: str | os.PathLike[str], durable: bool = False) -> Iterator[BinaryIO]:
    """A binary file to be written, which takes its place at `path` once it is whole, and leaves nothing otherwise.

    Args:
        path: where to; what is there already stays as it is until then.
        durable: have it on the disk before it takes its place, and its name after that, so that it
            survives a power cut.

    Raises:
        OSError: the disk is full, say; `path` is then what it was.
    """
    path = Path(path)
    beside = path.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
    try:
        with open(beside, "xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def link(source: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Have a file under a second name too, replacing what was there; a copy, where the disk has no such links."""
    path = Path(path)
    beside = path.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
    try:
        try:
            os.link(source, beside)
        except OSError:
            shutil.copyfile(source, beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)  # where both are one file already, replacing does nothing


def write(path: str | os.PathLike[str], data: bytes, durable: bool = False) -> None:
    """Write bytes to a file, replacing what was there only once all is written. See `replacing`."""
    with replacing(path, durable) as file:
        file.write(data)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a value as JSON, whole or not at all, and on the disk when this returns."""
    write(path, (json.dumps(value, indent=2) + "\n").encode("utf-8"), durable=True)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """See to it that new names in a folder survive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems know no such thing
        pass
    finally:
        os.close(handle)


def walk(folder: str | os.PathLike[str]) -> Iterator[tuple[Path, list[str]]]:
    """(folder, the names of its files, sorted) for a folder and all below it, hidden ones and `__MACOSX` aside.

    Links to folders elsewhere are followed, each folder once, so that a circle of links ends.
    """
    start = os.path.realpath(folder)
    seen: set[str] = set()
    for root, names, found in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        kept = (name for name in names if not name.startswith(".") and name != "__MACOSX")
        names[:] = sorted(name for name in kept if not _leads_back(os.path.join(root, name), start))
        yield Path(root), sorted(found)


def _leads_back(path: str, start: str) -> bool:
    """Whether a path is a link to a folder that is walked through anyway, or to one around it."""
    real = os.path.realpath(path)
    within = os.path.join(real, "").startswith(os.path.join(start, ""))
    around = os.path.join(start, "").startswith(os.path.join(real, ""))
    return os.path.islink(path) and (within or around)


def folded(name: str) -> str:
    """A file's name as it is compared: in one form of Unicode, as Macs take letters apart, and without capitals."""
    return unicodedata.normalize("NFC", name).casefold()


def sweep(folder: str | os.PathLike[str]) -> None:
    """Delete what writers that were killed have left in a folder; nobody else may be writing there."""
    for path in Path(folder).glob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)
