"""What is fuzzed: bytes → a word about what came of them. Anything raised but a refusal in words is a find."""

import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from segmenter.batch import find
from segmenter.datasets import load, pairs
from segmenter.errors import ChairliftError, DatasetError, MaskError, PhotoError
from segmenter.inference import preprocessing
from segmenter.io import archives, images
from segmenter.render import corrections
from segmenter.render.options import Choices

SIDES = 32, 24  # of the photo that annotations are for
REFUSED = "refused"


def photo(data: bytes) -> str:
    """A picture file from anyone."""
    try:
        opened = images.open_photo(data)
    except PhotoError as error:
        return error.code
    assert opened.dtype == np.uint8 and opened.ndim == 3 and opened.shape[2] == 3 and opened.flags.writeable
    assert 0 < opened.shape[0] * opened.shape[1] <= images.MAX_PIXELS and max(opened.shape) <= images.MAX_SIDE
    return "taken"


def archive(data: bytes) -> str:
    """A zip from anyone, as a data set and as many photos."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sent.zip")
        path.write_bytes(data)
        said = [_unpacked(path, Path(folder, "below", "cache")), _found(path)]
        outside = {each.name for each in Path(folder).iterdir()} | {each.name for each in Path(folder).glob("below/*")}
        assert outside <= {"sent.zip", "below", "cache"}, f"written outside: {outside}"
        return " and ".join(said)


def _unpacked(path, cache):
    try:
        inside = archives.unpack(path, cache, load.UNPACKED)
    except DatasetError:
        assert not cache.is_dir() or not list(cache.iterdir()), "something is left of a zip that was refused"
        return REFUSED
    assert inside.parent == cache and not any(each.is_symlink() for each in inside.rglob("*"))
    return "unpacked"


def _found(path):
    try:
        sources = find.find([path])
    except PhotoError:
        return REFUSED
    for source in sources:
        assert ".." not in Path(source.name).parts and not Path(source.name).is_absolute(), source.name
        try:
            source.read()
        except PhotoError:
            continue
    return "found"


# The file that the bytes of an annotation become, by the word in their first line.
ANNOTATIONS = {
    "coco": "instances.json",
    "labelme": "images/chair.json",
    "via": "via_region_data.json",
    "label-studio": "tasks.json",
    "supervisely": "ann/chair.png.json",
    "cvat": "annotations.xml",
    "yolo": "labels/chair.txt",
    "yolo-names": "data.yaml",
    "groups": "groups.csv",
    "mask": "masks/chair.png",
}


def annotations(data: bytes) -> str:
    """A file of annotations, or a mask picture, beside the photo that it is for."""
    kind, _, content = data.partition(b"\n")
    name = ANNOTATIONS.get(kind.decode("ascii", "replace"), "annotations.json")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "chairs")
        for path, held in ({**_around(name), name: content}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(held)
        try:
            opened = load.open_place(folder, cache=Path(place, "cache"))
        except DatasetError:
            return REFUSED
        for pair in opened.pairs:
            try:
                mask, known = pairs.read_mask(pair)
            except (DatasetError, MaskError):
                continue
            assert mask.dtype == known.dtype == bool and mask.shape == known.shape
        return opened.kind


def _around(name):
    """The other files that a file of annotations needs."""
    around = {"images/chair.png": _picture()}
    if name == "data.yaml":
        around["labels/chair.txt"] = b"0 0.1 0.1 0.8 0.1 0.8 0.8\n"
    if name == "groups.csv":
        around["masks/chair.png"] = _picture()
    return around


def _picture():
    file = io.BytesIO()
    Image.new("L", SIDES, 255).save(file, "PNG")
    return file.getvalue()


def mask(data: bytes) -> str:
    """A mask as an array: its shape in the first four bytes, then its levels."""
    if len(data) < 5:
        return "nothing"
    height, width, channels, kind = struct.unpack("4B", data[:4])
    shape = (height % 16, width % 16, channels % 6)[: 2 + kind % 2]
    levels = np.resize(np.frombuffer(data[4:], np.uint8), shape)
    try:
        drawn, known = preprocessing.read_mask(levels)
    except MaskError:
        return REFUSED
    assert drawn.dtype == known.dtype == bool and drawn.shape == known.shape == shape[:2]
    return "taken"


def settings(data: bytes) -> str:
    """Choices, and corrections by hand, as JSON."""
    said = []
    for read in (Choices.from_json, corrections.check):
        try:
            found = read(data)
        except ChairliftError as error:
            said.append(error.code)
            continue
        json.dumps(found.to_json() if isinstance(found, Choices) else found, allow_nan=False)
        said.append("taken")
    return " and ".join(said)


TARGETS: dict[str, Callable[[bytes], str]] = {
    "photo": photo,
    "archive": archive,
    "annotations": annotations,
    "mask": mask,
    "settings": settings,
}


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip of name → bytes, compressed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in members.items():
            written.writestr(name, data)
    return file.getvalue()
