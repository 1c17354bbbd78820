"""What the page's questions are answered, without a page."""

import base64
import os
import queue
import threading
import zipfile
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest

from segmenter.inference import crowd
from segmenter.io import images
from segmenter.io.images import open_photo
from segmenter.render.cutout import cut
from segmenter.render.options import Choices
from segmenter.render.render import produce
from segmenter.web import viewer
from segmenter.web.handlers import MAX_MEGABYTES, Handlers
from segmenter.web.uploads import Uploads
from tests.standin import PIECES, PickingSegmenter, RedSegmenter, as_jpeg, red_disc, two_and_a_ball


@pytest.fixture
def example(tmp_path):
    path = tmp_path / "red_chair.jpg"
    path.write_bytes(as_jpeg(red_disc(160, 120)))
    return path


@pytest.fixture
def handlers(folder, example):
    return Handlers(RedSegmenter(), Uploads(lambda: folder), [example])


@pytest.fixture
def turned_file(folder):
    path = folder / "my chair.jpg"
    path.write_bytes(as_jpeg(red_disc(300, 200), turned=True))
    return path


def test_look_gives_the_photo_upright_and_its_map(handlers, turned_file):
    answer = handlers.look({"path": str(turned_file)})
    assert (answer["width"], answer["height"]) == (300, 200)
    assert answer["photo"].startswith("data:image/jpeg;base64,")
    assert answer["map"].startswith("data:image/png;base64,")


def test_look_reports_what_is_wrong_in_both_languages(handlers, folder):
    (folder / "note.jpg").write_bytes(b"this is no photo")
    problem = handlers.look({"path": str(folder / "note.jpg")})["problem"]
    assert "not a picture" in problem["en"] and "图片" in problem["zh"]


def test_look_refuses_a_file_of_the_server(handlers):
    answer = handlers.look({"path": __file__})
    assert "not a photo that was sent" in answer["problem"]["en"]


def test_a_file_that_is_too_large_is_refused(handlers, folder):
    with open(folder / "huge.jpg", "wb") as file:
        file.truncate(MAX_MEGABYTES * 2**20 + 1)
    assert "larger than 30 MB" in handlers.look({"path": str(folder / "huge.jpg")})["problem"]["en"]


def test_a_photo_that_is_gone_is_asked_for_again(handlers, folder):
    assert handlers.look({"path": str(folder / "gone.jpg")})["gone"] is True


def test_examples_are_asked_for_by_name_only(handlers):
    assert handlers.look({"example": "red_chair"})["width"] == 160
    assert "problem" in handlers.look({"example": "../../config"})


def test_save_names_the_file_after_the_photo(handlers, turned_file, folder):
    file = handlers.save({"path": str(turned_file), "choices": {"threshold": 0.4}})["file"]
    assert file["orig_name"] == "my chair-cutout.png"
    assert str(folder) in file["path"]
    photo = open_photo(turned_file)
    found = cv2.cvtColor(cv2.imread(file["path"], cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)
    np.testing.assert_array_equal(found, cut(photo, RedSegmenter().probabilities(photo), 0.4))


def test_save_finishes_as_chosen(handlers, turned_file, example, folder):
    own = folder / "wall.jpg"
    own.write_bytes(example.read_bytes())
    choices = {"background": "own", "trim": True, "format": "jpeg"}
    stroke = {"do": "erase", "radius": 0.1, "points": [[0.4, 0.5]]}
    answer = handlers.save({"path": str(turned_file), "choices": choices, "edits": [stroke], "background": str(own)})
    photo = open_photo(turned_file)
    expected = produce(photo, RedSegmenter().probabilities(photo), Choices(**choices), [stroke], open_photo(own))
    with open(answer["file"]["path"], "rb") as file:
        assert file.read() == expected.data
    assert answer["file"]["orig_name"] == "my chair-cutout.jpg"


def test_save_says_in_both_languages_that_a_photo_was_worked_on_at_half_its_sides(handlers, turned_file, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 300 * 200 // 2)
    monkeypatch.setattr(images, "MAX_JPEG_PIXELS", 300 * 200)
    monkeypatch.setattr(images, "MAX_SIDE", 500)
    choices = {"background": "transparent", "format": "jpeg"}
    white, notice = handlers.save({"path": str(turned_file), "choices": choices})["notes"]
    assert "white" in white and notice["en"].endswith("the result is of 150 × 100.") and "150 × 100" in notice["zh"]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"choices": {"threshold": 7}}, "'threshold'"),
        ({"choices": {"colour": "red"}}, "not a setting"),
        ({"choices": {"background": "own"}}, "own background needs a picture"),
        ({"choices": {"background": "own"}, "background": "/etc/passwd"}, "not a photo that was sent"),
        ({"edits": [{"do": "dance"}]}, "correction"),
    ],
)
def test_save_reports_what_is_wrong(handlers, turned_file, question, words):
    assert words in handlers.save({"path": str(turned_file), **question})["problem"]["en"]


