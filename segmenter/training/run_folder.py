"""Where a run keeps its things, so that nothing is ever half there.

OUT is the result: it appears as a whole, and takes the place of an earlier one as a whole. All that
is not finished yet lies in OUT.unfinished beside it, from which a run that ended early goes on:

    run.json        with which options, on which photos it was begun
    state.npz       all that training was at the end of the last epoch (see segmenter.training.checkpoints)
    best-….npz      the best weights so far
    history.csv     one row an epoch
    picker.npz      all that the picker's training was after its last steps (see segmenter.training.picking)
    result/         the result while it is being put together
    lock            held by the process that is at work on it
"""

import ctypes
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock

from segmenter.errors import RunError
from segmenter.io import files

RUN = "run.json"
RESULT = "result"
LOCK = "lock"
EXCHANGE = 2  # Linux's RENAME_EXCHANGE
HERE = -100  # its AT_FDCWD


# Folders


def unfinished(out: str | os.PathLike[str]) -> Path:
    """The folder beside `out` that holds what is not finished yet."""
    out = Path(out)
    return out.with_name(f"{out.name}.unfinished")


@contextmanager
def hold(out: str | os.PathLike[str]) -> Iterator[None]:
    """Within this, no other process can train into `out`. A process that is killed lets go of it.

    Raises:
        RunError: another process is at work on it.
    """
    folder = unfinished(out)
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise RunError(
            f"another process is training into {out} at this moment; wait until it ends, or choose another --out"
        ) from error
    except NotImplementedError:  # a file system that knows no locks
        yield
        return
    try:
        files.sweep(folder)
        yield
    finally:
        lock.release()


def check_free(out: str | os.PathLike[str]) -> None:
    """Raise a RunError if another process is training into `out`."""
    if unfinished(out).exists():
        with hold(out):
            pass


def free_folder(folder: Path) -> Path:
    """`folder`, or the first of folder-2, folder-3, … that is neither there nor being made."""
    number, free = 1, folder
    while free.exists() or unfinished(free).exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


def check_place(out: str | os.PathLike[str], ours: Collection[str]) -> None:
    """Refuse a place for a result that would cost somebody something.

    Args:
        out: the folder that was asked for; it may be missing.
        ours: names of the files and folders that a result consists of.

    Raises:
        RunError: `out` is no folder, or holds other things than an earlier result.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise RunError(f"{out} is a file; --out is the folder for the result")
    if os.path.ismount(out):
        raise RunError(f"{out} is where a disk is mounted, which cannot be replaced; choose a folder inside it")
    strange = sorted(path.name for path in out.iterdir() if path.name not in ours) if out.exists() else []
    if strange:
        raise RunError(
            f"{out} holds other things than a result ({', '.join(strange[:3])}{', …' if strange[3:] else ''}), "
            "which would be lost; choose another --out"
        )


def publish(result: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Move a folder that is whole to its place; an earlier one there is replaced as a whole.

    Args:
        result: the folder, on the same disk. If there was an `out`, its old contents are here afterwards.
        out: the place.
    """
    result, out = Path(result), Path(out)
    for path in sorted(result.rglob("*")):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
    if not out.exists() or not any(out.iterdir()):
        if out.exists():
            out.rmdir()
        os.rename(result, out)
    elif not _exchange(result, out):
        old = unfinished(out) / "replaced"  # mended by `mend` if the next two lines are parted
        shutil.rmtree(old, ignore_errors=True)
        os.rename(out, old)
        os.rename(result, out)
    files.sync_folder(out.parent)


def mend(out: str | os.PathLike[str]) -> None:
    """Put an earlier result back if a run was killed at the moment of replacing it.

    Raises:
        RunError: it is being replaced at this moment.
    """
    old = unfinished(out) / "replaced"
    if old.exists() and not Path(out).exists():
        with hold(out):
            os.rename(old, out)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step, where the system can; False where it cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux
        return False
    return rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0


def discard(out: str | os.PathLike[str]) -> None:
    """Delete what is no longer needed of a run that is finished, in such a way that nobody takes a rest of it for more."""
    waste = unfinished(out).with_name(f".{unfinished(out).name}.waste")
    shutil.rmtree(waste, ignore_errors=True)
    if unfinished(out).exists():
        os.rename(unfinished(out), waste)
    shutil.rmtree(waste, ignore_errors=True)


# What a run was begun with


def fingerprint(pairs: Sequence[Any], more: Iterable[Path | None] = ()) -> str:
    """A short text that differs where the photos or masks do: their names and sizes in bytes.

    Args:
        pairs: list of `pairs.Pair`.
        more: other files that count; None stands for one that is not there.
    """
    files = [path for pair in pairs for path in (pair.photo, pair.mask) if isinstance(path, Path)]
    files += [path for path in more if path is not None]
    lines = sorted(f"{path.name} {path.stat().st_size}" for path in files)
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()[:16]


def recorded(out: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The options that the unfinished run of `out` was begun with, as a dict; None if there is none.

    Raises:
        RunError: there is one, but its description is damaged.
    """
    path = unfinished(out) / RUN
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))["options"]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged; to train anew, delete {path.parent}") from error


def begin(
    out: str | os.PathLike[str], options: dict[str, Any], free: Collection[str], photos: str, backend: str
) -> bool:
    """Note what a run is begun with; or see whether the unfinished run that is there is the same.

    Args:
        out: the folder for the result.
        options: dict of plain JSON.
        free: names of those among them that may change on the way.
        photos: `fingerprint` of the photos.
        backend: name of Keras's backend.

    Returns:
        True where an unfinished run goes on.

    Raises:
        RunError: the unfinished run that is there was begun with something else.
    """
    before = recorded(out)
    if before is None:
        unfinished(out).mkdir(parents=True, exist_ok=True)
        files.write_json(unfinished(out) / RUN, {"options": options, "photos": photos, "backend": backend})
        return False
    check_same(out, before, options, free)
    noted = json.loads((unfinished(out) / RUN).read_text(encoding="utf-8"))
    if noted.get("photos") != photos:
        raise RunError(
            f"the photos in {options.get('data')} are not those any more that the unfinished run of {out} was "
            f"begun with; put them back, or delete {unfinished(out)} to train anew"
        )
    if noted.get("backend") != backend:
        print(f"begun with Keras on {noted.get('backend')}, going on with {backend}: nearly, not exactly the same")
    return True


def check_same(
    out: str | os.PathLike[str], before: dict[str, Any], now: dict[str, Any], free: Collection[str] = ()
) -> None:
    """Raise a RunError that names the options, `free` ones apart, in which two descriptions of a run differ."""
    changed = [name for name in sorted(before) if name not in free and now.get(name) != before[name]]
    if changed:
        differences = ", ".join(f"{_flag(name)} was {before.get(name)}, not {now.get(name)}" for name in changed)
        raise RunError(
            f"{unfinished(out)} holds a run that was begun otherwise ({differences}); go on with it by "
            f"--resume {out} alone, choose another --out, or delete that folder"
        )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
