"""A file from anyone → a photo: uint8, height × width × 3, RGB, upright."""

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin, TiffImagePlugin
from pillow_heif import HeifImageFile

from segmenter.errors import Notice, PhotoError
from segmenter.io import colours, jpeg, png

MAX_PIXELS = 50_500_000  # what phones call 50 megapixels is up to 8192 × 6144; it takes 150 MB, and its map 200
# A JPEG of up to four times as many, as phones of 108 and 200 megapixels take them, is decoded at half its sides, which
# takes no more memory. One of several scans would be unpacked whole first, and is not.
MAX_JPEG_PIXELS = 4 * MAX_PIXELS
MAX_SCANS = 100  # of a progressive JPEG, which has about ten: each is a few bytes, and goes through all pixels
AT_ONCE = 2**18  # pixels that are copied from Pillow's memory together
MAX_SIDE = 20_000  # in pixels: what is done near an outline reaches as far as the longer side says

# The formats that are pictures of pixels and that Pillow decodes by itself, without outside programs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "TGA")
# The endings of picture files, each with what Pillow may call such a file's format.
SUFFIXES = {
    ".jpg": ("JPEG", "MPO"),
    ".jpeg": ("JPEG", "MPO"),
    ".jfif": ("JPEG", "MPO"),  # so Windows and browsers often call a JPEG that they save
    ".jpe": ("JPEG", "MPO"),
    ".jif": ("JPEG", "MPO"),
    ".jfi": ("JPEG", "MPO"),
    ".mpo": ("JPEG", "MPO"),
    ".png": ("PNG",),
    ".apng": ("PNG",),
    ".webp": ("WEBP",),
    ".gif": ("GIF",),
    ".bmp": ("BMP",),
    ".dib": ("BMP",),
    ".tif": ("TIFF",),
    ".tiff": ("TIFF",),
    ".avif": ("AVIF",),
    ".avifs": ("AVIF",),
    ".jp2": ("JPEG2000",),
    ".j2k": ("JPEG2000",),
    ".jpx": ("JPEG2000",),
    ".ppm": ("PPM",),
    ".pgm": ("PPM",),
    ".tga": ("TGA",),
    ".heic": ("HEIF",),
    ".heif": ("HEIF",),
    ".hif": ("HEIF",),
}
PHOTO_SUFFIXES = tuple(SUFFIXES)
# What Pillow's decoders raise on broken files: each format has its own way to stumble.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OverflowError,
    AttributeError,
    RuntimeError,  # what libavif and libheif say
    struct.error,
    zlib.error,
)

PhotoSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO

_DAMAGED = "This picture is damaged or cut short, perhaps by an interrupted download. Please save or send it again."
_RAW = "This is a camera's raw file. Please export it as JPEG and try again."
_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FOVb")  # Fujifilm, Panasonic, Olympus, Sigma
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
SUBFILE_TYPE, SUB_IFDS, DNG_VERSION = 254, 330, 50706  # tags of TIFF


def open_photo(source: PhotoSource, reduce_to: int | None = None) -> np.ndarray:
    """Open a picture file of any usual kind as a photo.

    The photo is turned upright as its EXIF says; transparency is laid on white; an embedded
    colour profile is converted to sRGB; of an animation the first frame is taken; 16-bit,
    palette, grey and CMYK pictures become 8-bit RGB.

    Args:
        source: a path, the file's bytes, or a binary file object.
        reduce_to: sides in pixels that are enough: a JPEG that is at least twice as large is decoded
            at a half, a quarter or an eighth, which is much quicker.

    Returns:
        photo: uint8, H × W × 3, RGB, upright, in the file's own size unless it was reduced: a JPEG of
            more than `MAX_PIXELS` is decoded at half its sides, see `size_notice`.

    Raises:
        PhotoError: there is no such file, it is empty or no picture we can read, it is
            cut short, or it has more than `MAX_PIXELS` pixels (a JPEG `MAX_JPEG_PIXELS`) or
            `MAX_SIDE` a side.
    """
    image = colours.to_rgb(_upright(decode(_read(source), reduce_to)))
    photo = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, AT_ONCE // image.width)
    for top in range(0, image.height, rows):  # all at once, Pillow holds two more copies
        photo[top : top + rows] = np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))))
    return photo


