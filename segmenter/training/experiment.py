"""One experiment, from the options of the command line to a published result.

Data, starting point, network, batches; then training, judging, the report; and all of it k times
for a cross-validation.
"""

import shutil
import time
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from segmenter import weights_format
from segmenter.datasets import copy_paste, provenance
from segmenter.datasets.batches import TrainingBatches, ValidationBatches, augmented, load_square, load_squares
from segmenter.datasets.pairs import cases, read_folder
from segmenter.datasets.splits import split
from segmenter.errors import EncoderWeightsError
from segmenter.evaluation import evaluate, folds, report, results
from segmenter.hub import model_card
from segmenter.io import files
from segmenter.models import losses, registry, unet
from segmenter.training import recipes, run_folder, trainer
from segmenter.training.checkpoints import HISTORY

CHAIRS97 = provenance.CHAIRS97
DEFAULT_WEIGHTS = weights_format.BUNDLED
STARTS = ("imagenet", "scratch")
FOLDS = "folds.json"
# What a result consists of; a folder that holds anything else is not replaced by one.
OURS = {"README.md", "config.json", "model.weights.h5", "model.tflite", "metrics.json", "samples.png", "history.csv",
        "report.html", "overlays", "contact-sheet.jpg"}  # fmt: skip
TRIED = 60  # photos are enough to tell whether weights know what they are to find
CALIBRATING = 8  # batches show what values the network's activations take, for `litert.export`
PICTURES = 1024  # longest side of what is kept of a photo for the report's pictures, in pixels


class Data(NamedTuple):
    """What there is to train on."""

    name: str
    pairs: list | None  # of Pair; None: a collection, which draws its own samples
    findings: dict | None  # of the check, for the report


class Start(NamedTuple):
    """Where training starts from: `folder` is a weights folder, None for the pretrained encoder and for scratch."""

    name: str
    folder: Path | None
    architecture: str
    size: int


class Run(NamedTuple):
    """A training with all that it needs."""

    options: object
    data: Data
    start: Start
    recipe: trainer.Recipe
    kept: list | None  # pairs to train on
    held_out: dict  # name → pairs to judge on
    out: Path


# Data


def read_data(options, size, sheet=None):
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


def data_name(options):
    """A name for the data set that is good for a folder, before it is read."""
    name = str(options.data).rstrip("/").removeprefix("hf://datasets/").split("@")[0]
    return "collection" if options.collection else Path(name).stem


def divide(data, options):
    """(pairs to train on or None, name → pairs to judge on), as --validation says."""
    if data.pairs is None:
        from segmenter.datasets import collection

        if options.curriculum == "things":
            return None, {"things": collection.thing_pairs(options.data)}
        return None, collection.validation_pairs(options.data)
    kept, held_out = split(data.pairs, options.validation, options.seed)
    print(f"{len(kept)} photos to train on, {len(held_out)} to validate on, from {data.name}")
    return kept, {"validation": held_out}


def credits(options, data):
    """Lines that name the makers of the training data, where their licences ask for it.

    Args:
        options: of the command line.
        data: Data.
    """
    if options.collection:
        from segmenter.datasets import collection

        return collection.credits(options.data)
    if provenance.has_bundled(pair.photo for pair in data.pairs):
        return ["The pictures of chairs97, and the 3D models in them: see segmenter/data/chairs97/ATTRIBUTION.md"]
    return []


# Start and network


def find_start(options, place=None):
    """Where to start from; weights of the Hub are fetched.

    Args:
        options: of the command line.
        place: counts instead of --start, where it is given.

    Returns:
        Start.

    Raises:
        ValueError: there is nothing of the kind, or it does not fit --architecture.
    """
    place = place or options.start or _default_start(options.architecture)
    if place in STARTS:
        quick = place == "imagenet" and not options.collection
        architecture = options.architecture or (registry.FROM_IMAGENET if quick else registry.DEFAULT)
        if place == "imagenet" and architecture not in registry.encoded():
            raise ValueError(f"only {' and '.join(registry.encoded())} have a pretrained encoder; use --start scratch")
        return Start(place, None, architecture, options.size or registry.find(architecture).size)
    folder = _weights_folder(place)
    config = weights_format.read_config(folder, registry.NETWORKS)
    if options.architecture not in (None, config.get("architecture")):
        raise ValueError(
            f"{place} holds a {config.get('architecture')}, not a {options.architecture}; "
            f"leave --architecture out, or use --start scratch"
        )
    name = place if folder != Path(place) else folder.resolve().name
    return Start(name, folder, config["architecture"], options.size or config["size"])


