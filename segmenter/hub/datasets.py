"""A data set ↔ a data-set repository on the Hugging Face Hub, and what is in one.

    chairlift data push FOLDER OWNER/NAME     publish images/ and masks/, with a card and a tag
    chairlift data pull hf://datasets/OWNER/NAME[@revision]      fetch one, print where it lies
    chairlift data info PLACE                 what is in a folder, or in hf://datasets/…

Nothing but pictures, tables and texts is fetched, so that no file of a data set can be a program.
"""

import re
from os import PathLike
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCard, DatasetCardData, HfApi, metadata_load, snapshot_download

from segmenter.datasets import formats, pairs, pieces, summary
from segmenter.datasets.summary import Contents
from segmenter.errors import HubError
from segmenter.hub import client
from segmenter.hub.client import SECONDS, explaining
from segmenter.io.images import PHOTO_SUFFIXES

SCHEME = "hf://datasets/"
TEXTS = tuple(dict.fromkeys((".csv", ".json", ".jsonl", ".txt", ".md", *formats.SUFFIXES)))
ALLOWED = (*PHOTO_SUFFIXES, *TEXTS, ".zip")
LICENCE_FILES = ("LICENSE", "LICENCE")  # without a suffix, as they usually are
PARTS = ("images/", "masks/")
SENT = (*PARTS, f"{pieces.FOLDER}/")
WRITTEN = "<!-- written by segmenter.exchange -->"  # marks a card that may be written anew
SIZE_CATEGORIES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


# Pull


def split(address: str) -> tuple[str, str]:
    """("OWNER/NAME", revision) of "hf://datasets/OWNER/NAME[@revision]".

    Raises:
        HubError: it is no such address.
    """
    if not str(address).startswith(SCHEME):
        raise HubError(f"{str(address)!r} names no data set of the Hub: expected {SCHEME}OWNER/NAME[@revision]")
    return client.split(str(address).removeprefix(SCHEME).rstrip("/"))


def pull_dataset(
    address: str,
    cache: str | Path | None = None,
    endpoint: str | None = None,
    token: str | bool | None = None,
) -> Path:
    """A data set of the Hub as a folder of this machine.

    A tag or commit that was pulled before needs no network. A branch is asked for anew; where the
    Hub cannot be reached, it is what it last was.

    Args:
        address: "hf://datasets/OWNER/NAME", "…@tag" or "…@commit".
        cache: folder; the Hub client's own by default.
        endpoint: address of the Hub (HF_ENDPOINT by default).
        token: HF_TOKEN, or the one of `hf auth login`, by default.

    Returns:
        Path of the folder; its name is the commit. Its files are not to be changed.

    Raises:
        HubError: it is not to be had; the message says why.
    """
    repository, revision = split(address)
    return client.newest_or_kept(
        revision,
        lambda: _fetch(repository, revision, cache, endpoint, token),
        lambda: _cached(repository, revision, cache),
    )


def _cached(repository: str, revision: str, cache: str | Path | None) -> Path | None:
    """The folder that a revision last meant, if all of it arrived; else None."""
    references = _storage(repository, cache) / "refs"
    try:
        commit = (references / revision).read_text(encoding="utf-8")
        folder = references.parent / "snapshots" / (references / commit).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    names = _names(folder)
    return folder if names and all((folder / name).is_file() for name in names) else None


