"""`python -m segmenter cut`: the same files as the Python API makes, and clear words where it cannot."""

import csv
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

from segmenter import Segmenter, open_photo
from segmenter.cli import main, make_parser
from segmenter.io import files, images
from segmenter.render import render
from segmenter.render.options import Choices
from tests.standin import as_jpeg, red_disc


@pytest.fixture
def chair(tmp_path):
    path = tmp_path / "my chair.jpg"
    path.write_bytes(as_jpeg(red_disc(160, 120)))
    return path


def expected(path, weights, choices, edits=(), background=None):
    photo, segmenter = open_photo(path), Segmenter.load(weights)
    return render.produce(
        photo, segmenter.probabilities(photo), choices.at(segmenter.threshold), edits, background
    ).data


def test_one_photo_becomes_a_file_beside_it(chair, tiny_weights, capsys):
    assert main(["cut", str(chair), "--weights", str(tiny_weights)]) == 0
    made = chair.with_name("my chair-cutout.png")
    assert capsys.readouterr().out.strip() == str(made)
    assert made.read_bytes() == expected(chair, tiny_weights, Choices())


def test_all_settings_reach_the_file(chair, tmp_path, tiny_weights):
    own, edits = tmp_path / "own.png", [{"do": "keep", "radius": 0.05, "points": [[0.9, 0.1]]}]
    Image.fromarray(np.full((20, 20, 3), 77, np.uint8)).save(own)
    (tmp_path / "edits.json").write_text(json.dumps(edits))
    options = [
        "--threshold",
        "0.4",
        "--shift",
        "-2",
        "--softness",
        "1.5",
        "--shadow",
        ".5",
        "--trim",
        "--margin",
        "0.1",
        "--canvas",
        "300x200",
        "--format",
        "jpeg",
        "--quality",
        "70",
        "--background-picture",
        str(own),
        "--edits",
        str(tmp_path / "edits.json"),
        "--weights",
        str(tiny_weights),
    ]
    assert main(["cut", str(chair), *options]) == 0
    choices = Choices(
        threshold=0.4,
        shift=-2,
        softness=1.5,
        shadow=0.5,
        trim=True,
        margin=0.1,
        canvas="300x200",
        format="jpeg",
        quality=70,
        background="own",
    )
    made = chair.with_name("my chair-cutout.jpg").read_bytes()
    assert made == expected(chair, tiny_weights, choices, edits, open_photo(own))


def test_every_setting_has_its_option():
    parsed = vars(make_parser().parse_args(["cut", "x", "--no-trim"]))
    assert parsed["choice_trim"] is False
    for choice in fields(Choices):
        value = {"bool": []}.get(str(choice.type), ["1"]) if choice.name not in ("trim", "tint") else []
        assert f"choice_{choice.name}" in vars(make_parser().parse_args(["cut", "x", f"--{choice.name}", *value]))


def test_a_folder_with_a_broken_photo_ends_with_1(chair, tmp_path, tiny_weights, capsys):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    out = tmp_path / "out"
    arguments = ["cut", str(tmp_path), "--out", str(out), "--weights", str(tiny_weights), "--zip", "--preset", "wide"]
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert "broken.png: This picture is damaged" in said.err and "2 of 2, 1 failed" in said.err
    assert said.out.split() == [str(out / "results.csv"), str(tmp_path / "out.zip")]
    with Image.open(out / "cutouts" / "my chair.jpg") as picture:
        assert picture.width / picture.height == pytest.approx(16 / 9, rel=0.02)


