"""The thumbnails of the rooms, as the page offers them.

    python -m tests.room_thumbnails

draws them anew into the viewer's folder; whoever changes a room does that.
"""

from pathlib import Path

from segmenter.render import backgrounds
from segmenter.web import viewer

FOLDER = Path(viewer.__file__).parent / viewer.ROOMS


def write() -> None:
    """One JPEG for each room, and none besides."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.jpg"):
        old.unlink()
    for name in backgrounds.NAMES:
        (FOLDER / f"{name}.jpg").write_bytes(viewer.room_thumbnail(name))


if __name__ == "__main__":
    write()
