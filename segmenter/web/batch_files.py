"""Where a visitor's many photos lie: which names they may have, and how much room they take."""

import json
import os
import shutil
from collections import Counter
from pathlib import Path

from segmenter.batch.find import safe_name
from segmenter.errors import PhotoError
from segmenter.io import files

SENT = "sent"  # in a visitor's folder: where the photos lie as they were sent
ZIP = "sent.zip"  # ends the names of the zips that were unpacked
NO_NAME = "A photo cannot be of this name. Please give it another one.", "batch.name"


def is_safe(name: str) -> bool:
    """Whether a name is what `find` would call the photo, and leads nowhere else."""
    path = Path(name)
    return not path.is_absolute() and len(name) <= 300 and safe_name(name) == name


def make_room(place: Path) -> None:
    """Make the folder of a photo that is to be written to a place.

    Raises:
        PhotoError: a photo and another one's folder have the same name.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PhotoError(*NO_NAME) from error
    if place.is_dir():
        raise PhotoError(*NO_NAME)


def take(folder: Path, sent: Path, place: Path) -> None:
    """Have a file that was sent at a place in the visitor's folder too, and remember where it came from, for `forget`.

    It stays where it is: who sent the same file has the same path.
    """
    with open(folder / SENT, "a", encoding="utf-8") as file:
        file.write(json.dumps(os.fspath(sent)) + "\n")
    files.link(sent, place)


def forget(folder: Path) -> None:
    """Delete a visitor's folder, and the photos as they were sent where nobody else has them.

    A photo is somebody else's too where the file has more names than this visitor's, or where it was sent anew,
    which makes another file under the same name.
    """
    kept = Counter(_identity(path) for path in folder.rglob("*") if path.is_file())
    noted = (folder / SENT).read_text(encoding="utf-8").splitlines() if (folder / SENT).is_file() else []
    for sent in {Path(json.loads(line)) for line in noted}:
        if sent.is_file() and kept[_identity(sent)] and sent.stat().st_nlink == kept[_identity(sent)] + 1:
            sent.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _identity(path: Path) -> tuple[int, int]:
    """What two names of one file have in common."""
    found = path.stat()
    return found.st_dev, found.st_ino


def size(folder: Path) -> int:
    """How many bytes lie in a folder."""
    total = 0
    for path in folder.rglob("*"):
        if path.name.endswith(ZIP) and path.parent == folder:  # what was in it counts
            continue
        try:
            total += path.lstat().st_size
        except OSError:  # it is being replaced
            continue
    return total
