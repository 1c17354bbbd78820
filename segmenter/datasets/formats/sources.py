"""The annotation files and photos that lie in a folder, found and read once for all formats."""

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote
from xml.etree import ElementTree

from segmenter.errors import DatasetError
from segmenter.io import files
from segmenter.io.images import PHOTO_SUFFIXES

XML_START = 4000  # bytes in which an XML's root is looked for


class Json(NamedTuple):
    """A JSON file that could be read."""

    path: Path
    data: Any


class Xml(NamedTuple):
    """An XML file of annotations that could be read."""

    path: Path
    root: ElementTree.Element


@dataclass
class Sources:
    """The annotation files of a folder.

    Args:
        folder: where they lie.
        file: the only one that counts, where a person named one.
    """

    folder: Path
    file: Path | None = None

    @cached_property
    def _opened(self) -> tuple[list[Json], list[tuple[Path, DatasetError]]]:
        opened, broken = [], []
        named = [self.file] if self.file else files_under(self.folder, (".json",))
        for path in named:
            if path.suffix.lower() != ".json":
                continue
            try:
                opened.append(Json(path, read_json(path)))
            except DatasetError as error:
                broken.append((path, error))
        return opened, broken

    @property
    def json(self) -> list[Json]:
        """The JSON files; each is read once, however many formats ask."""
        return self._opened[0]

    @property
    def broken(self) -> list[tuple[Path, DatasetError]]:
        """The JSON files that cannot be read, each with why."""
        return self._opened[1]

    @cached_property
    def xml(self) -> list[Xml]:
        """The XML files whose root is `annotations`, as far as they can be read."""
        paths = [self.file] if self.file else files_under(self.folder, (".xml",))
        return [Xml(path, root) for path in paths if (root := _read_xml(path)) is not None]

    def refuse_broken(self) -> None:
        """Raise the DatasetError of the first JSON file that cannot be read, if there is one."""
        for _, error in self.broken:
            raise error


def files_under(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """The files below a folder with one of these suffixes, sorted; hidden ones do not count."""
    endings, found = tuple(suffixes), []
    for root, names in files.walk(folder):
        visible = (name for name in names if not name.startswith("."))
        found += [root / name for name in visible if name.lower().endswith(endings)]
    return found


def read_json(path: Path) -> Any:
    """The contents of a JSON file.

    Raises:
        DatasetError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no JSON, or no UTF-8
        raise DatasetError(f"{path.name} is broken JSON ({error}); export it again") from error


def _read_xml(path: Path) -> ElementTree.Element | None:
    """The root of an XML file of many photos' annotations; None where it is none, or declares entities."""
    try:
        data = path.read_bytes()
        if b"<annotations" not in data[:XML_START] or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            return None
        return ElementTree.fromstring(data)
    except (OSError, ElementTree.ParseError, ValueError, LookupError):  # LookupError: of an unknown encoding
        return None


class PhotoFinder:
    """Finds photos by the paths that annotation files give, which rarely hold on another machine.

    Args:
        folder: the photos lie in it, or anywhere below.
    """

    def __init__(self, folder: Path) -> None:
        self.by_name: dict[str, list[Path]] = defaultdict(list)
        self._by_folded: dict[str, list[Path]] = defaultdict(list)  # as in by_name, capitals aside
        for path in files_under(folder, PHOTO_SUFFIXES):
            self.by_name[path.name].append(path)
            self._by_folded[files.folded(path.name)].append(path)

    @property
    def photos(self) -> list[Path]:
        """All photos, sorted."""
        return sorted(photo for photos in self.by_name.values() for photo in photos)

    def find(self, wanted: str, near: Path) -> Path | None:
        """The photo whose path ends most like `wanted`; of equals, the nearest to the file `near`.

        Where there is none of this very name, one of other capitals is taken, as on Windows, and then
        one whose name is quoted as in web addresses (my%20chair.jpg).
        """
        parts = wanted.replace("\\", "/").split("/")[::-1]

        def likeness(path: Path) -> tuple[int, int]:
            own = path.parts[::-1]
            alike = next((i for i, pair in enumerate(zip(parts, own)) if pair[0] != pair[1]), len(parts))
            return alike, len(os.path.commonpath([path, near]))

        same = self.by_name.get(parts[0]) or self._by_folded.get(files.folded(parts[0]), [])
        if not same and unquote(wanted) != wanted:
            return self.find(unquote(wanted), near)
        return max(same, key=likeness, default=None)