@pytest.mark.parametrize(
    "options, said",
    [
        (["--canvas", "3"], "canvas"),
        (["--format", "gif"], "format"),
        (["--background", "own"], "--background-picture"),
        (["--edits", "nowhere.json"], "cannot be read"),
        (["--weights", "/nowhere"], "nowhere"),
        (["--out", "/dev/null/x"], "cannot be written"),
        (["--background-picture", "nowhere.png"], "nowhere.png"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(chair, tiny_weights, capsys, options, said):
    options = options if "--weights" in options else [*options, "--weights", str(tiny_weights)]
    assert main(["cut", str(chair), *options]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: ") and said in error and len(error.splitlines()) == 1


def test_several_photos_need_a_place(chair, tiny_weights, capsys):
    assert main(["cut", str(chair), str(chair), "--weights", str(tiny_weights)]) == 2
    assert "--out" in capsys.readouterr().err


def test_corrections_for_single_photos(chair, tmp_path, tiny_weights, capsys):
    edits = [{"do": "erase", "radius": 0.25, "points": [[0.4, 0.5]]}]
    (tmp_path / "edits.json").write_text(json.dumps({"my chair.jpg": edits}))
    arguments = [
        "cut",
        str(chair),
        "--out",
        str(tmp_path / "out"),
        "--weights",
        str(tiny_weights),
        "--edits",
        str(tmp_path / "edits.json"),
    ]
    assert main(arguments) == 0
    made = (tmp_path / "out" / "cutouts" / "my chair.png").read_bytes()
    assert made == expected(chair, tiny_weights, Choices(), edits)
    (tmp_path / "edits.json").write_text(json.dumps({"other.jpg": edits}))
    assert main(arguments) == 2 and "other.jpg" in capsys.readouterr().err


MANY = 64


def test_ctrl_c_keeps_what_is_done_and_the_next_call_goes_on(tmp_path, tiny_weights):
    photos = tmp_path / "photos"  # so many that they are not done before the signal arrives, on a busy machine either
    photos.mkdir()
    for number in range(MANY):
        (photos / f"{number:02}.jpg").write_bytes(as_jpeg(red_disc(600 + number, 450)))
    command = [
        sys.executable,
        "-m",
        "segmenter",
        "cut",
        str(photos),
        "--out",
        str(tmp_path / "out"),
        "--weights",
        str(tiny_weights),
        "--workers",
        "1",
    ]
    running = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        cwd=os.path.dirname(os.path.dirname(__file__)),
        # Tests that run in a shell's background inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    journal = tmp_path / "out" / ".journal.jsonl"
    while not (journal.is_file() and journal.read_text().count("key")):
        assert running.poll() is None
        time.sleep(0.005)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130 and "Traceback" not in said
    done = int(re.search(rf"Stopped: (\d+) of {MANY} done", said)[1])
    rows = list(csv.DictReader((tmp_path / "out" / "results.csv").read_text().splitlines()))
    assert 0 <= done == len(rows) < MANY
    # What was written but not noted down yet when the signal came is made anew.
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / row["cutout"] for row in rows)}
    assert main(command[3:]) == 0
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert len(list((tmp_path / "out" / "cutouts").iterdir())) == MANY


def test_the_command_line_never_imports_tensorflow_or_gradio():
    program = (
        "import sys, segmenter.__main__\n"
        "assert not {'tensorflow', 'keras', 'gradio', 'ray'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_standard_input_is_refused_in_words(capsys):
    assert main(["cut", "-"]) == 2
    assert "standard input" in capsys.readouterr().err


@pytest.mark.parametrize("out", [True, False])
def test_a_full_disk_is_one_sentence(chair, tmp_path, tiny_weights, capsys, monkeypatch, out):
    def full(path, durable=False):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(files, "replacing", full)
    arguments = ["cut", str(chair), "--weights", str(tiny_weights)]
    assert main([*arguments, "--out", str(tmp_path / "out")] if out else arguments) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("error: The disk is full. What is done is kept") and "Traceback" not in "".join(said)


@pytest.mark.parametrize("out", [True, False])
def test_a_jpeg_that_is_worked_on_at_half_its_sides_says_so(chair, tmp_path, tiny_weights, capsys, monkeypatch, out):
    monkeypatch.setattr(images, "MAX_PIXELS", 160 * 120 // 2)
    monkeypatch.setattr(images, "MAX_JPEG_PIXELS", 160 * 120)
    monkeypatch.setattr(images, "MAX_SIDE", 500)
    arguments = ["cut", str(chair), "--weights", str(tiny_weights)]
    assert main([*arguments, "--out", str(tmp_path / "out")] if out else arguments) == 0
    said = capsys.readouterr().err
    assert "has 160 × 120 pixels. It was worked on at half its sides, so the result is of 80 × 60." in said
    made = next(tmp_path.rglob("cutouts/*.png")) if out else chair.with_name("my chair-cutout.png")
    assert Image.open(made).size == (80, 60)
