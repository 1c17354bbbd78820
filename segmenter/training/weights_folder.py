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
from segmenter.models import litert, picker as pickers, registry, unet
from segmenter.weights_format import CONFIG, LITERT, PICKER, WEIGHTS


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
    picker: keras.Model | None = None,
    kept: bytes | None = None,
) -> None:
    """Write the network's part of a weights folder: config.json, model.weights.h5 and model.tflite.

    Args:
        model: a network of `unet.build_unet`.
        out: the folder; created where it is missing. Files that are there are overwritten: what must
            not be seen half there is written elsewhere first, see `run_folder.publish`.
        config: dict with at least `architecture`, `size` and `threshold`.
        examples: see `litert.export`.
        half: whether model.weights.h5 holds numbers of 16 bits, which halves it.
        picker: of `picker.build_picker`; None: the folder's weights cannot be asked for single pieces.
        kept: see `litert.export`.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    config = {name: value for name, value in config.items() if name != PICKER} | ({PICKER: True} if picker else {})
    with precision(mixed=False):
        plain = rebuild(config)  # without the optimizer, which would triple the file
    for part, trained in zip(plain, (model, picker)):
        if part and trained:
            part.set_weights([_rounded(weight, half) for weight in trained.get_weights()])
    with precision(half=half):
        stored = rebuild(config) if half else plain
    for part, rounded in zip(stored, plain):
        if part and rounded:
            part.set_weights(rounded.get_weights())
    _whole(*stored).save_weights(str(out / WEIGHTS))
    files.write_json(out / CONFIG, config)
    litert.export(plain[0], out / LITERT, examples, plain[1], kept)


def fits_half(model: keras.Model) -> bool:
    """Whether numbers of 16 bits hold a network's weights as they are."""
    with np.errstate(over="ignore"):
        return all(np.array_equal(weight, _rounded(weight, True)) for weight in model.get_weights())


def _rounded(weight: np.ndarray, half: bool) -> np.ndarray:
    return weight.astype(np.float16) if half else weight


def _whole(model: keras.Model, picker: keras.Model | None) -> keras.Model:
    """Network and picker as one, as they are stored together."""
    if picker is None:
        return model
    prompts = keras.Input(picker.inputs[-1].shape[1:], name="prompts")
    seen = pickers.split(model)(model.input)
    return keras.Model([model.input, prompts], [seen[-1], picker([*seen, prompts])])


def rebuild(config: dict[str, Any]) -> tuple[keras.Model, keras.Model | None]:
    """(network, picker or None) that `config` describes, with fresh weights."""
    model = unet.build_unet(config["architecture"], config["size"])
    return model, pickers.build_picker(model) if config.get(PICKER) else None


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
    model, _, config = load_both(folder, size)
    return model, config


def load_both(
    folder: str | os.PathLike[str], size: int | None = None
) -> tuple[keras.Model, keras.Model | None, dict[str, Any]]:
    """As `load_folder`, with the picker in between; None where the folder has none."""
    config = weights_format.read_config(folder, registry.NETWORKS)
    config["size"] = size or config["size"]
    model, picker = rebuild(config)
    path = Path(folder) / WEIGHTS
    try:
        _whole(model, picker).load_weights(str(path))
    except (OSError, KeyError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(f"{path} is damaged, or holds another network than its {CONFIG} says: {first}") from error
    return model, picker, config
