"""The picker of a run: whether it can be trained, on what, from where, and how that is written down."""

import hashlib
import os
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import keras

from segmenter import weights_format
from segmenter.datasets import piece_samples, pieces
from segmenter.datasets.pairs import Pair
from segmenter.models import picker as pickers, registry, unet
from segmenter.training import picking, starts, weights_folder
from segmenter.training.options import picks_only
from segmenter.training.picking import Draw, PickRecipe
from segmenter.training.recipes import Recipe
from segmenter.training.starts import Start
from segmenter.weights_format import PICKER


class Picked(NamedTuple):
    """What came of training a picker."""

    picker: keras.Model
    recipe: PickRecipe
    started_from: str  # "scratch", or the weights whose picker it was
    averaged: tuple[Path, ...]  # further ones of which it was the mean
    steps: int  # for which it has been trained

    @property
    def finished(self) -> bool:
        """False: it was asked to stop, and can go on."""
        return self.steps == self.recipe.steps


def check(start: Start, options: Namespace) -> None:
    """See that --pick can do what it is asked to, before anything is trained.

    Raises:
        ValueError: it cannot; the message says what to do.
    """
    if not options.pick:
        return
    if not registry.find(start.architecture).encoder:
        raise ValueError(
            f"{start.architecture} has no encoder that a picker could start from; leave --pick out, or train one of "
            f"{', '.join(registry.encoded())} with --start imagenet, --epochs and --pick"
        )
    if not picks_only(options):
        return
    if not start.folder:
        raise ValueError(
            f"--pick alone teaches weights that are there, and --start {start.name} has none; add --epochs to train "
            "the network first"
        )
    size = weights_format.read_config(start.folder)["size"]
    if start.size != size:
        raise ValueError(
            f"{start.name} looks at {size} pixels, and --pick alone leaves that as it is; leave --size out, or add "
            "--epochs to train the network at another size"
        )
    if start.averaged:
        _check_one_network(start)


def _check_one_network(start: Start) -> None:
    """See that pickers have a mean: each starts from what one and the same encoder sees."""
    assert start.folder, "only weights are averaged"
    own = fingerprint(weights_folder.load_folder(start.folder)[0])
    for folder in start.averaged:
        if not (has_picker(start) and weights_format.read_config(folder).get(PICKER)):
            raise ValueError(f"{start.name} and {folder} do not both have a picker; only pickers have a mean")
        if fingerprint(weights_folder.load_folder(folder)[0]) != own:
            raise ValueError(f"the pickers of {start.name} and {folder} are of different networks, and have no mean")


def check_pieces(kept: Sequence[Pair], held_out: Sequence[Pair]) -> None:
    """See, before anything is trained, that photos of one's own show pieces that can be read.

    Raises:
        DatasetError: a file cannot be read, or there is nothing to train on.
    """
    trained, judged = (len(pieces.of_pairs(pairs)) for pairs in (kept, held_out))
    if not trained:
        raise piece_samples.no_pieces()
    print(f"{trained} pieces to train the picker on, {judged} to judge it by")


def recipe_of(options: Namespace) -> PickRecipe:
    """How to train the picker: where the network trains too, the options' other numbers are the network's."""
    given = {"steps": options.pick, "seed": options.seed}
    if picks_only(options):
        given |= {"batch_size": options.batch, "learning_rate": options.learning_rate, "border": options.border}
    return replace(PickRecipe(), **{name: value for name, value in given.items() if value is not None})


def has_picker(start: Start) -> bool:
    """Whether the weights that training starts from can pick."""
    return bool(start.folder and weights_format.read_config(start.folder).get(PICKER))


def still_fits(start: Start, recipe: Recipe) -> bool:
    """Whether the picker of the weights to start from fits the network that is trained from them."""
    return has_picker(start) and recipe.encoder == 0 and not start.averaged


def of_folder(folder: Path, size: int) -> keras.Model:
    """The picker of a weights folder that has one, for a network that looks at `size` pixels."""
    picker = weights_folder.load_both(folder, size)[1]
    assert picker is not None, "its configuration says so"
    return picker


def train(
    start: Start, options: Namespace, kept: Sequence[Pair] | None, trained: keras.Model, folder: str | os.PathLike[str]
) -> Picked | None:
    """Train the picker of a network.

    Args:
        start: Start, whose picker is gone on with where it has one.
        options: of the command line.
        kept: pairs to train on; None: the collection of --data.
        trained: the network, of whatever precision; it stays as it is.
        folder: of what is not finished, see `run_folder`.

    Returns:
        Picked; None where it was stopped before its first step.

    Raises:
        DatasetError: the photos to train on show no pieces, or cannot be read.
    """
    with weights_folder.precision():
        network = unet.build_unet(start.architecture, start.size)
        network.set_weights(trained.get_weights())
        keras.utils.set_random_seed(options.seed)
        picker, started_from, averaged = pickers.build_picker(network), "scratch", ()
        if start.folder and has_picker(start):
            averaged = start.averaged if picks_only(options) else ()
            picker.set_weights(
                starts.mean([of_folder(each, start.size).get_weights() for each in (start.folder, *averaged)])
            )
            started_from = start.name
    recipe = recipe_of(options)
    origin = "fresh" if started_from == "scratch" else f"that of {started_from}"
    print(f"the picker ({origin}) learns for {recipe.steps} steps; the network stays as it is")
    see = pickers.split(network).predict_on_batch
    Path(folder).mkdir(parents=True, exist_ok=True)
    draw = make_draw(options, kept, start.size)
    steps = picking.fit(picker, see, draw, recipe, folder=folder, network=fingerprint(network))
    return Picked(picker, recipe, started_from, averaged, steps) if steps else None


def make_draw(options: Namespace, kept: Sequence[Pair] | None, size: int) -> Draw:
    """What the picker's training samples are drawn by."""
    return piece_samples.PieceSamples(options.data, size) if kept is None else piece_samples.PhotoPieces(kept, size)


def fingerprint(network: keras.Model) -> str:
    """A short text that differs where the weights of two networks do."""
    found = hashlib.sha256()
    for weight in network.get_weights():
        found.update(weight.tobytes())
    return found.hexdigest()[:16]


def describe(picked: Picked, data: str, size: int) -> dict[str, Any]:
    """The step of config.json that says how a picker came about.

    Args:
        picked: Picked.
        data: name of what it was trained on.
        size: side of the network's square in pixels.
    """
    step = {
        "trains": PICKER,
        "data": data,
        "size": size,
        "started_from": picked.started_from,
        **({"averaged_with": [folder.resolve().name for folder in picked.averaged]} if picked.averaged else {}),
        **asdict(picked.recipe),
        "rounds": list(picked.recipe.rounds),
    }
    return step if picked.finished else {**step, "stopped_after": picked.steps}