def size_notice(source: PhotoSource, photo: np.ndarray) -> Notice | None:
    """What a person should know of a photo that was opened at half its sides; None where it is whole.

    Args:
        source: as for `open_photo`.
        photo: what `open_photo` made of it.
    """
    height, width = photo.shape[:2]
    if width * height <= MAX_PIXELS // 4 - MAX_SIDE:  # nothing so small was reduced
        return None
    stored = open_image(_read(source)).size
    if stored[0] * stored[1] <= MAX_PIXELS:
        return None
    message = (
        "This photo has {stored} pixels. It was worked on at half its sides, so the result is of {width} × {height}."
    )
    return Notice(message, "photo.reduced", stored=f"{stored[0]} × {stored[1]}", width=width, height=height)


def decode(data: bytes, reduce_to: int | None = None) -> Image.Image:
    """The first frame of a picture file, decoded, as it is stored: not upright, in any mode of Pillow's.

    A PNG whose pixels are whole is taken even where its texts or colour profile are oversized, or
    chunks that the pixels do not need are broken.

    Args:
        data: the file's bytes.
        reduce_to: as in `open_photo`.

    Raises:
        PhotoError: as in `open_photo`.
    """
    try:
        return _decode(data, reduce_to)
    except PhotoError as error:
        bare = png.without_metadata(data)
        if error.code != "photo.damaged" or bare == data:
            raise
    image = _decode(bare, reduce_to)
    image.info["icc_profile"] = png.profile_of(data)  # None, where there is none, says so
    return image


def open_image(data: bytes) -> Image.Image:
    """Open without decoding: the header alone is read, so a bomb costs nothing.

    Raises:
        PhotoError: it is empty, or no picture we can read.
    """
    try:
        return _identify(data)
    except PhotoError as error:
        bare = png.without_metadata(data)
        if error.code != "photo.damaged" or bare == data:
            raise
    return _identify(bare)


