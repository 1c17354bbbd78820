"""What the benchmarks say of a run is what the run measured."""

import io
import json
import mmap

import pytest
from PIL import Image

from tests.benchmarks import many, peers, speed, start


def sizes(seconds):
    return {str(size): {"median": seconds * size, "p95": 2 * seconds, "megabytes": 100} for size in speed.MEGAPIXELS}


@pytest.fixture
def run():
    """A run beside two peers, of which one takes four times as long and the other ten times."""
    programs = {speed.OURS: sizes(0.1), "u2netp": sizes(0.4), "u2net": sizes(1.0)}
    return {
        "rounds": 1,
        "programs": {name: {"sizes": found} for name, found in programs.items()},
        "click": {"first_click_per_map": 0.41, "click_per_map": 0.32},
        "batch": {"processors": 2, "ratio": 1.87},
        "visitors": {
            "visitors": 64,
            "right": 64,
            "share of the batch": 0.43,
            "programs": {"right": 63, "share of the batch": 0.93},
        },
        "page": {"seconds_ratio": 1.19, "megabytes_more": 97.5},
    }


def test_each_peer_has_columns_of_its_own(run):
    head, line, first, *others = (
        [cell.strip() for cell in row.strip("|").split("|")] for row in speed.table(run).splitlines()
    )
    assert len(head) == len(line) == len(first) == 12 and len(others) == len(speed.MEGAPIXELS) - 1
    assert first == ["0.25", "0.025", "0.200", "100", "0.100", "0.800", "100", "0.25", "0.250", "2.000", "100", "0.10"]
    assert "u2netp: seconds" in head and "u2net: seconds" in head


def test_what_was_measured_beside_is_said_and_nothing_else(run):
    said = speed.sentences(run)
    for figure in ("0.41", "0.32", "1.87 times", "64 visitors", "0.43", "63 of them", "0.93", "1.19", "98 MB"):
        assert figure in said
    del run["visitors"], run["page"], run["batch"]
    assert len(speed.sentences(run).splitlines()) == 1
    assert speed.sentences({"programs": run["programs"]}) == ""


def test_what_is_between_the_marks_is_replaced_and_nothing_else(run):
    text = f"before\n{speed.START}\nold\n{speed.END}\nafter"
    made = speed.with_table(text, run)
    assert made == f"before\n{speed.START}\n{speed.table(run)}\n\n{speed.sentences(run)}\n{speed.END}\nafter"
    assert speed.with_table(made, run) == made


def test_the_plot_has_a_line_for_each_program(run):
    assert speed.plot(run).count("<polyline") == 3
    assert set(speed.COLOURS) == {speed.OURS, *peers.PACKAGES}


@pytest.mark.parametrize("megapixels", [0.01, 0.25])
def test_photos_have_the_size_that_was_asked_for_and_differ(megapixels):
    files = [speed.photo_file(megapixels, number) for number in range(9)]
    assert len(set(files)) == 9
    with Image.open(io.BytesIO(files[0])) as photo:
        assert photo.format == "JPEG" and photo.width * photo.height == pytest.approx(megapixels * 1e6, rel=0.02)


def test_programs_take_turns_and_large_photos_are_fewer(monkeypatch, tmp_path):
    asked = []

    def printed(benchmark, *options):
        asked.append(options[1:])
        return {"seconds": [1.0, 3.0], "network": [0.5], "start": 0.1, "megabytes": 70.4}

    monkeypatch.setattr(speed, "printed", printed)
    (tmp_path / "model.tflite").write_bytes(bytes(2_000_000))
    peer = tmp_path / "u2netp.onnx"
    peer.write_bytes(bytes(500_000))
    found = speed.compare({speed.OURS: str(tmp_path), "u2netp": str(peer)}, rounds=2, photos=6)
    assert [program for program, *_ in asked[:4]] == [speed.OURS, "u2netp"] * 2
    assert {(float(size) > 10, photos) for _, _, size, photos in asked} == {(False, "6"), (True, "2")}
    assert len(asked) == 2 * 2 * len(speed.MEGAPIXELS)
    assert found["programs"]["u2netp"]["megabytes_on_disk"] == 0.5
    assert found["programs"][speed.OURS]["megabytes_on_disk"] == 2.0
    assert found["programs"][speed.OURS]["sizes"]["1"] == {"median": 2.0, "p95": 3.0, "megabytes": 70}
    assert json.loads(json.dumps(found)) == found


def test_the_rate_on_all_processors_is_compared_with_that_on_one(monkeypatch, tmp_path):
    rates = iter([2.0, 3.0, 2.5, 4.0])  # one, all, one, all

    def done(command, **_):
        printed = json.dumps({"photos_a_second": next(rates), "processor_seconds": 0.2, "busy": 1.0})
        return type("Done", (), {"stdout": f"{command[-1]}\n{printed}\n"})

    monkeypatch.setattr(many.subprocess, "run", done)
    monkeypatch.setattr(many, "photo_file", lambda *_: b"")
    found = many.compare(photos=1, rounds=2)
    assert found["ratio"] == 1.6 and found["one"]["photos_a_second"] == 2.5 and found["all"]["photos_a_second"] == 4.0


def test_both_pages_are_started_in_turns_and_the_best_of_each_counts(monkeypatch):
    started, seconds = [], iter([4.0, 5.0, 2.0, 3.0])

    def measure(program):
        started.append(program)
        return {"seconds": next(seconds), "processor_seconds": 2.0, "megabytes": 150.0 + 90 * (program != "bare")}

    monkeypatch.setattr(start, "measure", measure)
    found = start.compare(rounds=2)
    assert started == ["bare", "chairlift"] * 2
    assert found["seconds_ratio"] == 1.5 and found["megabytes_more"] == 90 and found["processor_seconds_ratio"] == 1


def test_the_memory_of_a_process_is_counted_in_megabytes():
    before = start.megabytes("self")
    with mmap.mmap(-1, 64 * 2**20) as held:  # from the system: an array may lie in what was freed before
        for page in range(0, len(held), mmap.PAGESIZE):
            held[page] = 1
        assert 50 < start.megabytes("self") - before < 80
