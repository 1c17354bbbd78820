"""Train the picker: clicks are made up as a person would make them, and the piece so far goes back in.

Reference: Mahadevan, Voigtlaender & Leibe, "Iteratively Trained Interactive Segmentation", BMVC 2018.
"""

import itertools
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np

from segmenter.datasets.augment import Sample
from segmenter.datasets.batches import collate, emphasise_border
from segmenter.errors import RunError
from segmenter.evaluation.clicking import next_click
from segmenter.inference import clicks, completing
from segmenter.models import losses
from segmenter.training import callbacks, checkpoints

Draw = Callable[[int, np.random.Generator], list[Sample]]  # a photo's number, and all chance → it, with its pieces
See = Callable[[np.ndarray], Sequence[np.ndarray]]  # photos, batch × size × size × 3 → what `picker.split` gives
STATE = "picker.npz"  # of an unfinished run
EVERY = 50  # steps, after which it is written
REPORTED = 100  # steps, after which people hear how far it is
MIDDLE, ANYWHERE = 0.3, 0.3  # how often people click into the very middle of a mistake, or just anywhere in it
SMALL = 160  # side at which mistakes are looked for: whole pixels of the finest map do not matter there


@dataclass(frozen=True)
class PickRecipe:
    """How to train a picker."""

    steps: int = 2000
    batch_size: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    rounds: tuple[float, ...] = (0.4, 0.25, 0.2, 0.15)  # how often 1, 2, 3 and 4 clicks are made, all learnt from
    again: float = 0.5  # after a click, how often the piece is given back without another, see `inference.picking`
    from_map: float = 0.3  # how often the first click and the piece so far are the furniture's own, see `own_click`
    border: float = 4.0  # see `batches.emphasise_border`
    seed: int = 0


def fit(
    picker: keras.Model,
    see: See,
    draw: Draw,
    recipe: PickRecipe,
    report: Callable[[str], object] = print,
    folder: str | os.PathLike[str] | None = None,
    network: str = "",
) -> int:
    """Train a picker in place; the network whose maps it is given stays as it is.

    Ctrl-C (SIGINT) and SIGTERM end it after the current step.

    Args:
        picker: of `picker.build_picker`.
        see: gives the maps that the picker will be served with.
        draw: function of (number, rng) → samples of one photo, the target of each another piece of it.
        recipe: PickRecipe.
        report: called with a line for people now and then.
        folder: keeps all that going on takes, every `EVERY` steps and at the end; a run that ended early goes on
            from there, exactly as it would have gone on then. None: nothing is kept.
        network: a text that differs where the network does; what was kept of another is not gone on with.

    Returns:
        How many steps it has been trained for: `recipe.steps`, or fewer where it was asked to stop.

    Raises:
        RuntimeError: the loss is no finite number.
        RunError: what lies in the folder is damaged, or of another picker.
    """
    compile_picker(picker, recipe)
    first = restore(picker, folder, network) if folder else 0
    if first:
        report(f"going on after step {first} of {recipe.steps}")
    began, shown, rate = time.monotonic(), [], schedule(recipe)
    with callbacks.gentle_stop() as stop, ThreadPoolExecutor(1) as ahead:  # samples are drawn during the step before
        coming = ahead.submit(draw_samples, draw, recipe, first)
        for step in range(first, recipe.steps):
            samples = coming.result()
            coming = ahead.submit(draw_samples, draw, recipe, step + 1)
            picker.optimizer.learning_rate = rate(step)  # of each step, not of each lesson in it
            shown.append(train_step(picker, see, samples, recipe, np.random.default_rng([recipe.seed, step, 1])))
            if not np.isfinite(shown[-1]).all():
                raise RuntimeError("training the picker gave no finite loss; try a lower --learning-rate")
            done = step + 1
            last = stop.asked or done == recipe.steps
            if done % REPORTED == 0 or last:
                left = (time.monotonic() - began) / (done - first) * (recipe.steps - done)
                report(_line(done, recipe.steps, np.mean(shown, axis=0), left))
                shown = []
            if folder and (done % EVERY == 0 or last):
                keep(picker, folder, done, network)
            if stop.asked:
                return done
    return recipe.steps


def _line(done: int, steps: int, figures: np.ndarray, left: float) -> str:
    """What people hear of a training, with its mean loss and Dice of late, and the seconds that are left."""
    rest = f"about {callbacks.duration(left)} left" if done < steps else "the last"
    return f"step {done} of {steps}: loss {figures[0]:.3f}, Dice {figures[1]:.3f}; {rest}"


def compile_picker(picker: keras.Model, recipe: PickRecipe) -> None:
    """Give a picker its optimizer, loss and metric, in place; `fit` sets the learning rate of each step."""
    optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay, clipnorm=5.0)
    picker.compile(optimizer=optimizer, loss=losses.cross_entropy_and_dice, metrics=[losses.dice])
    optimizer.build(picker.trainable_variables)


def schedule(recipe: PickRecipe) -> Any:
    """The learning rate of each step: it rises for a twentieth of them, and then falls along a cosine to nothing."""
    rise = recipe.steps // 20
    return keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20,
        max(1, recipe.steps - rise),
        warmup_target=recipe.learning_rate,
        warmup_steps=rise,
    )


