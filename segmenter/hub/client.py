"""A repository of the Hugging Face Hub: reading and writing it, and what goes wrong, in words.

What weights (`weights`), data sets (`datasets`) and the Space (`space`) have in common. What was pulled lies
in the Hub client's cache, in a folder named after its commit. The cache's name for a revision is written
by us, and only once all is there and checked: so what a branch or a tag means without a network is
always the last good one.

Format of the cache: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import httpx2  # what huggingface_hub speaks through; the errors of the line are its
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, errors as hub_errors, set_client_factory
from huggingface_hub.utils._http import default_client_factory

from segmenter.errors import FULL, HubError, MissingError, UnreachableError
from segmenter.io import files

ADDRESS = re.compile(r"(?P<repository>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>\w[\w./+-]*))?")
BRANCH = "main"  # the one revision that moves; all others are taken for what they were first
SECONDS = 10  # to wait for a sign of life
TOKENS = "https://huggingface.co/settings/tokens"
Kind = Literal["model", "dataset", "space"]
Token = str | bool | None  # as huggingface_hub takes it: False asks as nobody, None as whoever is logged in
NOT_OURS = {".gitattributes", "README.md"}  # what a repository that was created by hand may hold already


# What the Hub may call commits and contents: the client names folders and files of its cache so.
COMMIT_NAME, CONTENT_NAME = re.compile(r"[0-9a-f]{40}"), re.compile(r'(W/)?"?\w[\w.+=-]{0,199}"?', re.ASCII)
CONTENT_HEADERS = ("etag", "x-linked-etag")


class Pushed(NamedTuple):
    """What a push led to."""

    commit: str
    tag: str | None  # None where versions have no names: a Space
    changed: bool  # False: the same files were there already


class Found(NamedTuple):
    """What is in a repository: its newest commit (None: there is no repository), path → hash, tag → commit."""

    commit: str | None
    files: dict[str, str]
    tags: dict[str, str]


def split(place: str) -> tuple[str, str]:
    """("OWNER/NAME", revision) of "OWNER/NAME[@revision]"; the revision is "main" by default.

    Raises:
        HubError: it is no such address.
    """
    found = ADDRESS.fullmatch(place)
    if not found or ".." in place:
        raise HubError(f"{place!r} does not name a repository: expected OWNER/NAME or OWNER/NAME@revision")
    return found["repository"], found["revision"] or BRANCH


def check_name(repository: str) -> None:
    """Raise a HubError if `repository` is not "OWNER/NAME"."""
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", repository) or ".." in repository:
        raise HubError(f"{repository!r} does not name a repository: expected OWNER/NAME")


def check_tag(tag: str) -> None:
    """Raise a HubError if a version cannot be called `tag`."""
    if not re.fullmatch(r"\w[\w./+-]*", tag) or ".." in tag or tag == BRANCH:
        raise HubError(f"{tag!r} cannot be the name of a version; v3 or 2026-11 can")


def check_commit(name: str | None) -> str:
    """The name of a commit as the Hub gives it, or a HubError where it is none: folders are called so."""
    if not name or not COMMIT_NAME.fullmatch(name):
        raise HubError(f"the Hub names a commit {name!r}, which is no name of one; is this the Hub that you mean?")
    return name


def _check_names(answer: httpx2.Response) -> None:
    """Refuse an answer by which a file would be written to a place of the Hub's choice."""
    if "x-repo-commit" not in answer.headers:
        return  # nothing is called after what it says
    check_commit(answer.headers["x-repo-commit"])
    for header in CONTENT_HEADERS:
        name = answer.headers.get(header)
        if name is not None and not CONTENT_NAME.fullmatch(name):
            raise HubError(f"the Hub calls a file {name!r}, which is no name of one; is this the Hub that you mean?")


def _careful_client() -> httpx2.Client:
    line = default_client_factory()
    line.event_hooks["response"].append(_check_names)
    return line


set_client_factory(_careful_client)  # which huggingface_hub has no other place for


# Pull


