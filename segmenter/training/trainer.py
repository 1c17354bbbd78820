"""Fit a network: callbacks, resume, history, and the weights folder that comes out."""

import ctypes
import math
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from segmenter import weights_format
from segmenter.weights_format import CONFIG, LITERT, WEIGHTS
from segmenter.models import freezing, litert, losses, registry, unet
from segmenter.io import files
from segmenter.training.checkpoints import Checkpoints



@dataclass(frozen=True)
class Recipe:
    """How to train. The defaults are the article's; `cosine` is for long runs of known length."""

    epochs: int = 100
    samples: int | None = None  # in an epoch, at least; None: every photo once
    batch_size: int = 8
    learning_rate: float = 1e-3
    cosine: bool = False  # warm up, then fall over all epochs, instead of on plateaus
    floor: float = 0.0  # share of the learning rate that the cosine ends at; above 0 where others go on from here
    weight_decay: float = 1e-4
    border: float = 0.0  # see batches.emphasise_border
    ema: float = 0.0  # share of the past in the moving average of the weights that is judged; 0: none
    keep_statistics: bool = False  # of batch norm, everywhere: for fine-tuning on few photos
    encoder: float = 1.0  # learning rate of the encoder, as a share of the decoder's
    frozen: int = 0  # blocks of the encoder that do not train, see freezing.freeze_blocks
    pasted: float = 0.0  # see pasting.Varied
    mosaics: float = 0.0
    seed: int = 0
    stop_patience: int = 8
    stop_delta: float = 1e-4
    plateau_patience: int = 4
    plateau_factor: float = 0.1


class Fitted(NamedTuple):
    """What came of training."""

    history: dict  # name of a figure → list of numbers, one an epoch
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

    def __init__(self, learning_rate=1e-3, *, encoder=1.0, **others):
        super().__init__(learning_rate, **others)
        self.encoder = encoder

    def update_step(self, gradient, variable, learning_rate):
        path = self._trainable_variables[self._get_variable_index(variable)].path
        share = self.encoder if path.startswith("encoder_") else 1.0
        super().update_step(gradient, variable, learning_rate * share)

    def get_config(self):
        return {**super().get_config(), "encoder": self.encoder}


def compile_model(model, recipe, steps):
    """Give the model its optimizer, loss and metric, in place.

    Args:
        model: a network of `unet.build_unet`.
        recipe: Recipe.
        steps: optimizer steps in an epoch.
    """
    rate = recipe.learning_rate
    if recipe.cosine:
        total = steps * recipe.epochs
        warm = min(200, total // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 20, max(1, total - warm), alpha=recipe.floor, warmup_target=rate, warmup_steps=warm
        )
    freezing.freeze_batch_norm(model, everywhere=recipe.keep_statistics)
    freezing.freeze_blocks(model, recipe.frozen)
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


def callbacks(recipe):
    """The article's callbacks: those that others of ours keep the counters of."""
    if recipe.cosine:
        return []
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_loss", factor=recipe.plateau_factor, patience=recipe.plateau_patience
        ),
        keras.callbacks.EarlyStopping(
            monitor="val_loss", patience=recipe.stop_patience, min_delta=recipe.stop_delta
        ),
    ]