def _fetch(
    repository: str,
    revision: str,
    cache: str | Path | None,
    endpoint: str | None,
    token: str | bool | None,
) -> Path:
    with explaining(repository, revision, "dataset"):
        info = HfApi(endpoint=endpoint, token=token).dataset_info(repository, revision=revision, timeout=SECONDS)
        names = [file.rfilename for file in info.siblings or () if is_allowed(file.rfilename)]
        if not any(name.lower().endswith((*PHOTO_SUFFIXES, ".zip")) for name in names):
            raise HubError(f"{repository} holds no pictures ({', '.join(PHOTO_SUFFIXES)}), nor a zip with some")
        folder = Path(
            snapshot_download(
                repository,
                repo_type="dataset",
                revision=client.check_commit(info.sha),
                cache_dir=cache,
                endpoint=endpoint,
                token=token,
                allow_patterns=[*map(_any_case, ALLOWED), *LICENCE_FILES],
                etag_timeout=SECONDS,
                max_workers=4,
            )
        )
        client.verify(folder, names)
        client.remember(folder, folder.name)  # says: all of this commit is here
        client.remember(folder, revision)
    return folder


def is_allowed(name: str) -> bool:
    """Whether a file of a data set may travel: a picture, a table or a text, by its name."""
    path = Path(name)
    return path.suffix.lower() in ALLOWED or path.name in LICENCE_FILES


def _any_case(suffix: str) -> str:
    """A suffix as a pattern of file names, in small letters or capitals."""
    return "*." + "".join(f"[{letter}{letter.upper()}]" for letter in suffix.removeprefix("."))


def _storage(repository: str, cache: str | Path | None) -> Path:
    from huggingface_hub import constants  # read late: the environment may have been changed by then

    return Path(cache or constants.HF_HUB_CACHE) / f"datasets--{repository.replace('/', '--')}"


def _names(folder: Path) -> list[str]:
    """The files of a data set's folder that may travel, as paths inside it, sorted."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    visible = (path for path in found if not any(part.startswith(".") for part in path.parts))
    return sorted(path.as_posix() for path in visible if is_allowed(path.name))


# What is in one


def info(
    place: str | PathLike[str],
    cache: str | Path | None = None,
    endpoint: str | None = None,
    token: str | bool | None = None,
) -> Contents:
    """What is in a data set: a folder with images/ and masks/, or an "hf://datasets/…" address.

    Args:
        place: folder or address.
        cache, endpoint, token: as for `pull_dataset`.

    Returns:
        Contents.

    Raises:
        HubError, DatasetError: it is not to be had, or cannot be read.
    """
    if str(place).startswith(SCHEME):
        folder = pull_dataset(str(place), cache, endpoint, token)
        return look_through(folder)._replace(revision=folder.name)
    return look_through(Path(place))


def look_through(folder: Path) -> Contents:
    """Contents of a folder with images/ and masks/, as the Hub would hold it; every mask is decoded.

    Raises:
        DatasetError: it cannot be read.
    """
    return summary.look_through(folder, _names(folder), _licence(folder))


def _licence(folder: Path) -> str | None:
    """The licence that the card in a folder states."""
    card = folder / "README.md"
    try:
        stated = ((card.exists() and metadata_load(card)) or {}).get("license")
    except ValueError:
        return None
    return ", ".join(stated) if isinstance(stated, list) else stated


# Push


def push_dataset(
    folder: str | PathLike[str],
    repository: str,
    tag: str | None = None,
    private: bool = False,
    dry_run: bool = False,
    licence: str | None = None,
    endpoint: str | None = None,
    token: str | bool | None = None,
) -> Any:
    """Publish a folder with images/ and masks/: one commit of its files and a card, and a tag for it.

    Tables, ATTRIBUTION.md and LICENSE beside the two folders go along. The card (README.md) is written
    anew from what is in the folder, unless there is one of the owner's own. Photos that are no longer in
    the folder leave the repository. The same folder again changes nothing; a push that broke off goes on
    where it was.

    Args:
        folder: what `pairs.read_folder` reads.
        repository: "OWNER/NAME".
        tag: name of this version; the next free one of v1, v2, … by default.
        private: create it so that only its owner sees it.
        dry_run: do all but send anything.
        licence: an identifier of the Hub's list, like "cc-by-4.0".
        endpoint, token: as for `pull_dataset`.

    Returns:
        client.Pushed; for a dry run the files, as path → bytes it has.

    Raises:
        HubError: it cannot be published; the message says why.
        DatasetError: the folder cannot be trained on.
    """
    folder = Path(folder)
    client.check_name(repository)
    if tag is not None:
        client.check_tag(tag)
    contents = look_through(folder)
    _check_parts(folder)
    names = [name for name in _names(folder) if name.startswith(SENT) or _stands_beside(name)]
    files: dict[str, Path | bytes] = {name: folder / name for name in names}
    files["README.md"] = _own_card(folder) or write_card(folder, repository, contents, licence).encode()
    if dry_run:
        return {name: len(data) if isinstance(data, bytes) else data.stat().st_size for name, data in files.items()}
    return client.write(
        repository,
        files,
        f"Add {contents.pairs} photos with masks",
        "dataset",
        tag=tag,
        private=private,
        ours=lambda there: any(path.startswith("images/") for path in there),
        stale=lambda path: path.startswith(SENT),
        endpoint=endpoint,
        token=token,
    )


def _check_parts(folder: Path) -> None:
    """Refuse photos and masks that lie elsewhere than in the two folders that are published."""
    for pair in pairs.read_folder(folder):
        for path in (pair.photo, *pair.mask_pictures):
            if not path.relative_to(folder).as_posix().startswith(PARTS):
                raise HubError(
                    f"{path.relative_to(folder)} would not be published: put all photos in images/ and all masks in masks/"
                )


def _stands_beside(name: str) -> bool:
    """Whether a file belongs to a data set that lies beside its images/ and masks/: a table or a text."""
    return "/" not in name and (name in LICENCE_FILES or name.lower().endswith(TEXTS))


def _own_card(folder: Path) -> bytes | None:
    """The card that the folder's owner wrote, as bytes; None where there is none but ours."""
    card = folder / "README.md"
    data = card.read_bytes() if card.is_file() else None
    return data if data and WRITTEN.encode() not in data else None


