"""What fuzzing found stays mended, and a few hundred changed files of each kind are refused or taken in words."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import mutation, seeds, targets

FINDS = sorted((Path(__file__).parent / "finds").iterdir())
TAKEN = {"taken", "unpacked", "found", "masks", "COCO", "labelme", "YOLO", "CVAT", "VIA", "Studio", "Supervisely"}
pytestmark = [pytest.mark.filterwarnings("ignore")]  # of Pillow's, about what it passes over


@pytest.mark.parametrize("path", FINDS, ids=lambda path: path.stem)
def test_what_was_found_once_is_no_traceback_any_more(path):
    name = path.stem.partition("-")[0]
    assert targets.TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", targets.TARGETS)
def test_the_seeds_are_files_that_are_taken(name):
    said = [targets.TARGETS[name](data) for data in seeds.seeds(name)]
    taken = [each for each in said if TAKEN.intersection(each.split())]
    assert len(taken) >= len(said) / 2, said


@pytest.mark.parametrize(
    "name, tries", [("photo", 600), ("archive", 300), ("annotations", 300), ("mask", 2000), ("settings", 2000)]
)
def test_changed_files_are_taken_or_refused(name, tries):
    for data in itertools.islice(mutation.mutations(seeds.seeds(name), seed=0), tries):
        assert targets.TARGETS[name](data)


def test_changes_are_the_same_every_time():
    first, again = (list(itertools.islice(mutation.mutations([b"chair", b"sofa"], seed=3), 50)) for _ in range(2))
    assert first == again and len(set(first)) > 30


def test_the_command_says_what_it_did(tmp_path):
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "settings",
        "--engine=mutation",
        "--minutes=0.01",
        f"--out={tmp_path}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0 and "no finds" in done.stdout, done.stderr