def _default_start(architecture):
    fits = architecture in (None, registry.DEFAULT) and (DEFAULT_WEIGHTS / "config.json").exists()
    return str(DEFAULT_WEIGHTS) if fits else "scratch"


def _weights_folder(place):
    """The folder of --start, which may name a repository of the Hub."""
    folder = weights_format.locate(place)
    for name in (weights_format.CONFIG, weights_format.WEIGHTS):
        if not (folder / name).is_file():
            lacks = f"{place} lacks {name}" if folder.is_dir() else f"there is nothing at {place}"
            raise ValueError(f"{lacks}; --start takes a weights folder, OWNER/NAME of the Hub, imagenet or scratch")
    return folder


def build(start, mixed=False):
    """The network with the weights to start from.

    Args:
        start: Start.
        mixed: compute in 16 bits where that is enough.

    Raises:
        ValueError: the weights are damaged or do not fit; EncoderWeightsError: ImageNet's cannot be had.
    """
    with trainer.precision(mixed):
        if start.folder:
            return trainer.load_folder(start.folder, start.size)[0]
        model = unet.build_unet(start.architecture, start.size)
    encoder = registry.find(start.architecture).encoder
    if start.name == "imagenet" and encoder:
        encoder.load().load_imagenet(model, encoder.variant)
    return model


