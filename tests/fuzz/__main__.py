"""Fuzz what takes files from strangers, until the time is over or something is found.

    pip install atheris
    python -m tests.fuzz photo --minutes 20

Atheris (libFuzzer for Python) watches which branches of `segmenter` and of Pillow's Python code each input
takes, and goes on from those that took a new one; the decoders in C are not watched. It has no wheel for some versions of
Python: there, or with `--engine mutation`, good files are changed by chance, with no view of the branches.

What was found lies in runs/fuzz/TARGET as crash-…, timeout-… or oom-…; `python -m tests.fuzz TARGET FILE …` runs it again.
Once its fault is mended it goes to tests/fuzz/finds/TARGET-WHAT.bin, which the tests run every time.
"""

import argparse
import hashlib
import sys
import time
import traceback
from pathlib import Path

SECONDS, MEGABYTES = 10, 2500  # that one input may take
WATCHED = ["segmenter", "PIL", "zipfile", "yaml", "json"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("target", choices=("photo", "archive", "annotations", "mask", "settings"))
    parser.add_argument("files", nargs="*", type=Path, help="run these alone")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of chance (1)")
    parser.add_argument("--engine", choices=("atheris", "mutation"), help="atheris, where it is installed")
    parser.add_argument("--out", type=Path, default=Path("runs", "fuzz"), metavar="FOLDER")
    options = parser.parse_args()
    folder = options.out / options.target
    folder.mkdir(parents=True, exist_ok=True)
    if options.files:
        return _run_again(options.target, options.files)
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris is None and options.engine == "atheris":
        parser.error("atheris is not installed here: pip install atheris")
    if atheris is None or options.engine == "mutation":
        return _by_mutation(options, folder)
    with atheris.instrument_imports(include=WATCHED):
        from tests.fuzz import seeds, targets
    return _by_atheris(atheris, options, folder, targets.TARGETS[options.target], seeds.seeds(options.target))


def _by_atheris(atheris, options, folder, target, seeds):
    """Does not return: libFuzzer ends the process, with 0 where nothing was found."""
    for name in ("seeds", "corpus"):
        (folder / name).mkdir(exist_ok=True)
    for number, data in enumerate(seeds):
        (folder / "seeds" / str(number)).write_bytes(data)
    flags = [
        f"-max_total_time={60 * options.minutes:.0f}",
        f"-seed={options.seed}",
        f"-timeout={SECONDS}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={folder}/",
        "-max_len=65536",
        "-print_final_stats=1",
    ]
    atheris.Setup(
        [sys.argv[0], *flags, str(folder / "corpus"), str(folder / "seeds")], lambda data: target(data) and None
    )
    atheris.Fuzz()
    return 0


def _by_mutation(options, folder):
    """Goes on after a find, and keeps one file for each place where something was raised."""
    from tests.fuzz import mutation, seeds, targets

    ends, tries, slow, places = time.monotonic() + 60 * options.minutes, 0, 0.0, set()
    for data in mutation.mutations(seeds.seeds(options.target), options.seed):
        began = time.monotonic()
        if began > ends:
            break
        try:
            targets.TARGETS[options.target](data)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{frame.filename}, line {frame.lineno}"
            if place not in places:
                path = folder / f"crash-{hashlib.sha256(data).hexdigest()[:16]}"
                path.write_bytes(data)
                print(f"{path}: {type(error).__name__}: {error} ({place})")
            places.add(place)
        tries, slow = tries + 1, max(slow, time.monotonic() - began)
    print(f"{tries} inputs, the slowest {slow:.2f} s; {len(places) or 'no'} finds")
    return bool(places)


def _run_again(name, files):
    from tests.fuzz import targets

    for path in files:
        print(f"{path}: {targets.TARGETS[name](path.read_bytes())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
