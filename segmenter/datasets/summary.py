"""What is in a folder with images/ and masks/: how many photos, of what sizes, masked how, and how much is foreground."""

import statistics
from collections import Counter
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segmenter.datasets.mask_files import UnitedMask, open_mask_picture
from segmenter.datasets.pairs import Pair, open_photo, read_folder, read_mask, upright_size
from segmenter.datasets.splits import join_groups
from segmenter.errors import PhotoError
from segmenter.inference.preprocessing import COLOURED
from segmenter.io import images


class Contents(NamedTuple):
    """What is in a data set."""

    pairs: int
    groups: int  # of pairs that must stay on one side of a split
    sizes: tuple[tuple[int, int], ...]  # (smallest, median, largest) photo, each (width, height) in pixels, by area
    masks: dict[str, int]  # how masks are painted → how many
    unknown: int  # masks with pixels that nobody could tell
    foreground: float  # mean share of the known pixels, 0 … 1
    empty: int  # masks without any foreground
    bytes: int
    licence: str | None = None
    revision: str | None = None  # the commit, where it came from the Hub

    def summary(self) -> str:
        """Lines for a terminal, or for a card."""
        smallest, median, largest = (f"{width} × {height}" for width, height in self.sizes)
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.masks.items())
        lines = [
            f"{self.pairs} photos with masks, in {self.groups} groups that a split does not part",
            f"sizes: {smallest} to {largest} pixels, half of them up to {median}",
            f"masks: {kinds}; {self.unknown} with pixels marked unknown",
            f"foreground: {self.foreground:.1%} of a photo on average; {self.empty} photos without any",
            f"{self.bytes / 1e6:,.1f} MB; licence: {self.licence or 'not stated'}",
        ]
        if self.revision:
            lines.append(f"revision: {self.revision}")
        return "\n".join(lines)


def look_through(folder: str | PathLike[str], names: Iterable[str], licence: str | None = None) -> Contents:
    """Decode every mask of a folder with images/ and masks/, and look at every photo's header.

    Args:
        folder: what `pairs.read_folder` reads.
        names: paths in the folder of the files that belong to the data set, whose bytes are counted.
        licence: as its card states it.

    Raises:
        DatasetError: it cannot be read.
    """
    pairs = read_folder(folder)
    shares: list[float] = []
    masks: Counter[str] = Counter()
    unknown = 0
    for pair in pairs:
        mask, known = read_mask(pair)
        shares.append(float(mask[known].mean()) if known.any() else 0.0)
        unknown += not known.all()
        masks[_painted(pair)] += 1
    sizes = sorted((_size(pair) for pair in pairs), key=lambda size: size[0] * size[1])
    return Contents(
        pairs=len(pairs),
        groups=len(set(join_groups(pairs))),
        sizes=(sizes[0], sizes[len(sizes) // 2], sizes[-1]),
        masks=dict(masks.most_common()),
        unknown=int(unknown),
        foreground=statistics.fmean(shares),
        empty=sum(share == 0 for share in shares),
        bytes=sum((Path(folder) / name).stat().st_size for name in names),
        licence=licence,
    )


def _painted(pair: Pair) -> str:
    """How a mask picture says what is foreground; see `preprocessing.read_mask`."""
    if isinstance(pair.mask, UnitedMask):
        return "a picture for each object"
    picture = open_mask_picture(pair.mask_file)
    if picture.ndim == 2:
        return "white on black"
    if picture.shape[2] == 4 and picture[..., 3].min() != picture[..., 3].max():
        return "transparent around the object"
    coloured = np.ptp(picture[..., :3].astype(np.int16), axis=2).max() >= COLOURED
    return "red on blue" if coloured else "white on black"


def _size(pair: Pair) -> tuple[int, int]:
    """(width, height) of a photo as it is seen, from its header alone where that says it."""
    try:
        with images.open_image(pair.photo.read_bytes()) as picture:
            height, width = upright_size(picture)
    except (OSError, PhotoError):
        height, width = open_photo(pair).shape[:2]  # or says what is wrong with the file
    return width, height
