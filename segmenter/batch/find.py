"""Where the photos of a batch are: files, folders, zips and patterns → Sources with names that suit any disk."""

import glob
import os
import re
import zipfile
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from segmenter.batch.journal import FOLDERS, JOURNAL
from segmenter.errors import PhotoError
from segmenter.io import archives, files, images, zip_names

SUFFIXES = tuple(images.SUFFIXES)
MAX_FILE = 200 * 1024 * 1024  # bytes of one photo in a zip, unpacked
MAX_MEMBERS = 100_000
NAME_BYTES = 235  # of a file's name; disks have room for 255, and a number and a suffix may be added


@dataclass(frozen=True)
class Source:
    """A photo file, on the disk or in a zip."""

    name: str  # unique, relative and safe as a path: what it is called in the results
    path: Path
    member: str | None = None

    @property
    def stem(self) -> str:
        """Its name without the suffix: what its results are called."""
        return str(PurePosixPath(self.name).with_suffix(""))

    def read(self, archive: zipfile.ZipFile | None = None) -> bytes:
        """Its bytes.

        Args:
            archive: the zip that it is in, where that is open already.

        Raises:
            PhotoError: it cannot be read.
        """
        name = PurePosixPath(self.name).name
        try:
            if self.member is None:
                return self.path.read_bytes()
            with nullcontext(archive) if archive else zipfile.ZipFile(self.path) as opened:
                data = self._read_member(opened, self.member)
        except PhotoError:
            raise
        except (OSError, RuntimeError, zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
            raise PhotoError("The file {name!r} cannot be opened.", "photo.cannot_open", name=name) from error
        except Exception as error:  # zlib.error and its like: each compression has its own
            raise PhotoError(
                "The file {name!r} is damaged inside the ZIP.", "photo.damaged_in_zip", name=name
            ) from error
        if len(data) > MAX_FILE:
            message = "This file is larger than {limit} MB. Please make it smaller and try again."
            raise PhotoError(message, "photo.too_large", limit=MAX_FILE // 1024**2)
        return data

    def _read_member(self, archive: zipfile.ZipFile, member: str) -> bytes:
        if archive.getinfo(member).flag_bits & 1:
            message = "The ZIP {name!r} has a password. Please zip the photos again without one."
            raise PhotoError(message, "zip.password", name=self.path.name)
        with archive.open(member) as file:
            return file.read(MAX_FILE + 1)


def find(sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], recursive: bool = False) -> list[Source]:
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
        raise no_photos()
    return _distinct(found)


def no_photos() -> PhotoError:
    """What is said of places without any photos."""
    message = "No photos were found there. Looked for {kinds}. Name ZIP files themselves: in folders they are not looked into."
    return PhotoError(message, "batch.empty", kinds=", ".join(SUFFIXES))


def find_in(archive: zipfile.ZipFile, path: Path) -> list[Source]:
    """The photos of a zip that is open, which may be none; as `find` has those of its path.

    Raises:
        PhotoError: it holds too many files.
    """
    return _distinct([(name, path, member) for name, member in _photos_in(archive, path)])


def safe_name(name: str) -> str:
    """What a photo of this name is called in the results: a relative path that is possible everywhere."""
    return _distinct([(name, Path(name), None)])[0].name


def _found(source, recursive):
    """(name as it is, path, member) of the photos at one place."""
    path = Path(source)
    if len(os.fsencode(path.name)) > 255:  # no disk has such a name, and to ask for it raises
        return [(path.name, path, None)]
    if path.is_dir():
        chosen = [each for each in _inside(path, recursive) if _is_photo(each.relative_to(path).as_posix())]
        return [(each.relative_to(path).as_posix(), each, None) for each in sorted(chosen) if each.is_file()]
    if path.suffix.lower() == ".zip" and path.is_file():
        return [(name, path, member) for name, member in _members(path)]
    if not path.exists() and glob.has_magic(source):
        matches = sorted(glob.glob(source, recursive=True))
        if "**" in source:
            start = Path(source.partition("**")[0])
            matches = [match for match in matches if not _is_result(Path(match), start)]
        return [each for match in matches for each in _found(match, recursive)]
    return [(path.name, path, None)]  # a file that is missing is reported like one that is broken


def _inside(folder, recursive):
    """The paths in a folder, or anywhere below it but where a run left its results."""
    try:
        if not recursive:
            return list(folder.iterdir())
        os.listdir(folder)
    except OSError as error:
        message = "The folder {name!r} cannot be read. Please check its permissions."
        raise PhotoError(message, "batch.unreadable", name=folder.name) from error
    found = (root / name for root, names in files.walk(folder) for name in names)
    return [path for path in found if not _is_result(path, folder)]


def _is_result(path, start):
    """Whether a path lies in a folder, below `start`, that a run left its results in."""
    folders = [each for each in path.parents if each != start and each.is_relative_to(start)]
    return any(each.name in FOLDERS.values() and (each.parent / JOURNAL).is_file() for each in folders)


def _is_photo(name):
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)
    return not hidden and name.lower().endswith(SUFFIXES)


def _members(path):
    try:
        with zipfile.ZipFile(path) as archive:
            return _photos_in(archive, path)
    except PhotoError:
        raise
    except (OSError, *archives.BROKEN) as error:
        message = "The ZIP {name!r} cannot be opened: it is damaged or no ZIP at all."
        raise PhotoError(message, "zip.damaged", name=path.name) from error


def _photos_in(archive, path):
    """(name, member) of an open zip's photos."""
    entries = [info for info in archive.infolist() if info.filename and not info.is_dir()]
    names = [(name, info.filename) for name, info in zip(zip_names.names_of(entries), entries)]
    if len(names) > MAX_MEMBERS:
        message = "The ZIP {name!r} holds {count} files; at most {limit} are possible."
        raise PhotoError(message, "zip.too_many", name=path.name, count=len(names), limit=MAX_MEMBERS)
    return sorted({each for each in names if _is_photo(each[0].replace("\\", "/"))})


def _distinct(found):
    """Sources with safe names, of which no two are alike without their suffixes, capitals aside."""
    sources, taken = [], set()
    for name, path, member in found:
        parts = [_safe(part) for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        # A folder called x.png could not stand beside the result of a photo x.
        parts[:-1] = [f"{part}_" if part.lower().endswith((*SUFFIXES, ".zip")) else part for part in parts[:-1]]
        suffix = Path(parts[-1]).suffix if parts else ""
        stem = "/".join(parts).removesuffix(suffix) or "photo"
        unique, number = stem, 2
        while unique.casefold() in taken:
            unique, number = f"{stem}-{number}", number + 1
        taken.add(unique.casefold())
        sources.append(Source(unique + suffix, path, member))
    return sources


def _safe(part):
    """A file name that is possible everywhere and leads nowhere else."""
    part = re.sub(r'[\x00-\x1f<>:"|?*\ud800-\udfff]', "_", part).strip(" .")
    part = part.encode()[-NAME_BYTES:].decode(errors="ignore")
    stem, dot, suffix = part[-150:].rpartition(".") if "." in part[-150:] else (part[-150:], "", "")
    stem = stem.strip(" .-") or "photo"
    reserved = re.fullmatch("con|prn|aux|nul|com[0-9]|lpt[0-9]", stem, re.IGNORECASE)
    return f"{stem}{'_' if reserved else ''}{dot}{suffix}"
