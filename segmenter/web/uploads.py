"""The folder where visitors' files lie for a while, and the guard at its door."""

import asyncio
import base64
import binascii
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from segmenter.errors import GoneError, PhotoError
from segmenter.io import files
from segmenter.io.download import fetch
from segmenter.web.disk import DiskBudget

PREFIX = "chairlift-"  # of the folders that are made here
MARK = "CHAIRLIFT"  # a file that says of the folder that everything in it is ours
BROKEN_OFF = re.compile(r"tmp[a-z0-9_]{8}(\..*)?")  # as Python names what is being written: an upload, say
# In a folder that others use too: those; Gradio's, named after a file's hash; and what Python names.
SWEPT = re.compile(rf"[0-9a-f]{{64}}|{PREFIX}.*|{BROKEN_OFF.pattern}")
BROKEN_OFF_SECONDS = 600  # nothing was written to it for so long: nobody is writing any more
NAME_BYTES = 255  # of a file's name, on any usual disk
SERVED = "/gradio_api/file="  # how this page's addresses name a file of the folder
log = logging.getLogger(__name__)

NOT_SENT = "This is not a photo that was sent to this page.", "photo.foreign"


class Uploads:
    """Files that were sent to this page or made for a visitor.

    Args:
        folder: a function without arguments that gives the folder's path.
        budget: DiskBudget of the folder.
    """

    def __init__(self, folder: Callable[[], str | os.PathLike[str]], budget: DiskBudget | None = None) -> None:
        self._folder = folder
        self.budget = budget or DiskBudget(folder)

    @property
    def folder(self) -> Path:
        """The folder's real path."""
        return Path(self._folder()).resolve()

    def find(self, path: Any) -> Path:
        """A path that a visitor names, if it is of a file that was sent to this page.

        Raises:
            GoneError: it is no longer kept.
            PhotoError: it is any other file of this machine.
        """
        try:
            found = Path(path).resolve()
            there = found.is_file()  # which asks the disk, so that a name may be too long for it
        except (TypeError, ValueError, OSError) as error:
            raise PhotoError(*NOT_SENT) from error
        if self.folder not in found.parents:
            raise PhotoError(*NOT_SENT)
        if not there:
            raise GoneError("This photo is no longer kept on the server. Please choose it again.", "gone.photo")
        return found

    def receive(self, file: Any, most_bytes: int) -> Path:
        """What a program names: a file that it sent before, or a web address, or a file as a data URI.

        Args:
            file: Gradio's view of a file (a dict or an object with a `path`), or such an address as text.
            most_bytes: what is fetched may not be larger.

        Returns:
            Path of a file in the folder.

        Raises:
            PhotoError: it is none of these, or not to be had.
        """
        path = file.get("path") if isinstance(file, dict) else getattr(file, "path", file)
        address = path if isinstance(path, str) else ""
        if address.startswith("data:"):
            return self.store(_read_data_uri(address, most_bytes), "file")
        if address.startswith(("http://", "https://")):
            return self._served(address) or self.store(fetch(address, most_bytes), _name_of(address))
        return self.find(path if isinstance(file, dict) or hasattr(file, "path") else None)

    def _served(self, address):
        """The file that an address of this very page is of, or None; programs hand these on to the tools."""
        try:
            _, _, path = unquote(urlsplit(address).path).partition(SERVED)
        except ValueError as error:  # of http://[ and its like
            message = "Nothing can be fetched from this address. Please send the file itself."
            raise PhotoError(message, "address.unreachable") from error
        try:
            return self.find(path) if path else None
        except PhotoError:
            return None

    def store(self, data: bytes, name: str) -> Path:
        """Write bytes to a new file of this name. Returns its Path.

        Raises:
            PhotoError: there is no room for it.
            OSError: the disk is full all the same; nothing of it is left there.
        """
        self.budget.check(len(data))
        folder = self.new_folder()
        try:
            files.write(folder / _fitting(name), data)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder / _fitting(name)

    def new_folder(self) -> Path:
        """A new folder in the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=self.folder))

    def keep(self, data: bytes, name: str) -> dict:
        """Write a file for a visitor to fetch. Returns Gradio's view of it, a dict."""
        return file_data(self.store(data, name))

    def claim(self) -> None:
        """Make the folder where it is missing, and mark it as ours where nothing lies in it: all of it is swept then.

        Raises:
            OSError: it cannot be made, or not written to.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not any(self.folder.iterdir()):
            (self.folder / MARK).touch()

    def sweep(self, seconds: float) -> None:
        """Delete what has lain here for longer than this, and what was broken off a while ago.

        Gradio deletes files itself, but knows nothing of those that came through its tools, of what
        was made for a visitor who left, or of a run before this one. In a folder that is not marked as ours,
        only what is called as we and Gradio call files is deleted.
        """
        now, ours = time.time(), (self.folder / MARK).is_file()
        for each in self.folder.glob("*"):
            kept = min(seconds, BROKEN_OFF_SECONDS) if BROKEN_OFF.fullmatch(each.name) else seconds
            swept = each.name != MARK if ours else SWEPT.fullmatch(each.name)
            if swept and _newest(each) < now - kept:
                shutil.rmtree(each, ignore_errors=True)
                if not each.is_dir():
                    each.unlink(missing_ok=True)

    def lifespan(self, kept_seconds: float, pause_seconds: float) -> Callable:
        """What a server takes as its lifespan: while it serves, old files are deleted again and again.

        Args:
            kept_seconds: files are deleted when they are older.
            pause_seconds: how often they are looked through.
        """

        async def sweep():
            while True:
                try:
                    await asyncio.to_thread(self.sweep, kept_seconds)
                except OSError:  # the next time will do
                    log.exception("old files could not be deleted")
                await asyncio.sleep(pause_seconds)

        @asynccontextmanager
        async def sweeping(_):
            with suppress(OSError):  # whoever writes to it says so
                self.claim()
            task = asyncio.create_task(sweep())
            yield
            task.cancel()

        return sweeping


def file_data(path: Path) -> dict:
    """Gradio's view of a file to hand over."""
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}


