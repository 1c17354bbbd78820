"""A batch is taken up again: what is done is known by what it was made of, not by the names of its files."""

import csv
import zipfile

import numpy as np
import pytest

from segmenter.batch import runner
from segmenter.batch.journal import TABLE, Result, write_table, zip_of
from segmenter.errors import GoneError
from segmenter.io.images import open_photo
from segmenter.render import render
from segmenter.render.options import Choices
from tests.standin import RedSegmenter, UnsureSegmenter, as_jpeg, red_disc

pytestmark = pytest.mark.usefixtures("nothing_is_doubtful")

CHAIR, STOOL = as_jpeg(red_disc(80, 60)), as_jpeg(red_disc(60, 80))
WHITE, BLACK = Choices(background="#ffffff"), Choices(background="#000000")


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "chair.jpg"
    path.write_bytes(CHAIR)
    return path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def cut(photo, out, choices=WHITE, segmenter=None, **options):
    """The result of one photo, and its cutout's bytes as they lie in the folder."""
    *_, last = runner.run([photo], segmenter or RedSegmenter(), choices, out, **options)
    return last.result, (out / last.result.cutout).read_bytes()


def expected(data, choices, segmenter=None, **options):
    photo = open_photo(data)
    probabilities = (segmenter or RedSegmenter()).probabilities(photo)
    return render.produce(photo, probabilities, choices.at(0.5), **options).data


def test_white_then_black_then_white_is_white(photo, out):
    for choices in (WHITE, BLACK, WHITE):
        assert cut(photo, out, choices)[1] == expected(CHAIR, choices)


def test_what_was_not_touched_is_not_made_again(photo, out):
    cut(photo, out, WHITE)
    cut(photo, out, Choices(what="heatmap"))  # lies elsewhere
    assert cut(photo, out, WHITE)[0].resumed


def test_photos_of_one_name_do_not_take_each_others_place(tmp_path, out):
    for name, data in (("chairs", CHAIR), ("stools", STOOL)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(data)
    for name, data in (("chairs", CHAIR), ("stools", STOOL), ("chairs", CHAIR)):
        assert cut(tmp_path / name / "a.jpg", out)[1] == expected(data, WHITE)


def test_other_weights_make_everything_anew(photo, out, tmp_path):
    sure, unsure = UnsureSegmenter(tmp_path / "sure", 1), UnsureSegmenter(tmp_path / "unsure", 0.7)
    assert expected(CHAIR, WHITE, sure) != expected(CHAIR, WHITE, unsure)
    for segmenter in (sure, unsure, sure):
        assert cut(photo, out, WHITE, segmenter)[1] == expected(CHAIR, WHITE, segmenter)


def test_another_background_picture_makes_everything_anew(photo, out):
    own = Choices(background="own")
    for grey in (40, 200, 40):
        picture = np.full((30, 40, 3), grey, np.uint8)
        assert cut(photo, out, own, background=picture)[1] == expected(CHAIR, own, background=picture)


def test_other_corrections_make_it_anew(photo, out):
    stroke = [{"do": "erase", "radius": 0.1, "points": [[0.4, 0.5]]}]
    for edits in ([], stroke, []):
        found = cut(photo, out, edits={"chair.jpg": edits})[1]
        assert found == expected(CHAIR, WHITE, edits=edits)


def test_a_result_that_was_overwritten_is_made_anew(photo, out):
    first, data = cut(photo, out)
    (out / first.mask).write_bytes(b"something else")
    again, _ = cut(photo, out)
    assert not again.resumed and (out / again.mask).read_bytes() != b"something else"
    assert cut(photo, out)[0].resumed


def test_a_run_that_died_between_file_and_journal_is_not_believed(photo, out):
    """The file of the second run is there, its line in the journal is not."""
    cut(photo, out, WHITE)
    journal = (out / ".journal.jsonl").read_bytes()
    cut(photo, out, BLACK)
    (out / ".journal.jsonl").write_bytes(journal)
    assert cut(photo, out, WHITE)[1] == expected(CHAIR, WHITE)


def test_the_zip_has_the_maps_of_those_that_have_one(tmp_path, out):
    for name, data in (("a.jpg", CHAIR), ("b.jpg", STOOL)):
        (tmp_path / name).write_bytes(data)
    cut(tmp_path / "a.jpg", out, Choices(what="all"))
    cut(tmp_path / "b.jpg", out, Choices())
    assert names(out) == ["results.csv", "cutouts/b.png", "masks/b.png"]
    list(runner.run([tmp_path / "a.jpg", tmp_path / "b.jpg"], RedSegmenter(), Choices(), out))
    assert names(out) == ["results.csv", "cutouts/a.png", "masks/a.png", "maps/a.png", "cutouts/b.png", "masks/b.png"]


def test_the_zip_has_no_map_of_another_photo(photo, out):
    cut(photo, out, Choices(what="all"))
    photo.write_bytes(STOOL)
    cut(photo, out, Choices())
    assert names(out) == ["results.csv", "cutouts/chair.png", "masks/chair.png"]


def test_a_result_that_is_gone_is_said_in_plain_words(photo, out):
    cut(photo, out)
    (out / "masks" / "chair.png").unlink()
    with pytest.raises(GoneError, match="'masks/chair.png' is no longer in .* run the batch again"):
        zip_of(out)
    assert not list(out.parent.glob("*.zip")) and not list(out.parent.glob("*.part"))


def names(out):
    with zipfile.ZipFile(zip_of(out)) as archive:
        return archive.namelist()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_a_spreadsheet_works_nothing_of_the_table_out(tmp_path, start):
    write_table(
        tmp_path,
        [Result(f"{start}1+1.jpg", coverage=0.5, error=f"{start}HYPERLINK(1)"), Result("a=1.jpg", error="\ra")],
    )
    with open(tmp_path / TABLE, newline="", encoding="utf-8") as table:
        first, second = csv.DictReader(table)
    assert first["file"] == f"'{start}1+1.jpg" and first["error"] == f"'{start}HYPERLINK(1)"
    assert first["coverage"] == "0.5" and second["file"] == "a=1.jpg" and second["error"] == " a"