def newest_or_kept(revision: str, fetch: Callable[[], Path], cached: Callable[[], Path | None]) -> Path:
    """A revision as a folder: one that does not move from the cache first, a branch from the Hub first.

    Args:
        revision: a branch, tag or commit.
        fetch: asks the Hub; returns a folder or raises a HubError.
        cached: looks in the cache; returns a folder or None.
    """
    if revision != BRANCH:
        return cached() or fetch()
    try:
        return fetch()
    except UnreachableError:
        kept = cached()
        if not kept:
            raise
        return kept


def verify(folder: Path, names: Iterable[str]) -> None:
    """Compare what lies in the cache with what the Hub calls it by: the hash of its contents.

    The client itself looks at sizes alone. What differs is thrown away, so that it can be fetched
    again. Where the cache has no links (some Windows machines), there is no hash to compare with.

    Args:
        folder: of a commit.
        names: of the files in it.

    Raises:
        UnreachableError: a file was damaged.
    """
    for name in names:
        path = folder / name
        contents = path.resolve()
        named_by_hash = re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{40}", contents.name)
        if named_by_hash and hash_like(contents, contents.name) != contents.name:
            contents.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise UnreachableError(f"{name} arrived damaged and was thrown away; pull again")


def hash_like(contents: Path | bytes, like: str) -> str:
    """The hash of a file (its path, or bytes) of the kind that `like` is: SHA-256 (large files) or git's."""
    if len(like) == 64 and isinstance(contents, Path):
        with contents.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    data = contents.read_bytes() if isinstance(contents, Path) else contents
    if len(like) == 64:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def remember(folder: Path, revision: str) -> None:
    """Let the cache know that a revision means this folder."""
    reference = folder.parent.parent / "refs" / revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    files.write(reference, folder.name.encode("utf-8"))  # so that it is never half there


# Push


def look(api: HfApi, repository: str, kind: Kind = "model") -> tuple[Found, bool | None]:
    """(Found, whether it is private) of a repository now; all empty, and None, where there is none we may see."""
    try:
        info = api.repo_info(repository, repo_type=kind, timeout=SECONDS, files_metadata=True)
    except hub_errors.RepositoryNotFoundError:
        return Found(None, {}, {}), None
    siblings = getattr(info, "siblings", None) or ()
    files = {file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id for file in siblings}
    tags = api.list_repo_refs(repository, repo_type=kind).tags
    return Found(info.sha, files, {tag.name: tag.target_commit for tag in tags}), info.private


def write(
    repository: str,
    files: Mapping[str, Path | bytes],
    message: str,
    kind: Kind = "model",
    tag: str | None = None,
    private: bool = False,
    ours: Callable[[Collection[str]], bool] | None = None,
    stale: Callable[[str], bool] | None = None,
    endpoint: str | None = None,
    token: Token = None,
) -> Pushed:
    """Bring a repository to hold these files, in one commit, with a tag for it.

    It is created where it is missing. The same files again change nothing; what broke off goes on
    where it was, as large files that arrived are kept.

    Args:
        repository: "OWNER/NAME".
        files: path in the repository → contents, as a Path or bytes.
        message: of the commit.
        kind: "model", "dataset" or "space"; versions of a Space get no tag.
        tag: name of this version; the next free one of v1, v2, … by default.
        private: create it so that only its owner sees it.
        ours: function (paths that are there → bool): whether they are of what we write here;
            anything else is never touched.
        stale: function (path → bool): whether a file that is there and not among `files` is to go.
        endpoint, token: as for `weights.pull`.

    Returns:
        Pushed.

    Raises:
        HubError: it cannot be written; the message says why.
    """
    check_name(repository)
    if tag is not None:
        check_tag(tag)
    with explaining(repository, tag, kind):
        api = HfApi(endpoint=endpoint, token=token)
        api.whoami()  # a missing or expired token is told before anything is created
        found, is_private = look(api, repository, kind)
        _check_target(repository, found, is_private, private, ours)
        gone = [path for path in found.files if path not in files and stale and stale(path)]
        same = not gone and all(_is_same(files[path], found.files.get(path)) for path in files)
        there = found.commit if same else None  # a commit that holds just this
        if tag in found.tags and not (there and found.tags[tag] == there):
            raise HubError(f"{repository} has another version as {tag} already; choose another --tag")
        commit = there or _commit(api, repository, kind, found.commit, files, gone, message, private)
        if kind == "space":
            return Pushed(commit, None, changed=not there)
        named = tag or next((name for name, at in found.tags.items() if at == commit), None) or _next(found.tags)
        if named not in found.tags:
            api.create_tag(repository, tag=named, revision=commit, repo_type=kind)
    return Pushed(commit, named, changed=not there)


