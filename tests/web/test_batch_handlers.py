"""Many photos, question by question."""

import base64
import uuid
from pathlib import Path

import pytest

from segmenter import open_photo
from segmenter.batch.find import find
from segmenter.io import files
from segmenter.io.images import PhotoError
from segmenter.render.options import Choices
from segmenter.render.render import produce
from segmenter.web import batch_api, batch_files, batch_handlers, sent_zip, viewer
from segmenter.web.batch_handlers import BatchHandlers
from tests.sent import expected, unzip, zipped
from tests.standin import RedSegmenter, UnsureSegmenter, as_jpeg, red_disc

CHAIR = as_jpeg(red_disc(160, 120))
STOOL = as_jpeg(red_disc(120, 160))


def test_each_photo_comes_finished_into_the_zip(ask, send):
    choices = {"background": "#ffffff", "format": "jpeg", "threshold": 0.4}
    first = ask("cut", name="chair.jpg", path=send(CHAIR), choices=choices)
    second = ask("cut", name="stool.jpg", path=send(STOOL), choices={"threshold": 0.6})
    assert first["problem"] is None and 0 < first["result"]["coverage"] < 1
    assert first["thumbnail"].startswith("data:image/webp;base64,")
    assert len(base64.b64decode(second["thumbnail"].partition(",")[2])) < 20_000
    members, rows = unzip(ask("zip", names=["stool.jpg", "chair.jpg"])["file"])
    assert members.keys() == {"cutouts/stool.png", "cutouts/chair.jpg", "masks/stool.png", "masks/chair.png"}
    assert members["cutouts/chair.jpg"] == expected(CHAIR, **choices)
    assert members["cutouts/stool.png"] == expected(STOOL, threshold=0.6)
    assert members["masks/stool.png"] == expected(STOOL, threshold=0.6, what="mask")
    assert [row["file"] for row in rows] == ["stool.jpg", "chair.jpg"]
    assert {key: float(rows[1][key]) for key in ("coverage", "check", "doubtfulness")} == {
        key: first["result"][key] for key in ("coverage", "check", "doubtfulness")
    }


def test_what_is_corrected_takes_the_place_of_what_was(ask, send):
    ask("cut", name="chair.jpg", path=send(CHAIR), choices={})
    stroke = {"do": "erase", "radius": 0.1, "points": [[0.4, 0.5]]}
    ask("cut", name="chair.jpg", choices={"threshold": 0.3}, edits=[stroke])
    members, rows = unzip(ask("zip", names=["chair.jpg"])["file"])
    photo = open_photo(CHAIR)
    wanted = produce(photo, RedSegmenter().probabilities(photo), Choices(threshold=0.3), [stroke])
    assert members["cutouts/chair.png"] == wanted.data
    assert len(rows) == 1


def test_a_broken_photo_is_reported_and_stops_nothing(ask, send):
    broken = ask("cut", name="broken.jpg", path=send(CHAIR[:900]), choices={})
    assert "damaged" in broken["problem"]["en"] and "损坏" in broken["problem"]["zh"]
    ask("cut", name="chair.jpg", path=send(CHAIR), choices={})
    names = ["broken.jpg", "chair.jpg", "huge.jpg"]
    _, rows = unzip(ask("zip", names=names, errors={"huge.jpg": "too large"})["file"])
    assert [row["file"] for row in rows] == names
    assert "damaged" in rows[0]["error"] and rows[1]["error"] == "" and rows[2]["error"] == "too large"


def test_the_photo_that_was_sent_is_not_kept_twice(ask, send, folder):
    path = send(CHAIR)
    answer = ask("cut", name="chair.jpg", path=path, choices={})
    assert Path(answer["path"]).samefile(path) and Path(answer["path"]) != Path(path)  # where the studio finds it
    assert ask("cut", name="chair.jpg", path=path, choices={})["problem"] is None  # sent again
    ask("forget")
    assert not [each for each in folder.rglob("*") if each.is_file()]


