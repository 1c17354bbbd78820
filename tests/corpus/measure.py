"""Opens each file of the corpus in a process of its own, and notes what came of it, its processor time and its memory.

    python -m tests.corpus.measure [FOLDER] [--json tests/corpus/measured.json]

writes the files into FOLDER (by default one that is deleted again), and says which are the slowest and the largest.
The seconds are the processor's, so that what else the machine does counts little; the tests assert memory alone. It forks, so it needs Linux or macOS.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import warnings
from pathlib import Path

from segmenter.errors import PhotoError
from segmenter.io.images import open_photo
from tests.corpus.case import Case
from tests.corpus.catalogue import CASES

UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
SECONDS, MEGABYTES = 2.0, 1200  # that a file may take
PATIENCE = 60  # seconds, after which a process is killed


def path_of(folder: Path, name: str) -> Path:
    """Where the file of a case lies. What follows the last dot is its suffix."""
    return folder / name.replace("/", "_").replace(":", "")


def write(folder: Path) -> None:
    """Write all files, in a process of its own: what the measured ones fork from stays small."""
    child = os.fork()
    if child == 0:
        try:
            for case in CASES.values():
                path_of(folder, case.name).write_bytes(case.make())
        except BaseException as error:
            print(f"{case.name}: {error!r}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("a file could not be made")


def measure(folder: Path) -> dict[str, dict]:
    """Name → {"outcome": "taken", a refusal's code, or what else was raised; "seconds"; "megabytes"; "shown"}."""
    return {name: _measured(path_of(folder, name), case) for name, case in CASES.items()}


def _measured(path: Path, case: Case) -> dict:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        os.write(theirs, json.dumps(_look(path, case.heavy)).encode())
        os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as pipe:
        said = pipe.read()
    _, status, used = os.wait4(child, 0)
    found = json.loads(said) if said else {"outcome": f"the process ended with {status}", "shown": None}
    seconds = round(used.ru_utime + used.ru_stime, 3)
    return {**found, "seconds": seconds, "megabytes": round(used.ru_maxrss * UNIT / 1e6)}


def _look(path: Path, heavy: bool) -> dict:
    """In the child: open a file."""
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff speaks of every damage
    warnings.simplefilter("ignore")
    shown = None
    try:
        photo = open_photo(path)
        outcome = "taken"
    except PhotoError as error:
        outcome = error.code
    except BaseException as error:
        outcome = f"{type(error).__name__}: {error}"
    if outcome == "taken" and heavy:
        shown = [*photo.shape[:2], *(round(float(value)) for value in photo[::7, ::7].mean(axis=(0, 1)))]
    return {"outcome": outcome, "shown": shown}


def summary(found: dict[str, dict]) -> dict:
    """What is worth keeping: how many came to what, and the files that took the most."""

    def most(what, count=12):
        names = sorted(found, key=lambda name: found[name][what], reverse=True)[:count]
        return {name: found[name][what] for name in names}

    outcomes = [each["outcome"] for each in found.values()]
    return {
        "files": len(found),
        "outcomes": {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
        "limits": {"seconds": SECONDS, "megabytes": MEGABYTES},
        "beyond the seconds": sorted(name for name in found if found[name]["seconds"] > SECONDS),
        "slowest": most("seconds"),
        "largest": most("megabytes"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.measure", description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--json", type=Path, help="where the summary goes")
    parser.add_argument("--all", type=Path, help="where what came of each file goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        folder = options.folder or Path(own)
        folder.mkdir(parents=True, exist_ok=True)
        write(folder)
        found = measure(folder)
    text = json.dumps(summary(found), indent=2)
    if options.json:
        options.json.write_text(text + "\n")
    if options.all:
        options.all.write_text(json.dumps(found))
    print(text)


if __name__ == "__main__":
    main()
