"""A data set looked over before training: what is wrong with which file, and what to do about it."""

import hashlib
import io
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segmenter.datasets import pairs as dataset
from segmenter.inference import preprocessing
from segmenter.io import images
from segmenter.datasets.formats.common import UNREADABLE
from segmenter.datasets.pairs import DatasetError, Finding

FEWEST = 8  # usable photos, below which nothing is learnt and nothing can be judged
FEW = 40  # below this the figures say little
ENOUGH_SIDE = 512  # pixels; larger photos are looked at reduced
# Near-duplicates are told by the correlation of small grey thumbnails. Of 2,500 product photos with 99
# known pairs this finds 65 and 7 others; resized, mirrored, brightened or cropped copies nearly always.
THUMBNAIL, ALIKE = 16, 0.95

EMPTY, FULL, TINY = "masks that are empty", "masks that are full", "masks that are almost empty"
INVERTED = "masks that look inverted"
SOFT = "masks with soft greys"
COLOURS = "masks of unknown colours"
ANOTHER_FRAME = "masks of another shape than their photo"
TURNED = "masks that lie on their side"
SMALLER_MASK = "masks of another size than their photo"
SMALL = "photos smaller than the network's square"
SUFFIX = "files with a wrong ending"
SAME, SIMILAR = "photos that are there twice", "near-duplicate photos"
FORMATS = {".jpg": ("JPEG", "MPO"), ".jpeg": ("JPEG", "MPO"), ".png": ("PNG",), ".webp": ("WEBP",),
           ".bmp": ("BMP",), ".tif": ("TIFF",), ".tiff": ("TIFF",), ".gif": ("GIF",)}  # fmt: skip


@dataclass(frozen=True)
class Findings:
    """What was found, and what is left.

    Args:
        found: list of Finding.
        pairs: the usable pairs; what looks alike has a common group.
        everything: all pairs that were looked at, in the same order.
        unread: photos that were left out before anybody could look at them.
    """

    found: list
    pairs: list
    everything: list
    unread: int = 0

    @property
    def photos(self):
        return len(self.everything) + self.unread

    @property
    def groups(self):
        return len(set(dataset.join_groups(self.pairs)))

    def in_words(self):
        """The result for a terminal: a line on the whole, then two lines on each kind of finding."""
        lines = [f"{self.photos} photos checked: {len(self.pairs)} can be used, in {self.groups} groups of unlike photos."]
        inverted = sum(finding.kind == INVERTED for finding in self.found)
        if self.found:
            lines.append(dataset.told(self.found))
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

    def as_json(self):
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

    def insist(self):
        """Refuse a data set of which too little is usable.

        Raises:
            DatasetError: fewer than `FEWEST` usable photos, or all of them in one group.
        """
        if len(self.pairs) < FEWEST:
            errors = [finding for finding in self.found if finding.level == "error"]
            raise DatasetError(
                f"only {len(self.pairs)} of {self.photos} photos can be used, at least {FEWEST} are needed: "
                + (f"mend these:\n{dataset.told(errors)}" if errors else "add photos with masks")
            )
        if self.groups < 2:
            alike = any(finding.kind in (SAME, SIMILAR) for finding in self.found)
            raise DatasetError(
                f"all {len(self.pairs)} photos are one group, so none can be kept apart to judge the result: "
                + ("they look alike; add photos of other scenes" if alike else "correct the groups in the CSV file")
            )


@dataclass
class _Look:
    """What a look at one pair told."""

    pair: dataset.Pair
    found: list = field(default_factory=list)
    digest: bytes = b""
    mask_digest: bytes = b""
    thumbnail: np.ndarray | None = None
    turned: bool = False  # the photo is, by its EXIF

    def error(self, kind, problem, advice, name=None):
        self.found.append(Finding("error", kind, name or self.pair.name, problem, advice))

    def warn(self, kind, problem, advice, name=None):
        self.found.append(Finding("warning", kind, name or self.pair.name, problem, advice))

    @property
    def usable(self):
        return all(finding.level != "error" for finding in self.found)


