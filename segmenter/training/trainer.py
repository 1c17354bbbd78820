"""Fit a network: its optimizer, its callbacks, and going on where a run ended early."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from segmenter.datasets.batches import TrainingBatches, ValidationBatches
from segmenter.models import freezing, losses
from segmenter.training import callbacks
from segmenter.training.checkpoints import Checkpoints
from segmenter.training.recipes import Recipe


class Fitted(NamedTuple):
    """What came of training."""

    history: dict[str, list[float]]  # name of a figure → list of numbers, one an epoch
    best: int | None  # the epoch whose weights the network ends with, counted from 0; None: none was finished
    finished: bool  # False: it was asked to stop, and can go on


@keras.saving.register_keras_serializable("segmenter")
class TwoRates(keras.optimizers.AdamW):
    """AdamW with smaller steps in a pretrained encoder, as a fresh decoder has more to learn.

    Reference: Howard & Ruder, "Universal Language Model Fine-tuning for Text Classification",
    ACL 2018 (its discriminative fine-tuning).

    Args:
        learning_rate: of the decoder; and all else as AdamW has it.
        encoder: the encoder's learning rate, as a share of the decoder's.
    """

    def __init__(self, learning_rate: Any = 1e-3, *, encoder: float = 1.0, **others: Any) -> None:
        super().__init__(learning_rate, **others)
        self.encoder = encoder

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        path = self._trainable_variables[self._get_variable_index(variable)].path
        share = self.encoder if path.startswith("encoder_") else 1.0
        super().update_step(gradient, variable, learning_rate * share)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "encoder": self.encoder}


def compile_model(model: keras.Model, recipe: Recipe, steps: int) -> None:
    """Give the model its optimizer, loss and metric, in place.

    Args:
        model: a network of `unet.build_unet`.
        recipe: Recipe.
        steps: optimizer steps in an epoch.
    """
    rate: Any = recipe.learning_rate
    if recipe.cosine:
        total = steps * recipe.epochs
        warm = min(200, total // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 20, max(1, total - warm), alpha=recipe.floor, warmup_target=rate, warmup_steps=warm
        )
    freezing.freeze_batch_norm(model, everywhere=recipe.keep_statistics)
    freezing.freeze_blocks(model, recipe.frozen)
    if recipe.encoder == 0:  # steps of no length would still cost their time, and decay its weights
        freezing.freeze_encoder(model)
    model.compile(
        optimizer=TwoRates(
            rate,
            encoder=recipe.encoder,
            weight_decay=recipe.weight_decay,
            clipnorm=5.0,
            use_ema=recipe.ema > 0,
            ema_momentum=recipe.ema or 0.99,
        ),
        loss=losses.cross_entropy_and_dice,
        metrics=[losses.dice],
        jit_compile="auto",
    )


def fit(
    model: keras.Model,
    batches: TrainingBatches,
    validation: ValidationBatches,
    recipe: Recipe,
    folder: str | os.PathLike[str],
    report: Callable[[str], object] = print,
    more: Sequence[keras.callbacks.Callback] = (),
) -> Fitted:
    """Train, keeping the weights that were best on the validation loss.

    Ctrl-C (SIGINT) and SIGTERM end it after the current step, with what the last whole epoch came to.

    Args:
        model: a network of `unet.build_unet`; it ends with the best weights.
        batches, validation: `batches.TrainingBatches` and `batches.ValidationBatches`.
        recipe: Recipe.
        folder: for checkpoints and history.csv; a run that ended early goes on from its last
            whole epoch, exactly as it would have gone on then.
        report: called with a line for people after every epoch.
        more: further callbacks of Keras; what they know is not kept for resuming.

    Returns:
        Fitted.

    Raises:
        RuntimeError: no epoch gave a finite validation loss.
        RunError: what lies in the folder is damaged, or of another network.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(recipe.seed)
    compile_model(model, recipe, len(batches))
    article = callbacks.of_recipe(recipe)
    checkpoints = Checkpoints(folder, article)
    first = batches.epoch = checkpoints.restore(model)
    finished = True
    if first < recipe.epochs and not checkpoints.stopped:
        averaged = [keras.callbacks.SwapEMAWeights()] if recipe.ema else []
        with callbacks.gentle_stop() as stop:
            progress = callbacks.Progress(checkpoints, report)
            watching = [*more, *averaged, *article, checkpoints, progress, stop, callbacks.KeepMemory()]
            try:
                model.fit(
                    batches,
                    validation_data=validation,
                    epochs=recipe.epochs,
                    initial_epoch=first,
                    callbacks=watching,
                    shuffle=False,  # batches are drawn in an order of their own, which resuming repeats
                    verbose=1 if sys.stdout.isatty() else 0,  # pyright: ignore[reportArgumentType]  or a str
                )
            except callbacks.Stopped:
                finished = False
    seen = checkpoints.history
    if seen and not any(np.isfinite(row["val_loss"]) for row in seen):
        raise RuntimeError("training gave no finite validation loss; try a lower --learning-rate")
    best = checkpoints.load_best(model)
    return Fitted({name: [row[name] for row in seen] for name in (seen[0] if seen else ())}, best, finished)


def deterministic() -> None:
    """Let the same seed give the same weights to the last bit; slower. JAX on a processor does so anyway."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def has_gpu() -> bool:
    """Whether Keras's backend has a GPU to train on."""
    return any(name.startswith("gpu") for name in keras.distribution.list_devices())


@contextmanager
def devices() -> Iterator[int]:
    """Within this, training is divided among all devices, on JAX; gives their number.

    Every batch must then be a multiple of it.
    """
    names = keras.distribution.list_devices()
    if keras.backend.backend() != "jax" or len(names) < 2:
        yield 1
        return
    with keras.distribution.DataParallel(devices=names).scope():
        yield len(names)
