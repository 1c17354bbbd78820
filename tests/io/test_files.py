"""Files are whole or not there."""

import json
import os
import stat

import pytest

from segmenter.io import files


def test_a_file_that_cannot_be_written_whole_is_left_as_it_was(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError), files.replacing(path) as file:
        file.write(b"half of the n")
        raise OSError("no more")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]


def test_a_disk_that_fills_up_at_the_last_moment_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write(path, b"new", durable=True)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]
    files.write(path, b"new")  # which asks for no such thing
    assert path.read_bytes() == b"new"


def test_a_file_may_be_read_by_whoever_may_read_others_of_this_user(tmp_path):
    mask = os.umask(0o027)
    try:
        files.write(tmp_path / "file", b"new")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path):
    path = tmp_path / ("é" * 127)  # 254 bytes
    files.write(path, b"new")
    assert path.read_bytes() == b"new"


def test_json_is_written_for_people_too(tmp_path):
    files.write_json(tmp_path / "config.json", {"size": 64, "steps": []})
    text = (tmp_path / "config.json").read_text()
    assert json.loads(text) == {"size": 64, "steps": []} and text.endswith("}\n") and '\n  "size"' in text


def test_what_killed_writers_left_is_swept_away(tmp_path):
    writing = files.replacing(tmp_path / "file")
    writing.__enter__().write(b"half")
    (tmp_path / "photo.part").write_text("somebody's own")
    files.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.part"]