def fit(model, batches, validation, recipe, folder, tell=print, more=()):
    """Train, keeping the weights that were best on the validation loss.

    Ctrl-C (SIGINT) and SIGTERM end it after the current step, with what the last whole epoch came to.

    Args:
        model: a network of `unet.build_unet`; it ends with the best weights.
        batches, validation: `batches.TrainingBatches` and `batches.ValidationBatches`.
        recipe: Recipe.
        folder: for checkpoints and history.csv; a run that ended early goes on from its last
            whole epoch, exactly as it would have gone on then.
        tell: called with a line for people after every epoch.
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
    article = callbacks(recipe)
    checkpoints = Checkpoints(folder, article)
    first = batches.epoch = checkpoints.restore(model)
    finished = True
    if first < recipe.epochs and not checkpoints.stopped:
        averaged = [keras.callbacks.SwapEMAWeights()] if recipe.ema else []
        with _gentle_stop() as stop:
            try:
                model.fit(
                    batches,
                    validation_data=validation,
                    epochs=recipe.epochs,
                    initial_epoch=first,
                    callbacks=[*more, *averaged, *article, checkpoints, Progress(checkpoints, tell), stop, _KeepMemory()],
                    shuffle=False,  # batches are drawn in an order of their own, which resuming repeats
                    verbose=1 if sys.stdout.isatty() else 0,
                )
            except Stopped:
                finished = False
    seen = checkpoints.history
    if seen and not any(np.isfinite(row["val_loss"]) for row in seen):
        raise RuntimeError("training gave no finite validation loss; try a lower --learning-rate")
    best = checkpoints.load_best(model)
    return Fitted({name: [row[name] for row in seen] for name in (seen[0] if seen else ())}, best, finished)


class Stopped(Exception):
    """Somebody asked training to stop."""


class _StopCallback(keras.callbacks.Callback):
    asked = False

    def on_train_batch_end(self, batch, logs=None):
        if self.asked:
            raise Stopped

    on_test_batch_end = on_train_batch_end


@contextmanager
def _gentle_stop():
    """A callback that ends training at the first SIGINT or SIGTERM; the next SIGINT interrupts at once."""
    stop = _StopCallback()

    def ask(number, frame):
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


class _KeepMemory(keras.callbacks.Callback):
    """Lets glibc keep the memory of a step for the next one.

    TensorFlow's data pipeline makes it give back whatever is free, so that each step asks the kernel
    for its pages anew. It does so when it starts, hence a callback. The numbers of the options are those of malloc.h.
    """

    TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3

    def on_train_batch_begin(self, batch, logs=None):
        if batch > 1 or not sys.platform.startswith("linux"):
            return
        set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if set_option:
            set_option(self.TRIM_THRESHOLD, 2**31 - 1)
            set_option(self.TOP_PAD, 2**28)
            set_option(self.MMAP_THRESHOLD, 2**25)


class Progress(keras.callbacks.Callback):
    """Says after every epoch in one line how far training is, and how long it may still take."""

    def __init__(self, checkpoints, tell=print):
        super().__init__()
        self.checkpoints, self.tell = checkpoints, tell

    def on_train_begin(self, logs=None):
        self.times = [time.monotonic()]
        first = len(self.checkpoints.history)
        if first:
            self.tell(f"going on after epoch {first} of {self.params['epochs']}")

    def on_epoch_end(self, epoch, logs=None):
        done, epochs = epoch + 1, self.params["epochs"]
        self.times.append(time.monotonic())
        counted = self.times[1:] if len(self.times) > 2 else self.times  # the first one prepares the network
        each = (counted[-1] - counted[0]) / (len(counted) - 1)
        best = self.checkpoints.best == f"best-{epoch:04d}.npz"
        left = f"at most {duration(each * (epochs - done))} left" if done < epochs else "the last"
        if self.model.stop_training:
            left = "the last, as it learns no more"
        self.tell(
            f"epoch {done} of {epochs}: loss {logs['loss']:.4f}, validation loss {logs['val_loss']:.4f}, "
            f"Dice {logs['val_dice']:.4f}{' (best so far)' if best else ''}; {duration(each)} an epoch, {left}"
        )


def duration(seconds):
    """Seconds in words, as exact as anybody needs to know."""
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 6000 else f"{seconds / 3600:.1f} hours"


def deterministic():
    """Let the same seed give the same weights to the last bit; slower. JAX on a processor does so anyway."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def has_gpu():
    """Whether Keras's backend has a GPU to train on."""
    return any(name.startswith("gpu") for name in keras.distribution.list_devices())


@contextmanager
def devices():
    """Within this, training is divided among all devices, on JAX; gives their number.

    Every batch must then be a multiple of it.
    """
    names = keras.distribution.list_devices()
    if keras.backend.backend() != "jax" or len(names) < 2:
        yield 1
        return
    with keras.distribution.DataParallel(devices=names).scope():
        yield len(names)


@contextmanager
def precision(mixed=False, half=False):
    """Within this, networks compute in 16 bits where that is enough (`mixed`), hold 16 bits (`half`), or have 32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if mixed else "float16" if half else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def save_folder(model, out, config, calibration=None, half=False):
    """Write the network's part of a weights folder: config.json, model.weights.h5 and model.tflite.

    Args:
        model: a network of `unet.build_unet`.
        out: the folder; created where it is missing. Files that are there are overwritten: what must
            not be seen half there is written elsewhere first, see `run_folder.publish`.
        config: dict with at least `architecture`, `size` and `threshold`.
        calibration: pictures of the kind that trained, see `litert.export`.
        half: whether model.weights.h5 holds numbers of 16 bits, which halves it.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with precision(mixed=False):
        plain = rebuild(config)  # without the optimizer, which would triple the file
    weights = model.get_weights()
    if half:
        weights = [weight.astype(np.float16) for weight in weights]
    plain.set_weights(weights)
    with precision(half=half):
        stored = rebuild(config) if half else plain
    stored.set_weights(weights)
    stored.save_weights(str(out / WEIGHTS))
    files.write_json(out / CONFIG, config)
    litert.export(plain, out / LITERT, calibration)


def rebuild(config):
    """The network that `config` describes, with fresh weights."""
    return unet.build_unet(config["architecture"], config["size"])


def load_folder(folder, size=None):
    """The trained Keras network of a weights folder.

    Args:
        folder: a weights folder.
        size: another input size than it was trained at, where the architecture allows.

    Returns:
        (model, config)

    Raises:
        ValueError: the weights are damaged, or those of another network.
    """
    config = weights_format.read_config(folder, registry.NETWORKS)
    config["size"] = size or config["size"]
    model = rebuild(config)
    path = Path(folder) / WEIGHTS
    try:
        model.load_weights(str(path))
    except (OSError, KeyError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(f"{path} is damaged, or holds another network than its {CONFIG} says: {first}") from error
    return model, config


def describe_recipe(recipe):
    """The recipe as plain JSON, for config.json."""
    return asdict(recipe)