def write_card(folder: Path, repository: str, contents: Contents, licence: str | None = None) -> str:
    """The card of a data set, as text: what is in it, whose it is, and how to train with it.

    Args:
        folder: the data set.
        repository: "OWNER/NAME", where it goes.
        contents: Contents of the folder.
        licence: as for `push_dataset`; by default the one that an earlier card in the folder states.
    """
    name = repository.split("/")[1]
    category = next((words for limit, words in SIZE_CATEGORIES if contents.pairs < limit), "n>1M")
    data = DatasetCardData(
        license=licence or contents.licence or "unknown",
        task_categories=["image-segmentation"],
        size_categories=[category],
        pretty_name=name,
        tags=["background-removal", "masks"],
    )
    lines = contents._replace(licence=data.license, revision=None).summary().splitlines()
    parts = [f"---\n{data.to_yaml()}\n---", WRITTEN, f"# {name}"]
    parts.append("Photos and, for each, a mask that says which of its pixels are the object.")
    parts.append("\n".join(f"- {line}" for line in lines))
    parts.append(_LAYOUT + (_PIECES if (folder / pieces.FOLDER).is_dir() else ""))
    parts.append(f"## Train with it\n\n    python train.py --data {SCHEME}{repository}")
    for credits in sorted(folder.glob("ATTRIBUTION*")):
        text = credits.read_text(encoding="utf-8", errors="replace")
        parts.append(re.sub(r"^#", "##", text, flags=re.M).strip())
    return str(DatasetCard("\n\n".join(parts) + "\n"))


_LAYOUT = """## What is where

- `images/`: the photos; `masks/`: a picture of the same name for each. White, red or opaque is the
  object; black, blue or transparent is not; grey 128 means that nobody could tell.
- Where a CSV beside them has the columns `file` and `group`, photos of one group show the same thing,
  so a fair split never parts them."""
_PIECES = f"""
- `{pieces.FOLDER}/`: a PNG of the photo's name, whose pixels are 0 where there is no piece, else the number of the piece."""