def test_about_tells_of_the_weights_that_serve(handlers):
    assert handlers.about({})["weights"]["threshold"] == 0.5


@pytest.mark.parametrize(
    "address", ["data:image/png;base64,AAAA", "file:///etc/passwd", "/etc/passwd", None, 7, "http://127.0.0.1/a.jpg"]
)
def test_nothing_but_the_public_web_is_fetched_from_an_address(handlers, address):
    answer = handlers.photo_at({"address": address})
    assert "address" in answer["problem"]["en"] and "网址" in answer["problem"]["zh"]


def test_a_photo_is_fetched_from_its_address_and_what_is_none_is_refused(handlers, folder, example, monkeypatch):
    data = {"chair": example.read_bytes(), "page": b"<html>"}
    monkeypatch.setattr("segmenter.web.uploads.fetch", lambda address, most: data[address.rpartition("/")[2]])
    answer = handlers.photo_at({"address": "https://shop.example/chair"})
    assert (folder / answer["file"]["path"]).read_bytes() == data["chair"]
    assert "problem" in handlers.photo_at({"address": "https://shop.example/page"})


# A piece at some clicks


@pytest.fixture
def two(folder):
    path = folder / "two.jpg"
    path.write_bytes(as_jpeg(two_and_a_ball(1200, 900)))
    return path


def pick_in(handlers, path, name, **changed):
    question = {"path": str(path), "points": [list(PIECES[name])], "labels": [1], "width": 960, "height": 720}
    return handlers.pick({**question, **changed})


def picture_of(uri):
    data = np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def test_a_pick_gives_the_map_of_one_piece(folder, two):
    handlers = Handlers(PickingSegmenter(), Uploads(lambda: folder))
    grey = picture_of(pick_in(handlers, two, "red")["map"])
    assert grey.shape == (720, 960)
    full = PickingSegmenter().probabilities(open_photo(two), points=[(0.3 * 1200, 0.5 * 900)], labels=[1])
    wanted = cv2.resize(full, (960, 720), interpolation=cv2.INTER_AREA) >= 0.5
    assert np.mean((grey >= 128) != wanted) < 0.003


def test_a_photo_that_is_looked_at_is_prepared_for_clicks(folder, two):
    prepared = queue.Queue()

    class Prepared(PickingSegmenter):
        def prepare(self, photo):
            prepared.put(photo)

    handlers = Handlers(Prepared(), Uploads(lambda: folder))
    assert handlers.look({"path": str(two)})["canPick"]
    assert np.array_equal(prepared.get(timeout=60), viewer.small(open_photo(two)))


class Ahead(PickingSegmenter):
    """Notes what it is asked, and for how many rows of pixels."""

    def __init__(self):
        super().__init__()
        self.asked = queue.Queue()

    def prepare(self, photo):
        self.asked.put(("prepare", len(photo)))

    def preview(self, photo, longest):
        self.asked.put(("preview", longest))
        return super().probabilities(viewer.small(photo))

    def probabilities(self, photo, **given):
        self.asked.put(("map", len(photo)))
        return super().probabilities(photo, **given)


