"""Train, fine-tune and judge the network from the command line.

python train.py                               the article's experiment: chairs97, 77 photos and 20
python train.py --data PLACE                  your own photos: a folder, a zip, a labelling tool's export
python train.py --data PLACE --check          look them over without training
python train.py --folds 5                     train five times, each fifth of the photos once for judging
python train.py --resume FOLDER               go on with a run that was stopped or killed
python train.py --architecture unet_256       the article's own network, from scratch
python train.py --pick 2000                   teach weights to pick single pieces by clicks
python train.py --evaluate weights            judge a weights folder without training
python train.py --push-to-hub OWNER/NAME      and publish what was trained, with its model card
"""

import os
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up chatter

from segmenter import errors
from segmenter.errors import RunError
from segmenter.models import registry
from segmenter.training import run_folder
from segmenter.training.options import free, parse_arguments, plain

if TYPE_CHECKING:  # they import Keras, for which help does not wait
    from segmenter.training.experiment import Data
    from segmenter.training.recipes import Recipe
    from segmenter.training.starts import Start

RUNS = Path(__file__).resolve().parent / "runs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = None
    try:
        options = parse_arguments(arguments, __doc__)
        return dispatch(options)
    except KeyboardInterrupt:
        print(f"\ntrain.py: stopped at once; nothing that was saved is lost{_go_on(options)}", file=sys.stderr)
        return 130
    except Exception as error:
        advice = errors.advice(error)
        if advice is None and not isinstance(error, (OSError, ValueError, RuntimeError)):
            raise
        print(f"train.py: {advice + _go_on(options) if advice else error}", file=sys.stderr)
        return 1


def _go_on(options: Namespace | None) -> str:
    out = options and options.out
    there = out and run_folder.unfinished(out).exists()
    return f"; to go on: python train.py --resume {out}" if there else ""


def dispatch(options: Namespace) -> int:
    """Do what was asked for; returns the exit status."""
    if options.resume and options.finished:
        print(
            f"{options.out} is finished, there is nothing to go on with; to train further from it: "
            f"python train.py --start {options.out}"
        )
    elif options.summary:
        summarise(options)
    elif options.check:
        check(options)
    elif options.evaluate:
        evaluate(options)
    else:
        return train(options)
    return 0


def summarise(options: Namespace) -> None:
    """Print Keras's summary, wide enough for its shapes also where no terminal says how wide it is."""
    from segmenter.models import unet

    if not sys.stdout.isatty():
        os.environ.setdefault("COLUMNS", "100")
    unet.build_unet(options.architecture or registry.DEFAULT, options.size).summary(line_length=100)


def check(options: Namespace) -> None:
    """Look a data set over without training; its contact sheet goes to --out."""
    from segmenter.training import experiment, starts

    out = options.out or run_folder.free_folder(RUNS / f"{experiment.data_name(options)}-check")
    out.mkdir(parents=True, exist_ok=True)
    experiment.read_data(options, starts.find_start(options).size, out / "contact-sheet.jpg")


def evaluate(options: Namespace) -> None:
    """Judge weights on the validation photos; the report goes to --out."""
    from segmenter import Segmenter
    from segmenter.evaluation import report, results
    from segmenter.hub import model_card
    from segmenter.training import experiment, judging

    segmenter = Segmenter.load(options.evaluate)
    folder = segmenter.folder
    data = experiment.read_data(options, segmenter.size)
    name = f"{Path(options.evaluate).name}-on-{experiment.data_name(options)}"
    out = options.out or run_folder.free_folder(RUNS / name)
    held_out = experiment.divide(data, options)[1]
    metrics, judged = judging.judge(folder, held_out, segmenter.threshold)
    metrics |= judging.judge_picks(folder, held_out, segmenter.threshold, options.data if options.collection else None)
    network = registry.NETWORKS.get(segmenter.config.get("architecture", ""))
    if not segmenter.can_pick and network and network.encoder:
        print(f"these weights cannot pick single pieces; to teach them: python train.py --pick 2000 --start {folder}")
    metrics = report.complete({**metrics, "data": data.name}, config=segmenter.config, findings=data.findings)
    metrics = judging.write_judgement(out, metrics, judged, options.collection, folder)
    if options.csv:
        results.write_csv(metrics, options.csv)
    if out.resolve() == folder.resolve():
        model_card.write_card(out, experiment.credits(options, data) or model_card.read_credits(out))
    print(f"metrics.json, samples.png and report.html are in {out}")


