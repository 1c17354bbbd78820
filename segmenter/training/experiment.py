"""One experiment, from the options of the command line to a published result.

Data and batches; then training, judging, the report. Where it starts is the matter of `starts`.
"""

import os
import shutil
import time
from argparse import Namespace
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from segmenter import weights_format
from segmenter.datasets import copy_paste, provenance
from segmenter.datasets.batches import TrainingBatches, ValidationBatches, augmented, load_squares
from segmenter.datasets.pairs import Pair
from segmenter.datasets.splits import split
from segmenter.errors import HubError
from segmenter.evaluation import report
from segmenter.evaluation.evaluate import Judged
from segmenter.hub import model_card
from segmenter.io import files
from segmenter.models import litert
from segmenter.training import picker_run, recipes, run_folder, teachers, trainer, weights_folder
from segmenter.training.checkpoints import HISTORY
from segmenter.training.judging import completing_pays, judge, judge_picks, judge_start, write_judgement
from segmenter.training.options import picks_only
from segmenter.training.picker_run import Picked
from segmenter.training.recipes import Recipe
from segmenter.training.starts import Start, build
from segmenter.training.trainer import Fitted

# What a result consists of; a folder that holds anything else is not replaced by one.
OURS = {*weights_format.FILES, HISTORY, "report.html", "overlays", "contact-sheet.jpg"}
AGAIN = "--pick 2000 trains it again"  # what to do about a picker that is left out
EXAMPLES = 16  # batches at most show what values the network's activations take, for `litert.export`, and so many of
EXAMPLE_PIXELS = 2**25  # the validation's what it costs to give them 8 bits; of either so many pixels, for memory


class Data(NamedTuple):
    """What there is to train on."""

    name: str
    pairs: list[Pair] | None  # None: a collection, which draws its own samples
    findings: dict[str, Any] | None  # of the check, for the report


class Run(NamedTuple):
    """A training with all that it needs."""

    options: Namespace  # of the command line
    data: Data
    start: Start
    recipe: Recipe
    kept: list[Pair] | None  # to train on; None: a collection
    held_out: dict[str, list[Pair]]  # name → pairs to judge on
    out: Path


class Trained(NamedTuple):
    """What a training came to."""

    model: keras.Model
    fitted: Fitted | None  # None: the network is that of the start, and was left as it is
    picked: Picked | None  # None: without a picker
    minutes: float


# Data


def read_data(options: Namespace, size: int, sheet: str | os.PathLike[str] | None = None) -> Data:
    """Read and check the data set that was asked for.

    Args:
        options: of the command line.
        size: side of the network's square in pixels.
        sheet: path for a contact sheet, or None.

    Returns:
        Data.

    Raises:
        DatasetError: it cannot be read, or too little of it can be used.
    """
    if options.collection:
        return Data(provenance.COLLECTION_NAME, None, None)
    from segmenter.datasets import contact_sheet, load, validate
    from segmenter.hub.datasets import pull_dataset

    place = load.open_place(options.data, options.classes, pull=pull_dataset)
    findings = validate.check(place, size)
    print(place.summary())
    print(findings.summary())
    if sheet:
        contact_sheet.write_contact_sheet(sheet, findings)
        print(f"the contact sheet, with the masks drawn on: {sheet}")
    findings.insist()
    name = provenance.recorded_name(place.name, [pair.photo for pair in place.pairs])
    return Data(name, findings.pairs, findings.as_json())


def data_name(options: Namespace) -> str:
    """A name for the data set that is good for a folder, before it is read."""
    name = str(options.data).rstrip("/").removeprefix("hf://datasets/").split("@")[0]
    return "collection" if options.collection else Path(name).stem


def divide(data: Data, options: Namespace) -> tuple[list[Pair] | None, dict[str, list[Pair]]]:
    """(pairs to train on or None, name → pairs to judge on), as --validation says."""
    if data.pairs is None:
        from segmenter.datasets import collection

        if options.curriculum == "things":
            return None, {"things": collection.thing_pairs(options.data)}
        return None, collection.validation_pairs(options.data)
    kept, held_out = split(data.pairs, options.validation, options.seed)
    print(f"{len(kept)} photos to train on, {len(held_out)} to validate on, from {data.name}")
    return kept, {"validation": held_out}


def credits(options: Namespace, data: Data) -> list[str]:
    """Lines that name the makers of the training data, where their licences ask for it.

    Args:
        options: of the command line.
        data: Data.
    """
    if options.collection:
        from segmenter.datasets import collection

        return collection.credits(options.data)
    if provenance.has_bundled(pair.photo for pair in data.pairs or ()):
        return ["The pictures of chairs97, and the 3D models in them: see segmenter/data/chairs97/ATTRIBUTION.md"]
    return []


