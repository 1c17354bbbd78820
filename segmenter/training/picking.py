"""Train the picker: clicks are made up as a person would make them, and the piece so far goes back in.

Reference: Mahadevan, Voigtlaender & Leibe, "Iteratively Trained Interactive Segmentation", BMVC 2018.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import keras
import numpy as np

from segmenter.datasets.augment import Draw
from segmenter.datasets.batches import collate, emphasise_border
from segmenter.evaluation.clicking import depth, next_click
from segmenter.inference import clicks
from segmenter.models import losses

See = Callable[[np.ndarray], Sequence[np.ndarray]]  # photos, batch × size × size × 3 → what `picker.split` gives
SMALL = 160  # side at which mistakes are looked for: whole pixels of the finest map do not matter there


@dataclass(frozen=True)
class PickRecipe:
    """How to train a picker."""

    steps: int = 2000
    batch_size: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    rounds: tuple[float, ...] = (0.4, 0.25, 0.2, 0.15)  # how often the last of 1, 2, 3 and 4 clicks is learnt from
    border: float = 4.0  # see `batches.emphasise_border`
    seed: int = 0


def fit(picker: keras.Model, see: See, draw: Draw, recipe: PickRecipe, report: Callable[[str], object] = print) -> None:
    """Train a picker in place; the network whose maps it is given stays as it is.

    Args:
        picker: of `picker.build_picker`.
        see: gives the maps that the picker will be served with.
        draw: function of (number, rng) → (photo, target, weight), the target one piece.
        recipe: PickRecipe.
        report: called with a line for people now and then.
    """
    rate: Any = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20,
        recipe.steps - recipe.steps // 20,
        warmup_target=recipe.learning_rate,
        warmup_steps=recipe.steps // 20,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, clipnorm=5.0)
    picker.compile(optimizer=optimizer, loss=losses.cross_entropy_and_dice, metrics=[losses.dice])
    began, shown = time.monotonic(), []
    for step in range(recipe.steps):
        rng = np.random.default_rng([recipe.seed, step])
        samples = [draw(number, rng) for number in range(recipe.batch_size)]
        rounds = int(rng.choice(len(recipe.rounds), p=recipe.rounds))
        shown.append(train_step(picker, see, samples, rounds, recipe.border, rng))
        if (step + 1) % 100 == 0 or step + 1 == recipe.steps:
            loss, dice = np.mean(shown, axis=0)
            report(
                f"step {step + 1} of {recipe.steps}: loss {loss:.3f}, Dice {dice:.3f}, {time.monotonic() - began:.0f} s"
            )
            shown = []


def train_step(picker, see, samples, rounds, border, rng) -> tuple[float, float]:
    """One step: some clicks without learning, then one with; gives loss and Dice after the last."""
    photos, truth = collate(
        [(photo, target, emphasise_border(target, weight, border)) for photo, target, weight in samples]
    )
    maps = list(see(photos))
    side = photos.shape[1] // 2
    before = np.zeros((len(samples), side, side), np.float32)
    pressed: list[tuple[list[tuple[float, float]], list[int]]] = [([], []) for _ in samples]
    for turn in range(rounds + 1):
        for (_, target, weight), so_far, (points, labels) in zip(samples, before, pressed):
            click = human_click(target, weight, so_far, rng)
            if click:
                points.append(click[0])
                labels.append(click[1])
        prompts = np.stack([clicks.draw(*each, so_far) for each, so_far in zip(pressed, before)])
        if turn < rounds:
            piece = np.asarray(keras.ops.convert_to_numpy(picker.predict_on_batch([*maps, prompts])))[..., 0]
            before = np.stack([cv2.resize(each, (side, side), interpolation=cv2.INTER_AREA) for each in piece])
    loss, dice = picker.train_on_batch([*maps, prompts], truth)
    return float(loss), float(dice)


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
    if rng.random() < 0.7:  # people do not hit the very middle
        wrong = (truth & ~mask if label else mask & ~truth) & known
        _, parts = cv2.connectedComponents(wrong.astype(np.uint8))
        deep = depth(parts == parts[y, x])
        inside = np.flatnonzero(deep >= min(deep.max(), max(1.0, rng.uniform(0, 0.8) * deep.max())))
        y, x = divmod(int(inside[rng.integers(len(inside))]), SMALL)
    return ((x + 0.5) / SMALL, (y + 0.5) / SMALL), label
