"""How much of the disk visitors may take together: uploads, the photos of many, results and zips."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from segmenter.errors import PhotoError

MEGABYTES = 10_000  # of all that lies in the folder, unless SEGMENTER_DISK says otherwise
SPARE_MEGABYTES = 300  # of the disk that are left free in any case: whatever else is there goes on
LOOK_SECONDS = 2.0  # for so long a folder's size is taken for what it was


class DiskBudget:
    """What a folder may take of its disk.

    Args:
        folder: a function without arguments that gives the folder's path.
        most_bytes: of all files in it; by default the megabytes that SEGMENTER_DISK says, or `MEGABYTES`.
        spare_bytes: of the disk that stay free.
    """

    def __init__(
        self,
        folder: Callable[[], str | os.PathLike[str]],
        most_bytes: int | None = None,
        spare_bytes: int = SPARE_MEGABYTES * 2**20,
    ) -> None:
        self._folder = folder
        self.most_bytes = budget() if most_bytes is None else most_bytes
        self.spare_bytes = spare_bytes
        self._lock = threading.Lock()
        self._looked, self._used = float("-inf"), 0

    def check(self, coming: int = 0) -> None:
        """See that there is room for so many bytes more.

        Raises:
            PhotoError: there is none, in the folder's share or on the disk.
        """
        folder = Path(self._folder())
        there = next(path for path in (folder, *folder.parents) if path.is_dir())
        if coming > self.most_bytes - self._size(folder) or coming > shutil.disk_usage(there).free - self.spare_bytes:
            raise no_room()
        with self._lock:
            self._used += coming  # until it is looked at anew

    def _size(self, folder: Path) -> int:
        with self._lock:
            if time.monotonic() - self._looked > LOOK_SECONDS:
                self._used, self._looked = used(folder), time.monotonic()
            return self._used


def budget() -> int:
    """Bytes that visitors' files may take together.

    Raises:
        ValueError: SEGMENTER_DISK is no whole number of megabytes above 0.
    """
    said = os.environ.get("SEGMENTER_DISK", "").strip()
    if said and not (said.isascii() and said.isdigit() and int(said) > 0):
        raise ValueError(f"SEGMENTER_DISK is {said!r}; it is a whole number of megabytes, such as 10000")
    return int(said or MEGABYTES) * 2**20


def used(folder: Path) -> int:
    """Bytes of all files in a folder and below it, each counted once however many names it has."""
    total, seen, folders = 0, set(), [os.fspath(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                        continue
                    found = entry.stat(follow_symlinks=False)
                    if found.st_nlink == 1 or (found.st_dev, found.st_ino) not in seen:
                        seen.add((found.st_dev, found.st_ino))
                        total += found.st_size
        except OSError:  # deleted meanwhile
            continue
    return total


def no_room() -> PhotoError:
    """What a visitor reads where the disk is full, or their share of it."""
    return PhotoError("The server has no room for this now. Please try again later.", "server.full")
