"""What the files of a batch's zip are called, and which are in it."""

import csv
import io
import zipfile

import pytest

from segmenter.batch.journal import Result
from segmenter.errors import PhotoError
from segmenter.web.batch_zip import PLAIN, check_pattern, write_zip


@pytest.fixture
def out(tmp_path):
    """A folder of results of three photos, two of which have the same name in other folders, and a broken one."""
    rows = []
    for file in ("red/chair.jpg", "blue/chair.jpg", "stool.png"):
        stem = file.rpartition(".")[0]
        for folder in ("cutouts", "masks"):
            (tmp_path / folder / stem).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / f"{stem}.png").write_bytes(f"{folder} of {stem}".encode())
        rows.append(Result(file, cutout=f"cutouts/{stem}.png", mask=f"masks/{stem}.png"))
    return tmp_path, [*rows, Result("broken.jpg", error="damaged")]


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_without_a_pattern_all_is_called_as_the_photos_are(out):
    folder, rows = out
    found = members(write_zip(folder, folder / "all.zip", rows))
    assert found["cutouts/red/chair.png"] == "cutouts of red/chair" and found["masks/stool.png"] == "masks of stool"


def test_names_by_a_pattern_are_in_the_table_too(out):
    folder, rows = out
    found = members(write_zip(folder, folder / "all.zip", rows, "{n} {name}"))
    table = list(csv.DictReader(io.StringIO(found.pop("results.csv"))))
    assert found == {
        f"{kind}/{new}.png": f"{kind} of {old}"
        for new, old in (("001 red-chair", "red/chair"), ("002 blue-chair", "blue/chair"), ("003 stool", "stool"))
        for kind in ("cutouts", "masks")
    }
    assert [row["cutout"] for row in table] == [
        f"cutouts/{name}.png" for name in ("001 red-chair", "002 blue-chair", "003 stool")
    ] + [""]
    assert table[-1]["error"] == "damaged"


def test_cutouts_alone(out):
    folder, rows = out
    found = members(write_zip(folder, folder / "all.zip", rows, PLAIN, "cutouts"))
    assert sorted(found) == ["blue-chair.png", "red-chair.png", "stool.png"]


def test_no_two_files_are_called_the_same(out):
    folder, rows = out
    alike = [rows[0], Result("red-chair.jpg", cutout="cutouts/stool.png", mask="masks/stool.png")]
    found = members(write_zip(folder, folder / "all.zip", alike, PLAIN, "cutouts"))
    assert sorted(found) == ["red-chair-2.png", "red-chair.png"]


@pytest.mark.parametrize(
    "pattern", ["../{n}", "a/{name}", "{n}\\x", "{n}\x00", "{n}" + "x" * 80, 7, ["{n}"], "chair", "{x}"]
)
def test_a_pattern_that_no_file_can_be_called_is_refused(pattern):
    with pytest.raises(PhotoError):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", [None, "", "{name}", " {name} "])
def test_no_pattern_is_the_plain_one(pattern):
    assert check_pattern(pattern) == PLAIN
