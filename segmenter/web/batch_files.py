"""Where a visitor's many photos lie: which names they may have, and how much room they take."""

from pathlib import Path

from segmenter.batch.find import safe_name
from segmenter.errors import PhotoError

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


def size(folder: Path) -> int:
    """How many bytes lie in a folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:  # it is being replaced
            continue
    return total
