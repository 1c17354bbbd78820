"""Many photos: each as if it were alone, none stopping the others, nothing done twice."""

import csv
import errno
import io
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image

from segmenter.batch import journal, runner
from segmenter.batch.journal import zip_of
from segmenter.errors import DiskFullError
from segmenter.io import files
from segmenter.io.images import PhotoError, open_photo
from segmenter.render import render, uncertainty
from segmenter.render.encode import to_png
from segmenter.render.options import Choices
from tests.standin import BROKEN_SIDE, RedSegmenter, as_jpeg, red_disc

pytestmark = pytest.mark.usefixtures("nothing_is_doubtful")


class Counting(RedSegmenter):
    """Counts the photos it is shown."""

    def __init__(self):
        self.shown = 0

    def probabilities(self, photo):
        self.shown += 1
        return super().probabilities(photo)


@pytest.fixture
def folder(tmp_path):
    """Four photos, one of them broken, one below the others; and what is none."""
    place = tmp_path / "photos"
    (place / "more").mkdir(parents=True)
    for name, width in (("a.jpg", 80), ("b.jpg", 100), ("more/a.jpg", 120)):
        (place / name).write_bytes(as_jpeg(red_disc(width, 60)))
    (place / "broken.jpg").write_bytes(as_jpeg(red_disc(80, 60))[:700])
    (place / "notes.txt").write_text("no photo")
    (place / ".hidden.jpg").write_bytes(b"")
    return place


def finished(*arguments, **options):
    """All Progress of a run, and its results by file."""
    steps = list(runner.run(*arguments, **options))
    return steps, {step.result.file: step.result for step in steps if step.result}


def table(out):
    return list(csv.DictReader(io.StringIO((out / "results.csv").read_text(encoding="utf-8"))))


def test_each_photo_is_what_it_is_alone_and_the_table_says_so(folder, tmp_path):
    choices, out = Choices(background="#ffffff", shadow=0.4, format="webp"), tmp_path / "out"
    steps, results = finished([folder], RedSegmenter(), choices, out, recursive=True)
    assert [step.done for step in steps] == [0, 1, 2, 3, 4] and {step.total for step in steps} == {4}
    assert steps[-1].failed == 1 and steps[-1].seconds_left == 0 and steps[0].seconds_left is None
    rows = table(out)
    assert [row["file"] for row in rows] == ["a.jpg", "b.jpg", "broken.jpg", "more/a.jpg"]
    for row in rows:
        if row["file"] == "broken.jpg":
            assert "damaged" in row["error"] and not row["cutout"] and not row["mask"]
            continue
        photo = open_photo(folder / row["file"])
        product = render.produce(photo, RedSegmenter().probabilities(photo), choices)
        assert (out / row["cutout"]).read_bytes() == product.data and not row["error"]
        mask = np.asarray(Image.open(out / row["mask"]))
        assert float(row["coverage"]) == pytest.approx((mask == 255).mean(), abs=1e-6)
        assert (int(row["width"]), int(row["height"])) == photo.shape[1::-1]
        assert int(row["check"]) == uncertainty.find(RedSegmenter().probabilities(photo))["check"]


class Scattered(RedSegmenter):
    """Sure of a piece of furniture, and of a scrap; unsure of a gap in the furniture."""

    def probabilities(self, photo):
        probabilities = np.zeros(photo.shape[:2], np.float32)
        probabilities[10:60, 10:60] = 0.95
        probabilities[25:40, 25:40] = 0.4
        probabilities[80:90, 80:90] = 0.9
        return probabilities


def test_the_table_counts_places_to_check_in_what_is_left(tmp_path):
    (tmp_path / "a.png").write_bytes(to_png(np.full((100, 100, 3), 90, np.uint8)))

    def checked(number, **options):
        finished(tmp_path / "a.png", Scattered(), options.pop("choices", Choices()), tmp_path / str(number), **options)
        (row,) = table(tmp_path / str(number))
        return int(row["check"])

    assert checked(1) == 1  # the gap; the scrap was left out
    assert checked(2, choices=Choices(pieces="all")) == 2
    assert checked(3, edits={"a.png": [{"do": "drop", "at": [0.3, 0.3]}]}) == 0  # a person said that it is open
    assert checked(4, edits={"a.png": [{"do": "keep", "at": [0.85, 0.85]}]}) == 1  # and that the scrap belongs to it


