"""Train, fine-tune and judge the network from the command line.

    python train.py                               the article's experiment: chairs97, 77 photos and 20
    python train.py --data PLACE                  your own photos: a folder, a zip, a labelling tool's export
    python train.py --data PLACE --check          look them over without training
    python train.py --folds 5                     train five times, each fifth of the photos once for judging
    python train.py --resume FOLDER               go on with a run that was stopped or killed
    python train.py --architecture unet_256       the article's own network, from scratch
    python train.py --evaluate weights            judge a weights folder without training
    python train.py --push-to-hub OWNER/NAME      and publish what was trained, with its model card
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up chatter

from segmenter import errors, weights_format  # noqa: E402
from segmenter.models import registry  # noqa: E402
from segmenter.training import run_folder  # noqa: E402

ROOT = Path(__file__).resolve().parent
# What may be another at every call for the same run; all else decides its result.
FREE = {"resume", "out", "epochs", "push_to_hub", "private", "csv", "summary", "check", "evaluate"}


def make_parser():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = parser.add_argument_group("the photos").add_argument
    data("--data", default=str(ROOT / "segmenter" / "data" / "chairs97"), metavar="PLACE",
         help="a folder with images/ and masks/, or of RGBA cutouts; a COCO, labelme or YOLO export; a zip "
         "of one; hf://datasets/OWNER/NAME[@revision] (default: chairs97)")
    data("--classes", type=lambda text: [name.strip() for name in text.split(",")],
         help="of an export: the classes to cut out, with commas between (default: all)")
    data("--check", action="store_true", help="look the photos over, draw a contact sheet, and stop")
    data("--validation", type=float, default=20, help="photos to validate on, or a share below 1 (default 20)")
    data("--folds", type=int, metavar="K", help="cross-validation: train K times, so that each photo is judged once")
    data("--collection", action="store_true",
         help="--data is a collection like the one of the default weights: photos, scenes, renders, backgrounds")
    data("--curriculum", choices=("things", "furniture"), default="furniture",
         help="of a collection: what a thing in a photo is, to begin with, or what is furniture (the default)")
    network = parser.add_argument_group("the network").add_argument
    network("--architecture", choices=list(registry.NETWORKS), help="(default: that of --start; from imagenet unet_lite2)")
    network("--size", type=int, help="side of the network's square in pixels (default: the architecture's)")
    network("--start", help="a weights folder, OWNER/NAME[@revision] of the Hub, imagenet (the pretrained encoder) "
            "or scratch (default: weights/, or imagenet where those know little of such photos; with --architecture "
            "weights/ where it fits, else scratch)")
    add = parser.add_argument_group("training").add_argument
    add("--epochs", type=int, help="how many (default 10 from weights that know such photos, else 20; from scratch at most 100)")
    add("--samples", type=int, help="pictures in an epoch (default: each photo once; at least 320 from weights, 260 from imagenet)")
    add("--batch", type=int, help="pictures a step (default 8; where there is much to learn 4; a collection: 16)")
    add("--learning-rate", type=float, help="(default 5e-4 from weights that know such photos, else 2e-3; 1e-3 from scratch)")
    add("--ema", type=float, metavar="SHARE",
        help="judge and keep a moving average of the weights; 0.98: over some 50 steps (the default where not from "
        "scratch; 0: none)")
    add("--border", type=float, help="weigh pixels at borders and thin parts up to 1 + this (default 0; a collection: 4)")
    add("--floor", type=float, help="share of the learning rate that a cosine ends at (default 0)")
    add("--mixed-precision", action="store_true", help="compute in 16 bits where a GPU is; quicker there")
    add("--seed", type=int, default=0, help="of the split and of all that is random (default 0)")
    add("--deterministic", action="store_true", help="the same seed gives the same weights to the last bit; slower")
    result = parser.add_argument_group("the result").add_argument
    result("--out", type=Path, help="folder for the result (default: a new one in runs/)")
    result("--resume", type=Path, metavar="FOLDER", help="go on with the run whose result belongs there, as it was begun")
    result("--csv", metavar="FILE", help="write the figures of every photo as a table, too")
    result("--push-to-hub", metavar="OWNER/NAME", help="publish the result on the Hugging Face Hub")
    result("--private", action="store_true", help="create the Hub's repository for its owner's eyes only")
    result("--summary", action="store_true", help="print the network and stop")
    result("--evaluate", metavar="WEIGHTS", help="judge these weights without training; the report goes to --out")
    return parser  # fmt: skip


def parse_arguments(arguments=None):
    """The options of the command line; with --resume those of the run, which others must not contradict."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    before = None
    if options.resume:
        run_folder.mend(options.resume)
        before = run_folder.recorded(options.resume)
        if before is None and not (options.resume / "config.json").exists() and not _has_folds(options.resume):
            raise run_folder.RunError(f"there is no run at {options.resume} that could go on")
        parser.set_defaults(**{name: value for name, value in (before or {}).items() if name not in ("out", "resume")})
        options = parser.parse_args(arguments)
        options.out, options.finished = options.resume, before is None
    for name in ("data", "start"):  # where they lie must not depend on where the run goes on
        place = getattr(options, name)
        if place and place not in ("imagenet", "scratch") and Path(place).exists():
            setattr(options, name, str(Path(place).resolve()))
    check_numbers(parser, options)
    if before is not None:
        run_folder.check_same(options.out, before, plain(options), free(options))
    return options


