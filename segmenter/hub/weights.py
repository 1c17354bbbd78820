"""A weights folder ↔ a repository on the Hugging Face Hub, and what must hold before weights may serve.

`chairlift push FOLDER OWNER/NAME` publishes a weights folder with a tag of its own; `chairlift pull
OWNER/NAME[@revision]` fetches one and prints where it lies.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import yaml
from huggingface_hub import HfApi, hf_hub_download, metadata_load, try_to_load_from_cache

from segmenter import weights_format
from segmenter.errors import WeightsError
from segmenter.hub import client
from segmenter.hub.client import (  # some of them for those who ask this module for everything
    ADDRESS,
    BRANCH,
    SECONDS,
    HubError,
    MissingError,
    Pushed,
    Token,
    UnreachableError,
    check_name,
    explaining,
    split,
)
from segmenter.inference.predictor import Segmenter
from segmenter.models import registry

__all__ = [
    "BRANCH",
    "HubError",
    "MissingError",
    "UnreachableError",
    "cached",
    "check",
    "check_name",
    "describe_push",
    "fetch",
    "licence",
    "newest",
    "pull",
    "push",
    "split",
]

Cache = str | Path | None  # a folder, or the Hub client's own

MEGABYTE = 1024 * 1024
# name → (most bytes it may have, its first bytes). These six are a weights folder; nothing else travels.
FILES = {
    weights_format.CARD: (1 * MEGABYTE, b""),
    weights_format.CONFIG: (1 * MEGABYTE, b""),
    weights_format.WEIGHTS: (1024 * MEGABYTE, b"\x89HDF\r\n\x1a\n"),
    weights_format.LITERT: (256 * MEGABYTE, b""),  # its mark comes after four bytes
    weights_format.METRICS: (32 * MEGABYTE, b""),
    weights_format.SAMPLES: (64 * MEGABYTE, b"\x89PNG\r\n\x1a\n"),
}
LITERT_MARK = b"TFL3"
# Formats that may run code when they are opened.
UNSAFE = {".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".keras", ".npy", ".dill"}


def is_address(place: object) -> TypeGuard[str]:
    """Whether a place names a repository, and not a folder of this machine, be it a missing one.

    "runs/chair" is the latter where there is a folder `runs`; "runs/chair@main" is never.
    """
    if not isinstance(place, str) or not ADDRESS.fullmatch(place) or Path(place).exists():
        return False
    return "@" in place or not Path(place).parent.is_dir()


# Pull


def pull(place: str, cache: Cache = None, endpoint: str | None = None, token: Token = None) -> Path:
    """Weights of a repository as a folder of this machine.

    A tag or commit that was pulled before needs no network. A branch is asked for anew; where the
    Hub cannot be reached, it is what it last was.

    Args:
        place: "OWNER/NAME", "OWNER/NAME@tag" or "OWNER/NAME@commit".
        cache: folder; the Hub client's own by default.
        endpoint: address of the Hub (HF_ENDPOINT by default).
        token: HF_TOKEN, or the one of `hf auth login`, by default.

    Returns:
        Path of a folder that has passed `check`; its name is the commit.

    Raises:
        HubError: there are no good weights to be had.
    """
    return client.newest_or_kept(
        split(place)[1], lambda: fetch(place, cache, endpoint, token), lambda: cached(place, cache)
    )


def cached(place: str, cache: Cache = None) -> Path | None:
    """The good weights that an address last led to, as a folder; None if there are none here.

    Raises:
        HubError: `place` is no address.
    """
    repository, revision = split(place)
    found = [try_to_load_from_cache(repository, name, cache, revision) for name in FILES]
    paths = [path for path in found if isinstance(path, str)]
    if len(paths) < len(FILES):
        return None
    folder = Path(paths[0]).parent
    try:
        client.verify(folder, FILES)
        check(folder)
    except (HubError, OSError):
        return None
    return folder


def fetch(place: str, cache: Cache = None, endpoint: str | None = None, token: Token = None) -> Path:
    """Ask the Hub what an address leads to now, and get what of it is not here. See `pull`.

    Raises:
        UnreachableError: the Hub cannot be asked now.
        HubError: it has nothing good at this address.
    """
    repository, revision = split(place)
    with explaining(repository, revision):
        api = HfApi(endpoint=endpoint, token=token)
        info = api.model_info(repository, revision=revision, timeout=SECONDS, files_metadata=True)
        _check_sizes({file.rfilename: file.size for file in info.siblings or ()}, place)
        options = {"revision": client.check_commit(info.sha), "cache_dir": cache, "endpoint": endpoint, "token": token}
        paths = [hf_hub_download(repository, name, etag_timeout=SECONDS, **options) for name in FILES]
        folder = Path(paths[0]).parent
        client.verify(folder, FILES)
        check(folder)
        client.remember(folder, revision)
    return folder


def newest(place: str, endpoint: str | None = None, token: Token = None) -> str:
    """The commit that an address leads to now, by one quick question.

    Raises:
        HubError: the Hub cannot say.
    """
    repository, revision = split(place)
    with explaining(repository, revision):
        return (
            HfApi(endpoint=endpoint, token=token).model_info(repository, revision=revision, timeout=SECONDS).sha or ""
        )


def _check_sizes(sizes: Mapping[str, int | None], place: str) -> None:
    """Before anything is fetched: whether all files are there, none of them absurd."""
    for name, (limit, _) in FILES.items():
        if name not in sizes:
            raise HubError(f"{place} is refused: it lacks {name}, so it is not a whole weights folder")
        size = sizes[name] or 0
        if size > limit:
            raise HubError(f"{place} is refused: its {name} has {size:,} bytes, which is absurd")


# What must not serve


def check(folder: str | os.PathLike[str]) -> None:
    """Refuse a weights folder that must not serve.

    All six files, of sane sizes and the formats they should have; a configuration in bounds; a
    network that fits it, is the one that was measured, and gives probabilities for a photo. Nothing
    that could run code is opened, nor tolerated beside the rest.

    Args:
        folder: a weights folder.

    Raises:
        HubError: it must not serve; the message says why.
    """
    folder = Path(folder)
    for name, (limit, mark) in FILES.items():
        path = folder / name
        if not path.is_file():
            raise HubError(f"{folder.name} is refused: it lacks {name}, so it is not a whole weights folder")
        if not 0 < path.stat().st_size <= limit:
            raise HubError(f"{folder.name} is refused: its {name} has {path.stat().st_size:,} bytes")
        if _first_bytes(path, len(mark)) != mark:
            raise HubError(f"{folder.name} is refused: its {name} is not what its name says")
    if _first_bytes(folder / "model.tflite", 8)[4:] != LITERT_MARK:
        raise HubError(f"{folder.name} is refused: its model.tflite is not what its name says")
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in UNSAFE:
            raise HubError(f"{folder.name} is refused: {path.name} is of a format that could run code")
    try:
        weights_format.check_described(folder)
    except WeightsError as error:
        raise HubError(f"{folder.name} is refused: {error}") from error
    licence(folder)
    _check_config(_read_json(folder / "config.json"))
    _check_measured(folder)
    _check_answers(folder)


def _first_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise HubError(f"{path.parent.name} is refused: its {path.name} is not valid JSON") from error
    if not isinstance(value, dict):
        raise HubError(f"{path.parent.name} is refused: its {path.name} is not what it should be")
    return value


def _check_config(config: dict[str, Any]) -> None:
    try:
        weights_format.check_config(config, registry.NETWORKS)
    except WeightsError as error:
        raise HubError(f"config.json is refused: {error}") from error


def _check_measured(folder: Path) -> None:
    measured = _read_json(folder / "metrics.json").get("weights_sha256")
    with (folder / "model.tflite").open("rb") as file:
        if measured != hashlib.file_digest(file, "sha256").hexdigest():
            raise HubError(
                f"{folder.name} is refused: its metrics.json was measured with another network than its "
                "model.tflite (train.py --evaluate measures anew)"
            )


def _check_answers(folder: Path) -> None:
    try:
        segmenter = Segmenter(folder)
    except WeightsError as error:
        raise HubError(f"{folder.name} is refused: {error}") from error
    answer = segmenter.first_look(_test_photo())
    if not np.isfinite(answer).all() or answer.min() < -1e-3 or answer.max() > 1 + 1e-3:
        raise HubError(f"{folder.name} is refused: its network does not answer with probabilities")


def _test_photo() -> np.ndarray:
    """uint8, 96 × 128 × 3: every colour somewhere, dark to bright."""
    y, x = np.mgrid[:96, :128]
    return np.stack([2 * x, 255 * y // 95, 255 - 2 * x], axis=2).astype(np.uint8)


def licence(folder: str | os.PathLike[str]) -> str | None:
    """The licence that a weights folder's card states, as its short name; None if it states none.

    Raises:
        HubError: the card is broken.
    """
    card = Path(folder) / "README.md"
    try:
        data = (card.exists() and metadata_load(card)) or {}
    except (ValueError, yaml.YAMLError) as error:
        raise HubError(f"README.md is refused: the lines at its top cannot be read ({error})") from error
    stated = data.get("license")
    return data.get("license_name") or stated if stated == "other" else stated


# Push


def push(
    folder: str | os.PathLike[str],
    repository: str,
    tag: str | None = None,
    private: bool = False,
    dry_run: bool = False,
    endpoint: str | None = None,
    token: Token = None,
) -> Pushed | None:
    """Publish a weights folder: one commit of its six files, and a tag for it.

    The repository is created where it is missing. The same weights again change nothing; a push
    that broke off goes on where it was, as large files that arrived are kept.

    Args:
        folder: a weights folder; other files in it stay at home.
        repository: "OWNER/NAME".
        tag: name of this version; the next free one of v1, v2, … by default.
        private: create it so that only its owner sees it.
        dry_run: do all but send anything.
        endpoint, token: as for `pull`.

    Returns:
        Pushed; None for a dry run.

    Raises:
        HubError: it cannot be published; the message says why.
    """
    folder = Path(folder)
    check_name(repository)
    if tag is not None:
        client.check_tag(tag)
    check(folder)
    if dry_run:
        return None
    name = _read_json(folder / "config.json").get("name", "weights")
    return client.write(
        repository,
        {name: folder / name for name in FILES},
        f"Add {name}",
        tag=tag,
        private=private,
        ours={"config.json", "model.tflite"}.issubset,
        endpoint=endpoint,
        token=token,
    )


def describe_push(folder: str | os.PathLike[str], repository: str, pushed: Pushed | None) -> str:
    """What a push did, or a dry run (`pushed` is None) would do, for a person to read."""
    if pushed is None:
        lines = [f"  {name}  {(Path(folder) / name).stat().st_size:,} bytes" for name in FILES]
        return "\n".join([f"to {repository} would go, in one commit:", *lines])
    verb = "published as" if pushed.changed else "unchanged; they are"
    return f"weights {verb} {repository}@{pushed.tag} (commit {pushed.commit[:7]})"
