"""A trained network ↔ its part of a weights folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from segmenter import weights_format
from segmenter.io import files
from segmenter.models import litert, registry, unet
from segmenter.weights_format import CONFIG, LITERT, WEIGHTS


@contextmanager
def precision(mixed: bool = False, half: bool = False) -> Iterator[None]:
    """Within this, networks compute in 16 bits where that is enough (`mixed`), hold 16 bits (`half`), or have 32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if mixed else "float16" if half else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def save_folder(
    model: keras.Model,
    out: str | os.PathLike[str],
    config: dict[str, Any],
    examples: litert.Examples | None = None,
    half: bool = False,
) -> None:
    """Write the network's part of a weights folder: config.json, model.weights.h5 and model.tflite.

    Args:
        model: a network of `unet.build_unet`.
        out: the folder; created where it is missing. Files that are there are overwritten: what must
            not be seen half there is written elsewhere first, see `run_folder.publish`.
        config: dict with at least `architecture`, `size` and `threshold`.
        examples: see `litert.export`.
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
    litert.export(plain, out / LITERT, examples)


def rebuild(config: dict[str, Any]) -> keras.Model:
    """The network that `config` describes, with fresh weights."""
    return unet.build_unet(config["architecture"], config["size"])


def load_folder(folder: str | os.PathLike[str], size: int | None = None) -> tuple[keras.Model, dict[str, Any]]:
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