def test_the_page_is_shown_a_preview_and_the_whole_map_is_made_while_nobody_waits(folder, two):
    ahead = Ahead()
    shown = Handlers(ahead, Uploads(lambda: folder)).look({"path": str(two)})
    assert picture_of(shown["map"]).shape == (720, viewer.MAP_SIDE) and (shown["width"], shown["height"]) == (1200, 900)
    asked = [ahead.asked.get(timeout=60) for _ in range(3)]
    assert asked == [("preview", viewer.MAP_SIDE), ("prepare", 720), ("map", 900)]


def test_nothing_is_prepared_while_others_are_at_work(folder, two, monkeypatch):
    ahead, done = Ahead(), threading.Event()
    handlers = Handlers(ahead, Uploads(lambda: folder))
    monkeypatch.setattr(handlers, "_ahead_is_free", mock.Mock(acquire=lambda blocking: True, release=done.set))
    with crowd.joined():
        handlers.look({"path": str(two)})
        assert done.wait(60)
    assert ahead.asked.get(timeout=60)[0] == "preview" and ahead.asked.empty()


def test_a_pick_has_the_size_of_the_map_on_the_page(folder, two):
    handlers = Handlers(PickingSegmenter(), Uploads(lambda: folder))
    assert picture_of(pick_in(handlers, two, "red", width=480, height=360)["map"]).shape == (360, 480)


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"points": []}, "1 to 50"),
        ({"labels": [0]}, "labels"),
        ({"points": "everywhere"}, "points"),
        ({"width": 5000}, "width and height"),
        ({"height": "tall"}, "width and height"),
    ],
)
def test_a_pick_that_is_none_is_refused_in_words(folder, two, changed, words):
    handlers = Handlers(PickingSegmenter(), Uploads(lambda: folder))
    assert words in pick_in(handlers, two, "red", **changed)["problem"]["en"]


def test_weights_that_cannot_pick_say_so_in_both_languages(handlers, two):
    problem = pick_in(handlers, two, "red")["problem"]
    assert "not trained to pick" in problem["en"] and "单件" in problem["zh"]


def test_a_photo_that_has_changed_is_looked_at_anew(folder, two):
    handlers = Handlers(PickingSegmenter(), Uploads(lambda: folder))
    pick_in(handlers, two, "red")
    two.write_bytes(as_jpeg(np.ascontiguousarray(two_and_a_ball(1200, 900)[:, ::-1])))
    os.utime(two, ns=(1, 1))
    assert picture_of(pick_in(handlers, two, "red")["map"])[360, 330] >= 128  # brown is there now
    assert picture_of(pick_in(handlers, two, "red")["map"])[360, 600] < 128


def test_what_is_saved_is_what_was_picked(folder, two):
    handlers, segmenter = Handlers(PickingSegmenter(), Uploads(lambda: folder)), PickingSegmenter()
    edits = [{"do": "only", "points": [list(PIECES["brown"])], "labels": [1]}]
    saved = handlers.save({"path": str(two), "choices": {}, "edits": edits})["file"]["path"]
    photo = open_photo(two)
    piece = segmenter.probabilities(photo, points=[(0.6 * 1200 - 0.5, 0.5 * 900 - 0.5)], labels=[1])
    assert Path(saved).read_bytes() == produce(photo, piece, Choices(pieces="all").at(0.5)).data


def test_a_training_pair_keeps_the_pieces(folder, two):
    handlers = Handlers(PickingSegmenter(), Uploads(lambda: folder))
    edits = [
        {"do": do, "points": [list(PIECES[name])], "labels": [1]} for do, name in (("only", "red"), ("add", "brown"))
    ]
    file = handlers.pair({"path": str(two), "edits": edits})["file"]["path"]
    with zipfile.ZipFile(file) as pair:
        numbers = cv2.imdecode(np.frombuffer(pair.read("pieces/two.png"), np.uint8), cv2.IMREAD_UNCHANGED)
    assert numbers[450, 360] == 1 and numbers[450, 720] == 2 and numbers[10, 10] == 0
