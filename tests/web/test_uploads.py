"""The guard at the door of visitors' files, and how long they stay."""

import asyncio
import base64
import os
import shutil
import tempfile
import time

import pytest

from segmenter.io.images import PhotoError
from segmenter.web.uploads import GoneError, Uploads

MOST = 10_000


@pytest.fixture
def uploads(folder):
    return Uploads(lambda: folder)


@pytest.fixture
def sent(folder):
    """A file that somebody sent before."""
    path = folder / ("ab" * 32) / "my chair.jpg"
    path.parent.mkdir()
    path.write_bytes(b"chair")
    return path


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secrets.txt", "", None, 7, "a\0b", "https://example.org/a.jpg", []]
)
def test_a_path_outside_the_folder_is_refused(uploads, path):
    with pytest.raises(PhotoError, match="not a photo that was sent"):
        uploads.find(path)


def test_the_folder_itself_is_no_file(uploads, folder, sent):
    for path in (folder, sent.parent):
        with pytest.raises(PhotoError):
            uploads.find(path)


def test_a_link_out_of_the_folder_is_refused(uploads, folder, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    os.symlink(tmp_path / "secret.jpg", folder / "link.jpg")
    with pytest.raises(PhotoError, match="not a photo that was sent"):
        uploads.find(folder / "link.jpg")


def test_a_deleted_file_says_to_choose_it_again(uploads, folder):
    with pytest.raises(GoneError, match="choose it again"):
        uploads.find(folder / "gone.jpg")


class File:
    def __init__(self, path):
        self.path = path


def test_a_file_that_was_sent_is_received(uploads, sent):
    for file in ({"path": str(sent)}, File(str(sent)), {"path": f"http://localhost:7860/gradio_api/file={sent}"}):
        assert uploads.receive(file, MOST) == sent
    quoted = f"https://example.org/some/where/gradio_api/file={sent}".replace(" ", "%20")
    assert uploads.receive(quoted, MOST) == sent


@pytest.mark.parametrize(
    "file", ["/etc/passwd", __file__, {"path": __file__}, {"path": None}, {}, None, 7, "", [], {"path": ["x"]}]
)
def test_a_file_of_this_machine_is_not_received(uploads, file):
    with pytest.raises(PhotoError, match="not a photo that was sent"):
        uploads.receive(file, MOST)


def test_a_path_is_never_taken_as_text(uploads, sent):
    with pytest.raises(PhotoError, match="not a photo that was sent"):
        uploads.receive(str(sent), MOST)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/a.jpg", "http://127.0.0.1:1/gradio_api/file=/etc/passwd", "https://localhost/a.jpg"]
)
def test_an_address_of_this_machine_is_not_fetched(uploads, folder, address):
    with pytest.raises(PhotoError, match="not one of the public web"):
        uploads.receive({"path": address}, MOST)
    assert list(folder.iterdir()) == []


def test_a_data_uri_is_received(uploads, folder):
    path = uploads.receive("data:image/jpeg;base64," + base64.b64encode(b"chair").decode(), MOST)
    assert path.read_bytes() == b"chair" and folder in path.parents


def test_a_data_uri_that_is_too_large_is_refused_before_it_is_decoded(uploads, folder):
    with pytest.raises(PhotoError, match="larger than"):
        uploads.receive("data:image/jpeg;base64," + base64.b64encode(bytes(MOST + 9)).decode(), MOST)
    assert list(folder.iterdir()) == []
    assert uploads.receive("data:image/jpeg;base64," + base64.b64encode(bytes(MOST)).decode(), MOST).is_file()


def test_a_broken_data_uri_is_said_in_plain_words(uploads):
    with pytest.raises(PhotoError, match="data URI"):
        uploads.receive("data:image/jpeg;base64,####", MOST)


def test_what_is_kept_can_be_found_again(uploads):
    kept = uploads.keep(b"cutout", "my chair-cutout.png")
    assert kept["orig_name"] == "my chair-cutout.png"
    assert uploads.find(kept["path"]).read_bytes() == b"cutout"


