"""A weights folder ↔ a repository on the Hugging Face Hub, and what must hold before weights may serve.

    python -m segmenter.hub push FOLDER OWNER/NAME         publish a weights folder, with a tag of its own
    python -m segmenter.hub pull OWNER/NAME[@revision]     fetch one and print where it lies

A pulled folder lies in the Hub client's cache, named after its commit. The cache's name for a revision
is written by us, and only once the folder has passed every check: so what a branch or a tag means
without a network is always the last good one.

Format of the cache: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

import argparse
import errno
import hashlib
import json
import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2  # what huggingface_hub speaks through; the errors of the line are its
import numpy as np
import yaml
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download, metadata_load, try_to_load_from_cache
from huggingface_hub import errors as hub_errors

from segmenter.predictor import Segmenter, WeightsError

MEGABYTE = 1024 * 1024
# name → (most bytes it may have, its first bytes). These six are a weights folder; nothing else travels.
FILES = {
    "README.md": (1 * MEGABYTE, b""),
    "config.json": (1 * MEGABYTE, b""),
    "model.weights.h5": (1024 * MEGABYTE, b"\x89HDF\r\n\x1a\n"),
    "model.tflite": (256 * MEGABYTE, b""),  # its mark comes after four bytes
    "metrics.json": (32 * MEGABYTE, b""),
    "samples.png": (64 * MEGABYTE, b"\x89PNG\r\n\x1a\n"),
}
LITERT_MARK = b"TFL3"
# Formats that may run code when they are opened.
UNSAFE = {".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".keras", ".npy", ".dill"}
# The same names as unet.ARCHITECTURES, which serving cannot ask as it would import TensorFlow.
ARCHITECTURES = ("unet_lite0", "unet_128", "unet_256", "unet_512", "unet_1024")
SIZES = range(16, 2049)

ADDRESS = re.compile(r"(?P<repository>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>\w[\w./+-]*))?")
BRANCH = "main"  # the one revision that moves; all others are taken for what they were first
SECONDS = 10  # to wait for a sign of life
TOKENS = "https://huggingface.co/settings/tokens"


class HubError(WeightsError):
    """Weights that cannot be pushed, pulled or trusted; the message says why and what to do."""


class UnreachableError(HubError):
    """The Hub gave no answer, or none that helps; later it may."""


class Pushed(NamedTuple):
    """What a push led to."""

    commit: str
    tag: str
    changed: bool  # False: the same weights were there already


def is_address(place):
    """Whether a place names a repository, and not a folder of this machine."""
    return isinstance(place, str) and bool(ADDRESS.fullmatch(place)) and not Path(place).exists()


def split(place):
    """("OWNER/NAME", revision) of "OWNER/NAME[@revision]"; the revision is "main" by default.

    Raises:
        HubError: it is no such address.
    """
    found = ADDRESS.fullmatch(place)
    if not found or ".." in place:
        raise HubError(f"{place!r} does not name a repository: expected OWNER/NAME or OWNER/NAME@revision")
    return found["repository"], found["revision"] or BRANCH


def check_name(repository):
    """Raise a HubError if `repository` is not "OWNER/NAME"."""
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", repository) or ".." in repository:
        raise HubError(f"{repository!r} does not name a repository: expected OWNER/NAME")


# Pull


def pull(place, cache=None, endpoint=None, token=None):
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
    revision = split(place)[1]
    if revision != BRANCH:
        return cached(place, cache) or fetch(place, cache, endpoint, token)
    try:
        return fetch(place, cache, endpoint, token)
    except UnreachableError:
        kept = cached(place, cache)
        if not kept:
            raise
        return kept


def cached(place, cache=None):
    """The good weights that an address last led to, as a folder; None if there are none here.

    Raises:
        HubError: `place` is no address.
    """
    repository, revision = split(place)
    found = [try_to_load_from_cache(repository, name, cache, revision) for name in FILES]
    if not all(isinstance(path, str) for path in found):
        return None
    folder = Path(found[0]).parent
    try:
        _verify(folder)
        check(folder)
    except (HubError, OSError):
        return None
    return folder


def fetch(place, cache=None, endpoint=None, token=None):
    """Ask the Hub what an address leads to now, and get what of it is not here. See `pull`.

    Raises:
        UnreachableError: the Hub cannot be asked now.
        HubError: it has nothing good at this address.
    """
    repository, revision = split(place)
    with _plain_words(repository, revision):
        api = HfApi(endpoint=endpoint, token=token)
        info = api.model_info(repository, revision=revision, timeout=SECONDS, files_metadata=True)
        _check_sizes({file.rfilename: file.size for file in info.siblings or ()}, place)
        for name in FILES:
            path = hf_hub_download(
                repository, name, revision=info.sha, cache_dir=cache, endpoint=endpoint, token=token,
                etag_timeout=SECONDS,
            )  # fmt: skip
        folder = Path(path).parent
        _verify(folder)
        check(folder)
        _remember(folder, revision)
    return folder


def _check_sizes(sizes, place):
    """Before anything is fetched: whether all files are there, none of them absurd."""
    for name, (limit, _) in FILES.items():
        if name not in sizes:
            raise HubError(f"{place} is refused: it lacks {name}, so it is not a whole weights folder")
        if sizes[name] > limit:
            raise HubError(f"{place} is refused: its {name} has {sizes[name]:,} bytes, which is absurd")


def _verify(folder):
    """Compare what lies in the cache with what the Hub calls it by: the hash of its contents.

    The client itself looks at sizes alone. What differs is thrown away, so that it can be fetched
    again. Where the cache has no links (some Windows machines), there is no hash to compare with.
    """
    for name in FILES:
        path = folder / name
        contents = path.resolve()
        named_by_hash = re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{40}", contents.name)
        if named_by_hash and _hash(contents, contents.name) != contents.name:
            contents.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise UnreachableError(f"{name} arrived damaged and was thrown away; pull again")


def _hash(path, like):
    """The hash of a file's contents, of the kind that `like` is: SHA-256 (large files) or git's SHA-1."""
    if len(like) == 64:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _remember(folder, revision):
    """Let the cache know that a revision means this folder."""
    if revision == folder.name:
        return
    reference = folder.parent.parent / "refs" / revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    draft = reference.with_name(f".{reference.name}.{os.getpid()}")  # so that it is never half there
    draft.write_text(folder.name, encoding="utf-8")
    os.replace(draft, reference)


# What must not serve


def check(folder):
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
    licence(folder)
    _check_config(_read_json(folder / "config.json"))
    _check_measured(folder)
    _check_answers(folder)


def _first_bytes(path, count):
    with path.open("rb") as file:
        return file.read(count)


def _read_json(path):
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise HubError(f"{path.parent.name} is refused: its {path.name} is not valid JSON") from error
    if not isinstance(value, dict):
        raise HubError(f"{path.parent.name} is refused: its {path.name} is not what it should be")
    return value


def _check_config(config):
    size, threshold = config.get("size"), config.get("threshold", 0.5)
    if config.get("architecture") not in ARCHITECTURES:
        raise HubError(
            f"config.json is refused: its architecture is {config.get('architecture')!r}; "
            f"known are {', '.join(ARCHITECTURES)}"
        )
    if type(size) is not int or size not in SIZES:  # True is an int too
        raise HubError(f"config.json is refused: a size of {size!r}, not of {SIZES[0]} to {SIZES[-1]} pixels")
    if type(threshold) not in (int, float) or not 0 <= threshold <= 1:
        raise HubError(f"config.json is refused: a threshold of {threshold!r}; it is a number from 0 to 1")


def _check_measured(folder):
    measured = _read_json(folder / "metrics.json").get("weights_sha256")
    with (folder / "model.tflite").open("rb") as file:
        if measured != hashlib.file_digest(file, "sha256").hexdigest():
            raise HubError(
                f"{folder.name} is refused: its metrics.json was measured with another network than its "
                "model.tflite (train.py --evaluate measures anew)"
            )


def _check_answers(folder):
    try:
        segmenter = Segmenter(folder)
    except WeightsError as error:
        raise HubError(f"{folder.name} is refused: {error}") from error
    answer = segmenter.first_look(_test_photo())
    if not np.isfinite(answer).all() or answer.min() < -1e-3 or answer.max() > 1 + 1e-3:
        raise HubError(f"{folder.name} is refused: its network does not answer with probabilities")


def _test_photo():
    """uint8, 96 × 128 × 3: every colour somewhere, dark to bright."""
    y, x = np.mgrid[:96, :128]
    return np.stack([2 * x, 255 * y // 95, 255 - 2 * x], axis=2).astype(np.uint8)


def licence(folder):
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


def push(folder, repository, tag=None, private=False, dry_run=False, endpoint=None, token=None):
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
    if tag is not None and (not re.fullmatch(r"\w[\w./+-]*", tag) or ".." in tag or tag == BRANCH):
        raise HubError(f"{tag!r} cannot be the name of a version; v3 or 2026-11 can")
    check(folder)
    if dry_run:
        return None
    with _plain_words(repository, tag):
        api = HfApi(endpoint=endpoint, token=token)
        api.whoami()  # a missing or expired token is told before anything is created
        head, same, tags = _what_is_there(api, repository, folder, private)
        if tag in tags and not (same and tags[tag] == head):
            raise HubError(f"{repository} has other weights as {tag} already; choose another --tag")
        commit = head if same else _commit(api, repository, folder, head, private)
        named = tag or next((name for name, target in tags.items() if target == commit), None) or _next(tags)
        if named not in tags:
            api.create_tag(repository, tag=named, revision=commit)
    return Pushed(commit, named, not same)


def _commit(api, repository, folder, head, private):
    """Write the six files in one commit, which nobody else's may come before. Returns its id."""
    if head is None:
        api.create_repo(repository, private=private)
        head = api.model_info(repository, timeout=SECONDS).sha
    name = _read_json(folder / "config.json").get("name", "weights")
    operations = [CommitOperationAdd(name, str(folder / name)) for name in FILES]
    return api.create_commit(repository, operations, commit_message=f"Add {name}", parent_commit=head).oid


