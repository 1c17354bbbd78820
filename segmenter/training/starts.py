"""Where training starts from: weights of any place, the pretrained encoder, or nothing."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from segmenter import weights_format
from segmenter.datasets.batches import ValidationBatches, load_square
from segmenter.datasets.pairs import Pair
from segmenter.errors import EncoderWeightsError
from segmenter.models import losses, registry, unet
from segmenter.training import recipes, weights_folder
from segmenter.training.options import picks_only

DEFAULT_WEIGHTS = weights_format.BUNDLED
STARTS = ("imagenet", "scratch")
TRIED = 60  # photos are enough to tell whether weights know what they are to find


class Start(NamedTuple):
    """Where training starts from: `folder` is a weights folder, None for the pretrained encoder and for scratch.

    Where `averaged` names further folders of weights, it is the mean of all of them.
    """

    name: str
    folder: Path | None
    architecture: str
    size: int
    averaged: tuple[Path, ...] = ()
    teachers: tuple[Path, ...] = ()  # weights folders to learn from beside the masks, see `teachers`


def find_start(options: Namespace, place: str | None = None) -> Start:
    """Where to start from; weights of the Hub are fetched.

    Args:
        options: of the command line.
        place: counts instead of --start, where it is given.

    Returns:
        Start.

    Raises:
        ValueError: there is nothing of the kind, or it does not fit --architecture.
    """
    place = str(place or options.start or _default_start(options.architecture))
    taught_by = tuple(map(_weights_folder, options.teachers or ()))
    if place in STARTS:
        if options.average:
            raise ValueError(f"--average needs weights to start from, and --start {place} has none")
        usual = registry.DEFAULT if options.collection else registry.PRETRAINED
        architecture = options.architecture or usual
        if place == "imagenet" and architecture not in registry.encoded():
            raise ValueError(f"only {', '.join(registry.encoded())} have a pretrained encoder; use --start scratch")
        return Start(place, None, architecture, options.size or registry.find(architecture).size, (), taught_by)
    folder = _weights_folder(place)
    config = weights_format.read_config(folder, registry.NETWORKS)
    if options.architecture not in (None, config.get("architecture")):
        raise ValueError(
            f"{place} holds a {config.get('architecture')}, not a {options.architecture}; "
            f"leave --architecture out, or use --start scratch"
        )
    averaged = [_weights_folder(other) for other in options.average or ()]
    for other, kept in zip(options.average or (), averaged):
        found = weights_format.read_config(kept, registry.NETWORKS)["architecture"]
        if found != config["architecture"]:
            raise ValueError(
                f"{other} holds a {found}, and {place} a {config['architecture']}; only networks of one kind have a mean"
            )
    name = place if folder != Path(place) else folder.resolve().name
    return Start(name, folder, config["architecture"], options.size or config["size"], tuple(averaged), taught_by)


def _default_start(architecture: str | None) -> str:
    fits = architecture in (None, registry.DEFAULT) and (DEFAULT_WEIGHTS / "config.json").exists()
    return str(DEFAULT_WEIGHTS) if fits else "scratch"


def _weights_folder(place: str) -> Path:
    """The folder of --start, which may name a repository of the Hub."""
    folder = weights_format.locate(place)
    for name in (weights_format.CONFIG, weights_format.WEIGHTS):
        if not (folder / name).is_file():
            lacks = f"{place} lacks {name}" if folder.is_dir() else f"there is nothing at {place}"
            raise ValueError(f"{lacks}; --start takes a weights folder, OWNER/NAME of the Hub, imagenet or scratch")
    return folder


def build(start: Start, mixed: bool = False) -> keras.Model:
    """The network with the weights to start from.

    Args:
        start: Start.
        mixed: compute in 16 bits where that is enough.

    Raises:
        ValueError: the weights are damaged or do not fit; EncoderWeightsError: ImageNet's cannot be had.
    """
    with weights_folder.precision(mixed):
        if start.folder:
            model = weights_folder.load_folder(start.folder, start.size)[0]
            return _average(model, start) if start.averaged else model
        model = unet.build_unet(start.architecture, start.size)
    encoder = registry.find(start.architecture).encoder
    if start.name == "imagenet" and encoder:
        encoder.load().load_imagenet(model, encoder.variant)
    return model


def _average(model: keras.Model, start: Start) -> keras.Model:
    """The network with the mean of its weights and of those that `start.averaged` names.

    Networks that trained on from common weights often lie in one valley, where their mean does better than each
    on photos unlike those they learnt from. Reference: Wortsman et al., "Model soups: averaging weights of
    multiple fine-tuned models improves accuracy without increasing inference time", ICML 2022.
    """
    others = [weights_folder.load_folder(folder, start.size)[0].get_weights() for folder in start.averaged]
    model.set_weights(mean([model.get_weights(), *others]))
    return model


def mean(all_weights: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """The mean of several models' weights, array by array; of equal ones exactly what they are."""
    return [np.mean(parts, axis=0, dtype=np.float64).astype(parts[0].dtype) for parts in zip(*all_weights)]


def dice_before(start: Start, kept: Sequence[Pair]) -> float:
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
    scores = []
    for number in range(len(batches)):
        x, y = batches[number]
        scores.append(np.asarray(keras.ops.convert_to_numpy(losses.dice(y, model.predict_on_batch(x)))))
    return float(np.mean(np.concatenate(scores)))


def settle(start: Start, options: Namespace, kept: Sequence[Pair] | None) -> tuple[Start, recipes.Recipe]:
    """Where to start and how to train: what an option gives is taken from it, the rest follows from the photos.

    Where the picker alone is trained, the network's recipe says no more than which pictures it is exported by.
    Weights that know little of such photos learn anew; those that nobody asked for make way for the
    pretrained encoder, where that can be had.

    Args:
        start: Start, as the options alone have it.
        options: of the command line.
        kept: pairs to train on, of the first fold where there are several; None: a collection.

    Returns:
        (Start, recipes.Recipe).
    """
    if picks_only(options):
        return start, recipes.choose(start, options.collection, seed=options.seed)
    known = True
    if start.folder and kept is not None:
        name, dice = start.name, dice_before(start, kept)
        known = dice >= recipes.KNOWN
        fate = "it is only refined" if known else "it learns anew what to look for, which takes longer"
        if not known and options.start is options.architecture is None and not options.average:
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
        encoder=options.encoder,
        seed=options.seed,
    )


def _try_encoder(architecture: str) -> None:
    """Raise an EncoderWeightsError if the ImageNet weights of a network's encoder cannot be had."""
    encoder = registry.find(architecture).encoder
    if encoder:
        encoder.load().imagenet_checkpoint(encoder.variant)