def test_two_visitors_with_the_same_file_do_not_take_it_from_each_other(handlers, send):
    photo, photos = send(CHAIR), send(zipped(**{"stool.jpg": STOOL}), "photos.zip")  # paths go by name and content
    first, second = BatchHandlers(handlers), BatchHandlers(handlers)
    keys = [{"key": uuid.uuid4().hex} for _ in range(2)]
    for visitor, key in zip((first, second), keys):
        assert visitor.unpack({**key, "path": photos})["names"] == ["stool.jpg"]
        assert visitor.cut({**key, "name": "chair.jpg", "path": photo, "choices": {}})["problem"] is None
    first.forget(keys[0])
    assert Path(photo).is_file() and Path(photos).is_file()  # the second one's still
    assert second.cut({**keys[1], "name": "chair.jpg", "choices": {}})["problem"] is None
    second.forget(keys[1])
    assert not Path(photo).exists() and not Path(photos).exists()


def test_a_zip_stays_while_it_is_unpacked_though_another_is_done_with_it(handlers, send, monkeypatch):
    photos = send(zipped(**{"stool.jpg": STOOL}), "photos.zip")
    first, second = BatchHandlers(handlers), BatchHandlers(handlers)
    keys = [{"key": uuid.uuid4().hex} for _ in range(2)]
    assert first.unpack({**keys[0], "path": photos})["names"] == ["stool.jpg"]
    opened = sent_zip.opened

    def forgotten_first(path, **options):
        first.forget(keys[0])
        return opened(path, **options)

    monkeypatch.setattr(sent_zip, "opened", forgotten_first)
    assert second.unpack({**keys[1], "path": photos})["names"] == ["stool.jpg"]


def test_a_zip_that_goes_meanwhile_is_asked_for_again(handlers, send, monkeypatch):
    photos = send(zipped(**{"stool.jpg": STOOL}), "photos.zip")

    def gone(*_given):
        raise FileNotFoundError(photos)

    monkeypatch.setattr(batch_files, "take", gone)
    answer = BatchHandlers(handlers).unpack({"key": uuid.uuid4().hex, "path": photos})
    assert answer["gone"] and "choose the photos again" in answer["problem"]["en"]


def test_what_somebody_sent_anew_is_not_forgotten_with_the_first_ones(handlers, send):
    photo = send(CHAIR)
    first, key = BatchHandlers(handlers), {"key": uuid.uuid4().hex}
    assert first.cut({**key, "name": "chair.jpg", "path": photo, "choices": {}})["problem"] is None
    files.write(photo, CHAIR)  # as Gradio takes it in again: another file under the same name
    first.forget(key)
    assert Path(photo).read_bytes() == CHAIR


def test_a_zip_of_very_many_entries_is_refused(ask, send, handlers, monkeypatch):
    monkeypatch.setattr(sent_zip, "MOST_ENTRIES", 3)
    path = send(zipped(**{"chair.jpg": CHAIR, **{f"{number}.txt": b"" for number in range(3)}}), "photos.zip")
    assert "at most 3" in ask("unpack", path=path)["problem"]["en"]
    with pytest.raises(PhotoError, match="at most 3"):
        batch_api.run(handlers, [{"path": path}], {})


def test_a_disk_without_links_gets_a_copy(ask, send, monkeypatch):
    def refuse(*paths):
        raise OSError("no links here")

    monkeypatch.setattr(files.os, "link", refuse)
    path = send(CHAIR)
    answer = ask("cut", name="chair.jpg", path=path, choices={})
    assert answer["problem"] is None and Path(answer["path"]).read_bytes() == Path(path).read_bytes()