def _what_is_there(api, repository, folder, private):
    """(the newest commit or None, whether it holds this folder, tag → commit) of where to write to."""
    try:
        info = api.model_info(repository, timeout=SECONDS, files_metadata=True)
    except hub_errors.RepositoryNotFoundError:
        return None, False, {}
    there = {file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id for file in info.siblings or ()}
    others = sorted(there.keys() - {".gitattributes", "README.md"})
    if others and not {"config.json", "model.tflite"} <= there.keys():
        raise HubError(f"{repository} holds something else ({others[0]}, …); choose another name")
    if private and not info.private:
        raise HubError(f"{repository} is public; make it private in its settings, or choose another name")
    same = all(there.get(name) and _hash(folder / name, there[name]) == there[name] for name in FILES)
    return info.sha, same, {tag.name: tag.target_commit for tag in api.list_repo_refs(repository).tags}


def _next(tags):
    numbers = [int(name[1:]) for name in tags if re.fullmatch(r"v\d+", name)]
    return f"v{max(numbers, default=0) + 1}"


# Errors of the line, in words


@contextmanager
def _plain_words(repository, revision):
    """Turn what goes wrong between us and the Hub into a HubError that says what to do."""
    try:
        yield
    except HubError:
        raise
    except (httpx2.HTTPError, OSError, ValueError) as error:
        while isinstance(error, hub_errors.LocalEntryNotFoundError) and error.__cause__:
            error = error.__cause__  # the client wraps what happened
        kind, words = _in_words(error, repository, revision)
        raise kind(words) from error


