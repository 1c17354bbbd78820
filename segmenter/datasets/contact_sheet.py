"""A data set on one picture: its photos with their masks drawn on, suspicious ones first."""

import os
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segmenter.datasets.findings import Finding
from segmenter.datasets.pairs import Pair, read_mask
from segmenter.datasets.validate import Findings
from segmenter.errors import DatasetError, PhotoError
from segmenter.inference import preprocessing
from segmenter.io import files, images

TILE, MARGIN, LINE = 220, 8, 17  # pixels of a tile's side, the gap between tiles, a line of text
PAPER, INK, ALARM, CAUTION = (250, 250, 248), (40, 40, 40), (200, 30, 30), (190, 110, 0)


def contact_sheet(findings: Findings, most: int = 60, columns: int = 6) -> np.ndarray:
    """The photos with their masks drawn on, suspicious ones first and marked.

    Args:
        findings: Findings.
        most: photos to show; suspicious ones come first, the others are spread over the data set.
        columns: photos in a row.

    Returns:
        uint8, H × W × 3, RGB.
    """
    marks: dict[str, list[Finding]] = {}
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


def write_contact_sheet(path: str | PathLike[str], findings: Findings, most: int = 60) -> None:
    """Save `contact_sheet` as JPEG or PNG, by the path's ending; its folder is made where it is missing.

    Raises:
        DatasetError: the ending is neither of these.
    """
    path = Path(path)
    kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}.get(path.suffix.lower())
    if kind is None:
        raise DatasetError(f"the contact sheet cannot be saved as {path.name}: call it .jpg or .png")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(contact_sheet(findings, most))
    with files.replacing(path) as file:
        picture.save(file, kind, quality=88)


Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


def _label(draw: ImageDraw.ImageDraw, font: Font, corner: tuple[int, int], name: str, found: list[Finding]) -> None:
    x, y = corner[0], corner[1] + TILE + 1
    draw.text((x, y), _fit(name, font, TILE), INK, font)
    if found:
        colour = ALARM if any(finding.level == "error" for finding in found) else CAUTION
        draw.rectangle((corner[0] - 2, corner[1] - 2, corner[0] + TILE + 1, corner[1] + TILE + 1), None, colour, 3)
        draw.text((x, y + LINE - 2), _fit("; ".join(finding.kind for finding in found), font, TILE), colour, font)


def _fit(text: str, font: Font, width: int) -> str:
    """Text cut in the middle where it is too wide, as names differ at both ends."""
    kept = len(text)
    fitted = text
    while font.getlength(fitted) > width and kept > 2:
        kept -= 1
        fitted = f"{text[: -(-kept // 2)]}…{text[len(text) - kept // 2 :]}"
    return fitted


def _tile(pair: Pair) -> np.ndarray:
    """A photo in a square of `TILE` pixels, what its mask covers tinted and outlined; grey where it is unreadable."""
    tile = np.full((TILE, TILE, 3), 232, np.uint8)
    try:
        photo = images.open_photo(pair.photo, reduce_to=2 * TILE)
    except PhotoError:
        return tile
    scale = TILE / max(photo.shape[:2])
    height, width = (max(1, round(side * scale)) for side in photo.shape[:2])
    small = preprocessing.resize(photo, height, width)
    try:
        mask, _ = read_mask(pair)
        small = _drawn_on(small, cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA))
    except DatasetError:
        pass  # the photo alone, and what is wrong below it
    top, left = (TILE - height) // 2, (TILE - width) // 2
    tile[top : top + height, left : left + width] = small
    return tile


def _drawn_on(photo: np.ndarray, mask: np.ndarray) -> np.ndarray:
    blue = np.array((40, 110, 255), np.float32)
    tinted = np.where(mask[..., None] > 0, 0.6 * photo + 0.4 * blue, photo).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tinted, contours, -1, (20, 60, 220), 1)
    return tinted
