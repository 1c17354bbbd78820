"""The command line: cut furniture out of photos, and carry weights, data sets and the page to the Hub.

    chairlift cut PHOTOS…                     cut the furniture out of one photo or of thousands
    chairlift push FOLDER OWNER/NAME          publish a weights folder, with a tag of its own
    chairlift pull OWNER/NAME[@revision]      fetch weights and print where they lie
    chairlift space OWNER/NAME                create or update a Space that serves the page
    chairlift data push|pull|info …           the same for data sets, and what is in one

From a checkout, `python -m segmenter …` is the same command.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from functools import partial
from pathlib import Path
from typing import Any

import segmenter
from segmenter import memory
from segmenter.batch import journal, runner
from segmenter.batch.find import find
from segmenter.errors import DiskFullError, WeightsError, is_disk_full
from segmenter.hub import commands as hub
from segmenter.hub.commands import DATA_SCHEME
from segmenter.inference.predictor import WEIGHTS, Segmenter
from segmenter.io import files
from segmenter.io.images import PhotoError, open_photo, size_notice
from segmenter.render import corrections, picks, render
from segmenter.render.options import PRESETS, Choices

STOPPED = 130  # the exit status of a program that Ctrl-C ended

Commands = Any  # argparse gives the class of its sub-commands no public name
Run = Callable[[argparse.Namespace], int]


def make_parser(program: str = "chairlift") -> argparse.ArgumentParser:
    """The parser of all commands; each sets `run`, a function (options → exit status).

    Args:
        program: what the command is called in its own help.
    """
    parser = argparse.ArgumentParser(
        prog=program, description="Cut furniture out of photos; publish and fetch weights, data sets and the page."
    )
    parser.add_argument("--version", action="version", version=f"chairlift {segmenter.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_cut(commands)
    _add_weights_commands(commands)
    data = commands.add_parser("data", help="publish a data set, fetch one, or look into it")
    _add_data_commands(data.add_subparsers(required=True, metavar="COMMAND"))
    return parser


def main(arguments: Sequence[str] | None = None, program: str = "chairlift") -> int:
    """Run the command line.

    Returns:
        The exit status: 0; 1 where a photo failed, the disk is full or the Hub refused; 2 where nothing could
        be begun; 130 after Ctrl-C.
    """
    options = make_parser(program).parse_args(arguments)
    memory.reuse()
    try:
        return options.run(options)
    except options.expected as error:
        print(f"{options.speaker}: {error}", file=sys.stderr)
        return 1 if isinstance(error, DiskFullError) else options.failure
    except ModuleNotFoundError as error:  # the package was installed without the extra that this takes
        print(f"error: this needs {error.name}: pip install 'chairlift[train]'", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return STOPPED


# chairlift cut


def _add_cut(commands: Commands) -> None:
    """The options of `cut`: its own, and one for each field of Choices."""
    cut = commands.add_parser(
        "cut",
        help="cut the furniture out of photos",
        description="Cut the furniture out of photos. One photo without --out becomes a file beside it; with --out, "
        "cutouts, masks and results.csv are left in a folder, and what is done there already is not done again.",
    )
    cut.add_argument("photos", nargs="+", metavar="PHOTOS", help="photo files, folders, ZIP files, or patterns")
    add = cut.add_argument
    add("--out", type=Path, metavar="DIR", help="folder for the results")
    add("--recursive", action="store_true", help="look into folders' folders too")
    add("--workers", type=_whole, metavar="N", help="photos at the same time; as many as processors by default")
    add("--zip", action="store_true", help="put all results into DIR.zip too")
    add(
        "--weights",
        default=os.environ.get("SEGMENTER_WEIGHTS") or str(WEIGHTS),
        metavar="PLACE",
        help="weights folder, or OWNER/NAME[@revision] on the Hugging Face Hub",
    )
    add("--edits", metavar="FILE", help="corrections: JSON of a list, or for many photos of {photo: list}")
    for option, label, where in (("--point", 1, "on the piece that is meant"), ("--not", 0, "beside it")):
        add(
            option,
            action="append",
            dest="clicks",
            type=partial(_click, label),
            metavar="X,Y",
            help=f"a place {where}, in pixels from the photo's upper left corner; of one photo, as often as needed",
        )
    add("--background-picture", metavar="FILE", help="a picture for --background own, which it implies")
    add("--preset", choices=PRESETS, help="several of the settings below at once; each can still be changed")
    settings = cut.add_argument_group("settings")
    for choice in fields(Choices):
        _add_setting(settings, choice)
    cut.set_defaults(run=cut_photos, expected=(PhotoError, WeightsError), speaker="error", failure=2)


def _add_setting(group: Any, choice: Field) -> None:
    help_text = choice.metadata["description"].replace("%", "%%")
    if choice.default is not None and not isinstance(choice.default, bool):
        help_text += f" ({choice.default} by default)"
    options = {"dest": f"choice_{choice.name}", "default": argparse.SUPPRESS, "help": help_text}
    if isinstance(choice.default, bool):
        options["action"] = argparse.BooleanOptionalAction
    else:
        options["metavar"] = choice.name.upper()
        options["type"] = str if isinstance(choice.default, str) else int if isinstance(choice.default, int) else float
    group.add_argument(f"--{choice.name}", **options)


def _whole(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 256")
    return int(text)


def _click(label: int, text: str) -> tuple[float, float, int]:
    """(x, y, label) of "X,Y"."""
    try:
        x, y = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no place; it is two numbers with a comma, like 120,80") from None
    return x, y, label


def chosen(options: argparse.Namespace) -> Choices:
    """The Choices of parsed options: the preset's, and over them the ones that were given."""
    start = "choice_"
    given = {name.removeprefix(start): value for name, value in vars(options).items() if name.startswith(start)}
    settings = {**PRESETS.get(options.preset, {}), **given}
    if options.background_picture:
        settings["background"] = given.get("background", "own")
    return Choices.from_json(settings)