def _in_words(error, repository, revision):
    """(class, message) for an error of huggingface_hub, of the line or of the disk."""
    if isinstance(error, hub_errors.OfflineModeIsEnabled):
        return UnreachableError, f"offline mode is on, and {repository} is not here; unset HF_HUB_OFFLINE"
    if isinstance(error, hub_errors.LocalTokenNotFoundError):
        return HubError, f"the Hub asks who you are: set HF_TOKEN, or run `hf auth login` (tokens: {TOKENS})"
    if isinstance(error, hub_errors.GatedRepoError):
        return HubError, f"{repository} asks for its terms to be accepted on its page first"
    if isinstance(error, hub_errors.RepositoryNotFoundError):
        return HubError, f"there is no repository {repository}, or it is private and not open to your token"
    if isinstance(error, hub_errors.RevisionNotFoundError):
        return HubError, f"{repository} has no revision {revision!r}; its page lists the tags that it has"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return HubError, f"the Hub does not accept your token: it is wrong or expired (new ones: {TOKENS})"
    if status == 403:
        return HubError, f"your token has no right to write to {repository}; one with that right: {TOKENS}"
    if status == 412:
        return HubError, f"somebody else wrote to {repository} just now; push again"
    if status == 429 or (status or 0) >= 500:
        return UnreachableError, f"the Hub is in trouble or too busy (answer {status}); try again later"
    if status is not None:
        return HubError, f"the Hub refuses a file or a wish (answer {status}): {_first_line(error)}"
    if isinstance(error, httpx2.TimeoutException):
        return UnreachableError, "the Hub does not answer in time; try again later"
    if isinstance(error, httpx2.HTTPError):
        return UnreachableError, f"the Hub cannot be reached ({_first_line(error)}); is there a network?"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return UnreachableError, "the disk is full; free some space and pull again"
    if isinstance(error, OSError):
        return UnreachableError, f"the files did not arrive whole ({_first_line(error)}); try again"
    return HubError, f"the Hub refuses a file: {' '.join(str(error).split())}"


