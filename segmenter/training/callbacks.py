"""What happens beside the steps of training: when to slow down and to stop, what is said, what memory is kept."""

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from segmenter import memory
from segmenter.training.checkpoints import Checkpoints
from segmenter.training.recipes import Recipe


def of_recipe(recipe: Recipe) -> Sequence[keras.callbacks.Callback]:
    """The article's callbacks: those that others of ours keep the counters of."""
    if recipe.cosine:
        return []
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_loss", factor=recipe.plateau_factor, patience=recipe.plateau_patience
        ),
        keras.callbacks.EarlyStopping(
            monitor="val_loss",
            patience=recipe.stop_patience,
            min_delta=recipe.stop_delta,  # pyright: ignore[reportArgumentType]  Keras's default is an int
        ),
    ]


class Stopped(Exception):
    """Somebody asked training to stop."""


class StopOnRequest(keras.callbacks.Callback):
    """Ends training after the current step once it was `asked` to."""

    asked = False

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.asked:
            raise Stopped

    on_test_batch_end = on_train_batch_end


@contextmanager
def gentle_stop() -> Iterator[StopOnRequest]:
    """A callback that ends training at the first SIGINT or SIGTERM; the next SIGINT interrupts at once."""
    stop = StopOnRequest()

    def ask(number: int, frame: Any) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        os.write(2, b"\nstopping after this step, to keep the best so far; once more stops at once\n")

    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread alone
        yield stop
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class KeepMemory(keras.callbacks.Callback):
    """Lets glibc keep the memory of a step for the next one.

    TensorFlow's data pipeline makes it give back whatever is free, so that each step asks the kernel
    for its pages anew. It does so when it starts, hence a callback.
    """

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch <= 1:
            memory.reuse(kept=2**31 - 1, ahead=2**28, arenas=None)


class Progress(keras.callbacks.Callback):
    """Says after every epoch in one line how far training is, and how long it may still take."""

    def __init__(self, checkpoints: Checkpoints, report: Callable[[str], object] = print) -> None:
        super().__init__()
        self.checkpoints, self.report = checkpoints, report

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.times = [time.monotonic()]
        first = len(self.checkpoints.history)
        if first:
            self.report(f"going on after epoch {first} of {self._epochs()}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        done, epochs, logs = epoch + 1, self._epochs(), logs or {}
        self.times.append(time.monotonic())
        counted = self.times[1:] if len(self.times) > 2 else self.times  # the first one prepares the network
        each = (counted[-1] - counted[0]) / (len(counted) - 1)
        best = self.checkpoints.best == f"best-{epoch:04d}.npz"
        left = f"at most {duration(each * (epochs - done))} left" if done < epochs else "the last"
        if getattr(self.model, "stop_training", False):
            left = "the last, as it learns no more"
        self.report(
            f"epoch {done} of {epochs}: loss {logs['loss']:.4f}, validation loss {logs['val_loss']:.4f}, "
            f"Dice {logs['val_dice']:.4f}{' (best so far)' if best else ''}; {duration(each)} an epoch, {left}"
        )

    def _epochs(self) -> int:
        return (self.params or {})["epochs"]


def duration(seconds: float) -> str:
    """Seconds for people, as exact as anybody needs to know."""
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 6000 else f"{seconds / 3600:.1f} hours"