def _newest(folder):
    """When a folder or anything in it was changed last, in seconds.

    Of what is in it the contents count alone: the same file may lie in other visitors' folders too, and that it is
    deleted there changes nothing here.
    """
    times = []
    with suppress(OSError):  # it is deleted meanwhile
        times.append(folder.lstat().st_ctime)
    for place, folders, names in os.walk(folder):  # which passes over what is deleted meanwhile
        for name in (*folders, *names):
            with suppress(OSError):
                times.append(os.lstat(os.path.join(place, name)).st_mtime)
    return max(times, default=0.0)


def _read_data_uri(address, most_bytes):
    kind, _, data = address.partition(",")
    if len(data) * 3 / 4 > most_bytes + 4:  # asked before it is decoded
        message = "This file is larger than {limit} MB. Please make it smaller and try again."
        raise PhotoError(message, "photo.too_large", limit=most_bytes // 2**20)
    try:
        return base64.b64decode(data, validate=True) if kind.endswith(";base64") else unquote(data).encode()
    except (binascii.Error, ValueError) as error:
        raise PhotoError("This data URI cannot be read. Please send the file itself.", "photo.data_uri") from error


def _fitting(name):
    """A file name that any disk has room for: of a long one, its beginning and its end."""
    data = name.encode(errors="replace")
    return data.decode() if len(data) <= NAME_BYTES else (data[:200] + data[-50:]).decode(errors="ignore")


def _name_of(address):
    """A safe file name out of a web address."""
    name = unquote(urlsplit(address).path).rpartition("/")[2]
    return re.sub(r"[^\w.\- ]", "_", name)[-80:].lstrip(".") or "file"
