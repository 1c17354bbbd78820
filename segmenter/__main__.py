"""The command line: `python -m segmenter cut PHOTOS…` cuts the furniture out of one photo or of thousands."""

import argparse
import json
import os
import sys
from dataclasses import fields
from pathlib import Path

from segmenter.batch import runner
from segmenter.io import files
from segmenter.render import corrections, render
from segmenter.render.options import PRESETS, Choices
from segmenter.io.images import PhotoError, open_photo
from segmenter.inference.predictor import WEIGHTS, Segmenter, WeightsError

STOPPED = 130  # the exit status of a program that Ctrl-C ended


def make_parser():
    """The options: one for each field of Choices, and those of the command itself."""
    parser = argparse.ArgumentParser(prog="python -m segmenter", description="Cut furniture out of photos.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    cut = commands.add_parser(
        "cut", help="cut the furniture out of photos", description="Cut the furniture out of photos. One photo without "
        "--out becomes a file beside it; with --out, cutouts, masks and results.csv are left in a folder, and what is "
        "done there already is not done again.",
    )  # fmt: skip
    cut.add_argument("photos", nargs="+", metavar="PHOTOS", help="photo files, folders, ZIP files, or patterns")
    add = cut.add_argument
    add("--out", type=Path, metavar="DIR", help="folder for the results")
    add("--recursive", action="store_true", help="look into folders' folders too")
    add("--workers", type=_whole, metavar="N", help="photos at the same time; as many as processors by default")
    add("--zip", action="store_true", help="put all results into DIR.zip too")
    add("--weights", default=os.environ.get("SEGMENTER_WEIGHTS") or str(WEIGHTS), metavar="PLACE",
        help="weights folder, or OWNER/NAME[@revision] on the Hugging Face Hub")  # fmt: skip
    add("--edits", metavar="FILE", help="corrections: JSON of a list, or for many photos of {photo: list}")
    add("--background-picture", metavar="FILE", help="a picture for --background own, which it implies")
    add("--preset", choices=PRESETS, help="several of the settings below at once; each can still be changed")
    settings = cut.add_argument_group("settings")
    for choice in fields(Choices):
        _add_setting(settings, choice)
    cut.set_defaults(command=cut_photos, parser=cut)
    return parser


def _add_setting(group, choice):
    told = choice.metadata["told"].replace("%", "%%")
    if choice.default is not None and choice.name != "trim":
        told += f" ({choice.default} by default)"
    options = {"dest": f"choice_{choice.name}", "default": argparse.SUPPRESS, "help": told}
    if isinstance(choice.default, bool):
        options["action"] = argparse.BooleanOptionalAction
    else:
        options["metavar"] = choice.name.upper()
        options["type"] = str if isinstance(choice.default, str) else int if isinstance(choice.default, int) else float
    group.add_argument(f"--{choice.name}", **options)


def _whole(text):
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 256")
    return int(text)


def chosen(options):
    """The Choices of parsed options: the preset's, and over them the ones that were given."""
    start = "choice_"
    given = {name.removeprefix(start): value for name, value in vars(options).items() if name.startswith(start)}
    settings = {**PRESETS.get(options.preset, {}), **given}
    if options.background_picture:
        settings["background"] = given.get("background", "own")
    return Choices.from_json(settings)


def cut_photos(options):
    """Do what `cut` asks for. Returns the exit status: 0, or 1 where a photo failed.

    Raises:
        PhotoError, WeightsError: nothing could be done.
    """
    choices = chosen(options)
    background = open_photo(options.background_picture) if options.background_picture else None
    if choices.background == "own" and background is None:
        raise PhotoError("For --background own, name a picture with --background-picture.")
    edits = _read_edits(options.edits)
    sources = runner.find(options.photos, options.recursive)
    if options.out is None and len(sources) > 1:
        raise PhotoError(f"These are {len(sources)} photos: say with --out DIR where their cutouts should go.")
    segmenter = Segmenter.load(options.weights)
    if options.out is None:
        return _cut_one(sources[0], segmenter, choices, edits, background)
    named = edits if isinstance(edits, dict) else {source.name: edits for source in sources if edits}
    unknown = sorted(set(named) - {source.name for source in sources})
    if unknown:
        raise PhotoError(f"The corrections are for {unknown[0]!r}, which is not among the photos.")
    run = runner.run(
        sources, segmenter, choices, options.out, edits=named, background=background, workers=options.workers
    )
    return _follow(run, options)


def _read_edits(path):
    """Corrections from a file: a checked tuple, or a dict of photo → such a tuple."""
    if path is None:
        return ()
    try:
        edits = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise PhotoError(f"The corrections in {path!r} cannot be read.") from error
    except ValueError as error:
        raise PhotoError(f"The corrections in {path!r} are not valid JSON: {error}") from error
    if isinstance(edits, dict):
        return {name: corrections.check(some) for name, some in edits.items()}
    return corrections.check(edits)


def _cut_one(source, segmenter, choices, edits, background):
    if isinstance(edits, dict):
        edits = edits.get(source.name, ())
    photo = open_photo(source.read())
    product = render.produce(photo, segmenter.probabilities(photo), choices.at(segmenter.threshold), edits, background)
    path = source.path.with_name(product.name(Path(source.name).stem))
    try:
        files.write(path, product.data)
    except OSError as error:
        message = f"The folder {str(path.parent)!r} cannot be written to; name another with --out DIR."
        raise PhotoError(message) from error
    print(path)
    for note in product.notes:
        print(note, file=sys.stderr)
    return 0


def _follow(run, options):
    """Show how far a run is, until it has ended."""
    terminal, progress = sys.stderr.isatty(), None
    try:
        for progress in run:
            result = progress.result
            if result and result.error:
                print(f"{chr(13) if terminal else ''}{result.file}: {result.error}", file=sys.stderr)
            if terminal or progress.done == progress.total or progress.done % 50 == 0:
                print(_line(progress), end="\r" if terminal else "\n", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        run.close()
        done = f"{progress.done} of {progress.total}" if progress else "None"
        print(f"\nStopped: {done} done. The same command goes on from here.", file=sys.stderr)
        return STOPPED
    if terminal:
        print(file=sys.stderr)
    print(options.out / runner.TABLE)
    if options.zip:
        print(runner.zip_of(options.out))
    return 1 if progress.failed else 0


def _line(progress):
    left = "" if progress.seconds_left is None else f", {_duration(progress.seconds_left)} left"
    failed = f", {progress.failed} failed" if progress.failed else ""
    return f"{progress.done} of {progress.total}{failed}{left}".ljust(60)


def _duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def main(arguments=None):
    """Run the command line. Returns the exit status."""
    options = make_parser().parse_args(arguments)
    try:
        return options.command(options)
    except (PhotoError, WeightsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return STOPPED


if __name__ == "__main__":
    sys.exit(main())