def _check_target(
    repository: str,
    found: Found,
    is_private: bool | None,
    private: bool,
    ours: Callable[[Collection[str]], bool] | None,
) -> None:
    others = sorted(found.files.keys() - NOT_OURS)
    if others and ours and not ours(found.files.keys()):
        raise HubError(f"{repository} holds something else ({others[0]}, …); choose another name")
    if private and is_private is False:
        raise HubError(f"{repository} is public; make it private in its settings, or choose another name")


def _is_same(contents: Path | bytes, there: str | None) -> bool:
    return there is not None and hash_like(contents, there) == there


def _commit(
    api: HfApi,
    repository: str,
    kind: Kind,
    head: str | None,
    files: Mapping[str, Path | bytes],
    gone: Iterable[str],
    message: str,
    private: bool,
) -> str:
    """Write all in one commit, which nobody else's may come before. Returns its id."""
    if head is None:
        api.create_repo(repository, private=private, repo_type=kind, space_sdk="gradio" if kind == "space" else None)
        head = api.repo_info(repository, repo_type=kind, timeout=SECONDS).sha
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(path, contents if isinstance(contents, bytes) else str(contents))
        for path, contents in files.items()
    ]
    operations += [CommitOperationDelete(path) for path in gone]
    return api.create_commit(repository, operations, commit_message=message, parent_commit=head, repo_type=kind).oid


def _next(tags: Iterable[str]) -> str:
    numbers = [int(name[1:]) for name in tags if re.fullmatch(r"v\d+", name)]
    return f"v{max(numbers, default=0) + 1}"


# Errors of the line, in words


@contextmanager
def explaining(repository: str, revision: str | None, kind: Kind = "model") -> Iterator[None]:
    """Turn what goes wrong between us and the Hub into a HubError that says what to do."""
    try:
        yield
    except HubError:
        raise
    except (httpx2.HTTPError, OSError, ValueError) as error:
        while isinstance(error, hub_errors.LocalEntryNotFoundError) and error.__cause__:
            error = error.__cause__  # the client wraps what happened
        error_class, message = _explain(error, repository, revision, kind)
        raise error_class(message) from error


def _explain(error: BaseException, repository: str, revision: str | None, kind: Kind) -> tuple[type[HubError], str]:
    """(class, message) for an error of huggingface_hub, of the line or of the disk."""
    if isinstance(error, hub_errors.OfflineModeIsEnabled):
        return UnreachableError, f"offline mode is on, and {repository} is not here; unset HF_HUB_OFFLINE"
    if isinstance(error, hub_errors.LocalTokenNotFoundError):
        return HubError, f"the Hub asks who you are: set HF_TOKEN, or run `hf auth login` (tokens: {TOKENS})"
    if isinstance(error, hub_errors.GatedRepoError):
        return HubError, f"{repository} asks for its terms to be accepted on its page first"
    if isinstance(error, hub_errors.RepositoryNotFoundError):
        what = {"model": "repository", "dataset": "data set", "space": "Space"}[kind]
        return MissingError, f"there is no {what} {repository}, or it is private and not open to your token"
    if isinstance(error, hub_errors.RevisionNotFoundError):
        return HubError, f"{repository} has no revision {revision!r}; its page lists the tags that it has"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return HubError, f"the Hub does not accept your token: it is wrong or expired (new ones: {TOKENS})"
    if status == 402:
        return HubError, f"the Hub asks for a paid plan for this ({_first_line(error)})"
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
    if isinstance(error, OSError) and error.errno in FULL:
        return UnreachableError, "the disk is full; free some space and pull again"
    if isinstance(error, OSError):
        return UnreachableError, f"the files did not arrive whole ({_first_line(error)}); try again"
    return HubError, f"the Hub refuses a file: {' '.join(str(error).split())}"


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