def make_batches(run: Run, devices: int = 1) -> tuple[TrainingBatches, ValidationBatches]:
    """(training batches, validation batches) of a run; every batch is a multiple of the number of devices.

    So a few photos rest in each epoch, others every time; and the first validation photos may count twice.
    """
    options, recipe, size = run.options, run.recipe, run.start.size
    draw: Any
    if run.kept is None:
        from segmenter.datasets import collection, mixture

        draw, samples = mixture.Mixture(options.data, size, options.curriculum), recipe.samples or 0
        if options.hard:
            seen = draw.harden(build(run.start).predict_on_batch)
            print(f"furniture is seen in {seen:.0%} of the pictures without any, which are now drawn more often")
        watched = collection.watched_pairs(run.held_out)
    else:
        squares = load_squares(run.kept, size)
        draw, samples = augmented(squares, size), options.samples or max(recipe.samples or 0, len(squares))
        if recipe.pasted or recipe.mosaics:
            draw = copy_paste.Varied(draw, squares, size, recipe.pasted, recipe.mosaics)
        watched = run.held_out["validation"]
    if run.start.teachers:
        draw = teachers.Taught(draw, teachers.load(run.start.teachers, size))
    samples -= samples % devices
    each = recipe.batch_size + -recipe.batch_size % devices
    batches = TrainingBatches(draw, samples, each, recipe.seed, recipe.border)
    watched = load_squares(watched, size)
    watched += (watched * devices)[: -len(watched) % devices]
    return batches, ValidationBatches(watched, size, each)


# Training


def train(run: Run) -> tuple[dict[str, Any] | None, list[Judged], bool]:
    """Train as a run says, judge what came of it and put it in its place.

    Returns:
        (metrics, judged, finished); metrics is None where training was stopped before its first
        epoch was over, or the first step of a picker that is trained alone.
    """
    options, out, start = run.options, run.out, run.start
    print(f"{start.architecture} at {start.size} pixels, starting from {start.name}; the result goes to {out}")
    began = time.monotonic()
    if options.deterministic:
        trainer.deterministic()
    fitted = examples = picked = None
    if picks_only(options):
        model = build(start)
    else:
        model, fitted, examples = train_network(run)
    if options.pick and (fitted is None or fitted.finished):
        picked = picker_run.train(start, options, run.kept, model, run_folder.unfinished(out))
    if picked is None and (fitted is None or fitted.best is None):
        first = "step" if fitted is None else "epoch"
        print(f"stopped before the first {first} was over, so there is nothing to keep yet; {how_to_go_on(run)}")
        return None, [], False
    minutes = (time.monotonic() - began) / 60
    trained = Trained(model, fitted, picked, minutes)
    metrics, judged = finish(run, trained, examples)
    print(f"{minutes:.1f} minutes of training; {out} is a whole weights folder, with report.html for people")
    if fitted and not fitted.finished:
        epochs = len(fitted.history["epoch"])
        print(f"stopped after epoch {epochs}, of which {(fitted.best or 0) + 1} was the best; {how_to_go_on(run)}")
        return metrics, judged, False
    if options.pick and not (picked and picked.finished):
        print(f"the picker was stopped after step {picked.steps if picked else 0}; {how_to_go_on(run)}")
        return metrics, judged, False
    return metrics, judged, True


def train_network(run: Run) -> tuple[keras.Model, Fitted, litert.Examples | None]:
    """Train the network of a run; (network, Fitted, examples to serve it by, or None where there is nothing to keep)."""
    options = run.options
    mixed = options.mixed_precision and trainer.has_gpu()
    if options.mixed_precision and not mixed:
        print("there is no GPU, where alone mixed precision helps: training in 32 bits")
    if picker_run.has_picker(run.start) and not (options.pick or picker_run.still_fits(run.start, run.recipe)):
        advice = AGAIN if run.start.averaged else f"{AGAIN}, and --encoder 0 would have kept it"
        print(f"the picker of {run.start.name} does not fit a network that trains on, and is left out; {advice}")
    with trainer.devices() as devices:
        if devices > 1:
            print(f"every batch is divided among {devices} devices")
        keras.utils.set_random_seed(run.recipe.seed)
        model = build(run.start, mixed)
        batches, validation = make_batches(run, devices)
        fitted = trainer.fit(model, batches, validation, run.recipe, run_folder.unfinished(run.out))
    if fitted.best is None:
        return model, fitted, None
    batches.epoch = 0  # the same pictures wherever a run was broken off and taken up again
    return model, fitted, _examples(batches, validation)