def _first_line(error):
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


# The command line


def main(arguments=None):
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Publish weights on the Hugging Face Hub, or fetch some.")
    deeds = parser.add_subparsers(dest="deed", required=True)
    pushing = deeds.add_parser("push", help="publish a weights folder")
    pushing.add_argument("folder", type=Path)
    pushing.add_argument("repository", metavar="OWNER/NAME")
    pushing.add_argument("--tag", help="name of this version (default: the next of v1, v2, …)")
    pushing.add_argument("--private", action="store_true", help="for its owner's eyes only")
    pushing.add_argument("--dry-run", action="store_true", help="check, and list what would go")
    pulling = deeds.add_parser("pull", help="fetch weights and print the folder they lie in")
    pulling.add_argument("place", metavar="OWNER/NAME[@revision]")
    options = parser.parse_args(arguments)
    try:
        if options.deed == "pull":
            print(pull(options.place))
        else:
            done = push(options.folder, options.repository, options.tag, options.private, options.dry_run)
            print(told(options.folder, options.repository, done))
    except HubError as error:
        print(f"hub: {error}", file=sys.stderr)
        return 1
    return 0


def told(folder, repository, pushed):
    """What a push did, or a dry run (`pushed` is None) would do, for a person to read."""
    if pushed is None:
        lines = [f"  {name}  {(Path(folder) / name).stat().st_size:,} bytes" for name in FILES]
        return "\n".join([f"to {repository} would go, in one commit:", *lines])
    verb = "published as" if pushed.changed else "unchanged; they are"
    return f"weights {verb} {repository}@{pushed.tag} (commit {pushed.commit[:7]})"


if __name__ == "__main__":
    sys.exit(main())