def check_numbers(parser, options):
    """Refuse numbers that no training can be done with."""
    above_zero = ("size", "epochs", "samples", "batch", "learning_rate", "validation", "folds")
    for name in above_zero:
        value = getattr(options, name)
        if value is not None and not 0 < value < float("inf"):
            raise ValueError(f"--{name.replace('_', '-')} must be above 0, not {value:g}")
    if options.size is not None and options.size not in weights_format.SIZES:
        most, least = weights_format.SIZES[-1], weights_format.SIZES[0]
        raise ValueError(f"--size must be from {least} to {most} pixels, not {options.size}; 256 is usual")
    if options.ema is not None and not 0 <= options.ema < 1:
        raise ValueError(f"--ema must be from 0 to below 1, not {options.ema:g}; 0.99 is usual")
    if options.border is not None and not 0 <= options.border < float("inf"):
        raise ValueError(f"--border must be 0 or above, not {options.border:g}; 4 is usual")
    if options.folds and options.collection:
        raise ValueError("--folds does not go with --collection, which has validation photos of its own")
    if options.folds and options.push_to_hub:
        raise ValueError("--folds gives several networks, none to publish; train once without it for that")


def plain(options):
    """The options that a run is begun with, as plain JSON."""
    left_out = {"resume", "out", "finished", "summary", "check", "evaluate"}
    return {name: value for name, value in vars(options).items() if name not in left_out}


def free(options):
    """Names of the options that may change when a run goes on; the length of a cosine is part of its form."""
    from_scratch = options.start == "scratch" or options.start is None and options.architecture not in (None, registry.DEFAULT)
    return FREE if from_scratch and not options.collection else FREE - {"epochs"}


def main(arguments=None):
    """Run the command line; returns the exit status."""
    options = None
    try:
        options = parse_arguments(arguments)
        return dispatch(options)
    except KeyboardInterrupt:
        print(f"\ntrain.py: stopped at once; nothing that was saved is lost{_go_on(options)}", file=sys.stderr)
        return 130
    except Exception as error:
        words = errors.advice(error)
        if words is None and not isinstance(error, (OSError, ValueError, RuntimeError)):
            raise
        print(f"train.py: {words + _go_on(options) if words else error}", file=sys.stderr)
        return 1


def _go_on(options):
    out = options and options.out
    there = out and run_folder.unfinished(out).exists()
    return f"; to go on: python train.py --resume {out}" if there else ""


def _has_folds(folder):
    return (folder / "folds.json").exists()


def dispatch(options):
    """Do what was asked for; returns the exit status."""
    if options.resume and options.finished:
        print(f"{options.out} is finished, there is nothing to go on with; to train further from it: "
              f"python train.py --start {options.out}")  # fmt: skip
    elif options.summary:
        summarise(options)
    elif options.check:
        check(options)
    elif options.evaluate:
        evaluate(options)
    else:
        return train(options)
    return 0


def summarise(options):
    """Print Keras's summary, wide enough for its shapes also where no terminal says how wide it is."""
    from segmenter.models import unet

    if not sys.stdout.isatty():
        os.environ.setdefault("COLUMNS", "100")
    unet.build_unet(options.architecture or registry.DEFAULT, options.size).summary(line_length=100)