def _examples(batches: TrainingBatches, validation: ValidationBatches) -> litert.Examples:
    """Some of the pictures that train and some that do not, for the network to serve by."""
    most = max(1, min(EXAMPLES, EXAMPLE_PIXELS // (batches.batch_size * validation.size**2)))
    shown = np.concatenate([batches[step][0] for step in range(min(most, len(batches)))])
    each = -(-len(validation) // most)  # from all over, as sources stand one after the other
    held_out = [validation[step] for step in range(0, len(validation), each)]
    return litert.Examples(shown, *(np.concatenate(parts) for parts in zip(*held_out)))


def how_to_go_on(run: Run) -> str:
    """What to say of how to go on with a run."""
    return f"to go on: python train.py --resume {run.options.out or run.out}"


def finish(run: Run, trained: Trained, examples: litert.Examples | None) -> tuple[dict[str, Any], list[Judged]]:
    """Put the result of a run together beside its place, then move it there. Returns (metrics, judged)."""
    options, start, fitted, picked = run.options, run.start, trained.fitted, trained.picked
    result = run_folder.unfinished(run.out) / run_folder.RESULT
    shutil.rmtree(result, ignore_errors=True)
    picker = picked.picker if picked else None
    if start.folder and not picked and picker_run.still_fits(start, run.recipe):
        picker = picker_run.of_folder(start.folder, start.size)
    config = describe(run, picked, picker is not None)
    half = options.collection if fitted else weights_folder.fits_half(trained.model)
    # A network that was left as it is stays so where it serves, and keeps its threshold.
    kept = litert.network_of(start.folder / weights_format.LITERT) if start.folder and not fitted else None
    if examples is None and kept is None:
        examples = _examples(*make_batches(run))
    weights_folder.save_folder(trained.model, result, config, examples, half, picker, kept)
    if picker and completing_pays(result, run.held_out, config["threshold"]):
        config[weights_format.COMPLETES] = True
        files.write_json(result / weights_format.CONFIG, config)
    metrics, judged = judge(result, run.held_out, None if fitted else config["threshold"])
    metrics |= judge_picks(result, run.held_out, metrics["threshold"], options.data if options.collection else None)
    config["threshold"] = metrics["threshold"]
    files.write_json(result / weights_format.CONFIG, config)
    if fitted:
        shutil.copy(run_folder.unfinished(run.out) / HISTORY, result / HISTORY)
    metrics = report.complete(
        {**metrics, "data": run.data.name},
        before=judge_start(start, run.held_out) if fitted else None,
        history=result / HISTORY if fitted else None,
        config=config,
        findings=run.data.findings,
        facts=_facts(run, trained),
    )
    metrics = write_judgement(result, metrics, judged, options.collection)
    inherited = model_card.read_credits(start.folder) if start.folder else []
    model_card.write_card(result, list(dict.fromkeys([*inherited, *credits(options, run.data)])))
    run_folder.publish(result, run.out)
    return metrics, judged


def _facts(run: Run, trained: Trained) -> dict[str, Any]:
    """What else the report says of a run."""
    fitted, picked = trained.fitted, trained.picked
    facts: dict[str, Any] = {"photos trained on": len(run.kept) if run.kept else "a collection"}
    if fitted:
        facts["epochs trained"] = len(fitted.history["epoch"])
        facts["best epoch"] = None if fitted.best is None else fitted.best + 1
    if picked:
        facts["steps of the picker"] = picked.steps
    return {
        **facts,
        "minutes": round(trained.minutes, 1),
        "seed": run.recipe.seed,
        "backend": keras.backend.backend(),
    }


def describe(run: Run, picked: Picked | None = None, picks: bool = False) -> dict[str, Any]:
    """config.json: what is needed to use the weights, and by which steps they came about.

    Args:
        run: Run.
        picked: what came of training a picker.
        picks: whether they have a picker, be it that of the weights it started from.
    """
    start = run.start
    earlier = weights_format.read_config(start.folder) if start.folder else {}
    steps = [step for step in earlier.get("steps", []) if picks or step.get("trains") != weights_format.PICKER]
    config = earlier
    if not picks_only(run.options):
        recipe = recipes.describe(run.recipe)
        step = {"data": run.data.name, "size": start.size, "started_from": start.name}
        if start.averaged:
            step["averaged_with"] = [folder.resolve().name for folder in start.averaged]
        if start.teachers:
            step["taught_by"] = [folder.resolve().name for folder in start.teachers]
        steps.append({**step, **recipe})
        config = {
            "name": f"{start.architecture} trained on {run.data.name}",
            "architecture": start.architecture,
            "size": start.size,
            "threshold": 0.5,
        }
    if picked:
        steps.append(picker_run.describe(picked, run.data.name, start.size))
    if picks:
        config = {**config, weights_format.PICKER: True}
        config.pop(weights_format.COMPLETES, None)  # of the picker before
    return {**config, "steps": steps}


# The Hub


def publish(out: Path, options: Namespace) -> None:
    """Push a weights folder; where that fails, say how to do it later, as nothing is lost."""
    from segmenter.hub import weights

    try:
        pushed = weights.push(out, options.push_to_hub, private=options.private)
    except HubError as error:
        again = f"python -m segmenter.hub push {out} {options.push_to_hub}"
        raise RuntimeError(f"{error}\nthe weights are safe in {out}; to publish them later: {again}") from error
    print(weights.describe_push(out, options.push_to_hub, pushed))
