"""Each of several hundred files is taken, with the pixels that another decoder finds, or refused by the code that is meant."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from segmenter.io.images import open_photo
from tests.corpus import measure, oracle
from tests.corpus.case import TAKEN, WHOLE
from tests.corpus.catalogue import CASES

ROOT = Path(__file__).resolve().parents[2]
COMPARED = [name for name, case in CASES.items() if case.expected == TAKEN and not case.heavy]
pytestmark = pytest.mark.filterwarnings("ignore")  # of Pillow's, about what it passes over


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="session")
def found(folder):
    """What came of each file, looked at in processes of their own."""
    command = [sys.executable, "-m", "tests.corpus.measure", str(folder), "--all", str(folder / "found.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "found.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_taken_or_refused_as_is_meant(name, found):
    case, (outcome, shown) = CASES[name], (found[name]["outcome"], found[name]["shown"])
    if case.expected == WHOLE:
        assert outcome == TAKEN or outcome.startswith("photo."), outcome
    else:
        assert outcome in ((TAKEN,) if case.expected == TAKEN else case.expected), outcome
    if case.shown:
        assert shown[:2] == list(case.shown[:2])
        assert np.abs(np.subtract(shown[2 : len(case.shown)], case.shown[2:])).max(initial=0) <= 1
    assert found[name]["megabytes"] <= measure.MEGABYTES


@pytest.mark.parametrize("name", COMPARED)
def test_the_pixels_are_those_that_another_decoder_finds(name, folder, found):
    case, path = CASES[name], measure.path_of(folder, name)
    photo = open_photo(path)
    if case.truth:
        expected = case.truth()
    else:
        _, expected = oracle.read(path.read_bytes())
    assert photo.shape == expected.shape
    away = np.abs(photo.astype(np.float32) - expected)
    assert away.mean() <= case.off and (case.worst is None or away.max() <= case.worst), (away.mean(), away.max())


@pytest.mark.parametrize("name", sorted({name.rpartition("-")[0] for name in CASES if name.startswith("cut-short/")}))
def test_a_file_that_is_cut_short_is_never_taken_for_less_than_it_is(name, folder, found):
    cut = [each for each in CASES if each.rpartition("-")[0] == name]
    taken = [each for each in cut if found[each]["outcome"] == TAKEN]
    for each in taken:
        np.testing.assert_array_equal(open_photo(measure.path_of(folder, each)), CASES[each].truth())
    assert len(taken) <= 2 and len(cut) == 20


def test_the_corpus_is_large_and_mostly_judged_by_another_decoder(folder, found):
    judged = [name for name in COMPARED if CASES[name].truth is None]
    decoders = [oracle.read(measure.path_of(folder, name).read_bytes())[0] for name in judged]
    assert len(CASES) >= 800 and decoders.count("libvips") >= 250


def test_the_figures_that_are_kept_are_of_this_corpus():
    kept = json.loads((ROOT / "tests" / "corpus" / "measured.json").read_text())
    assert kept["files"] == len(CASES) == sum(kept["outcomes"].values())
    assert kept["limits"] == {"seconds": measure.SECONDS, "megabytes": measure.MEGABYTES}
    assert kept["beyond the seconds"] == [] and max(kept["largest"].values()) <= measure.MEGABYTES
