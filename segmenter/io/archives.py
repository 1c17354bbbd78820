"""A zip from anyone → a folder of its pictures and annotations, or a message that says why not."""

import hashlib
import lzma
import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path, PurePosixPath

from segmenter.errors import DatasetError
from segmenter.io import files, zip_names

# What `zipfile` raises on damaged files: each part of the format, and each compression, has its own way to stumble.
BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    EOFError,
    IndexError,
    OverflowError,
    ValueError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)
MAX_FILES = 200_000
MAX_BYTES = 30_000_000_000
BOMB_BYTES, BOMB_RATIO = 250_000_000, 200  # pictures are compressed already: nothing honest swells like this


def unpack(archive: str | PathLike[str], cache: str | PathLike[str] | None, suffixes: Collection[str]) -> Path:
    """Unpack a zip into a folder of the cache, once: the same zip is found there the next time.

    Hidden files, `__MACOSX` and files with other endings stay in the zip.

    Args:
        archive: path of the zip.
        cache: folder to unpack under (None: `default_cache()`).
        suffixes: endings of the files to unpack, in small letters, such as ".png".

    Returns:
        Path of the folder.

    Raises:
        DatasetError: it is no zip, is damaged, has a password, holds links or paths that lead out
            of it, is a bomb, or there is no room for it.
    """
    archive = Path(archive)
    cache = Path(cache) if cache else default_cache()
    try:
        folder = cache / f"{archive.stem}-{_digest(archive)[:16]}"
        if folder.is_dir():
            return folder
        with zipfile.ZipFile(archive) as opened:
            members = _members(opened, archive, suffixes)
            cache.mkdir(parents=True, exist_ok=True)
            _check_room(sum(info.file_size for info, _ in members), archive, cache)
            _extract(opened, members, folder)
        return folder
    except DatasetError:  # which is a ValueError too
        raise
    except BROKEN as error:
        raise DatasetError(f"{archive.name} is not a zip we can read ({error}); please zip the folder again") from error
    except OSError as error:
        raise DatasetError(f"{archive.name} cannot be unpacked into {cache}: {error}") from error


def gather(
    folder: Path, archives: Sequence[Path], cache: str | PathLike[str] | None, suffixes: Collection[str]
) -> Path:
    """Unpack the zips of a folder, each into a folder of its own name, beside what else lies there.

    So `images.zip` and `masks.zip` become images/ and masks/, and annotations stay beside them. A single
    folder that is all there is in a zip is taken for a wrapping.

    Args:
        folder: where they lie.
        archives: the zips, at any depth below the folder.
        cache, suffixes: as in `unpack`.

    Returns:
        Path of the folder of the cache; the same files are found there the next time.

    Raises:
        DatasetError: as in `unpack`, or the files cannot be put together.
    """
    cache = Path(cache) if cache else default_cache()
    unpacked = {path.relative_to(folder).with_suffix(""): unpack(path, cache, suffixes) for path in archives}
    beside = {
        root.relative_to(folder) / name: root / name
        for root, names in files.walk(folder)
        for name in names
        if Path(name).suffix.lower() in suffixes and not name.startswith(".")
    }
    contents = [[str(name), inner.name] for name, inner in sorted(unpacked.items())]
    contents += [[str(name), _digest(path)] for name, path in sorted(beside.items())]
    target = cache / f"{folder.resolve().name}-{hashlib.sha256(repr(contents).encode()).hexdigest()[:16]}"
    if target.is_dir():
        return target
    temporary = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=cache))
    try:
        for name, inner in unpacked.items():
            shutil.copytree(_inner(inner), temporary / name, copy_function=_link, dirs_exist_ok=True)
        for name, path in beside.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            _link(path, temporary / name)
        temporary.chmod(0o755)
        temporary.rename(target)
    except OSError as error:
        if not target.is_dir():  # else another run was quicker
            raise DatasetError(f"the zips in {folder} cannot be put together in {cache}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _inner(folder: Path) -> Path:
    """The folder inside, as long as it is all there is."""
    inside = list(folder.iterdir())
    return _inner(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


def _link(source: str | PathLike[str], target: str | PathLike[str]) -> None:
    """A file under another name too, which takes no room; a copy, where the disk has no such links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def default_cache() -> Path:
    """$SEGMENTER_CACHE, or the user's folder for such things."""
    return Path(os.environ.get("SEGMENTER_CACHE") or Path.home() / ".cache" / "chairlift")


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _members(
    opened: zipfile.ZipFile, archive: Path, suffixes: Collection[str]
) -> list[tuple[zipfile.ZipInfo, tuple[str, ...]]]:
    """What is to be unpacked, as a list of (ZipInfo, its parts below the folder)."""
    if len(opened.infolist()) > MAX_FILES:
        raise DatasetError(f"{archive.name} holds more than {MAX_FILES} files; please divide it")
    members = []
    infos = opened.infolist()
    for info, name in zip(infos, zip_names.names_of(infos)):
        parts = _safe_parts(info, name, archive)
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
        if info.is_dir() or hidden or PurePosixPath(parts[-1]).suffix.lower() not in suffixes:
            continue
        if info.flag_bits & 1:
            raise DatasetError(f"{archive.name} has a password ({info.filename}); please zip it again without one")
        members.append((info, parts))
    if not members:
        raise DatasetError(f"{archive.name} holds no pictures; put images/ and masks/ in it")
    return members


def _safe_parts(info: zipfile.ZipInfo, name: str, archive: Path) -> tuple[str, ...]:
    name = name.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or ":" in parts[0]:
        raise DatasetError(
            f"{archive.name} holds {info.filename!r}, a path that leads out of it; please zip the folder again"
        )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DatasetError(f"{archive.name} holds {info.filename!r}, a link; please zip the files themselves")
    return parts


def _check_room(size: int, archive: Path, cache: Path) -> None:
    packed = archive.stat().st_size
    if size > MAX_BYTES or (size > BOMB_BYTES and size > BOMB_RATIO * packed):
        raise DatasetError(
            f"{archive.name} would unpack to {size / 1e9:.1f} GB from {packed / 1e6:.1f} MB: that is no set of "
            "photos; unpack it yourself and give the folder, if you trust it"
        )
    free = shutil.disk_usage(cache).free
    if size > 0.9 * free:
        raise DatasetError(
            f"{archive.name} unpacks to {size / 1e9:.1f} GB, but {cache} has {free / 1e9:.1f} GB free; "
            "make room, or name another place in SEGMENTER_CACHE"
        )


def _extract(opened: zipfile.ZipFile, members: list[tuple[zipfile.ZipInfo, tuple[str, ...]]], folder: Path) -> None:
    """Unpack beside the folder, then rename, so that the folder is either whole or not there."""
    beside = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        for info, parts in members:
            target = beside.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(info) as source, open(target, "wb") as file:
                shutil.copyfileobj(source, file)
        beside.chmod(0o755)
        beside.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another run was quicker, and its folder is as good
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
