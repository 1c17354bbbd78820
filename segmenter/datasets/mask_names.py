"""Which photo a mask is for, by their names."""

from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path

from segmenter.io.images import PHOTO_SUFFIXES

ENDINGS = ("_mask", "-mask", "_matte")  # chair.jpg may have its mask in chair.png or chair_mask.png
SEPARATORS = "_-. "  # between a photo's name and what its mask has beside it


def by_photo(masks: Sequence[Path], names: Counter[str]) -> dict[str, list[Path]]:
    """The stem of the photo that is meant → its masks; chair_mask.png is meant for chair.jpg.

    A mask may be named as its photo, in other capitals too, with one of `ENDINGS`, or with the photo's
    suffix (chair.jpg.png). Where all others have the same beside a photo's name (_gt, say), that is passed over.

    Args:
        masks: the masks' files.
        names: the photos' stems, each with how many photos have it.

    Returns:
        dict; where no photo fits, a mask stands under its own stem, without an ending.
    """
    found: dict[str, list[Path]] = {}
    lonely: list[Path] = []
    folded = {name.casefold(): name for name in names}
    for path in masks:
        meant = _meant(path.stem, names, folded)
        if meant is None:
            lonely.append(path)
        else:
            found.setdefault(meant, []).append(path)
    before, after = _common_rest([path.stem for path in lonely], names.keys() - found.keys())
    for path in lonely:
        ending = next((ending for ending in ENDINGS if path.stem.lower().endswith(ending)), "")
        meant = path.stem[len(before) :].removesuffix(after) if before or after else path.stem.removesuffix(ending)
        found.setdefault(meant, []).append(path)
    return found


def _meant(stem: str, names: Counter[str], folded: dict[str, str]) -> str | None:
    """The stem of the photo that a mask of this stem is for: exactly, without an ending, or in other capitals."""
    ending = next((ending for ending in ENDINGS if stem.lower().endswith(ending)), "")
    suffix = Path(stem).suffix  # chair.jpg.png is meant for chair.jpg
    shorter = [stem, stem[: len(stem) - len(ending)]]
    if suffix.lower() in PHOTO_SUFFIXES:
        shorter.append(stem.removesuffix(suffix))
    exact = next((name for name in shorter if name in names), None)
    return exact or next((folded[name.casefold()] for name in shorter if name.casefold() in folded), None)


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