def check(place, size=256):
    """Look every photo and mask over.

    Args:
        place: a `load.Place`, or a list of Pair.
        size: side of the network's square in pixels.

    Returns:
        Findings.
    """
    pairs, found = (place, []) if isinstance(place, list) else (place.pairs, list(place.found))
    unread = sum(finding.level == "error" and finding.kind != dataset.NO_PHOTO for finding in found)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # decoders let go of Python's lock
        looks = list(pool.map(lambda pair: _look(pair, size), pairs))
    for look in looks:
        found += look.found
    usable = [look for look in looks if look.usable]
    joined, alike = _join_duplicates(usable)
    return Findings(found + alike, joined, list(pairs), unread)


def _look(pair, size):
    look = _Look(pair)
    shape = _look_at_photo(look, size)
    if shape is None:
        return look
    try:
        picture, mask, known = _read_mask(pair)
    except preprocessing.MaskError as error:
        problem, _, advice = str(error).partition("; ")
        look.error(COLOURS, f"{pair.mask.name}: {problem}", advice)
        return look
    except DatasetError as error:
        problem, _, advice = str(error).rpartition("; ")
        look.error(UNREADABLE, problem, advice)
        return look
    look.mask_digest = hashlib.sha256(np.packbits(mask).tobytes()).digest()
    _compare_frames(look, shape, mask.shape)
    if look.usable:
        _look_at_mask(look, picture, mask, known)
    return look


def _look_at_photo(look, size):
    """(height, width) of the photo, upright, or None where it cannot be read."""
    path = look.pair.photo
    try:
        data = path.read_bytes()
    except OSError as error:
        look.error(UNREADABLE, f"it cannot be opened ({error.strerror})", "check that it is there and readable")
        return None
    if not data:
        look.error(UNREADABLE, "the file is empty (0 bytes)", "copy it again, or remove it")
        return None
    try:
        photo = images.open_photo(data, reduce_to=ENOUGH_SIDE)
    except images.PhotoError as error:
        look.error(UNREADABLE, str(error).rstrip("."), "or remove it from the data set")
        return None
    with Image.open(io.BytesIO(data)) as header:
        look.turned = header.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        shape = header.size if look.turned else header.size[::-1]
        if header.format not in FORMATS.get(path.suffix.lower(), (header.format,)):
            look.warn(SUFFIX, f"it is a {header.format} file", "rename it, though it is read all the same")
    if min(shape) < size:
        look.warn(SMALL, f"{shape[1]} × {shape[0]} pixels, while the network sees {size} × {size}",
                  "use the original photo, if there is a larger one")  # fmt: skip
    look.digest = hashlib.sha256(data).digest()
    look.thumbnail = _thumbnail(photo)
    return shape


def _read_mask(pair):
    """(the mask's picture or None, mask, known)."""
    if pair.is_cutout or not isinstance(pair.mask, Path):
        return None, *dataset.read_mask(pair)
    picture = dataset.open_mask_picture(pair.mask)
    return picture, *preprocessing.read_mask(picture)


def _compare_frames(look, photo, mask):
    sizes = f"the photo is {photo[1]} × {photo[0]}, its mask {mask[1]} × {mask[0]}"
    if dataset.same_frame(photo, mask):
        if photo != mask:
            look.warn(SMALLER_MASK, sizes, "it is stretched to fit; export it in the photo's size if you can")
    elif dataset.same_frame(photo, mask[::-1]):
        why = "the photo is turned by its EXIF, the mask is not" if look.turned else "one lies on its side"
        look.error(TURNED, f"{sizes}: {why}", "turn the mask by 90°, or save the photo upright and outline it anew")
    else:
        look.error(ANOTHER_FRAME, sizes, "they must show the same frame: crop neither, or both alike")


