"""Errors that a person may read: a code, a message and its values; and the page's words for them."""

import json
import pickle
import re
from pathlib import Path

import pytest

from segmenter import errors
from segmenter.web import viewer

PACKAGE = Path(errors.__file__).parent
AREAS = "server|photo|pick|gone|address|background|room|setting|correction|zip|batch"
CLASSES = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.ChairliftError)]


def test_a_message_is_filled_with_its_values():
    error = errors.PhotoError(
        "The file {name!r} is larger than {limit} MB.", "photo.too_large", name="{a}.jpg", limit=30
    )
    assert str(error) == "The file '{a}.jpg' is larger than 30 MB."
    assert (error.code, error.values) == ("photo.too_large", {"name": "{a}.jpg", "limit": 30})
    assert str(errors.PhotoError('such as {"a": 1}')) == 'such as {"a": 1}'


@pytest.mark.parametrize("kind", CLASSES)
def test_each_kind_has_a_code_and_travels_between_processes(kind):
    assert re.fullmatch(r"[a-z]+(\.[a-z_]+)?", kind("why").code)
    error = pickle.loads(pickle.dumps(kind("{a}", "a.b", a=1)))
    assert (type(error), str(error), error.code, error.values) == (kind, "1", "a.b", {"a": 1})


def test_no_two_kinds_share_a_code():
    assert len({kind.code for kind in CLASSES}) == len(CLASSES)


def test_the_page_has_chinese_words_for_every_code_and_no_others():
    known = json.loads(viewer.read("problems.json"))["zh"]
    source = "".join(
        path.read_text() for room in ("io", "render", "batch", "web") for path in (PACKAGE / room).rglob("*.py")
    )
    assert known.keys() == set(re.findall(rf'"((?:{AREAS})\.[a-z_]+)"', source))
    for text in known.values():
        assert re.search("[\u4e00-\u9fff]", text)


def test_words_are_found_by_code_and_filled():
    problem = viewer.problem(errors.PhotoError("{limit} MB is too much", "photo.too_large", limit=30))
    assert problem == {"en": "30 MB is too much", "zh": "文件超过 30 MB 了，请缩小后再试。"}
    assert viewer.problem(errors.PhotoError("a video, damaged and empty")) == {"en": "a video, damaged and empty"}
