"""What visitors may take of the disk, and what they read when it is full."""

import errno
import os

import pytest

from segmenter.errors import PhotoError
from segmenter.io import files
from segmenter.web import disk
from segmenter.web.disk import DiskBudget, budget, used
from segmenter.web.handlers import Handlers
from segmenter.web.uploads import Uploads
from tests.standin import RedSegmenter, as_jpeg, red_disc


def test_what_is_there_counts(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "chair.jpg").write_bytes(bytes(600))
    files.link(tmp_path / "a" / "chair.jpg", tmp_path / "same.jpg")
    assert used(tmp_path) == 600
    DiskBudget(lambda: tmp_path, 1000).check(400)
    with pytest.raises(PhotoError, match="no room"):
        DiskBudget(lambda: tmp_path, 1000).check(401)


def test_so_does_what_was_let_in_meanwhile(tmp_path):
    room = DiskBudget(lambda: tmp_path, 1000)
    room.check(700)
    with pytest.raises(PhotoError):
        room.check(700)


def test_some_of_the_disk_stays_free(tmp_path):
    with pytest.raises(PhotoError):
        DiskBudget(lambda: tmp_path, spare_bytes=2**60).check(0)
    DiskBudget(lambda: tmp_path / "not" / "made" / "yet", 1000).check(1000)


@pytest.mark.parametrize("said", ["much", "-1", "0", "1.5", "²"])
def test_a_setting_that_is_no_number_is_said(monkeypatch, said):
    monkeypatch.setenv("SEGMENTER_DISK", said)
    with pytest.raises(ValueError, match="SEGMENTER_DISK"):
        budget()


def test_the_setting_counts(monkeypatch):
    monkeypatch.setenv("SEGMENTER_DISK", "7")
    assert budget() == 7 * 2**20
    monkeypatch.delenv("SEGMENTER_DISK")
    assert budget() == disk.MEGABYTES * 2**20


def test_a_full_disk_is_said_in_words_and_loses_nothing(tmp_path, monkeypatch):
    handlers = Handlers(RedSegmenter(), Uploads(lambda: tmp_path))
    path = handlers.uploads.store(as_jpeg(red_disc(80, 60)), "chair.jpg")
    before = sorted(os.walk(tmp_path))

    def full(*given, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    answer = handlers.save({"path": str(path), "choices": {}})
    assert "no room" in answer["problem"]["en"] and "空间" in answer["problem"]["zh"]
    assert sorted(os.walk(tmp_path)) == before


def test_what_a_program_fetches_counts(tmp_path):
    uploads = Uploads(lambda: tmp_path, DiskBudget(lambda: tmp_path, 10))
    with pytest.raises(PhotoError, match="no room"):
        uploads.receive("data:image/png;base64," + "A" * 400, 10_000)
    assert not list(tmp_path.rglob("*"))