def cut_photos(options: argparse.Namespace) -> int:
    """Do what `cut` asks for. Returns the exit status: 0, or 1 where a photo failed.

    Raises:
        PhotoError, WeightsError: nothing could be done.
    """
    choices = chosen(options)
    background = open_photo(options.background_picture) if options.background_picture else None
    if choices.background == "own" and background is None:
        raise PhotoError("For --background own, name a picture with --background-picture.")
    edits = _read_edits(options.edits)
    if "-" in options.photos and not Path("-").exists():
        raise PhotoError("Photos are not read from standard input: save the photo as a file and name that.")
    sources = find(options.photos, options.recursive)
    if options.out is None and len(sources) > 1:
        raise PhotoError(f"These are {len(sources)} photos: say with --out DIR where their cutouts should go.")
    if options.clicks and options.out is not None:
        raise PhotoError("--point and --not are places in one photo: leave --out away.")
    segmenter = Segmenter.load(options.weights)
    if options.out is None:
        return _cut_one(sources[0], segmenter, choices, edits, background, options.clicks)
    named = edits if isinstance(edits, dict) else {source.name: edits for source in sources if edits}
    unknown = sorted(set(named) - {source.name for source in sources})
    if unknown:
        raise PhotoError(f"The corrections are for {unknown[0]!r}, which is not among the photos.")
    run = runner.run(
        sources, segmenter, choices, options.out, edits=named, background=background, workers=options.workers
    )
    return _follow(run, options)


def _read_edits(path: str | None) -> tuple | dict[str, tuple]:
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


def _cut_one(source, segmenter, choices, edits, background, clicks) -> int:
    if isinstance(edits, dict):
        edits = edits.get(source.name, ())
    data = source.read()
    photo = open_photo(data)
    if clicks:
        picked = picks.from_pixels([click[:2] for click in clicks], [click[2] for click in clicks], photo.shape)
        edits = [*edits, picked]
    product = render.produce(photo, segmenter, choices, edits, background)
    path = source.path.with_name(product.name(Path(source.name).stem))
    try:
        files.write(path, product.data)
    except OSError as error:
        if is_disk_full(error):
            raise journal.disk_full() from error
        message = f"The folder {str(path.parent)!r} cannot be written to; name another with --out DIR."
        raise PhotoError(message) from error
    print(path)
    for note in filter(None, [*product.notes, size_notice(data, photo)]):
        print(note, file=sys.stderr)
    return 0


