"""Zips from strangers: counted before they are opened, opened once, and not for ever."""

import io
import struct
import threading
import zipfile

import pytest

from segmenter.errors import GoneError, PhotoError
from segmenter.web import sent_zip
from tests.sent import zipped
from tests.standin import as_jpeg, red_disc

CHAIR = as_jpeg(red_disc(80, 60))


@pytest.fixture
def opens(monkeypatch):
    """The zips that were opened, as often as they were."""
    found, real = [], zipfile.ZipFile

    class Counted(real):
        def __init__(self, file, *given, **options):
            found.append(file)
            super().__init__(file, *given, **options)

    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    return found


def many(count):
    """A zip of so many empty entries beside a photo, made without `zipfile`, which takes its time."""
    parts, directory, at = [], [], 0
    for number in range(count):
        name = b"%06d.txt" % number
        local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
        entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, at)
        parts.append(local)
        directory.append(entry + name)
        at += len(local)
    listed = b"".join(directory)
    count = min(count, 0xFFFF)
    return b"".join(parts) + listed + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(listed), at, 0)


def test_a_zip_is_opened_once_for_all_its_photos(ask, send, opens):
    path = send(zipped(**{f"{number}.jpg": CHAIR for number in range(6)}), "photos.zip")
    opens.clear()
    assert len(ask("unpack", path=path)["names"]) == 6
    assert len(opens) == 1


def test_very_many_entries_are_counted_and_the_zip_is_not_opened(ask, send, opens):
    path = send(many(70_000), "photos.zip")
    assert "at most 5000" in ask("unpack", path=path)["problem"]["en"]
    assert opens == []


def test_what_is_made_without_zipfile_is_a_zip(tmp_path):
    (tmp_path / "a.zip").write_bytes(many(3))
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["000000.txt", "000001.txt", "000002.txt"]
    sent_zip.check_entries(tmp_path / "a.zip")


@pytest.mark.parametrize("comment", [b"", b"from my camera", b"PK\5\6" + bytes(18)])
@pytest.mark.parametrize("zip64", [False, True])
def test_they_are_counted_as_zipfile_counts_them(tmp_path, monkeypatch, comment, zip64):
    monkeypatch.setattr(sent_zip, "MOST_ENTRIES", 3)
    if zip64:
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)  # more are written as ZIP64
    for count in (3, 4):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for number in range(count):
                archive.writestr(f"{number}.txt", b"")
            archive.comment = comment
        path = tmp_path / f"{count}.zip"
        path.write_bytes(b"before it" + file.getvalue())
        if len(zipfile.ZipFile(path).namelist()) <= 3:
            sent_zip.check_entries(path)
        else:
            with pytest.raises(PhotoError, match="at most 3"):
                sent_zip.check_entries(path)


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\5\6", CHAIR, b"PK\5\6" + bytes(18)[:-1]])
def test_what_is_no_zip(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(PhotoError) as error, sent_zip.opened(tmp_path / "a.zip"):
        pass
    assert error.value.code == "zip.damaged"


def test_a_zip_that_takes_too_long_leaves_nothing(ask, send, folder, monkeypatch):
    monkeypatch.setattr(sent_zip.time, "monotonic", iter(range(0, 10**6, 25)).__next__)
    answer = ask("unpack", path=send(zipped(**{f"{number}.jpg": CHAIR for number in range(9)}), "photos.zip"))
    assert "too long" in answer["problem"]["en"] and "zh" in answer["problem"]
    assert not list(folder.rglob("*.jpg"))


def test_a_zip_that_nobody_waits_for_leaves_nothing(ask, send, folder):
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(GoneError), sent_zip.opened(folder / send(zipped(**{"a.jpg": CHAIR}), "a.zip"), 9, stopped) as a:
        a.check_time()
    assert not list(folder.rglob("*.jpg"))


def test_a_zip_for_which_there_is_no_room_leaves_nothing(ask, send, handlers, folder):
    path = send(zipped(**{f"{number}.jpg": bytes(50_000) for number in range(9)}), "photos.zip")
    handlers.uploads.budget.most_bytes = 200_000
    assert "no room" in ask("unpack", path=path)["problem"]["en"]
    assert not list(folder.rglob("*.jpg"))