def train(options: Namespace) -> int:
    """Train as the options say, once or fold by fold; returns the exit status."""
    from segmenter.datasets import splits
    from segmenter.evaluation import results
    from segmenter.training import experiment, picker_run, starts

    began = time.monotonic()
    if options.push_to_hub:
        from segmenter.hub import weights

        weights.check_name(options.push_to_hub)  # rather now than after hours
    start = starts.find_start(options)
    picker_run.check(start, options)
    if options.out:
        begin_at(options.out, start, options)
    data = experiment.read_data(options, start.size)
    parts: list[tuple[Any, Any]]
    if options.folds:
        parts = splits.folds(data.pairs or [], options.folds, options.seed)
    else:
        parts = [experiment.divide(data, options)]
    if options.pick and data.pairs:
        kept, held_out = parts[0]
        picker_run.check_pieces(kept, held_out["validation"])
    start, recipe = starts.settle(start, options, parts[0][0])
    if not options.out:
        name = f"{experiment.data_name(options)}-{start.architecture}{'-folds' if options.folds else ''}"
        options.out = run_folder.free_folder(RUNS / name)
    with run_folder.hold(options.out):
        note(options.out, options, data)
        metrics, finished = run(options, data, start, recipe, parts)
    if finished:
        run_folder.discard(options.out)
    if options.folds:
        return 0 if finished else 130
    if metrics and options.csv:
        results.write_csv(metrics, options.csv)
    if finished and options.push_to_hub:
        experiment.publish(options.out, options)
    print(f"{(time.monotonic() - began) / 60:.1f} minutes in all")
    return 0 if finished else 130


def run(
    options: Namespace, data: "Data", start: "Start", recipe: "Recipe", parts: Sequence[tuple[Any, Any]]
) -> tuple[dict[str, Any] | None, bool]:
    """Train once, or once for each fold.

    Args:
        options: of the command line, with the folder of the result.
        data, start, recipe: what to train on, from where, and how.
        parts: (pairs to train on, those held out) of each fold, or of the only training.

    Returns:
        (metrics, finished); of folds no metrics, as they have their own report.
    """
    from segmenter.training import cross_validation, experiment

    if options.folds:
        runs = [
            experiment.Run(options, data, start, recipe, kept, {"validation": held_out}, options.out / f"fold-{number}")
            for number, (kept, held_out) in enumerate(parts, 1)
        ]
        return None, cross_validation.cross_validate(runs, options.out, options)
    kept, held_out = parts[0]
    metrics, _, finished = experiment.train(experiment.Run(options, data, start, recipe, kept, held_out, options.out))
    return metrics, finished


def begin_at(out: Path, start: "Start", options: Namespace) -> None:
    """See to it that a result can come to `out` without costing anybody anything.

    Raises:
        RunError: it cannot; the message says why.
    """
    from segmenter.training import experiment

    run_folder.check_free(out)
    run_folder.mend(out)
    before = run_folder.recorded(out)
    if before is not None:
        run_folder.check_same(out, before, plain(options), free(options))
    elif options.folds and out.exists() and any(out.iterdir()):
        raise RunError(f"{out} is not empty; choose another --out for the folds")
    if start.folder and out.resolve() == start.folder.resolve():
        raise RunError(f"training starts from {out}; choose another --out, so that they can be compared")
    if not options.folds:
        run_folder.check_place(out, experiment.OURS)


def note(out: Path, options: Namespace, data: "Data") -> None:
    """Write down what the run is begun with; or see whether the run that goes on was begun with the same."""
    import keras

    from segmenter.datasets import pieces

    numbered = map(pieces.find_file, data.pairs or ()) if options.pick else ()
    photos = run_folder.fingerprint(data.pairs, numbered) if data.pairs else "a collection"
    run_folder.begin(out, plain(options), free(options), photos, keras.backend.backend())


if __name__ == "__main__":
    sys.exit(main())
