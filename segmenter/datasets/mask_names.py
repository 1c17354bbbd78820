"""Which photo a mask is for, by their names."""

import re
from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path

from segmenter.io.files import folded
from segmenter.io.images import PHOTO_SUFFIXES

ENDINGS = ("_mask", "-mask", "_matte")  # chair.jpg may have its mask in chair.png or chair_mask.png
SEPARATORS = "_-. "  # between a photo's name and what its mask has beside it
# What stands after a photo's name where each object has a mask of its own: chair_0.png, chair_mask_1.png
NUMBERED = re.compile(
    r"[_\-. ]((mask|gt|label|seg|obj|object|instance|inst)[_\-. ]?)?\d{1,4}([_\-. ]mask)?", re.IGNORECASE
)


def by_photo(masks: Sequence[Path], names: Counter[str]) -> dict[str, list[Path]]:
    """The stem of the photo that is meant → its masks; chair_mask.png is meant for chair.jpg.

    A mask may be named as its photo, in other capitals too, with one of `ENDINGS`, or with the photo's
    suffix (chair.jpg.png). Where all others have the same beside a photo's name (_gt, say), that is passed over.
    Where there is a mask for each object, numbered, all of them are meant for the photo; see `are_numbered`.

    Args:
        masks: the masks' files.
        names: the photos' stems, each with how many photos have it.

    Returns:
        dict; where no photo fits, a mask stands under its own stem, without an ending.
    """
    found: dict[str, list[Path]] = {}
    lonely: list[Path] = []
    by_folded = {folded(name): name for name in names}
    for path in masks:
        meant = _meant(path.stem, names, by_folded)
        if meant is None:
            lonely.append(path)
        else:
            found.setdefault(meant, []).append(path)
    numbered = _numbered(lonely, names.keys() - found.keys())
    for meant, paths in numbered.items():
        found.setdefault(meant, []).extend(paths)
    taken = {path for paths in numbered.values() for path in paths}
    lonely = [path for path in lonely if path not in taken]
    before, after = _common_rest([path.stem for path in lonely], names.keys() - found.keys())
    for path in lonely:
        ending = next((ending for ending in ENDINGS if path.stem.lower().endswith(ending)), "")
        meant = path.stem[len(before) :].removesuffix(after) if before or after else path.stem.removesuffix(ending)
        found.setdefault(meant, []).append(path)
    return found


def are_numbered(name: str, masks: Sequence[Path]) -> bool:
    """Whether these are masks of the objects in one photo, by its stem: chair_0.png, chair_1.png, …"""
    return bool(masks) and all(
        path.stem.startswith(name) and NUMBERED.fullmatch(path.stem.removeprefix(name)) for path in masks
    )


def _numbered(lonely: Sequence[Path], names: Set[str]) -> dict[str, list[Path]]:
    """The stem of a photo → the masks of its objects; nothing where no photo has two."""
    found: dict[str, list[Path]] = {}
    for path in lonely:
        end = NUMBERED.search(path.stem)
        starts = []
        while end:  # the longest name counts: chair_1_0.png is meant for chair_1.jpg
            if end.end() == len(path.stem) and path.stem[: end.start()] in names:
                starts.append(path.stem[: end.start()])
            end = NUMBERED.search(path.stem, end.start() + 1)
        if starts:
            found.setdefault(max(starts, key=len), []).append(path)
    return found if any(len(paths) > 1 for paths in found.values()) else {}


def _meant(stem: str, names: Counter[str], by_folded: dict[str, str]) -> str | None:
    """The stem of the photo that a mask of this stem is for: exactly, without an ending, or in other capitals."""
    ending = next((ending for ending in ENDINGS if stem.lower().endswith(ending)), "")
    suffix = Path(stem).suffix  # chair.jpg.png is meant for chair.jpg
    shorter = [stem, stem[: len(stem) - len(ending)]]
    if suffix.lower() in PHOTO_SUFFIXES:
        shorter.append(stem.removesuffix(suffix))
    exact = next((name for name in shorter if name in names), None)
    return exact or next((by_folded[folded(name)] for name in shorter if folded(name) in by_folded), None)


def _common_rest(stems: Sequence[str], names: Set[str]) -> tuple[str, str]:
    """What all of these masks' stems have before and after a photo's, such as ("", "_gt"); ("", "") if nothing."""
    if len(stems) < 2:
        return "", ""
    rests = {tuple(stems[0].split(name, 1)) for name in names if name in stems[0]}
    for before, after in sorted(rests):
        apart = (not before or before[-1] in SEPARATORS) and (not after or after[0] in SEPARATORS)
        cores = {stem[len(before) : len(stem) - len(after)] for stem in stems if _has(stem, before, after)}
        if apart and len(cores) == len(stems) and cores <= names:
            return before, after
    return "", ""


def _has(stem: str, before: str, after: str) -> bool:
    return len(stem) > len(before) + len(after) and stem.startswith(before) and stem.endswith(after)
