"""The options of `train.py`: what there are, which go together, and which a run that goes on must keep.

Nothing here imports Keras, so that help and mistakes are answered at once.
"""

import argparse
import math
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segmenter import weights_format
from segmenter.errors import RunError
from segmenter.models import registry
from segmenter.training import run_folder

CHAIRS97 = Path(__file__).resolve().parents[1] / "data" / "chairs97"
# What may be another at every call for the same run; all else decides its result.
FREE = {"resume", "out", "epochs", "push_to_hub", "private", "csv", "summary", "check", "evaluate"}


def make_parser(description: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for add_group in (_add_photos, _add_network, _add_training, _add_result):
        add_group(parser)
    return parser


def _add_photos(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the photos").add_argument
    add(
        "--data",
        default=str(CHAIRS97),
        metavar="PLACE",
        help="a folder with images/ and masks/, or of RGBA cutouts; a COCO, labelme or YOLO export; a zip "
        "of one; hf://datasets/OWNER/NAME[@revision] (default: chairs97)",
    )
    add(
        "--classes",
        type=lambda text: [name.strip() for name in text.split(",")],
        help="of an export: the classes to cut out, with commas between (default: all)",
    )
    add("--check", action="store_true", help="look the photos over, draw a contact sheet, and stop")
    add("--validation", type=float, default=20, help="photos to validate on, or a share below 1 (default 20)")
    add("--folds", type=int, metavar="K", help="cross-validation: train K times, so that each photo is judged once")
    add(
        "--collection",
        action="store_true",
        help="--data is a collection like the one of the default weights: photos, rooms, scenes, things, renders",
    )
    add(
        "--curriculum",
        choices=("things", "furniture"),
        default="furniture",
        help="of a collection: what a thing in a photo is, to begin with, or what is furniture (the default)",
    )
    add(
        "--hard",
        action="store_true",
        help="of a collection: look through the pictures without furniture first, and draw those more often in which "
        "the weights to start from see some",
    )


def _add_network(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the network").add_argument
    add("--architecture", choices=list(registry.NETWORKS), help="(default: that of --start; from imagenet unet_lite2)")
    add("--size", type=int, help="side of the network's square in pixels (default: the architecture's)")
    add(
        "--start",
        help="a weights folder, OWNER/NAME[@revision] of the Hub, imagenet (the pretrained encoder) "
        "or scratch (default: weights/, or imagenet where those know little of such photos; with --architecture "
        "weights/ where it fits, else scratch)",
    )
    add(
        "--average",
        nargs="+",
        metavar="WEIGHTS",
        help="start from the mean of --start and these weights, which trained on from common ones; it often does "
        "better on unlike photos than each of them, once some steps have settled it; with --pick alone, from the mean "
        "of their pickers, which must be of one network",
    )


def _add_training(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("training").add_argument
    add(
        "--epochs",
        type=int,
        help="how many (default 10 from weights that know such photos, else 20; from scratch at most 100)",
    )
    add(
        "--samples",
        type=int,
        help="pictures in an epoch (default: each photo once; at least 320 from weights, 260 from imagenet)",
    )
    add("--batch", type=int, help="pictures a step (default 8; where there is much to learn 4; a collection: 16)")
    add(
        "--learning-rate",
        type=float,
        help="(default 5e-4 from weights that know such photos, else 2e-3; 1e-3 from scratch)",
    )
    add(
        "--ema",
        type=float,
        metavar="SHARE",
        help="judge and keep a moving average of the weights; 0.98: over some 50 steps (the default where not from "
        "scratch; 0: none)",
    )
    add(
        "--border",
        type=float,
        help="weigh pixels at borders and thin parts up to 1 + this (default 0; a collection: 4)",
    )
    add("--floor", type=float, help="share of the learning rate that a cosine ends at (default 0)")
    add(
        "--encoder",
        type=float,
        metavar="SHARE",
        help="the encoder's learning rate, as a share of the decoder's (usual 0.1; a collection: 0.5); 0: it stays as "
        "it is, and so does a picker, which starts from what it sees",
    )
    add(
        "--teachers",
        nargs="+",
        metavar="WEIGHTS",
        help="learn, beside the masks, from what these weights make of each picture and its mirror image, on the mean: "
        "so that one look comes to give what took several",
    )
    add(
        "--pick",
        type=int,
        metavar="STEPS",
        help="teach the weights in so many steps to pick single pieces by clicks (2000 are usual); without --epochs "
        "nothing else is trained, and the network stays as it is",
    )
    add("--mixed-precision", action="store_true", help="compute in 16 bits where a GPU is; quicker there")
    add("--seed", type=int, default=0, help="of the split and of all that is random (default 0)")
    add("--deterministic", action="store_true", help="the same seed gives the same weights to the last bit; slower")


def _add_result(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the result").add_argument
    add("--out", type=Path, help="folder for the result (default: a new one in runs/)")
    add("--resume", type=Path, metavar="FOLDER", help="go on with the run whose result belongs there, as it was begun")
    add("--csv", metavar="FILE", help="write the figures of every photo as a table, too")
    add("--push-to-hub", metavar="OWNER/NAME", help="publish the result on the Hugging Face Hub")
    add("--private", action="store_true", help="create the Hub's repository for its owner's eyes only")
    add("--summary", action="store_true", help="print the network and stop")
    add("--evaluate", metavar="WEIGHTS", help="judge these weights without training; the report goes to --out")


def parse_arguments(arguments: Sequence[str] | None = None, description: str | None = None) -> Namespace:
    """The options of the command line; with --resume those of the run, which others must not contradict.

    Raises:
        ValueError: a number that no training can be done with, or options that exclude each other.
        RunError: --resume names no run, or one that was begun with other options.
    """
    parser = make_parser(description)
    options = parser.parse_args(arguments)
    before = None
    if options.resume:
        run_folder.mend(options.resume)
        before = run_folder.recorded(options.resume)
        if (
            before is None
            and not (options.resume / "config.json").exists()
            and not (options.resume / "folds.json").exists()
        ):
            raise RunError(f"there is no run at {options.resume} that could go on")
        parser.set_defaults(**{name: value for name, value in (before or {}).items() if name not in ("out", "resume")})
        options = parser.parse_args(arguments)
        options.out, options.finished = options.resume, before is None
    for name in ("data", "start"):  # where they lie must not depend on where the run goes on
        setattr(options, name, _resolved(getattr(options, name)))
    for name in ("average", "teachers"):
        setattr(options, name, getattr(options, name) and [_resolved(place) for place in getattr(options, name)])
    check_numbers(options)
    if before is not None:
        run_folder.check_same(options.out, before, plain(options), free(options))
    return options


def _resolved(place: str | None) -> str | None:
    there = place and place not in ("imagenet", "scratch") and Path(place).exists()
    return str(Path(place).resolve()) if place and there else place


def check_numbers(options: Namespace) -> None:
    """Refuse numbers that no training can be done with."""
    above_zero = ("size", "epochs", "samples", "batch", "learning_rate", "validation", "folds", "pick")
    for name in above_zero:
        value = getattr(options, name)
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"--{name.replace('_', '-')} must be above 0, not {value:g}")
    if options.size is not None and options.size not in weights_format.SIZES:
        least, most = weights_format.SIZES[0], weights_format.SIZES[-1]
        raise ValueError(f"--size must be from {least} to {most} pixels, not {options.size}; 256 is usual")
    if options.ema is not None and not 0 <= options.ema < 1:
        raise ValueError(f"--ema must be from 0 to below 1, not {options.ema:g}; 0.99 is usual")
    if options.encoder is not None and not 0 <= options.encoder <= 1:
        raise ValueError(f"--encoder must be from 0 to 1, not {options.encoder:g}; 0.5 is usual")
    if options.border is not None and not 0 <= options.border < math.inf:
        raise ValueError(f"--border must be 0 or above, not {options.border:g}; 4 is usual")
    if options.folds and options.collection:
        raise ValueError("--folds does not go with --collection, which has validation photos of its own")
    if options.folds and options.push_to_hub:
        raise ValueError("--folds gives several networks, none to publish; train once without it for that")
    if options.pick:
        _check_pick(options)


def _check_pick(options: Namespace) -> None:
    """Refuse what does not go with --pick."""
    if options.folds:
        raise ValueError("--pick does not go with --folds, which judges networks alone; train once without it for that")
    if options.curriculum == "things":
        raise ValueError("--pick does not go with --curriculum things, which leaves weights to train on from")
    trains = ("samples", "ema", "floor", "encoder", "teachers", "hard", "mixed_precision")
    networks = [name for name in trains if getattr(options, name)]
    if picks_only(options) and networks:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in networks)
        raise ValueError(f"{names} trains the network, which --pick alone leaves as it is; add --epochs to train both")


def picks_only(options: Namespace) -> bool:
    """Whether the picker alone is to be trained: --pick was given, and --epochs was not."""
    return bool(options.pick) and not options.epochs


def plain(options: Namespace) -> dict[str, Any]:
    """The options that a run is begun with, as plain JSON."""
    left_out = {"resume", "out", "finished", "summary", "check", "evaluate"}
    return {name: value for name, value in vars(options).items() if name not in left_out}


def free(options: Namespace) -> set[str]:
    """Names of the options that may change when a run goes on; the length of a cosine is part of its form."""
    from_scratch = (
        options.start == "scratch" or options.start is None and options.architecture not in (None, registry.DEFAULT)
    )
    return FREE if from_scratch and not options.collection else FREE - {"epochs"}