def test_what_is_done_is_not_done_again_unless_something_changed(folder, tmp_path):
    out, segmenter = tmp_path / "out", Counting()
    finished([folder], segmenter, Choices(), out)
    assert segmenter.shown == 2
    steps, results = finished([folder], segmenter, Choices(), out)
    assert segmenter.shown == 2 and results["a.jpg"].resumed and steps[-1].failed == 1 and len(table(out)) == 3
    finished([folder], segmenter, Choices(shadow=0.5), out)
    assert segmenter.shown == 4
    finished([folder], segmenter, Choices(shadow=0.5), out, edits={"a.jpg": [{"do": "keep", "at": [0.5, 0.5]}]})
    assert segmenter.shown == 5
    (folder / "b.jpg").write_bytes(as_jpeg(red_disc(90, 60)))
    (out / "cutouts" / "a.png").unlink()
    finished([folder], segmenter, Choices(shadow=0.5), out)
    assert segmenter.shown == 7 and (out / "cutouts" / "a.png").is_file()


def test_a_journal_cut_short_costs_one_photo_at_most(folder, tmp_path):
    out, segmenter = tmp_path / "out", Counting()
    finished([folder], segmenter, Choices(), out)
    path = out / journal.JOURNAL
    path.write_bytes(path.read_bytes()[:-20] + b"\xff{")
    finished([folder], segmenter, Choices(), out)
    assert segmenter.shown == 3
    finished([folder], segmenter, Choices(), out)
    assert segmenter.shown == 3


def test_whatever_goes_wrong_with_a_photo_is_its_own_affair(tmp_path):
    (tmp_path / "fails.jpg").write_bytes(as_jpeg(red_disc(BROKEN_SIDE, 60)))
    (tmp_path / "works.jpg").write_bytes(as_jpeg(red_disc(80, 60)))
    sources = [tmp_path / "fails.jpg", tmp_path / "works.jpg", tmp_path / "missing.jpg"]
    _, results = finished(sources, RedSegmenter(), Choices(), tmp_path / "out")
    assert "asked to fail" in results["fails.jpg"].error and not results["works.jpg"].error
    assert "cannot be opened" in results["missing.jpg"].error


def test_cancelling_ends_the_run_while_photos_are_in_hand(tmp_path):
    """The network hangs; the run ends all the same, and its table tells of what was done before."""
    hung, free, cancelled = threading.Event(), threading.Event(), threading.Event()

    class Hanging(RedSegmenter):
        def probabilities(self, photo):
            if photo.shape[1] != 80:
                hung.set()
                free.wait(60)
            return super().probabilities(photo)

    for number, width in enumerate((80, 90, 90, 90, 90)):
        (tmp_path / f"{number}.jpg").write_bytes(as_jpeg(red_disc(width, 60)))
    out, steps = tmp_path / "out", []
    threading.Thread(target=lambda: (hung.wait(60), cancelled.set()), daemon=True).start()
    for step in runner.run([tmp_path], Hanging(), Choices(), out, workers=1, cancelled=cancelled):
        steps.append(step)
    assert not free.is_set() and steps[-1].cancelled and steps[-1].done == 1
    free.set()
    assert [row["file"] for row in table(out)] == ["0.jpg"]
    with zipfile.ZipFile(zip_of(out)) as archive:
        assert archive.namelist() == ["results.csv", "cutouts/0.png", "masks/0.png"]


def test_a_run_that_is_closed_leaves_its_table(folder, tmp_path):
    run = runner.run([folder], RedSegmenter(), Choices(), tmp_path / "out", workers=1)
    next(run), next(run)
    run.close()
    assert len(table(tmp_path / "out")) == 1
    assert not list((tmp_path / "out").rglob("*.part"))


def test_zips_are_read_and_lead_nowhere_else(tmp_path):
    place = tmp_path / "photos.zip"
    with zipfile.ZipFile(place, "w") as archive:
        for name in (
            "chair.jpg",
            "../../chair.jpg",
            "/etc/chair.jpg",
            "c:\\x\\Chair.png",
            "__MACOSX/._a.jpg",
            "con.jpg",
            "a.txt",
        ):
            archive.writestr(name, as_jpeg(red_disc(80, 60)))
    out = tmp_path / "deep" / "out"
    _, results = finished([place], RedSegmenter(), Choices(), out)
    assert len(results) == 5 and not any(result.error for result in results.values())
    written = [path.resolve() for path in tmp_path.rglob("*.png")]
    assert len(written) == 10 and all(out in path.parents for path in written)
    assert len({str(path).casefold() for path in written}) == 10