def test_uploads_that_were_broken_off_are_swept_away_when_they_are_old(uploads, folder):
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:  # as Gradio does
        file.write(b"half a photo")
    (folder / "tmp is a word").write_bytes(b"somebody's own")
    uploads.sweep(60)
    assert os.path.exists(file.name)
    time.sleep(0.05)
    uploads.sweep(0)
    assert [path.name for path in folder.iterdir()] == ["tmp is a word"]


def test_old_files_are_swept_away_and_nothing_else(uploads, folder, sent):
    (folder / "somebody's own").mkdir()
    (folder / "somebody's own" / "photo.jpg").write_bytes(b"mine")
    kept = uploads.keep(b"cutout", "a.png")
    uploads.sweep(60)
    assert sent.exists() and os.path.exists(kept["path"])
    time.sleep(0.05)
    uploads.sweep(0)
    assert [path.name for path in folder.iterdir()] == ["somebody's own"]
    assert (folder / "somebody's own" / "photo.jpg").exists()


# The folder


def test_a_folder_of_our_own_is_swept_whole(tmp_path, monkeypatch):
    uploads = Uploads(lambda: tmp_path / "uploads")
    uploads.claim()
    (tmp_path / "uploads" / "whatever").mkdir()
    (tmp_path / "uploads" / "whatever" / "else.bin").write_bytes(b"x")
    uploads.sweep(60)
    assert (tmp_path / "uploads" / "whatever" / "else.bin").exists()
    uploads.sweep(-1)
    assert [path.name for path in uploads.folder.iterdir()] == ["CHAIRLIFT"]
    uploads.claim()
    uploads.sweep(-1)
    assert [path.name for path in uploads.folder.iterdir()] == ["CHAIRLIFT"]


def test_a_file_that_two_visitors_share_goes_in_one_sweep(uploads, folder):
    (folder / ("a" * 64)).mkdir()
    (folder / ("a" * 64) / "chair.jpg").write_bytes(b"a photo")
    for letter in "bcd":
        (folder / (letter * 64)).mkdir()
        os.link(folder / ("a" * 64) / "chair.jpg", folder / (letter * 64) / "chair.jpg")
    time.sleep(0.05)
    uploads.sweep(0)
    assert list(folder.iterdir()) == []


def test_of_a_folder_that_others_use_only_our_own_is_swept(folder):
    (folder / "holiday.jpg").write_bytes(b"somebody else's")
    (folder / "tmpabcd1234").write_bytes(b"ours")
    uploads = Uploads(lambda: folder)
    uploads.claim()
    uploads.sweep(-1)
    assert [path.name for path in folder.iterdir()] == ["holiday.jpg"]


def test_what_was_broken_off_goes_sooner(folder, monkeypatch):
    uploads = Uploads(lambda: folder)
    (folder / "tmpabcd1234").write_bytes(b"half a chair")
    kept = uploads.store(b"chair", "chair.jpg")
    now = time.time()
    monkeypatch.setattr("segmenter.web.uploads.time.time", lambda: now + 900)
    uploads.sweep(3600)
    assert kept.is_file() and not (folder / "tmpabcd1234").exists()


def test_what_is_deleted_while_it_is_looked_at_does_not_end_a_sweep(uploads, folder, monkeypatch):
    others = folder / ("ab" * 32)
    (others / "photos").mkdir(parents=True)
    old = folder / ("cd" * 32)
    old.mkdir()
    lstat = os.lstat

    def deleting(path, **options):
        if others.name in str(path):
            shutil.rmtree(others, ignore_errors=True)
        return lstat(path, **options)

    monkeypatch.setattr(os, "lstat", deleting)
    uploads.sweep(-1)
    assert not old.exists()


def test_a_sweep_that_fails_is_not_the_last_one(uploads, monkeypatch):
    swept = []

    def failing(seconds):
        swept.append(seconds)
        if len(swept) == 1:
            raise OSError("the disk does not answer")

    monkeypatch.setattr(uploads, "sweep", failing)

    async def serve():
        async with uploads.lifespan(60, 0.01)(None):
            while len(swept) < 3:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(serve(), 30))
    assert len(swept) >= 3