def _look_at_mask(look, picture, mask, known):
    share = float(mask[known].mean()) if known.any() else 0.0
    if share == 0:
        look.error(EMPTY, *_why_empty(picture, known))
    elif share == 1:
        advice = "save the cutout with a transparent background" if look.pair.is_cutout else (
            "paint the surroundings black, or remove the photo")  # fmt: skip
        look.error(FULL, "every pixel is the object", advice)
    elif share < 0.0005:
        look.warn(TINY, f"only {int((mask & known).sum())} pixels are the object",
                  "if that is a slip of the brush, correct it")  # fmt: skip
    else:
        _look_for_inversion(look, mask)
        if picture is not None:
            _look_for_soft_greys(look, picture, mask)


def _why_empty(picture, known):
    if not known.any():
        return "every pixel is unknown (grey 128)", "paint the object white and the surroundings black"
    if picture is not None and 0 < picture.max() < preprocessing.GREY_THRESHOLD:
        return (f"no pixel is the object: the brightest level is {picture.max()}",
                "if these are class numbers, save the object's as 255 and all else as 0")  # fmt: skip
    return "no pixel is the object", "paint the object white, or remove the photo"


def _look_for_inversion(look, mask):
    """Objects seldom run all round the frame's rim while something else is in the middle."""
    height, width = mask.shape
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean()
    middle = mask[height // 4 : -(height // 4) or None, width // 4 : -(width // 4) or None].mean()
    if rim > 0.85 and middle < rim - 0.1:
        look.warn(INVERTED, f"it covers {rim:.0%} of the frame's rim, but {middle:.0%} of the middle",
                  "if so, exchange black and white (Invert in a picture editor)")  # fmt: skip


def _look_for_soft_greys(look, picture, mask):
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
        look.warn(SOFT, f"{share:.0%} of it is neither black nor white, far from any outline",
                  f"it is cut at grey {preprocessing.GREY_THRESHOLD}; if it is a depth map or a soft matte, "
                  "make it black and white yourself")  # fmt: skip


def _thumbnail(photo):
    """float32 vector of mean 0 and length 1, so that a product of two is their correlation."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 1.0)


def _join_duplicates(looks):
    """(pairs, found): those that look alike have a common group."""
    groups = [tuple(look.pair.groups) or (str(look.pair.photo),) for look in looks]
    found = []
    for one, other, mirrored in _alike(looks):
        first, second = looks[one], looks[other]
        together = f"as {first.pair.name}"
        if first.digest == second.digest:
            same_mask = first.mask_digest == second.mask_digest
            found.append(Finding("warning", SAME, second.pair.name,
                                 f"it is the same file {together}{'' if same_mask else ', but its mask differs'}",
                                 "remove one of them" + ("" if same_mask else ", the one with the worse mask")))  # fmt: skip
        elif not set(groups[one]) & set(groups[other]):
            found.append(Finding("warning", SIMILAR, second.pair.name,
                                 f"it looks almost the same {together}{', mirrored' if mirrored else ''}",
                                 "nothing need be done: they stay on one side of a split"))  # fmt: skip
        groups[other] += groups[one][:1]
    return [replace(look.pair, groups=names) for look, names in zip(looks, groups)], found


def _alike(looks):
    """Yield (index, larger index, mirrored?) of photos that look alike: each with the first like it."""
    if not looks:
        return
    upright = np.stack([look.thumbnail for look in looks])
    flat, turned = upright.reshape(len(looks), -1), upright[:, :, ::-1].reshape(len(looks), -1)
    for start in range(0, len(looks), 512):
        rows = slice(start, start + 512)
        likeness = np.stack([flat[rows] @ flat.T, flat[rows] @ turned.T])
        best = likeness.max(axis=0)
        for row in range(best.shape[0]):
            earlier = np.flatnonzero(best[row, : start + row] >= ALIKE)
            if len(earlier):
                yield int(earlier[0]), start + row, bool(np.argmax(likeness[:, row, earlier[0]]))


TILE, MARGIN, LINE = 220, 8, 17  # pixels of a tile's side, the gap between tiles, a line of text
PAPER, INK, ALARM, CAUTION = (250, 250, 248), (40, 40, 40), (200, 30, 30), (190, 110, 0)


def contact_sheet(findings, most=60, columns=6):
    """The photos with their masks drawn on, suspicious ones first and marked.

    Args:
        findings: Findings.
        most: photos to show; suspicious ones come first, the others are spread over the data set.

    Returns:
        uint8, H × W × 3, RGB.
    """
    marks = {}
    for finding in findings.found:
        marks.setdefault(finding.name, []).append(finding)
    suspicious = [pair for pair in findings.everything if pair.name in marks][:most]
    plain = [pair for pair in findings.everything if pair.name not in marks]
    room = most - len(suspicious)
    spread = np.linspace(0, len(plain) - 1, min(room, len(plain))).round().astype(int)
    shown = suspicious + [plain[index] for index in spread]
    columns = max(1, min(columns, len(shown)))
    step_x, step_y = TILE + MARGIN, TILE + 2 * LINE + MARGIN
    rows = -(-len(shown) // columns)
    sheet = Image.new("RGB", (columns * step_x + MARGIN, rows * step_y + LINE + 2 * MARGIN), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    title = f"{len(shown)} of {len(findings.everything)} photos, masks in blue"
    draw.text((MARGIN, MARGIN), _fit(title, font, sheet.width - 2 * MARGIN), INK, font)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for number, tile in enumerate(pool.map(_tile, shown)):
            corner = MARGIN + number % columns * step_x, LINE + 2 * MARGIN + number // columns * step_y
            sheet.paste(Image.fromarray(tile), corner)
            _label(draw, font, corner, shown[number].name, marks.get(shown[number].name, []))
    return np.asarray(sheet)


def write_contact_sheet(path, findings, most=60):
    """Save `contact_sheet` as JPEG or PNG, by the path's ending; its folder is made where it is missing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(contact_sheet(findings, most))
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=path.suffix, delete=False) as file:
        picture.save(file, quality=88)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def _label(draw, font, corner, name, found):
    x, y = corner[0], corner[1] + TILE + 1
    draw.text((x, y), _fit(name, font, TILE), INK, font)
    if found:
        colour = ALARM if any(finding.level == "error" for finding in found) else CAUTION
        draw.rectangle((corner[0] - 2, corner[1] - 2, corner[0] + TILE + 1, corner[1] + TILE + 1), None, colour, 3)
        draw.text((x, y + LINE - 2), _fit("; ".join(finding.kind for finding in found), font, TILE), colour, font)