def test_a_zip_that_lies_about_its_photo_is_that_photos_error(tmp_path):
    data = as_jpeg(red_disc(80, 60))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("good.jpg", data)
        archive.writestr("bad.jpg", data)
    changed = bytearray(file.getvalue())
    changed[changed.rindex(data[:50]) + 300] ^= 0xFF  # of the second photo's bytes
    (tmp_path / "p.zip").write_bytes(bytes(changed))
    _, results = finished([tmp_path / "p.zip"], RedSegmenter(), Choices(), tmp_path / "out")
    assert sorted(bool(result.error) for result in results.values()) == [False, True]


def test_a_folder_that_cannot_be_written_to_is_said_in_plain_words(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "a.jpg").write_bytes(as_jpeg(red_disc(80, 60)))
    with pytest.raises(PhotoError, match="cannot be written"):
        list(runner.run(tmp_path / "a.jpg", RedSegmenter(), Choices(), tmp_path / "file" / "out"))


def test_other_kinds_and_thumbnails(folder, tmp_path):
    _, results = finished([folder / "a.jpg"], RedSegmenter(), Choices(what="heatmap"), tmp_path / "h", thumbnails=True)
    assert results["a.jpg"].cutout == "heatmaps/a.png" and not results["a.jpg"].mask
    assert Image.open(io.BytesIO(results["a.jpg"].thumbnail)).size == (80, 60)
    finished([folder / "a.jpg"], RedSegmenter(), Choices(what="all"), tmp_path / "all")
    with zipfile.ZipFile(zip_of(tmp_path / "all", tmp_path / "z.zip")) as archive:
        assert archive.namelist() == ["results.csv", "cutouts/a.png", "masks/a.png", "maps/a.png"]
        assert archive.testzip() is None
    with pytest.raises(PhotoError, match="no results"):
        zip_of(tmp_path / "nowhere")


def test_rows_of_a_table_are_worked_on_like_photos():
    """What Ray Data's map_batches calls, in docs/ray_batch.py."""
    data, choices = as_jpeg(red_disc(80, 60)), Choices(background="#ffffff", format="jpeg")
    found = runner.work_rows(np.array([data, b"no photo"], object), RedSegmenter(), choices)
    photo = open_photo(data)
    assert found["cutout"] == [render.produce(photo, RedSegmenter().probabilities(photo), choices).data, b""]
    assert found["error"][0] == "" and "picture" in found["error"][1] and found["coverage"][0] > 0.1


@pytest.fixture
def disk(monkeypatch):
    """A disk with room for so many files more: disk(2). None: as many as one likes."""
    write, room = files.replacing, [None]

    def replacing(path, durable=False):
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        room[0] = room[0] and room[0] - 1
        return write(path, durable)

    monkeypatch.setattr(files, "replacing", replacing)
    return lambda files_more: room.__setitem__(0, files_more)


@pytest.mark.parametrize("left", [0, 1, 2, 3, 4])
def test_a_full_disk_ends_a_run_at_once_and_the_same_run_goes_on_later(folder, tmp_path, disk, caplog, left):
    (folder / "broken.jpg").unlink()
    segmenter, out = Counting(), tmp_path / "out"
    disk(None)
    finished([folder / "a.jpg"], segmenter, Choices(), out)
    before = {path: path.read_bytes() for path in out.rglob("*.*") if path.suffix in (".csv", ".png")}
    disk(left)  # a photo takes two files; then there is the table
    with pytest.raises(DiskFullError, match="disk is full. What is done is kept: free some space"):
        finished([folder], segmenter, Choices(), out, recursive=True, workers=1)
    assert segmenter.shown <= 2 + left // 2 + 1 and not caplog.records
    assert all(path.read_bytes() == data for path, data in before.items()) and not list(out.rglob("*.part"))
    disk(None)
    shown = segmenter.shown
    steps, results = finished([folder], segmenter, Choices(), out, recursive=True)
    assert steps[-1].done == 3 and steps[-1].failed == 0 and len(table(out)) == 3
    assert segmenter.shown - shown == 2 - left // 2 and results["a.jpg"].resumed


def test_a_zip_of_results_that_the_disk_has_no_room_for_is_said(folder, tmp_path, disk):
    out = tmp_path / "out"
    finished([folder], RedSegmenter(), Choices(), out)
    disk(0)
    with pytest.raises(DiskFullError):
        zip_of(out)
