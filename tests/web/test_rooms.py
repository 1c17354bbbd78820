"""The rooms that the page offers look as they are drawn."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from segmenter.render import backgrounds
from segmenter.web import viewer
from tests import room_thumbnails


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


@pytest.mark.parametrize("name", backgrounds.NAMES)
def test_a_thumbnail_shows_its_room_as_it_is_drawn(name):
    offered = {room["name"]: room["thumbnail"] for room in viewer.rooms()}
    kind, _, data = offered[name].partition(",")
    assert kind == "data:image/jpeg;base64"
    kept, drawn = pixels(base64.b64decode(data)), pixels(viewer.room_thumbnail(name))
    assert kept.shape == (viewer.THUMBNAIL_SIDE, viewer.THUMBNAIL_SIDE, 3)
    # Another processor may round otherwise
    assert np.abs(kept - drawn).mean() < 1, "python -m tests.room_thumbnails makes them anew"


def test_each_room_has_one_and_there_are_no_others():
    assert [room["name"] for room in viewer.rooms()] == list(backgrounds.NAMES)
    assert {path.stem for path in room_thumbnails.FOLDER.iterdir()} == set(backgrounds.NAMES)


def test_the_page_is_built_without_drawing_a_room(monkeypatch):
    monkeypatch.setattr(backgrounds, "draw", lambda *_: pytest.fail("a room was drawn"))
    viewer.rooms.cache_clear()
    assert viewer.rooms()