def _fit(text, font, width):
    """Text cut in the middle where it is too wide, as names differ at both ends."""
    kept = len(text)
    fitted = text
    while font.getlength(fitted) > width and kept > 2:
        kept -= 1
        fitted = f"{text[: -(-kept // 2)]}…{text[len(text) - kept // 2 :]}"
    return fitted


def _tile(pair):
    """A photo in a square of `TILE` pixels, what its mask covers tinted and outlined; grey where it is unreadable."""
    tile = np.full((TILE, TILE, 3), 232, np.uint8)
    try:
        photo = images.open_photo(pair.photo, reduce_to=2 * TILE)
    except images.PhotoError:
        return tile
    scale = TILE / max(photo.shape[:2])
    height, width = (max(1, round(side * scale)) for side in photo.shape[:2])
    small = preprocessing.resize(photo, height, width)
    try:
        mask, _ = dataset.read_mask(pair)
        small = _drawn_on(small, cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA))
    except DatasetError:
        pass  # the photo alone, and what is wrong below it
    top, left = (TILE - height) // 2, (TILE - width) // 2
    tile[top : top + height, left : left + width] = small
    return tile


def _drawn_on(photo, mask):
    blue = np.array((40, 110, 255), np.float32)
    tinted = np.where(mask[..., None] > 0, 0.6 * photo + 0.4 * blue, photo).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tinted, contours, -1, (20, 60, 220), 1)
    return tinted