def test_a_zip_is_unpacked_under_names_of_its_own(ask, send, folder):
    data = zipped(
        **{
            "a/chair.jpg": CHAIR,
            "b/chair.jpg": STOOL,
            "chair.png": CHAIR,
            "notes.txt": b"x",
            "__MACOSX/a.jpg": b"x",
            "../../evil.jpg": STOOL,
            "c/../../../evil.jpg": STOOL,
            "broken.jpg": CHAIR[:900],
        }
    )
    path = send(data, "photos.zip")
    answer = ask("unpack", path=path, taken=["chair.jpg"])
    assert sorted(answer["names"]) == [
        "a/chair.jpg",
        "b/chair.jpg",
        "broken.jpg",
        "c/evil.jpg",
        "chair-2.png",
        "evil.jpg",
    ]
    assert all("photos" in path.parts for path in folder.parent.rglob("evil.jpg"))  # within the visitor's own folder
    assert answer["left"] == 0 and Path(path).exists()
    for name in answer["names"]:
        assert (ask("cut", name=name, choices={})["problem"] is None) == (name != "broken.jpg")
    members, rows = unzip(ask("zip", names=answer["names"])["file"])
    assert members["cutouts/b/chair.png"] == expected(STOOL)
    assert [row["file"] for row in rows] == answer["names"]


def test_no_more_photos_than_possible_are_taken_from_a_zip(ask, send, monkeypatch):
    monkeypatch.setattr(batch_handlers, "MOST_PHOTOS", 3)
    answer = ask("unpack", path=send(zipped(**{f"{i}.jpg": CHAIR for i in range(4)}), "a.zip"), taken=["x.jpg"])
    assert (len(answer["names"]), answer["left"]) == (2, 2)


def test_a_zip_that_grows_too_large_is_refused(ask, send, monkeypatch, folder):
    monkeypatch.setattr(sent_zip, "MAX_TOTAL_MEGABYTES", 1)
    answer = ask("unpack", path=send(zipped(**{"a.jpg": bytes(2**20 + 1)}), "a.zip"))
    assert "unpacked" in answer["problem"]["en"] and "zh" in answer["problem"]
    assert not list(folder.rglob("*.jpg"))


@pytest.mark.parametrize("data", [b"", b"no zip", zipped(**{"a.txt": b"x"})])
def test_a_zip_without_photos_is_said_in_both_languages(ask, send, data):
    problem = ask("unpack", path=send(data, "a.zip"))["problem"]
    assert problem["en"] and problem["zh"]


@pytest.mark.parametrize("key", [None, "", "..", "../" * 10, "A" * 32, 7])
@pytest.mark.parametrize("question", ["cut", "unpack", "zip", "forget"])
def test_a_key_is_a_key(handlers, question, key):
    assert "not a key" in getattr(BatchHandlers(handlers), question)({"key": key, "name": "a.jpg"})["problem"]["en"]


@pytest.mark.parametrize(
    "name", ["../chair.jpg", "/etc/passwd", "a/../../b.jpg", "", None, "a\0.jpg", "con.jpg", "x" * 400]
)
def test_a_name_leads_nowhere_else(ask, send, folder, name):
    before = sorted(folder.parent.rglob("*.jpg"))
    path = send(CHAIR)
    assert "cannot be of this name" in ask("cut", name=name, path=path, choices={})["problem"]["en"]
    assert sorted(folder.parent.rglob("*.jpg")) == sorted([*before, Path(path)])


def test_files_of_the_server_are_not_taken(ask):
    for question in ("cut", "unpack"):
        assert "not a photo that was sent" in ask(question, name="a.jpg", path=__file__)["problem"]["en"]
    assert Path(__file__).exists()


def test_what_is_gone_says_so(ask, send):
    assert ask("cut", name="chair.jpg", choices={})["gone"] is True
    ask("cut", name="chair.jpg", path=send(CHAIR), choices={})
    ask("forget")
    assert ask("zip", names=["chair.jpg"])["gone"] is True


def test_results_have_an_end(ask, send, monkeypatch):
    monkeypatch.setattr(batch_handlers, "MAX_TOTAL_MEGABYTES", 0)
    ask("cut", name="a.jpg", path=send(CHAIR), choices={})
    assert "larger than" in ask("cut", name="b.jpg", path=send(CHAIR), choices={})["problem"]["en"]