def _decode(data: bytes, reduce_to: int | None) -> Image.Image:
    image = _identify(data)
    _check_sides(*image.size)
    is_jpeg = image.format in ("JPEG", "MPO")
    pixels = image.width * image.height
    if pixels > MAX_PIXELS and (pixels > MAX_JPEG_PIXELS or not _is_in_one_go(data, image)):
        raise _too_large(f"{image.width} × {image.height}")
    try:
        if is_jpeg and (reduce_to or pixels > MAX_PIXELS):
            parts = 2 if pixels > MAX_PIXELS else 1
            width, height = (min(side // parts, reduce_to or side) for side in image.size)
            image.draft(None, (width, height))
        image.load()
    except _BROKEN as error:
        raise PhotoError(_DAMAGED, "photo.damaged") from error
    key = image.info.get("transparency")
    if image.format == "PNG" and image.mode == "L" and isinstance(key, int):  # Pillow spreads the levels alone
        image.info["transparency"] = key * png.grey_step(data)
    return image


def _is_in_one_go(data: bytes, image: Image.Image) -> bool:
    """Whether this is a JPEG that is decoded row by row; one of several scans is unpacked whole first."""
    is_jpeg = image.format in ("JPEG", "MPO")
    return is_jpeg and not image.info.get("progressive") and jpeg.scans(data, most=1) == 1


def _read(source: PhotoSource) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, (str, os.PathLike)):
        try:
            return Path(source).read_bytes()
        except (OSError, ValueError) as error:  # ValueError: a path with a null character
            raise PhotoError(
                "The file {name!r} cannot be opened.", "photo.cannot_open", name=Path(source).name
            ) from error
    if hasattr(source, "read"):
        data = source.read()
        if isinstance(data, bytes):
            return data
    raise PhotoError("A photo is given as a path, as bytes, or as a file opened in binary mode.", "photo.source")


def _identify(data: bytes) -> Image.Image:
    """Open one of the formats we know, without decoding."""
    if not data:
        raise PhotoError("This file is empty. Please choose a photo, such as a JPEG or PNG file.", "photo.empty")
    try:
        # Not by way of Pillow's own limit, which knows nothing of decoding at half.
        if data.startswith(b"\xff\xd8\xff"):
            image = JpegImagePlugin.jpeg_factory(io.BytesIO(data))
        else:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large("far too many") from error
    except _BROKEN as error:
        if not _is_heif(data):
            raise PhotoError(*_why_unreadable(data)) from error
        image = _identify_heif(data)
    if _is_raw(data, image):  # what Pillow would open is the small preview
        raise PhotoError(_RAW, "photo.raw")
    if jpeg.scans(data, MAX_SCANS) > MAX_SCANS:
        raise PhotoError(_DAMAGED, "photo.damaged")
    return image


def _identify_heif(data: bytes) -> Image.Image:
    try:
        return HeifImageFile(io.BytesIO(data))
    except _BROKEN as error:
        raise PhotoError(_DAMAGED, "photo.damaged") from error


def _is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


def _is_raw(data: bytes, image: Image.Image) -> bool:
    """Whether a TIFF is a camera's raw file: Adobe's DNG, Canon's CR2, or one of a preview and sub-images."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    tags = image.tag_v2
    return DNG_VERSION in tags or data[8:10] == b"CR" or (tags.get(SUBFILE_TYPE) == 1 and SUB_IFDS in tags)


def _why_unreadable(data):
    """(message, code): what the file is instead of a photo, and what to do."""
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if data[4:8] == b"ftyp":
        if data[8:12] == b"crx ":
            return _RAW, "photo.raw"
        if data[8:12] in (b"avif", b"avis"):
            return _DAMAGED, "photo.damaged"
        return "This looks like a video. Please choose a photo, such as a JPEG or PNG file.", "photo.video"
    if start.startswith(b"<svg") or (start.startswith(b"<") and b"<svg" in start):
        return "SVG is a drawing, not a photo. Please export it as PNG and try again.", "photo.svg"
    if data.startswith(b"\0\0\1\0"):  # Pillow decodes such a file before it says how large it is
        return "This is an icon (ICO). Please export it as PNG and try again.", "photo.icon"
    if start.startswith(b"%PDF"):
        return "This is a PDF document. Please export the page as JPEG or PNG and try again.", "photo.pdf"
    if data.startswith(_RAW_STARTS):
        return _RAW, "photo.raw"
    if start.startswith((b"\xff\xd8", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")):
        return _DAMAGED, "photo.damaged"
    return "This file is not a picture we can read. Please choose a JPEG, PNG or WebP photo.", "photo.unknown"


def _too_large(pixels):
    return PhotoError(
        "This picture has {pixels} pixels; at most {limit} megapixels are possible. Please make it smaller and try again.",
        "photo.too_many_pixels",
        pixels=pixels,
        limit=MAX_PIXELS // 1_000_000,
    )


def _check_sides(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise PhotoError("This picture has no pixels. Please choose another one.", "photo.no_pixels")
    if max(width, height) > MAX_SIDE:
        message = "This picture is {width} × {height} pixels; at most {limit} a side are possible. Please crop it."
        raise PhotoError(message, "photo.too_long", width=width, height=height, limit=MAX_SIDE)


def _upright(image: Image.Image) -> Image.Image:
    with contextlib.suppress(*_BROKEN):  # unreadable EXIF says nothing about the way up
        ImageOps.exif_transpose(image, in_place=True)  # else an upright photo would be copied
    return image
