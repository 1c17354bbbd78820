"""How much faster a batch is on all processors than on one.

    python -m tests.benchmarks.many [--photos 40] [--rounds 2]

Photos of one megapixel are worked on by `segmenter.batch.runner.run`, in turns by a process that may use one processor
and works on one photo at a time, and by one as it comes. Printed, as JSON: photos a second of both (the best round of
each), the ratio of these rates, and seconds of processors that a photo takes. On a machine that is busy with other
things the rates mean little; `busy` then says more: the share of the time in which as many threads as there are
processors had something to do.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.benchmarks.speed import ROOT, photo_file


def processors() -> set[int]:
    """Those that this process may use; none where the system does not say."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


class Busy:
    """A thread that looks now and then how many others of this process are running, or would if they could."""

    def __init__(self, processors: int) -> None:
        self.processors, self.looks, self.full, self.over = processors, 0, 0, threading.Event()
        self.thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Busy":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        self.thread.join()

    @property
    def share(self) -> float:
        """Of the time, 0 … 1."""
        return round(self.full / max(1, self.looks), 3)

    def _look(self):
        own = threading.get_native_id()
        while not self.over.wait(0.05):
            states = [_state(task) for task in Path("/proc/self/task").iterdir() if int(task.name) != own]
            self.looks, self.full = self.looks + 1, self.full + (states.count("R") >= self.processors)


def _state(task):
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # it has ended meanwhile
        return ""


def measure(folder: str, alone: bool) -> dict:
    """What a batch of a folder takes in this process: photos a second, seconds of processors, share of busy time."""
    if alone:
        os.sched_setaffinity(0, {min(processors())})
    from segmenter import Choices, Segmenter, memory
    from segmenter.batch import runner

    memory.reuse()  # as the command line does
    segmenter, workers = Segmenter.load(), 1 if alone else None
    with tempfile.TemporaryDirectory() as out, Busy(len(processors())) as busy:
        began, used = time.perf_counter(), time.process_time()
        last = list(runner.run([folder], segmenter, Choices(), out, workers=workers))[-1]
        seconds, used = time.perf_counter() - began, time.process_time() - used
    if last.failed:
        raise ValueError(f"{last.failed} photos failed")
    return {
        "photos_a_second": round(last.done / seconds, 3),
        "processor_seconds": round(used / last.done, 4),
        "busy": busy.share,
    }


def compare(photos: int, rounds: int) -> dict:
    """Both in turns, each in a process of its own."""
    found = {"one": [], "all": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(photos):
            (Path(folder) / f"{number:04}.jpg").write_bytes(photo_file(1, number))
        for _ in range(rounds):
            for name, runs in found.items():
                command = [sys.executable, "-m", "tests.benchmarks.many", "--measure", folder, name]
                done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
                runs.append(json.loads(done.stdout.splitlines()[-1]))
    best = {name: max(runs, key=lambda run: run["photos_a_second"]) for name, runs in found.items()}
    ratio = best["all"]["photos_a_second"] / best["one"]["photos_a_second"]
    return {"photos": photos, "processors": len(processors()), **best, "ratio": round(ratio, 2)}


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--measure", nargs=2, metavar=("FOLDER", "WHICH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure[0], options.measure[1] == "one")))
    else:
        print(json.dumps(compare(options.photos, options.rounds), indent=2))


if __name__ == "__main__":
    main()
