"""Train, fine-tune and judge the network from the command line.

    python train.py                               the article's experiment: chairs97, 77 photos and 20
    python train.py --data FOLDER                 your own: FOLDER/images and FOLDER/masks
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

from segmenter import card, dataset, unet  # noqa: E402

ROOT = Path(__file__).resolve().parent
CHAIRS97 = ROOT / "segmenter" / "data" / "chairs97"
DEFAULT_WEIGHTS = ROOT / "weights"
STARTS = ("imagenet", "scratch")
COLLECTION_SAMPLES = 4000  # in an epoch, as a collection has no natural end


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, default=CHAIRS97, help="folder with images/ and masks/ (default: chairs97)")
    add("--collection", action="store_true",
        help="--data is a collection like the one of the default weights: photos, scenes, renders, backgrounds")
    add("--architecture", choices=unet.ARCHITECTURES, default=unet.DEFAULT)
    add("--size", type=int, help="side of the network's square in pixels (default: the architecture's)")
    add("--start", help="a weights folder, imagenet (the pretrained encoder) or scratch "
        "(default: weights/ where it fits the architecture, else scratch)")
    add("--validation", type=float, default=20, help="photos to validate on, or a share below 1")
    add("--epochs", type=int, default=100, help="at most this many")
    add("--samples", type=int, help="photos in an epoch (default: each once; a collection: 4000)")
    add("--batch", type=int, help="photos a step (default 8; a collection: 16)")
    add("--learning-rate", type=float, help="(default 1e-3; fine-tuning weights: 1e-4)")
    add("--ema", type=float, help="judge and keep a moving average of the weights; 0.99: over some 100 steps (default 0: none)")
    add("--border", type=float, help="weigh pixels at borders and thin parts up to 1 + this (default 0; a collection: 4)")
    add("--seed", type=int, default=0)
    add("--out", type=Path, help="folder for the result; a run that was killed there is resumed")
    add("--summary", action="store_true", help="print the network and stop")
    add("--evaluate", type=Path, metavar="WEIGHTS", help="judge this weights folder without training; the report goes to --out")
    add("--push-to-hub", metavar="OWNER/NAME", help="publish the result on the Hugging Face Hub")
    add("--private", action="store_true", help="create the Hub's repository for its owner's eyes only")
    return parser.parse_args(arguments)  # fmt: skip


def main(arguments=None):
    """Run the command line; returns the exit status."""
    options = parse_arguments(arguments)
    try:
        if options.summary:
            summarise(unet.build_unet(options.architecture, options.size))
        elif options.evaluate:
            out = options.out or free_folder(ROOT / "runs" / f"{options.evaluate.name}-on-{options.data.name}")
            judge(options.evaluate, read_data(options)[1], options, out)
            if options.out == options.evaluate:
                card.write_card(out, credits(options) or card.read_credits(out))
        else:
            train(options)
    except (dataset.DatasetError, OSError, ValueError, RuntimeError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntrain.py: stopped; the best weights so far are in the output folder", file=sys.stderr)
        return 130
    return 0


def summarise(model):
    """Print Keras's summary, wide enough for its shapes also where no terminal says how wide it is."""
    if not sys.stdout.isatty():
        os.environ.setdefault("COLUMNS", "100")
    model.summary(line_length=100)


def read_data(options):
    """(pairs to train on or None, name → pairs to validate on) of the data set that was asked for."""
    if options.collection:
        from segmenter import furniture

        return None, furniture.validation_pairs(options.data)
    pairs = dataset.read_folder(options.data)
    kept, held_out = dataset.split(pairs, options.validation, options.seed)
    print(f"{len(kept)} photos to train on, {len(held_out)} to validate on, from {options.data.name}")
    return kept, {"validation": held_out}


def train(options):
    """Train as the options say, judge the result and write it to its folder."""
    from segmenter import training

    began = time.monotonic()
    if options.push_to_hub:
        from segmenter import hub

        hub.check_name(options.push_to_hub)  # rather now than after hours
    kept, held_out = read_data(options)
    out = options.out or free_folder(ROOT / "runs" / f"{options.data.name}-{options.architecture}")
    start = options.start or default_start(options.architecture)
    model = starting_point(start, options)
    recipe = choose_recipe(start, options)
    size = model.input_shape[1]
    batches, validation = make_batches(kept, held_out, size, recipe, options)
    print(f"{options.architecture} at {size} pixels, starting from {start}; the result goes to {out}")
    training.fit(model, batches, validation, recipe, out)
    training.save_folder(model, out, describe(model, start, recipe, options))
    judge(out, held_out, options, out)
    inherited = [] if start in STARTS else card.read_credits(start)
    card.write_card(out, list(dict.fromkeys([*inherited, *credits(options)])))
    print(f"{(time.monotonic() - began) / 60:.1f} minutes in all")
    if options.push_to_hub:
        publish(out, options)