def draw_samples(draw: Draw, recipe: PickRecipe, step: int) -> list[Sample]:
    """The samples of a step, the same for whoever asks."""
    rng = np.random.default_rng([recipe.seed, step])
    photos = (draw(number, rng) for number in itertools.count())
    return list(itertools.islice(itertools.chain.from_iterable(photos), recipe.batch_size))


def keep(picker: keras.Model, folder: str | os.PathLike[str], step: int, network: str) -> None:
    """Write down all that a compiled picker has come to after so many steps."""
    arrays = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in checkpoints.variables(picker)]
    checkpoints.write_arrays(Path(folder) / STATE, arrays, {"step": step, "network": network})


def restore(picker: keras.Model, folder: str | os.PathLike[str], network: str) -> int:
    """Bring a compiled picker to where it was kept; how many steps it had been trained for by then, 0 for none.

    Raises:
        RunError: what lies there is damaged, or of another picker.
    """
    path = Path(folder) / STATE
    if not path.exists():
        return 0
    arrays, notes = checkpoints.read_arrays(path)
    if notes["network"] != network:  # which trained on since then
        return 0
    targets = checkpoints.variables(picker)
    if [tuple(array.shape) for array in arrays] != [tuple(target.shape) for target in targets]:
        raise RunError(f"{folder} holds an unfinished run of another picker; choose another --out")
    for target, array in zip(targets, arrays):
        target.assign(array)
    return notes["step"]


def train_step(
    picker: keras.Model, see: See, samples: Sequence[Sample], recipe: PickRecipe, rng: np.random.Generator
) -> tuple[float, float]:
    """Learn from some clicks on each sample, one after the other; gives mean loss and Dice."""
    photos, truth = collate(
        [(photo, target, emphasise_border(target, weight, recipe.border)) for photo, target, weight in samples]
    )
    maps = list(see(photos))
    side = photos.shape[1] // 2
    before = np.zeros((len(samples), side, side), np.float32)
    pressed: list[tuple[list[tuple[float, float]], list[int]]] = [([], []) for _ in samples]
    figures, rounds = [], int(rng.choice(len(recipe.rounds), p=recipe.rounds)) + 1
    own = [None] * len(samples)
    if rng.random() < recipe.from_map:
        own = [own_click(target, furniture) for (_, target, _), furniture in zip(samples, maps[-1][..., 0])]
        before = np.stack([zero if click is None else click[1] for click, zero in zip(own, before)])
    maps = [keras.ops.convert_to_tensor(each) for each in maps]  # once for all lessons
    truth = keras.ops.convert_to_tensor(truth)
    for turn in range(rounds):
        for (_, target, weight), so_far, (points, labels), click in zip(samples, before, pressed, own):
            click = human_click(target, weight, so_far, rng) if turn or click is None else (click[0], 1)
            if click:
                points.append(click[0])
                labels.append(click[1])
        for is_last in [False, True] if rng.random() < recipe.again else [True]:
            prompts = np.stack([clicks.draw(*each, so_far) for each, so_far in zip(pressed, before)])
            figures.append(picker.train_on_batch([*maps, prompts], truth))
            if turn < rounds - 1 or not is_last:
                pieces = np.asarray(keras.ops.convert_to_numpy(picker.predict_on_batch([*maps, prompts])))[..., 0]
                before = np.stack([clicks.so_far(each) for each in pieces])
    loss, dice = np.mean(figures, axis=0)
    return float(loss), float(dice)


def own_click(target: np.ndarray, furniture: np.ndarray) -> tuple[tuple[float, float], np.ndarray] | None:
    """The click that completes the part of the furniture's map which shows most of a piece, see `completing`.

    Args:
        target, furniture: float32, size × size, 0 … 1.

    Returns:
        (the click as shares of the square, that part of the map: float32, size/2 × size/2); None where the map
        shows none of the piece, or has its middle elsewhere.
    """
    parts = completing.parts(furniture)
    if not parts:
        return None
    part = max(parts, key=lambda each: float((each.map * target).sum()))
    if target[clicks.pixel(part.middle, target.shape)] < 0.5:
        return None
    return part.middle, clicks.so_far(part.map)


def human_click(target, weight, before, rng) -> tuple[tuple[float, float], int] | None:
    """A click into what is missing or too much, seldom right in its middle; None where nothing is."""
    size = (SMALL, SMALL)
    truth = cv2.resize(target, size, interpolation=cv2.INTER_AREA) >= 0.5
    known = cv2.resize(np.asarray(weight != 0, np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    mask = cv2.resize(before, size) >= 0.5
    click = next_click(truth, mask, known)
    if click is None:
        return None
    x, y, label = click
    wrong = (truth & ~mask if label else mask & ~truth) & known
    hits = rng.random()
    if hits < MIDDLE:
        inside = np.array([y * SMALL + x])
    elif hits < MIDDLE + ANYWHERE:  # on a leg, an edge, a cushion
        inside = np.flatnonzero(wrong)
    else:
        _, parts = cv2.connectedComponents(wrong.astype(np.uint8))
        deep = clicks.depth(parts == parts[y, x])
        inside = np.flatnonzero(deep >= min(deep.max(), max(1.0, rng.uniform(0, 0.8) * deep.max())))
    y, x = divmod(int(inside[rng.integers(len(inside))]), SMALL)
    return ((x + 0.5) / SMALL, (y + 0.5) / SMALL), label
