"""What a weights folder is: its files, its configuration, and the one check of that.

A repository on the Hugging Face Hub that holds weights is laid out exactly as such a folder.
"""

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from segmenter.errors import WeightsError
from segmenter.io import png

CARD = "README.md"
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"  # of Keras, to train on from
LITERT = "model.tflite"  # what serves
COMPLETES = "completes"  # of its configuration: whether the picker completes the furniture, see `inference.completing`
PICKER = "picker"  # of its configuration: whether the weights can be asked for single pieces; what a step `trains`
FURNITURE, PICK = "furniture", "pick"  # names of its signatures, where it has two
METRICS = "metrics.json"
SAMPLES = "samples.png"
FILES = (CARD, CONFIG, WEIGHTS, LITERT, METRICS, SAMPLES)

_PACKAGE = Path(__file__).resolve().parent
# The folder that comes along: within the package where that was installed, beside it in a checkout.
BUNDLED = next(filter(Path.is_dir, [_PACKAGE / "weights"]), _PACKAGE.parent / "weights")

SIZES = range(16, 2049)  # sides of a network's square in pixels: the classic networks halve it four times at least
DEFAULT_THRESHOLD = 0.5  # of weights that state none


def read_config(folder: str | os.PathLike[str], architectures: Collection[str] | None = None) -> dict[str, Any]:
    """The checked config.json of a weights folder.

    Args:
        folder: a weights folder.
        architectures: names of which its `architecture` must be one, where a network is to be built
            from it; any by default, as serving needs none.

    Returns:
        dict with `size`, an int of `SIZES`, `threshold`, a float of 0 … 1, and all else that the file holds.

    Raises:
        WeightsError: it is not there, or not what it should be; the message says why.
    """
    path = Path(folder) / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(_nothing_at(folder)) from error
    except ValueError as error:  # not JSON, or not UTF-8
        raise WeightsError(f"{path} is not valid JSON: {error}") from error
    try:
        return check_config(config, architectures)
    except WeightsError as error:
        raise WeightsError(f"{path} is not what it should be: {error}") from error


def check_config(config: Any, architectures: Collection[str] | None = None) -> dict[str, Any]:
    """The configuration that config.json holds, or a WeightsError; see `read_config`."""
    if not isinstance(config, dict):
        raise WeightsError("it holds no JSON object")
    architecture, size = config.get("architecture"), config.get("size")
    if architectures is not None and (not isinstance(architecture, str) or architecture not in architectures):
        raise WeightsError(f"its architecture is {architecture!r}; known are {', '.join(architectures)}")
    if type(size) is not int or size not in SIZES:  # True is an int too
        raise WeightsError(f"a size of {size!r}; it is a whole number of {SIZES[0]} to {SIZES[-1]} pixels")
    threshold = config.get("threshold", DEFAULT_THRESHOLD)
    if type(threshold) not in (int, float) or not 0 <= threshold <= 1:  # nor is NaN
        raise WeightsError(f"a threshold of {threshold!r}; it is a number from 0 to 1")
    return {**config, "threshold": float(threshold)}


def _nothing_at(folder: str | os.PathLike[str]) -> str:
    place = os.fspath(folder)
    named_alike = f" (the Hub's repository of that name is {place}@main)" if place.count("/") == 1 else ""
    return f"there are no weights at {place!r}: expected a folder with {CONFIG} and {LITERT}{named_alike}"


def locate(place: str | os.PathLike[str]) -> Path:
    """The folder of a place that may name a repository of the Hub; a folder of that name comes first.

    The one doorway from serving to the Hub: its client is imported only where it is asked.

    Args:
        place: a folder, or "OWNER/NAME" or "OWNER/NAME@revision".

    Returns:
        A folder, which may be missing where the place is none of the Hub.

    Raises:
        WeightsError: the Hub has no usable weights there, or cannot be asked.
    """
    if isinstance(place, str) and not os.path.exists(place):
        from segmenter.hub import weights

        if weights.is_address(place):
            return weights.pull(place)
    return Path(place)


# What is told of weights

MOST_BYTES = {CARD: 2**20, METRICS: 32 * 2**20, SAMPLES: 64 * 2**20}
SAMPLES_SIDE = 8192  # pixels of each side of the picture of samples, at most
MOST_LISTED = 1000  # sources, thresholds
SHARES = ("iou", "dice", "boundary_f", "gap_accuracy")


def check_described(folder: str | os.PathLike[str]) -> None:
    """See that what is told of weights can be shown: their card, figures and samples, where they have any.

    Raises:
        WeightsError: a file is too large, or is not what it should be; the message says which.
    """
    for name, most in MOST_BYTES.items():
        path = Path(folder) / name
        try:
            if path.exists() and path.stat().st_size > most:
                raise WeightsError(f"{name} has {path.stat().st_size:,} bytes, which is absurd")
            if path.exists():
                {CARD: _check_card, METRICS: _check_metrics, SAMPLES: _check_samples}[name](path)
        except OSError as error:
            raise WeightsError(f"{name} cannot be read: {error}") from error


def _check_card(path: Path) -> None:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise WeightsError(f"{path.name} is no text in UTF-8") from error


def _check_samples(path: Path) -> None:
    with path.open("rb") as file:
        size = png.size_of(file.read(24))
    if size is None:
        raise WeightsError(f"{path.name} is no PNG picture")
    width, height = size
    if not (0 < width <= SAMPLES_SIDE and 0 < height <= SAMPLES_SIDE):
        raise WeightsError(f"{path.name} has {width} × {height} pixels; at most {SAMPLES_SIDE} a side can be shown")


def _check_metrics(path: Path) -> None:
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # not JSON, or not UTF-8, or nested without end
        raise WeightsError(f"{path.name} is not valid JSON") from error
    if not isinstance(metrics, dict):
        raise WeightsError(f"{path.name} is not what it should be: it holds no JSON object")
    sources = metrics.get("sources", {})
    if not isinstance(sources, dict) or len(sources) > MOST_LISTED:
        raise WeightsError(f"{path.name} is not what it should be: `sources` holds the figures of each kind of photos")
    wrong = [name for name in ("weights_sha256", "samples") if not isinstance(metrics.get(name, ""), str | None)]
    wrong += [] if _is_share(metrics.get("threshold")) else ["threshold"]
    wrong += [] if _are_shares(metrics.get("thresholds", [])) else ["thresholds"]
    wrong += [f"sources: {str(name)[:80]}" for name, source in sources.items() if not _are_figures(source)]
    if wrong:
        raise WeightsError(f"{path.name} is not what it should be: see its {wrong[0]}")


def _is_share(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and 0 <= value <= 1)  # nor is NaN


def _are_shares(values: Any) -> bool:
    return isinstance(values, list) and len(values) <= MOST_LISTED and all(map(_is_share, values))


def _are_figures(source: Any) -> bool:
    if not isinstance(source, dict) or type(source.get("photos", 0)) not in (int, type(None)):
        return False
    return all(_is_share(source.get(name)) for name in SHARES) and _are_shares(source.get("iou_by_threshold", []))
