"""A zip that a visitor sent: counted before it is opened, opened once, and bounded in entries, bytes and time."""

import os
import struct
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from segmenter.batch.find import Source, find_in
from segmenter.errors import GoneError, PhotoError
from segmenter.io import archives

MOST_ENTRIES = 5000  # of a zip, photos or not: each costs time before the first photo is seen
MAX_TOTAL_MEGABYTES = 2000  # of a visitor's photos, and again of their results
SECONDS = 60.0  # to unpack one
DIRECTORY_BYTES = 4 * 2**20  # of the list of its entries: 800 for each of them
# APPNOTE 4.3.12 to 4.3.16
ENTRY, END, LOCATOR = b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x07"
END_SIZE, LOCATOR_SIZE, END64_SIZE = 22, 20, 56
MOST_COMMENT = 2**16


@dataclass(frozen=True)
class OpenSource(Source):
    """A photo in a zip that is open."""

    archive: zipfile.ZipFile | None = None

    def read(self, archive: zipfile.ZipFile | None = None) -> bytes:
        """Its bytes; see `Source.read`."""
        return super().read(archive or self.archive)


@contextmanager
def opened(path: Path, seconds: float = SECONDS, stopped: threading.Event | None = None) -> Iterator["SentZip"]:
    """A zip that was sent, open while it is used.

    Args:
        path: of the file.
        seconds: it may be used for so long.
        stopped: once it is set, nobody waits for what is in the zip any more.

    Raises:
        PhotoError: it is none, or too large in any way.
    """
    deadline = time.monotonic() + seconds
    check_entries(path)
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, *archives.BROKEN) as error:
        raise damaged(path) from error
    with archive:
        yield SentZip(archive, path, deadline, stopped or threading.Event())


class SentZip:
    """An open zip, and until when it may be used. See `opened`."""

    def __init__(self, archive: zipfile.ZipFile, path: Path, deadline: float, stopped: threading.Event) -> None:
        self.archive, self.path = archive, path
        self._deadline, self._stopped = deadline, stopped

    def photos(self) -> list[OpenSource]:
        """The photos in it, which may be none.

        Raises:
            PhotoError: unpacked, they would be too large.
        """
        found = find_in(self.archive, self.path)
        members = {source.member for source in found}
        if self._size(members) > MAX_TOTAL_MEGABYTES * 2**20:
            message = "This ZIP is larger than {limit} MB when it is unpacked. Please divide it."
            raise PhotoError(message, "zip.unpacked_too_large", limit=MAX_TOTAL_MEGABYTES)
        return [self.open_source(source) for source in found]

    def open_source(self, source: Source) -> OpenSource:
        """A photo of this zip, to be read without opening it again."""
        return OpenSource(source.name, source.path, source.member, self.archive)

    def size(self, photos: Sequence[Source]) -> int:
        """Bytes that photos of it have, unpacked, by what the zip says."""
        return self._size({photo.member for photo in photos})

    def _size(self, members: set) -> int:
        return sum(info.file_size for info in self.archive.infolist() if info.filename in members)

    def check_time(self) -> None:
        """See that somebody still waits, and not for too long.

        Raises:
            GoneError: nobody does.
            PhotoError: the time is over.
        """
        if self._stopped.is_set():
            raise GoneError("Nobody waits for this ZIP any more.", "gone.visitor")
        if time.monotonic() > self._deadline:
            raise PhotoError("This ZIP takes too long to unpack. Please divide it.", "zip.slow")


def check_entries(path: Path) -> None:
    """See that a zip has no more entries than are possible, without opening it: that takes a while for each of them.

    Raises:
        PhotoError: it has more, or is no zip.
    """
    try:
        with open(path, "rb") as file:
            directory = _directory(file)
    except (OSError, struct.error) as error:
        raise damaged(path) from error
    if directory is None:
        raise damaged(path)
    count = directory.count(ENTRY)
    if len(directory) > DIRECTORY_BYTES or count > MOST_ENTRIES:
        message = "The ZIP {name!r} holds {count} files; at most {limit} are possible."
        count = max(count, MOST_ENTRIES + 1)
        raise PhotoError(message, "zip.too_many", name=path.name, count=count, limit=MOST_ENTRIES)


def damaged(path: Path) -> PhotoError:
    """What a visitor reads of a file that is no zip."""
    message = "The ZIP {name!r} cannot be opened: it is damaged or no ZIP at all."
    return PhotoError(message, "zip.damaged", name=path.name)


def _directory(file: BinaryIO) -> bytes | None:
    """The list of a zip's entries as it stands in the file, found as `zipfile` finds it; None where there is none.

    Of a longer one than is possible, as much as shows that.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - END_SIZE - MOST_COMMENT))
    tail = file.read()
    last = tail[-END_SIZE:]
    bare = len(last) == END_SIZE and last[:4] == END and last[-2:] == b"\0\0"  # without a comment
    at = len(tail) - END_SIZE if bare else tail.rfind(END)
    if at < 0 or len(tail) - at < END_SIZE:
        return None
    end = size - len(tail) + at
    (length,) = struct.unpack("<L", tail[at + 12 : at + 16])
    file.seek(max(0, end - LOCATOR_SIZE - END64_SIZE))
    before = file.read(LOCATOR_SIZE + END64_SIZE)
    if end >= LOCATOR_SIZE + END64_SIZE and before[END64_SIZE : END64_SIZE + 4] == LOCATOR:  # ZIP64
        (length,) = struct.unpack("<Q", before[40:48])
        end -= LOCATOR_SIZE + END64_SIZE
    file.seek(max(0, end - length))
    return file.read(min(length, DIRECTORY_BYTES + 1))
