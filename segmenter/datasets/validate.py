"""A data set looked over before training: what is wrong with which file, and what to do about it."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segmenter.datasets import duplicates, findings, mask_files
from segmenter.datasets.duplicates import SAME, SIMILAR, Fingerprint
from segmenter.datasets.findings import Finding
from segmenter.datasets.formats.common import UNREADABLE
from segmenter.datasets.load import Place
from segmenter.datasets.mask_files import ClassMask
from segmenter.datasets.pairs import (
    NO_PHOTO,
    ON_ITS_SIDE,
    Pair,
    orientation,
    read_mask,
    same_frame,
    upright_size,
)
from segmenter.datasets.splits import join_groups
from segmenter.errors import DatasetError, MaskError, PhotoError
from segmenter.inference import preprocessing
from segmenter.io import images

FEWEST = 8  # usable photos, below which nothing is learnt and nothing can be judged
FEW = 40  # below this the figures say little
ENOUGH_SIDE = 512  # pixels; larger photos are looked at reduced

EMPTY, FULL, TINY = "masks that are empty", "masks that are full", "masks that are almost empty"
INVERTED = "masks that look inverted"
SOFT = "masks with soft greys"
COLOURS = "masks of unknown colours"
CLASSES = "masks of several classes"
ANOTHER_FRAME = "masks of another shape than their photo"
TURNED = "masks that lie on their side"
TURNED_UNSEEN = "photos that are turned by their EXIF, perhaps without their mask"
SMALLER_MASK = "masks of another size than their photo"
SMALL = "photos smaller than the network's square"
SUFFIX = "files with a wrong ending"


@dataclass(frozen=True)
class Findings:
    """What was found, and what is left.

    Args:
        found: list of Finding.
        pairs: the usable pairs; what looks alike has a common group.
        everything: all pairs that were looked at, in the same order.
        unread: photos that were left out before anybody could look at them.
    """

    found: list[Finding]
    pairs: list[Pair]
    everything: list[Pair]
    unread: int = 0

    @property
    def photos(self) -> int:
        """How many photos there are, usable or not."""
        return len(self.everything) + self.unread

    @property
    def groups(self) -> int:
        """How many groups the usable pairs form, none of which a split parts."""
        return len(set(join_groups(self.pairs)))

    def summary(self) -> str:
        """The result for a terminal: a line on the whole, then two lines on each kind of finding."""
        lines = [
            f"{self.photos} photos checked: {len(self.pairs)} can be used, in {self.groups} groups of unlike photos."
        ]
        inverted = sum(finding.kind == INVERTED for finding in self.found)
        if self.found:
            lines.append(findings.summarise(self.found))
        if inverted > len(self.everything) / 2:
            lines.append(
                f"{inverted} of {len(self.everything)} masks look inverted: white must be the object, not what "
                "surrounds it. Look at the contact sheet before you train."
            )
        if FEWEST <= len(self.pairs) < FEW:
            lines.append(f"{len(self.pairs)} photos are few: expect more from {FEW} or more, of different scenes.")
        if not self.found:
            lines.append("Nothing to complain of.")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        levels = [finding.level for finding in self.found]
        return {
            "photos": self.photos,
            "usable": len(self.pairs),
            "groups": self.groups,
            "errors": levels.count("error"),
            "warnings": levels.count("warning"),
            "found": [asdict(finding) for finding in self.found],
        }

    def insist(self) -> None:
        """Refuse a data set of which too little is usable.

        Raises:
            DatasetError: fewer than `FEWEST` usable photos, or all of them in one group.
        """
        if len(self.pairs) < FEWEST:
            errors = [finding for finding in self.found if finding.level == "error"]
            raise DatasetError(
                f"only {len(self.pairs)} of {self.photos} photos can be used, at least {FEWEST} are needed: "
                + (f"mend these:\n{findings.summarise(errors)}" if errors else "add photos with masks")
            )
        if self.groups < 2:
            alike = any(finding.kind in (SAME, SIMILAR) for finding in self.found)
            raise DatasetError(
                f"all {len(self.pairs)} photos are one group, so none can be kept apart to judge the result: "
                + ("they look alike; add photos of other scenes" if alike else "correct the groups in the CSV file")
            )


@dataclass
class _Look:
    """What a look at one pair gave."""

    pair: Pair
    found: list[Finding] = field(default_factory=list)
    fingerprint: Fingerprint | None = None  # where both files can be read
    orientation: int = 1  # of the photo, by its EXIF
    frames: tuple[tuple[int, ...], tuple[int, ...]] | None = None  # (height, width) of photo and mask

    def error(self, kind: str, problem: str, advice: str) -> None:
        self.found.append(Finding("error", kind, self.pair.name, problem, advice))

    def warn(self, kind: str, problem: str, advice: str) -> None:
        self.found.append(Finding("warning", kind, self.pair.name, problem, advice))

    @property
    def usable(self) -> bool:
        return all(finding.level != "error" for finding in self.found)


def check(place: Place | list[Pair], size: int = 256) -> Findings:
    """Look every photo and mask over.

    Args:
        place: a `load.Place`, or a list of Pair.
        size: side of the network's square in pixels.

    Returns:
        Findings.
    """
    pairs, found = (place, []) if isinstance(place, list) else (place.pairs, list(place.found))
    unread = sum(finding.level == "error" and finding.kind != NO_PHOTO for finding in found)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # decoders let go of Python's lock
        looks = list(pool.map(lambda pair: _look(pair, size), pairs))
    _look_at_turned(looks)
    for look in looks:
        found += look.found
    usable = [(look.pair, look.fingerprint) for look in looks if look.usable and look.fingerprint]
    joined, alike = duplicates.join([pair for pair, _ in usable], [fingerprint for _, fingerprint in usable])
    return Findings(found + alike, joined, list(pairs), unread)


def _look(pair: Pair, size: int) -> _Look:
    look = _Look(pair)
    data = _read_file(look)
    photo = _open_photo(look, data) if data else None
    if not data or photo is None:
        return look
    shape = _look_at_header(look, data, size)
    try:
        picture, mask, known, note = _open_mask(pair)
    except MaskError as error:
        problem, _, advice = str(error).partition("; ")
        look.error(COLOURS, f"{_mask_name(pair)}: {problem}", advice)
        return look
    except DatasetError as error:
        problem, _, advice = str(error).rpartition("; ")
        look.error(UNREADABLE, problem, advice)
        return look
    photo_hash, mask_hash = (hashlib.sha256(part).digest() for part in (data, np.packbits(mask).tobytes()))
    look.fingerprint = Fingerprint(photo_hash, mask_hash, duplicates.thumbnail(photo))
    _compare_frames(look, shape, mask.shape)
    if look.usable:
        _look_at_mask(look, picture, mask, known)
    if look.usable and note:
        look.warn(CLASSES, note, "choose others with --classes, if that is not what you mean")
    return look


def _read_file(look: _Look) -> bytes | None:
    try:
        data = look.pair.photo.read_bytes()
    except OSError as error:
        look.error(UNREADABLE, f"it cannot be opened ({error.strerror})", "check that it is there and readable")
        return None
    if not data:
        look.error(UNREADABLE, "the file is empty (0 bytes)", "copy it again, or remove it")
    return data


def _open_photo(look: _Look, data: bytes) -> np.ndarray | None:
    """The photo, uint8 H × W × 3, upright and perhaps reduced, or None where it cannot be read."""
    try:
        return images.open_photo(data, reduce_to=ENOUGH_SIDE)
    except PhotoError as error:
        look.error(UNREADABLE, str(error).rstrip("."), "or remove it from the data set")
        return None


def _look_at_header(look: _Look, data: bytes, size: int) -> tuple[int, int]:
    """(height, width) of the photo, upright."""
    with images.open_image(data) as header:
        look.orientation = orientation(header)
        height, width = upright_size(header)
        kind = header.format or "unknown"
    if kind not in images.SUFFIXES.get(look.pair.photo.suffix.lower(), (kind,)):
        look.warn(SUFFIX, f"it is a {kind} file", "rename it, though it is read all the same")
    if min(height, width) < size:
        problem = f"{width} × {height} pixels, while the network sees {size} × {size}"
        look.warn(SMALL, problem, "use the original photo, if there is a larger one")
    return height, width


def _open_mask(pair: Pair) -> tuple[np.ndarray | None, np.ndarray, np.ndarray, str]:
    """(the mask's picture or None, mask, known, note)."""
    if isinstance(pair.mask, ClassMask):
        return pair.mask.look()
    if pair.is_cutout or not isinstance(pair.mask, Path):
        return None, *read_mask(pair), ""
    return mask_files.look(pair.mask)


def _mask_name(pair: Pair) -> str:
    return pair.mask_file.name if isinstance(pair.mask, (Path, ClassMask)) else pair.name


def _compare_frames(look: _Look, photo: tuple[int, ...], mask: tuple[int, ...]) -> None:
    look.frames = photo, mask
    sizes = f"the photo is {photo[1]} × {photo[0]}, its mask {mask[1]} × {mask[0]}"
    if same_frame(photo, mask):
        if photo != mask:
            look.warn(SMALLER_MASK, sizes, "it is stretched to fit; export it in the photo's size if you can")
    elif same_frame(photo, mask[::-1]):
        why = (
            "the photo is turned by its EXIF, the mask is not"
            if look.orientation in ON_ITS_SIDE
            else "one lies on its side"
        )
        look.error(TURNED, f"{sizes}: {why}", "turn the mask by 90°, or save the photo upright and outline it anew")
    else:
        look.error(ANOTHER_FRAME, sizes, "they must show the same frame: crop neither, or both alike")


def _look_at_turned(looks: list[_Look]) -> None:
    """Photos whose frame has one shape however it is turned: whether their masks were turned, the others tell."""
    turned = [look for look in looks if look.orientation != 1 and look.frames and not look.pair.is_cutout]
    on_side = [(look, *look.frames) for look in turned if look.frames and look.orientation in ON_ITS_SIDE]
    telling = [same_frame(photo, mask) for _, photo, mask in on_side if not same_frame(photo, photo[::-1])]
    if telling and all(telling):  # these masks were drawn on upright photos, and so the others
        return
    for look in turned:
        photo, mask = look.frames or ((), ())
        unseen = look.orientation not in ON_ITS_SIDE or same_frame(photo, photo[::-1])
        if not unseen or not same_frame(photo, mask):
            continue
        problem = f"its EXIF turns it (orientation {look.orientation}), which its frame does not show"
        if telling and not any(telling):
            advice = "turn the mask alike, or save the photo upright and outline it anew"
            look.error(TURNED_UNSEEN, f"{problem}; masks of this set are not turned with their photos", advice)
        else:
            look.warn(TURNED_UNSEEN, problem, "see on the contact sheet whether its mask fits; if not, turn the mask")


def _look_at_mask(look: _Look, picture: np.ndarray | None, mask: np.ndarray, known: np.ndarray) -> None:
    share = float(mask[known].mean()) if known.any() else 0.0
    if share == 0:
        look.error(EMPTY, *_why_empty(picture, known))
    elif share == 1:
        advice = "paint the surroundings black, or remove the photo"
        if look.pair.is_cutout:
            advice = "save the cutout with a transparent background"
        look.error(FULL, "every pixel is the object", advice)
    elif share < 0.0005:
        problem = f"only {int((mask & known).sum())} pixels are the object"
        look.warn(TINY, problem, "if that is a slip of the brush, correct it")
    else:
        _look_for_inversion(look, mask)
        if picture is not None:
            _look_for_soft_greys(look, picture, mask)


def _why_empty(picture: np.ndarray | None, known: np.ndarray) -> tuple[str, str]:
    """(problem, advice)."""
    if not known.any():
        return "every pixel is unknown (grey 128)", "paint the object white and the surroundings black"
    if picture is not None and 0 < picture.max() < preprocessing.GREY_THRESHOLD:
        problem = f"no pixel is the object: the brightest level is {picture.max()}"
        return problem, "if these are class numbers, save the object's as 255 and all else as 0"
    if not known.all():
        problem = f"no pixel is the object, but {1 - known.mean():.1%} are grey 128, which means that nobody knows"
        return problem, "if these are the object, save it as 255 and all else as 0"
    return "no pixel is the object", "paint the object white, or remove the photo"


def _look_for_inversion(look: _Look, mask: np.ndarray) -> None:
    """Objects seldom run all round the frame's rim while something else is in the middle."""
    height, width = mask.shape
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean()
    middle = mask[height // 4 : -(height // 4) or None, width // 4 : -(width // 4) or None].mean()
    if rim > 0.85 and middle < rim - 0.1:
        problem = f"it covers {rim:.0%} of the frame's rim, but {middle:.0%} of the middle"
        look.warn(INVERTED, problem, "if so, exchange black and white (Invert in a picture editor)")


def _look_for_soft_greys(look: _Look, picture: np.ndarray, mask: np.ndarray) -> None:
    """Greys between black and white are fine along the outline, where they smooth it; not elsewhere."""
    grey = picture if picture.ndim == 2 else None
    if grey is None and picture.shape[2] == 3 and np.ptp(picture, axis=2).max() < preprocessing.COLOURED:
        grey = picture[..., 0]
    if grey is None:
        return
    step = max(1, min(grey.shape) // ENOUGH_SIDE)
    grey, drawn = grey[::step, ::step], mask[::step, ::step].astype(np.uint8)
    between = (grey > 24) & (grey < 231) & (grey != preprocessing.UNKNOWN)
    reach = 2 * max(2, min(grey.shape) // 100) + 1
    near = cv2.morphologyEx(drawn, cv2.MORPH_GRADIENT, np.ones((reach, reach), np.uint8)) > 0
    share = (between & ~near).mean()
    if share > 0.01:
        look.warn(
            SOFT,
            f"{share:.0%} of it is neither black nor white, far from any outline",
            f"it is cut at grey {preprocessing.GREY_THRESHOLD}; if it is a depth map or a soft matte, "
            "make it black and white yourself",
        )