def dice_before(start, kept):
    """What the weights to start from make of a data set before they train on it.

    Args:
        start: Start, of a weights folder.
        kept: pairs to train on; of many, `TRIED` are tried.

    Returns:
        Their mean Dice, 0 … 1.
    """
    model = build(start)
    squares = [load_square(pair, start.size) for pair in kept[:: -(-len(kept) // TRIED)]]
    batches = ValidationBatches(squares, start.size, 8)
    scores = [losses.dice(y, model.predict_on_batch(x)) for x, y in map(batches.__getitem__, range(len(batches)))]
    return float(np.mean(np.concatenate([keras.ops.convert_to_numpy(each) for each in scores])))


def settle(start, options, kept):
    """Where to start and how to train: what an option gives is taken from it, the rest follows from the photos.

    Weights that know little of such photos learn anew; those that nobody asked for make way for the
    pretrained encoder, where that can be had.

    Args:
        start: Start, as the options alone have it.
        options: of the command line.
        kept: pairs to train on, of the first fold where there are several; None: a collection.

    Returns:
        (Start, training.Recipe).
    """
    known = True
    if start.folder and not options.collection:
        name, dice = start.name, dice_before(start, kept)
        known = dice >= recipes.KNOWN
        fate = "it is only refined" if known else "it learns anew what to look for, which takes longer"
        if not known and options.start is options.architecture is None:
            try:
                pretrained = find_start(options, "imagenet")
                _try_encoder(pretrained.architecture)
                start, fate = pretrained, "the pretrained encoder is the better start"
            except EncoderWeightsError as error:
                fate += f" (the pretrained encoder would be the better start, but {error})"
        print(f"{name} has a Dice of {dice:.2f} on the photos to train on: {fate}")
    return start, recipes.choose(
        start,
        options.collection,
        known,
        epochs=options.epochs,
        samples=options.samples,
        batch_size=options.batch,
        learning_rate=options.learning_rate,
        border=options.border,
        ema=options.ema,
        floor=options.floor,
        seed=options.seed,
    )


def _try_encoder(architecture):
    """Raise an EncoderWeightsError if the ImageNet weights of a network's encoder cannot be had."""
    encoder = registry.find(architecture).encoder
    encoder.load().imagenet_checkpoint(encoder.variant)


def make_batches(run, devices=1):
    """(training batches, validation batches) of a run; every batch is a multiple of the number of devices.

    So a few photos rest in each epoch, others every time; and the first validation photos may count twice.
    """
    options, recipe, size = run.options, run.recipe, run.start.size
    if options.collection:
        from segmenter.datasets import collection, mixture

        draw, samples = mixture.Mixture(options.data, size, options.curriculum), recipe.samples
        watched = collection.watched_pairs(run.held_out)
    else:
        squares = load_squares(run.kept, size)
        draw, samples = augmented(squares, size), options.samples or max(recipe.samples or 0, len(squares))
        if recipe.pasted or recipe.mosaics:
            draw = copy_paste.Varied(draw, squares, size, recipe.pasted, recipe.mosaics)
        watched = run.held_out["validation"]
    samples -= samples % devices
    each = recipe.batch_size + -recipe.batch_size % devices
    batches = TrainingBatches(draw, samples, each, recipe.seed, recipe.border)
    watched = load_squares(watched, size)
    watched += (watched * devices)[: -len(watched) % devices]
    return batches, ValidationBatches(watched, size, each)


# Training


def train(run):
    """Train as a run says, judge what came of it and put it in its place.

    Returns:
        (metrics, judged, finished); metrics is None where training was stopped before its first
        epoch was over.
    """
    options, out = run.options, run.out
    print(f"{run.start.architecture} at {run.start.size} pixels, starting from {run.start.name}; "
          f"the result goes to {out}")  # fmt: skip
    began = time.monotonic()
    if options.deterministic:
        trainer.deterministic()
    mixed = options.mixed_precision and trainer.has_gpu()
    if options.mixed_precision and not mixed:
        print("there is no GPU, where alone mixed precision helps: training in 32 bits")
    with trainer.devices() as devices:
        if devices > 1:
            print(f"every batch is divided among {devices} devices")
        keras.utils.set_random_seed(run.recipe.seed)
        model = build(run.start, mixed)
        batches, validation = make_batches(run, devices)
        fitted = trainer.fit(model, batches, validation, run.recipe, run_folder.unfinished(out))
    if fitted.best is None:
        print(f"stopped before the first epoch was over, so there is nothing to keep yet; {how_to_go_on(run)}")
        return None, [], False
    minutes = (time.monotonic() - began) / 60
    calibration = np.concatenate([batches[step][0] for step in range(min(CALIBRATING, len(batches)))])
    metrics, judged = finish(run, model, fitted, minutes, calibration)
    print(f"{minutes:.1f} minutes of training; {out} is a whole weights folder, with report.html for people")
    if not fitted.finished:
        epochs = len(fitted.history["epoch"])
        print(f"stopped after epoch {epochs}, of which {fitted.best + 1} was the best; {how_to_go_on(run)}")
    return metrics, judged, fitted.finished


def how_to_go_on(run):
    """The command that goes on with a run, in words."""
    return f"to go on: python train.py --resume {run.options.out or run.out}"


def finish(run, model, fitted, minutes, calibration):
    """Put the result of a run together beside its place, then move it there. Returns (metrics, judged)."""
    result = run_folder.unfinished(run.out) / run_folder.RESULT
    shutil.rmtree(result, ignore_errors=True)
    config = describe(run)
    trainer.save_folder(model, result, config, calibration, half=run.options.collection)
    metrics, judged = judge(result, run.held_out)
    config["threshold"] = metrics["threshold"]
    files.write_json(result / weights_format.CONFIG, config)
    shutil.copy(run_folder.unfinished(run.out) / HISTORY, result / HISTORY)
    facts = {
        "photos trained on": len(run.kept) if run.kept else "a collection",
        "epochs trained": len(fitted.history["epoch"]),
        "best epoch": fitted.best + 1,
        "minutes": round(minutes, 1),
        "seed": run.recipe.seed,
        "backend": keras.backend.backend(),
    }
    metrics = report.complete(
        {**metrics, "data": run.data.name},
        before=judge_start(run),
        history=result / HISTORY,
        config=config,
        findings=run.data.findings,
        facts=facts,
    )
    metrics = write_judgement(result, metrics, judged, run.options)
    inherited = model_card.read_credits(run.start.folder) if run.start.folder else []
    model_card.write_card(result, list(dict.fromkeys([*inherited, *credits(run.options, run.data)])))
    run_folder.publish(result, run.out)
    if fitted.finished:
        run_folder.discard(run.out)
    return metrics, judged


def describe(run):
    """config.json: what is needed to use the weights, and by which steps they came about."""
    step = {
        "data": run.data.name,
        "size": run.start.size,
        "started_from": run.start.name,
        **trainer.describe_recipe(run.recipe),
    }
    earlier = weights_format.read_config(run.start.folder).get("steps", []) if run.start.folder else []
    return {
        "name": f"{run.start.architecture} trained on {run.data.name}",
        "architecture": run.start.architecture,
        "size": run.start.size,
        "threshold": 0.5,
        "steps": [*earlier, step],
    }


# Judging


def judge(folder, held_out, threshold=None):
    """Measure a weights folder on pairs that did not train.

    Args:
        folder: a weights folder.
        held_out: name → pairs.
        threshold: where to measure; by default where these pairs say that it is best.

    Returns:
        (metrics, judged), see `evaluate.evaluate`.
    """
    from segmenter import Segmenter

    segmenter = Segmenter.load(folder)

    def sources():
        return {name: cases(pairs) for name, pairs in held_out.items()}

    if threshold is None:
        return evaluate.evaluate_at_best(segmenter.probabilities, sources, longest=PICTURES)
    return evaluate.evaluate(segmenter.probabilities, sources(), threshold, longest=PICTURES)


def judge_start(run):
    """The metrics of the weights that a run starts from, on the same photos; None where it starts from none."""
    if not run.start.folder:
        return None
    threshold = weights_format.read_config(run.start.folder)["threshold"]
    try:
        metrics, _ = judge(run.start.folder, run.held_out, threshold)
    except ValueError as error:  # it has the network's weights, but not all that serving needs
        print(f"no comparison with {run.start.name}: {error}")
        return None
    return {**metrics, "name": run.start.name}


def write_judgement(folder, metrics, judged, options, weights=None, page=None):
    """Write metrics.json, samples.png, overlays and report.html into a folder, and say how good it is.

    Args:
        folder: where to.
        metrics, judged: of `judge`, completed for the report.
        options: of the command line.
        weights: the weights folder that was measured; `folder` itself by default.

    Returns:
        The metrics as they were written.
    """
    metrics = {**metrics, "samples": "samples.png: the worst, the median and the best of these photos."}
    shown = judged
    if options.collection:  # its photos are not ours to show; chairs97 is, and never trained
        pairs = {"chairs97": read_folder(CHAIRS97)}
        _, shown = judge(weights or folder, pairs, metrics["threshold"])
        metrics["samples"] = (
            "samples.png: the worst, the median and the best of chairs97, which may be shown. These "
            "pictures never trained, but some of the furniture models in them did, in other pictures."
        )
    else:
        results.write_overlays(Path(folder) / "overlays", judged, metrics["threshold"])
    results.write_results(folder, metrics, shown, weights or folder)
    try:
        report.write_page(folder, [] if options.collection else judged, show_photos=not options.collection)
    except ValueError as error:  # what was learned is worth more than its description
        print(f"report.html could not be written: {error}")
    print(report.verdict_lines(metrics))
    return metrics


# Cross-validation


def cross_validate(runs_of_folds, out, options):
    """Train and judge every fold, and say what they have in common.

    Args:
        runs_of_folds: list of Run, one a fold.
        out: folder of folds.json and of the folds' own.
        options: of the command line.

    Returns:
        Whether all of it was finished.
    """
    each, judged = [], []
    for number, run in enumerate(runs_of_folds, 1):
        print(f"\nfold {number} of {len(runs_of_folds)}: {len(run.kept)} photos to train on, "
              f"{len(run.held_out['validation'])} to validate on")  # fmt: skip
        run_folder.mend(run.out)
        if run.out.exists() and not run_folder.unfinished(run.out).exists():
            print(f"done already, in {run.out}")
            metrics, found = judge(run.out, run.held_out)
            finished = True
        else:
            metrics, found, finished = train(run)
        if not finished:
            return False
        each.append(metrics)
        judged += found
    summarise_folds(each, judged, runs_of_folds, out, options)
    return True


def summarise_folds(each, judged, runs_of_folds, out, options):
    """Write folds.json and the report of all folds together, and a line about them."""
    summary = folds.fold_summary(each)
    metrics = report.complete(
        {**folds.pool(each), "data": runs_of_folds[0].data.name},
        config=describe(runs_of_folds[0]),
        findings=runs_of_folds[0].data.findings,
        folds=summary,
        facts={"folds": len(each), "seed": options.seed},
    )
    metrics["samples"] = "samples.png: the worst, the median and the best photo of all folds."
    results.write_results(out, metrics, judged)
    report.write_page(out, judged)
    files.write_json(Path(out) / FOLDS, metrics["folds"])
    if options.csv:
        results.write_csv(metrics, options.csv)
    found = [fold["iou"] for fold in summary]
    mean, spread = metrics["folds"]["mean"], metrics["folds"]["spread"]
    print(
        f"\n{len(each)} folds: IoU {mean['iou']:.3f} ± {spread['iou']:.3f}, Dice {mean['dice']:.3f} ± "
        f"{spread['dice']:.3f}, boundary F {mean['boundary_f']:.3f} ± {spread['boundary_f']:.3f} "
        f"(mean ± standard deviation; {Path(out) / FOLDS}).\nA single split would have said anything from "
        f"{min(found):.3f} to {max(found):.3f}: one split of so few photos says little."
    )


# The Hub


def publish(out, options):
    """Push a weights folder; where that fails, say how to do it later, as nothing is lost."""
    from segmenter.hub import weights as hub

    try:
        pushed = hub.push(out, options.push_to_hub, private=options.private)
    except hub.HubError as error:
        again = f"python -m segmenter.hub push {out} {options.push_to_hub}"
        raise RuntimeError(f"{error}\nthe weights are safe in {out}; to publish them later: {again}") from error
    print(hub.describe_push(out, options.push_to_hub, pushed))