def _follow(run, options: argparse.Namespace) -> int:
    """Show how far a run is, until it has ended."""
    terminal, progress = sys.stderr.isatty(), None
    try:
        for progress in run:
            result = progress.result
            if result and (result.error or result.note):
                print(f"{chr(13) if terminal else ''}{result.file}: {result.error or result.note}", file=sys.stderr)
            if terminal or progress.done == progress.total or progress.done % 50 == 0:
                print(_line(progress), end="\r" if terminal else "\n", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        run.close()
        done = f"{progress.done} of {progress.total}" if progress else "None"
        print(f"\nStopped: {done} done. The same command goes on from here.", file=sys.stderr)
        return STOPPED
    except DiskFullError:
        if terminal:
            print(file=sys.stderr)
        raise
    if terminal:
        print(file=sys.stderr)
    print(options.out / journal.TABLE)
    if options.zip:
        print(journal.zip_of(options.out))
    return 1 if progress and progress.failed else 0


def _line(progress) -> str:
    left = "" if progress.seconds_left is None else f", {_duration(progress.seconds_left)} left"
    failed = f", {progress.failed} failed" if progress.failed else ""
    return f"{progress.done} of {progress.total}{failed}{left}".ljust(60)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


# chairlift push, pull, space


def _add_weights_commands(commands: Commands) -> None:
    push = commands.add_parser("push", help="publish a weights folder on the Hugging Face Hub")
    push.add_argument("folder", type=Path)
    _add_target(push)
    push.add_argument("--tag", help="name of this version (default: the next of v1, v2, …)")
    _end_as(push, hub.push_weights, "hub", WeightsError)
    pull = commands.add_parser("pull", help="fetch weights and print the folder they lie in")
    pull.add_argument("place", metavar="OWNER/NAME[@revision]")
    _end_as(pull, hub.pull_weights, "hub", WeightsError)
    space = commands.add_parser("space", help="create a Gradio Space from this checkout, or bring it up to date")
    _add_target(space)
    space.add_argument("--weights", metavar="OWNER/NAME[@revision]", help="what it serves (default: the bundled ones)")
    _end_as(space, hub.put_space, "hub", WeightsError)


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("repository", metavar="OWNER/NAME")
    parser.add_argument("--private", action="store_true", help="for its owner's eyes only")
    parser.add_argument("--dry-run", action="store_true", help="check, and list what would go")


def _end_as(parser: argparse.ArgumentParser, run: Run, speaker: str, *expected: type[Exception]) -> None:
    """What a command runs, and which errors end it with the line `SPEAKER: message` and the exit status 1."""
    parser.set_defaults(run=run, expected=expected, speaker=speaker, failure=1)


# chairlift data push, pull, info


def _add_data_commands(commands: Commands) -> None:
    push = commands.add_parser("push", help="publish a folder with images/ and masks/")
    push.add_argument("folder", type=Path)
    _add_target(push)
    push.add_argument("--licence", "--license", help="of the Hub's list, like cc-by-4.0")
    push.add_argument("--tag", help="name of this version (default: the next of v1, v2, …)")
    _end_as(push, hub.push_data, "dataset", OSError, ValueError)
    pull = commands.add_parser("pull", help="fetch a data set and print the folder it lies in")
    pull.add_argument("address", metavar=f"{DATA_SCHEME}OWNER/NAME[@revision]")
    _end_as(pull, hub.pull_data, "dataset", OSError, ValueError)
    info = commands.add_parser("info", help="say what is in a data set")
    info.add_argument("place", metavar="PLACE", help=f"a folder with images/ and masks/, or {DATA_SCHEME}…")
    _end_as(info, hub.describe_data, "dataset", OSError, ValueError)


if __name__ == "__main__":
    sys.exit(main())
