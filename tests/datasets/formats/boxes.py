"""What the tests of formats have in common: the photos of a sound data set, and the boxes on their masks."""

import json

import numpy as np

from segmenter.datasets import load
from segmenter.datasets.pairs import read_mask
from tests import sound

SIZE = (sound.SIDE, 64)  # (height, width)


def corners(number):
    """(left, top, right, bottom) of the box of a photo's mask, in pixels."""
    rows, columns = np.nonzero(np.asarray(sound.mask(number)))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def polygon(number):
    left, top, right, bottom = corners(number)
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def truth(number):
    return np.asarray(sound.mask(number)) > 0


def photo_names():
    return [f"photo{number}.jpg" for number in range(sound.COUNT)]


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")


def assert_masks(place, kind, classes, wanted=None, expected=truth):
    """Every photo is found, and its mask is its box."""
    found = load.open_place(place, wanted, cache=place / "cache")
    assert (found.kind, found.found, len(found.pairs)) == (kind, [], sound.COUNT)
    assert found.classes == classes
    for pair in found.pairs:
        mask, known = read_mask(pair)
        np.testing.assert_array_equal(mask, expected(int(pair.photo.stem.removeprefix("photo"))))
        assert known.all()


def refusals(place):
    """What is said of each photo that is left out: name → problem, where some are and some are not."""
    found = load.open_place(place, cache=place / "cache")
    return {finding.name: finding.problem for finding in found.found if finding.level == "error"}