def check(options):
    """Look a data set over without training; its contact sheet goes to --out."""
    from segmenter.training import experiment

    out = options.out or run_folder.free_folder(ROOT / "runs" / f"{experiment.data_name(options)}-check")
    out.mkdir(parents=True, exist_ok=True)
    experiment.read_data(options, experiment.find_start(options).size, out / "contact-sheet.jpg")


def evaluate(options):
    """Judge weights on the validation photos; the report goes to --out."""
    from segmenter import Segmenter
    from segmenter.evaluation import report, results
    from segmenter.hub import model_card
    from segmenter.training import experiment

    segmenter = Segmenter.load(options.evaluate)
    folder = segmenter.folder
    data = experiment.read_data(options, segmenter.size)
    name = f"{Path(options.evaluate).name}-on-{experiment.data_name(options)}"
    out = options.out or run_folder.free_folder(ROOT / "runs" / name)
    metrics, judged = experiment.judge(folder, experiment.divide(data, options)[1], segmenter.threshold)
    metrics = report.complete({**metrics, "data": data.name}, config=segmenter.config, findings=data.findings)
    metrics = experiment.write_judgement(out, metrics, judged, options, folder)
    if options.csv:
        results.write_csv(metrics, options.csv)
    if out.resolve() == folder.resolve():
        model_card.write_card(out, experiment.credits(options, data) or model_card.read_credits(out))
    print(f"metrics.json, samples.png and report.html are in {out}")


def train(options):
    """Train as the options say, once or fold by fold; returns the exit status."""
    from segmenter.datasets import splits
    from segmenter.evaluation import results
    from segmenter.training import experiment

    began = time.monotonic()
    if options.push_to_hub:
        from segmenter.hub import weights

        weights.check_name(options.push_to_hub)  # rather now than after hours
    start = experiment.find_start(options)
    if options.out:
        begin_at(options.out, start, options)
    data = experiment.read_data(options, start.size)
    if options.folds:
        parts = splits.folds(data.pairs, options.folds, options.seed)
    else:
        parts = [experiment.divide(data, options)]
    start, recipe = experiment.settle(start, options, parts[0][0])
    if not options.out:
        name = f"{experiment.data_name(options)}-{start.architecture}{'-folds' if options.folds else ''}"
        options.out = run_folder.free_folder(ROOT / "runs" / name)
    out = options.out
    note(out, options, data)
    if options.folds:
        several = [
            experiment.Run(options, data, start, recipe, kept, {"validation": held_out}, out / f"fold-{number}")
            for number, (kept, held_out) in enumerate(parts, 1)
        ]
        finished = experiment.cross_validate(several, out, options)
        if finished:
            run_folder.discard(out)
        return 0 if finished else 130
    run = experiment.Run(options, data, start, recipe, *parts[0], out)
    metrics, _, finished = experiment.train(run)
    if metrics and options.csv:
        results.write_csv(metrics, options.csv)
    if finished and options.push_to_hub:
        experiment.publish(out, options)
    print(f"{(time.monotonic() - began) / 60:.1f} minutes in all")
    return 0 if finished else 130


def begin_at(out, start, options):
    """See to it that a result can come to `out` without costing anybody anything."""
    from segmenter.training import experiment

    run_folder.mend(out)
    before = run_folder.recorded(out)
    if before is not None:
        run_folder.check_same(out, before, plain(options), free(options))
    elif options.folds and out.exists() and any(out.iterdir()):
        raise run_folder.RunError(f"{out} is not empty; choose another --out for the folds")
    if start.folder and out.resolve() == start.folder.resolve():
        raise run_folder.RunError(f"training starts from {out}; choose another --out, so that they can be compared")
    if not options.folds:
        run_folder.check_place(out, experiment.OURS)


def note(out, options, data):
    """Write down what the run is begun with; or see whether the run that goes on was begun with the same."""
    import keras

    photos = run_folder.fingerprint(data.pairs) if data.pairs else "a collection"
    run_folder.begin(out, plain(options), free(options), photos, keras.backend.backend())


if __name__ == "__main__":
    sys.exit(main())