def test_bad_choices_are_said_in_plain_words(ask, send):
    assert "'threshold'" in ask("cut", name="a.jpg", path=send(CHAIR), choices={"threshold": 7})["problem"]["en"]


# What was made of something else


def test_white_then_black_then_white_is_white(ask, send):
    path = send(CHAIR)
    for colour in ("#ffffff", "#000000", "#ffffff"):
        path = ask("cut", name="chair.jpg", path=path, choices={"background": colour, "threshold": 0.5})["path"]
        members, _ = unzip(ask("zip", names=["chair.jpg"])["file"])
        assert members["cutouts/chair.png"] == expected(CHAIR, background=colour)


def test_another_photo_of_the_same_name_takes_its_place(ask, send):
    for data in (CHAIR, STOOL, CHAIR):
        ask("cut", name="chair.jpg", path=send(data), choices={})
        assert unzip(ask("zip", names=["chair.jpg"])["file"])[0]["cutouts/chair.png"] == expected(data)


@pytest.fixture
def take(handlers, tmp_path):
    """Let other weights serve, as a newer revision does."""

    def take(share, commit):
        handlers.live.take(UnsureSegmenter(tmp_path / commit, share), {"commit": commit})
        return handlers.live.now.segmenter

    return take


def expected_by(segmenter, data):
    photo = open_photo(data)
    return produce(photo, segmenter.probabilities(photo), Choices().at(0.5)).data


def test_a_batch_stays_with_the_weights_it_began_with(ask, send, take):
    first = take(0.9, "first")
    names = ["chair.jpg", "stool.jpg"]
    assert ask("cut", name=names[0], path=send(CHAIR), choices={})["weights"] == "first"
    take(0.7, "second")
    assert ask("cut", name=names[1], path=send(STOOL), choices={})["weights"] == "first"
    members, _ = unzip(ask("zip", names=names)["file"])
    assert members["cutouts/chair.png"] == expected_by(first, CHAIR)
    assert members["cutouts/stool.png"] == expected_by(first, STOOL)


def test_the_zip_never_mixes_weights(ask, send, take):
    """Two newer revisions came meanwhile, so that the first one is here no more."""
    take(0.9, "first")
    ask("cut", name="chair.jpg", path=send(CHAIR), choices={})
    take(0.8, "second")
    third = take(0.7, "third")
    assert ask("cut", name="stool.jpg", path=send(STOOL), choices={})["weights"] == "third"
    members, rows = unzip(ask("zip", names=["chair.jpg", "stool.jpg"])["file"])
    assert members.keys() == {"cutouts/stool.png", "masks/stool.png"} and "cut it out again" in rows[0]["error"]
    ask("cut", name="chair.jpg", choices={})
    members, rows = unzip(ask("zip", names=["chair.jpg", "stool.jpg"])["file"])
    assert members["cutouts/chair.png"] == expected_by(third, CHAIR) and not rows[0]["error"]


# In Chinese


@pytest.mark.parametrize("name", ["video_stool.jpg", "HEIC.jpg", "empty.jpg", "correction.jpg"])
def test_a_name_does_not_change_what_is_wrong(ask, send, name):
    damaged = ask("cut", name=name, path=send(CHAIR[:900]), choices={})["problem"]
    assert damaged["zh"].startswith("图片已损坏")
    unpacked = ask("unpack", path=send(b"PK", name.replace(".jpg", ".zip")))["problem"]
    assert "不是 ZIP" in unpacked["zh"] and name.replace(".jpg", ".zip") in unpacked["zh"]
    path = send(zipped(**{name: CHAIR}), "a.zip")
    source = find([path])[0]
    Path(path).unlink()
    with pytest.raises(PhotoError) as error:
        source.read()
    assert viewer.problem(error.value) == {
        "en": f"The file {name!r} cannot be opened.",
        "zh": f"{name} 打不开。请重新选一次，或换一张照片。",
    }