def publish(out, options):
    """Push a weights folder; where that fails, say how to do it later, as nothing is lost."""
    from segmenter import hub

    try:
        pushed = hub.push(out, options.push_to_hub, private=options.private)
    except hub.HubError as error:
        again = f"python -m segmenter.hub push {out} {options.push_to_hub}"
        raise RuntimeError(f"{error}\nthe weights are safe in {out}; to publish them later: {again}") from error
    print(hub.told(out, options.push_to_hub, pushed))


def describe(model, start, recipe, options):
    """config.json: what is needed to use the weights, and by which steps they came about."""
    from segmenter import training

    step = {
        "data": data_name(options),
        "size": model.input_shape[1],
        "started_from": Path(start).name,
        "samples_an_epoch": options.samples or (COLLECTION_SAMPLES if options.collection else None),
        **training.describe_recipe(recipe),
    }
    earlier = [] if start in STARTS else training.read_config(start).get("steps", [])
    return {
        "name": f"{options.architecture} trained on {data_name(options)}",
        "architecture": options.architecture,
        "size": model.input_shape[1],
        "threshold": 0.5,
        "steps": [*earlier, step],
    }


def default_start(architecture):
    fits = architecture == unet.DEFAULT and (DEFAULT_WEIGHTS / "config.json").exists()
    return str(DEFAULT_WEIGHTS) if fits else "scratch"


def starting_point(start, options):
    """The network with the weights to start from."""
    from segmenter import encoder, training

    if start not in STARTS:
        model, config = training.load_folder(start, options.size)
        if config["architecture"] != options.architecture:
            raise ValueError(f"{start} holds a {config['architecture']}, not a {options.architecture}")
        return model
    model = unet.build_unet(options.architecture, options.size)
    if start == "imagenet":
        if options.architecture != unet.DEFAULT:
            raise ValueError(f"only {unet.DEFAULT} has a pretrained encoder; use --start scratch")
        encoder.load_imagenet(model)
    return model


def choose_recipe(start, options):
    from segmenter import training

    fine_tuning = start not in STARTS and not options.collection
    return training.Recipe(
        epochs=options.epochs,
        batch_size=options.batch or (16 if options.collection else 8),
        learning_rate=options.learning_rate or (1e-4 if fine_tuning else 1e-3),
        keep_statistics=fine_tuning,
        cosine=options.collection,
        border=(4.0 if options.collection else 0.0) if options.border is None else options.border,
        ema=options.ema or 0.0,
        seed=options.seed,
    )


def make_batches(kept, held_out, size, recipe, options):
    """(training batches, validation batches) for a network of `size` pixels."""
    if options.collection:
        from segmenter import furniture

        draw, samples = furniture.Mixture(options.data, size), options.samples or COLLECTION_SAMPLES
        watched = furniture.watched_pairs(held_out)
    else:
        squares = dataset.load_squares(kept, size)
        draw, samples = dataset.augmented(squares, size), options.samples or len(squares)
        watched = held_out["validation"]
    batches = dataset.TrainingBatches(draw, samples, recipe.batch_size, recipe.seed, recipe.border)
    watched = dataset.load_squares(watched, size)
    return batches, dataset.ValidationBatches(watched, size, recipe.batch_size)


def judge(folder, held_out, options, out):
    """Measure a weights folder on validation pairs, write the report to `out` and say how good it is."""
    from segmenter import Segmenter, evaluation

    segmenter = Segmenter.load(folder)
    sources = {name: dataset.cases(pairs) for name, pairs in held_out.items()}
    metrics, judged = evaluation.evaluate(segmenter.probabilities, sources, segmenter.threshold)
    metrics["data"] = data_name(options)
    print(evaluation.in_words(metrics))
    metrics["samples"] = "samples.png: the worst, the median and the best of these photos."
    if options.collection:  # its photos are not ours to show; chairs97 is, and never trained
        shown = {"chairs97": dataset.cases(dataset.read_folder(CHAIRS97))}
        _, judged = evaluation.evaluate(segmenter.probabilities, shown, segmenter.threshold)
        metrics["samples"] = (
            "samples.png: the worst, the median and the best of chairs97, which may be shown. These "
            "pictures never trained, but some of the furniture models in them did, in other pictures."
        )
    else:
        evaluation.write_overlays(out / "overlays", judged, segmenter.threshold)
    evaluation.write_report(out, metrics, judged, folder)
    print(f"metrics.json and samples.png are in {out}")


def data_name(options):
    return "furniture collection" if options.collection else options.data.name


def credits(options):
    """Lines that name the makers of the training data, where their licences ask for it."""
    if options.collection:
        from segmenter import furniture

        return furniture.credits(options.data)
    if options.data == CHAIRS97:
        return ["The pictures of chairs97, and the 3D models in them: see segmenter/data/chairs97/ATTRIBUTION.md"]
    return []


def free_folder(folder):
    """`folder`, or the first of folder-2, folder-3, … that is not there yet."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


if __name__ == "__main__":
    sys.exit(main())
