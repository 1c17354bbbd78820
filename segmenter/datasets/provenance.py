"""Where a data set's photos come from: told by their contents, never by a folder's name."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

CHAIRS97 = Path(__file__).resolve().parents[1] / "data" / "chairs97"
CHAIRS97_NAME, COLLECTION_NAME = "chairs97", "furniture collection"
KNOWN_NAMES = (CHAIRS97_NAME, COLLECTION_NAME)  # by which a model card knows the origin and licence of photos


def recorded_name(name: str, photos: Iterable[str | os.PathLike[str]]) -> str:
    """The name of a data set as the weights' config.json records it, from which their model card is made.

    Args:
        name: of the folder, file or repository.
        photos: paths of all photos in it.

    Returns:
        "chairs97" where every photo is one of the bundled ones; else `name`, told apart from `KNOWN_NAMES`.
    """
    if all(_are_bundled(photos)):
        return CHAIRS97_NAME
    return f"{name} (other photos)" if name in KNOWN_NAMES else name


def has_bundled(photos: Iterable[str | os.PathLike[str]]) -> bool:
    """Whether any of these photos is one of chairs97, whose makers are to be named."""
    return any(_are_bundled(photos))


def _are_bundled(photos: Iterable[str | os.PathLike[str]]) -> list[bool]:
    """For each photo, whether its bytes are those of one of chairs97."""
    known = {(path.stat().st_size, _digest(path)) for path in (CHAIRS97 / "images").glob("*.jpg")}
    sizes = {size for size, _ in known}  # quicker to compare than hashes, and most photos differ in it already
    found = [(os.stat(photo).st_size, photo) for photo in photos]
    return [size in sizes and (size, _digest(photo)) in known for size, photo in found] or [False]


def _digest(path: str | os.PathLike[str]) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
