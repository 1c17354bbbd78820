"""What the page's questions are answered, without a page."""

import cv2
import numpy as np
import pytest

from segmenter.io import images
from segmenter.io.images import open_photo
from segmenter.render.cutout import cut
from segmenter.render.options import Choices
from segmenter.render.render import produce
from segmenter.web.handlers import MAX_MEGABYTES, Handlers
from segmenter.web.uploads import Uploads
from tests.standin import RedSegmenter, as_jpeg, red_disc


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
