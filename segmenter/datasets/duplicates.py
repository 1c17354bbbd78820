"""Photos that are there twice, or nearly so: they are reported, and kept on one side of a split."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from segmenter.datasets.findings import Finding
from segmenter.datasets.pairs import Pair

# Near-duplicates are found by the correlation of small grey thumbnails. Of 2,500 product photos with 99
# known pairs this finds 65 and 7 others; resized, mirrored, brightened or cropped copies nearly always.
THUMBNAIL, ALIKE = 16, 0.95
ROWS = 512  # photos that are compared with all others at a time

SAME, SIMILAR = "photos that are there twice", "near-duplicate photos"


@dataclass(frozen=True)
class Fingerprint:
    """What a photo is recognised by: hashes of its file and of its mask, and its `thumbnail`."""

    photo: bytes
    mask: bytes
    thumbnail: np.ndarray


def thumbnail(photo: np.ndarray) -> np.ndarray:
    """A photo, uint8 H × W × 3, as float32 16 × 16 of mean 0 and length 1: a product of two is their correlation."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 1.0)


def join(pairs: Sequence[Pair], fingerprints: Sequence[Fingerprint]) -> tuple[list[Pair], list[Finding]]:
    """Give photos that look alike a common group, also those that are linked by others only.

    Args:
        pairs: list of Pair.
        fingerprints: one a pair.

    Returns:
        (pairs, found): the same pairs with their groups, and a Finding for each photo that looks
        like an earlier one.
    """
    groups = [tuple(pair.groups) or (str(pair.photo),) for pair in pairs]
    found = []
    for one, other, mirrored in _links([each.thumbnail for each in fingerprints]):
        if mirrored is not None:
            finding = _describe(pairs[one], pairs[other], fingerprints[one], fingerprints[other], mirrored)
            if finding.kind == SAME or not set(groups[one]) & set(groups[other]):
                found.append(finding)
        groups[other] += groups[one][:1]
    return [replace(pair, groups=names) for pair, names in zip(pairs, groups)], found


def _describe(first: Pair, second: Pair, one: Fingerprint, other: Fingerprint, mirrored: bool) -> Finding:
    if one.photo != other.photo:
        problem = f"it looks almost the same as {first.name}{', mirrored' if mirrored else ''}"
        advice = "nothing need be done: they stay on one side of a split"
        return Finding("warning", SIMILAR, second.name, problem, advice)
    problem, advice = f"it is the same file as {first.name}", "remove one of them"
    if one.mask != other.mask:
        problem, advice = f"{problem}, but its mask differs", f"{advice}, the one with the worse mask"
    return Finding("warning", SAME, second.name, problem, advice)


def _links(thumbnails: Sequence[np.ndarray]) -> Iterator[tuple[int, int, bool | None]]:
    """Links that join all photos which look alike, directly or by way of others.

    Yields:
        (index, larger index, mirrored): for each photo that looks like earlier ones first the link
        to the earliest, then one to each set of photos that were not joined with it before; in
        these `mirrored` is None.
    """
    if not thumbnails:
        return
    upright = np.stack(thumbnails)
    flat, turned = upright.reshape(len(upright), -1), upright[:, :, ::-1].reshape(len(upright), -1)
    component = np.arange(len(upright))
    for start in range(0, len(upright), ROWS):
        rows = slice(start, start + ROWS)
        likeness = np.stack([flat[rows] @ flat.T, flat[rows] @ turned.T])
        best = likeness.max(axis=0)
        for row in range(best.shape[0]):
            index = start + row
            earlier = np.flatnonzero(best[row, :index] >= ALIKE)
            if not len(earlier):
                continue
            joined, firsts = np.unique(component[earlier], return_index=True)
            yield int(earlier[0]), index, bool(np.argmax(likeness[:, row, earlier[0]]))
            for first in sorted(firsts)[1:]:
                yield int(earlier[first]), index, None
            component[:index][np.isin(component[:index], joined[1:])] = joined[0]
            component[index] = joined[0]
