"""Questions that make no sense, names that no disk has room for, numbers without end: a refusal in words for each."""

import io
import json
import uuid
import zipfile

import pytest

from segmenter.errors import ChairliftError
from segmenter.render import corrections
from segmenter.render.options import Choices
from segmenter.web import batch_api
from segmenter.web.batch_handlers import BatchHandlers
from segmenter.web.handlers import Handlers
from segmenter.web.uploads import Uploads
from tests.standin import RedSegmenter, as_jpeg, red_disc

CHAIR = as_jpeg(red_disc(80, 60))
NESTED, HUGE, LONE = "[" * 100_000, 10**400, "a\ud800.jpg"


@pytest.fixture
def uploads(tmp_path):
    return Uploads(lambda: tmp_path)


@pytest.fixture
def handlers(uploads):
    return Handlers(RedSegmenter(), uploads)


@pytest.fixture
def ask(handlers):
    """Ask about many photos as one visitor."""
    key, visitor = uuid.uuid4().hex, BatchHandlers(handlers)
    return lambda question, **said: getattr(visitor, question)({"key": key, **said})


@pytest.fixture
def send(uploads):
    return lambda data=CHAIR, name="chair.jpg": str(uploads.store(data, name))


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, CHAIR)
    return file.getvalue()


def refused(answer):
    return answer["problem"]["en"] and json.dumps(answer).encode("ascii")


@pytest.mark.parametrize("text", [NESTED, '{"quality": 1' + "0" * 400 + "}", '{"quality": 1' + "0" * 5000 + "}"])
def test_settings_and_corrections_of_nonsense(text):
    for read in (Choices.from_json, corrections.check, batch_api._read_edits):
        try:
            read(text)
        except ChairliftError:
            continue
        assert read is batch_api._read_edits  # where any name may stand for a photo's


@pytest.mark.parametrize(
    "edit", [{"do": "keep", "at": [HUGE, 0.5]}, {"do": "keep", "radius": HUGE, "points": [[0, 0]]}]
)
def test_numbers_that_no_float_holds(edit, handlers):
    with pytest.raises(ChairliftError):
        corrections.check([edit])
    assert refused(handlers.room({"room": "loft", "width": HUGE, "height": 1}))


@pytest.mark.parametrize("question", [{"example": [1]}, {"example": {}}, {"path": "a" * 300}, {"path": "a/" * 5000}])
def test_photos_that_nobody_sent(handlers, tmp_path, question):
    if "path" in question:
        question = {"path": str(tmp_path / question["path"])}
    assert refused(handlers.look(question))


@pytest.mark.parametrize("address", ["http://[", "https://[::1/x.jpg", "http://example.invalid/" + LONE])
def test_addresses_that_are_none(uploads, address):
    with pytest.raises(ChairliftError, match="send the file itself"):
        uploads.receive({"path": address}, 1000)


@pytest.mark.parametrize("name", [LONE, "椅" * 120 + ".jpg", "a" * 290 + ".jpg"])
def test_names_of_photos_that_no_disk_takes(ask, send, name):
    assert refused(ask("cut", name=name, path=send(), choices={}))


def test_a_photo_called_like_another_ones_folder(ask, send):
    assert ask("cut", name="x.png", path=send(), choices={})["problem"] is None
    assert refused(ask("cut", name="x.png/y.png", path=send(), choices={}))
    names = ask("unpack", path=send(zipped("z.png", "z.png/y.png"), "z.zip"))["names"]
    assert [ask("cut", name=name, choices={})["problem"] for name in names] == [None, None]


def test_long_names_in_a_zip_are_shortened(ask, send):
    path = send(zipped("a" * 300 + ".png", "椅" * 140 + ".jpg", "d/" * 100 + "x.jpg"), "x.zip")
    names = ask("unpack", path=path)["names"]
    assert [ask("cut", name=name, choices={})["problem"] for name in names] == [None] * 3


@pytest.mark.parametrize("name", ["chair.jpg", "chair.zip"])
def test_a_photo_given_as_a_zip(ask, send, name):
    assert refused(ask("unpack", path=send(CHAIR, name), taken=7))


@pytest.mark.parametrize("said", [{"names": 5}, {"names": [[1]]}, {"names": ["a"], "errors": ["a"]}])
def test_a_zip_of_nothing(ask, said):
    assert refused(ask("zip", **said))


def test_a_table_takes_names_that_are_no_text(ask, send):
    ask("cut", name="chair.jpg", path=send(), choices={})
    assert "file" in ask("zip", names=["chair.jpg", LONE], errors={LONE: LONE})


def test_a_file_is_kept_under_a_name_that_the_disk_takes(handlers, send):
    kept = handlers.save({"path": send(CHAIR, "a" * 250 + ".jpg")})["file"]["orig_name"]
    assert kept.startswith("aaa") and kept.endswith("-cutout.png") and len(kept) <= 255
