"""Many photos in one go, for programs."""

import json

import pytest

from segmenter import open_photo
from segmenter.io.images import PhotoError
from segmenter.render.options import Choices
from segmenter.render.render import produce
from segmenter.web import batch_api
from segmenter.web.handlers import Handlers
from tests.sent import expected, unzip, zipped
from tests.standin import PIECES, PickingSegmenter, RedSegmenter, as_jpeg, red_disc, two_and_a_ball

CHAIR = as_jpeg(red_disc(160, 120))
STOOL = as_jpeg(red_disc(120, 160))


def test_a_program_gets_all_in_one_zip(handlers, send, folder):
    given = [{"path": send(CHAIR)}, {"path": send(zipped(**{"stool.jpg": STOOL, "bad.jpg": b"x"}), "more.zip")}]
    steps = []
    file = batch_api.run(handlers, given, {"format": "webp"}, "", None, lambda done, total: steps.append((done, total)))
    members, rows = unzip(file)
    assert members["cutouts/stool.webp"] == expected(STOOL, format="webp")
    assert members.keys() == {
        f"{kind}/{name}"
        for name, suffix in (("chair", "webp"), ("stool", "webp"))
        for kind, name in (("cutouts", f"{name}.{suffix}"), ("masks", f"{name}.png"))
    }
    assert [row["file"] for row in rows] == ["chair.jpg", "bad.jpg", "stool.jpg"]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert steps[0] == (0, 3) and steps[-1] == (3, 3)


def test_a_program_may_correct_each_photo(handlers, send):
    stroke = {"do": "erase", "radius": 0.1, "points": [[0.4, 0.5]]}
    members, _ = unzip(batch_api.run(handlers, [{"path": send(CHAIR)}], {}, json.dumps({"chair.jpg": [stroke]})))
    photo = open_photo(CHAIR)
    assert members["cutouts/chair.png"] == produce(photo, RedSegmenter().probabilities(photo), Choices(), [stroke]).data


def test_a_program_may_pick_a_piece_of_each_photo(handlers, send):
    picking, photo = PickingSegmenter(), as_jpeg(two_and_a_ball(320, 240))
    picks = {name: [{"do": "only", "points": [PIECES[name]], "labels": [1]}] for name in ("red", "blue")}
    given = [{"path": send(photo, f"{name}.jpg")} for name in picks]
    edits = json.dumps({f"{name}.jpg": pick for name, pick in picks.items()})
    members, _ = unzip(batch_api.run(Handlers(picking, handlers.uploads), given, {}, edits))
    for name, pick in picks.items():
        assert members[f"cutouts/{name}.png"] == produce(open_photo(photo), picking, Choices(), pick).data
    assert members["cutouts/red.png"] != members["cutouts/blue.png"]


@pytest.mark.parametrize("given", [[], None, [{"path": "/etc/passwd"}], ["/etc/passwd"], [None]])
def test_a_program_reads_nothing_of_the_server(handlers, given):
    with pytest.raises(PhotoError):
        batch_api.run(handlers, given, {})


@pytest.mark.parametrize("edits", ["[", "[]", "7"])
def test_a_programs_bad_corrections_are_refused(handlers, send, edits):
    with pytest.raises(PhotoError, match="correction"):
        batch_api.run(handlers, [{"path": send(CHAIR)}], {}, edits)


def test_a_program_may_not_send_too_many(handlers, send, monkeypatch):
    monkeypatch.setattr(batch_api, "MOST_PHOTOS", 1)
    with pytest.raises(PhotoError, match="at most 1"):
        batch_api.run(handlers, [{"path": send(CHAIR)}, {"path": send(STOOL, "b.jpg")}], {})


@pytest.mark.parametrize("zips", [False, True])
def test_a_program_that_names_too_many_hears_so_before_they_are_fetched(handlers, send, monkeypatch, zips):
    asked, receive = [], handlers.uploads.receive

    def count(file, most_bytes):
        asked.append(file)
        return receive(file, most_bytes)

    monkeypatch.setattr(handlers.uploads, "receive", count)
    monkeypatch.setattr(batch_api, "MOST_PHOTOS", 3)
    addresses = [{"path": f"https://example.org/{number}.jpg"} for number in range(2 if zips else 4)]
    full = [{"path": send(zipped(**{"a.jpg": CHAIR, "b.jpg": CHAIR}), "full.zip")}] if zips else []
    with pytest.raises(PhotoError, match="at most 3 are possible"):
        batch_api.run(handlers, full + addresses, {})
    assert len(asked) == len(full)


def test_what_a_program_sends_has_an_end(handlers, send, monkeypatch):
    monkeypatch.setattr(batch_api, "MAX_TOTAL_MEGABYTES", 0)
    with pytest.raises(PhotoError, match="larger than 0 MB in all"):
        batch_api.run(handlers, [{"path": send(CHAIR)}], {})


def test_an_empty_zip_beside_photos_is_no_trouble(handlers, send):
    given = [{"path": send(zipped(**{"a.txt": b"x"}), "empty.zip")}, {"path": send(CHAIR)}]
    assert [row["file"] for row in unzip(batch_api.run(handlers, given, {}))[1]] == ["chair.jpg"]


def test_all_kinds_go_into_one_zip(handlers, send):
    given = [{"path": send(CHAIR)}, {"path": send(CHAIR[:900], "broken.jpg")}]
    members, _ = unzip(batch_api.run(handlers, given, {"what": "all"}))
    assert members.keys() == {"cutouts/chair.png", "masks/chair.png", "maps/chair.png"}
