"""Fit a network: callbacks, resume, history, and the weights folder that comes out."""

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from segmenter import encoder, losses, unet

CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
LITERT = "model.tflite"
HISTORY = "history.csv"
UNFINISHED = "unfinished"  # folder of checkpoints, inside the output folder while training goes on


@dataclass(frozen=True)
class Recipe:
    """How to train. The defaults are the article's; `cosine` is for long runs of known length."""

    epochs: int = 100
    batch_size: int = 8
    learning_rate: float = 1e-3
    cosine: bool = False  # warm up, then fall to zero over all epochs, instead of on plateaus
    border: float = 0.0  # see dataset.emphasise_border
    ema: float = 0.0  # share of the past in the moving average of the weights that is judged; 0: none
    keep_statistics: bool = False  # of batch norm, everywhere: for fine-tuning on few photos
    seed: int = 0
    stop_patience: int = 8
    stop_delta: float = 1e-4
    plateau_patience: int = 4
    plateau_factor: float = 0.1


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
            rate / 20, decay_steps=max(1, total - warm), warmup_target=rate, warmup_steps=warm
        )
    encoder.freeze_batch_norm(model, everywhere=recipe.keep_statistics)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            rate, weight_decay=1e-4, clipnorm=5.0, use_ema=recipe.ema > 0, ema_momentum=recipe.ema or 0.99
        ),
        loss=losses.cross_entropy_and_dice,
        metrics=[losses.dice],
        jit_compile="auto",
    )


def callbacks(recipe, out):
    """The article's callbacks, plus a backup after every epoch that a killed run resumes from."""
    best = keras.callbacks.ModelCheckpoint(
        str(best_weights(out)), monitor="val_loss", save_best_only=True, save_weights_only=True
    )
    averaged = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if recipe.ema else []
    common = [*averaged, best, keras.callbacks.CSVLogger(str(out / HISTORY), append=True)]
    if not recipe.cosine:
        common += [
            keras.callbacks.ReduceLROnPlateau(
                monitor="val_loss", factor=recipe.plateau_factor, patience=recipe.plateau_patience
            ),
            keras.callbacks.EarlyStopping(
                monitor="val_loss", patience=recipe.stop_patience, min_delta=recipe.stop_delta
            ),
        ]
    backup = keras.callbacks.BackupAndRestore(str(out / UNFINISHED / "backup"), delete_checkpoint=False)
    return [*common, backup]


def best_weights(out):
    """Where the best weights so far lie while training goes on."""
    return Path(out) / UNFINISHED / "best.weights.h5"


def fit(model, batches, validation, recipe, out):
    """Train, keeping the weights that were best on the validation loss.

    Args:
        model: a network of `unet.build_unet`; it ends with the best weights.
        batches, validation: `dataset.TrainingBatches` and `dataset.ValidationBatches`.
        recipe: Recipe.
        out: folder for checkpoints and history.csv; a run that was killed resumes from it
            after its last whole epoch.

    Returns:
        dict of lists, one number an epoch, as Keras's History has it.

    Raises:
        RuntimeError: no epoch gave a finite validation loss.
    """
    (out / UNFINISHED).mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(recipe.seed)
    compile_model(model, recipe, len(batches))
    history = model.fit(
        batches,
        validation_data=validation,
        epochs=recipe.epochs,
        callbacks=callbacks(recipe, out),
        verbose="auto",
    )
    losses_seen = history.history.get("val_loss", [0.0])  # none where a finished run is asked for again
    if not np.isfinite(losses_seen).any():
        raise RuntimeError("training gave no finite validation loss; try a lower --learning-rate")
    model.load_weights(str(best_weights(out)))
    return history.history


def save_folder(model, out, config):
    """Write `model` as a weights folder: config.json, model.weights.h5 and model.tflite.

    The files are written beside their places and moved there, so that none is ever half there.

    Args:
        model: a network of `unet.build_unet`.
        out: the folder; created where it is missing.
        config: dict with at least `architecture`, `size` and `threshold`.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    plain = rebuild(config)  # without the optimizer, which would triple the file
    plain.set_weights(model.get_weights())
    with tempfile.TemporaryDirectory(dir=out) as folder:
        folder = Path(folder)
        plain.save_weights(str(folder / WEIGHTS))
        export_litert(plain, folder / LITERT)
        (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        for name in (WEIGHTS, LITERT, CONFIG):
            os.replace(folder / name, out / name)
    shutil.rmtree(out / UNFINISHED, ignore_errors=True)  # what it held is in the weights now


def rebuild(config):
    """The network that `config` describes, with fresh weights."""
    return unet.build_unet(config["architecture"], config["size"])


def read_config(folder):
    """The config.json of a weights folder, as a dict."""
    return json.loads((Path(folder) / CONFIG).read_text(encoding="utf-8"))


def load_folder(folder, size=None):
    """The trained Keras network of a weights folder.

    Args:
        folder: a weights folder.
        size: another input size than it was trained at, where the architecture allows.

    Returns:
        (model, config)
    """
    config = read_config(folder)
    config["size"] = size or config["size"]
    model = rebuild(config)
    model.load_weights(str(Path(folder) / WEIGHTS))
    return model, config


def export_litert(model, path):
    """Write `model` for LiteRT, with weights of 8 bits and activations of 32 ("dynamic range").

    Needs the TensorFlow backend.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        Path(path).write_bytes(converter.convert())


def describe_recipe(recipe):
    """The recipe as plain JSON, for config.json."""
    return asdict(recipe)
