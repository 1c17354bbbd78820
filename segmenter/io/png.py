"""PNG files: written quickly, and read where the pixels are whole but a strict decoder refuses the metadata.

Format: https://www.w3.org/TR/png-3/#5Chunk-layout
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from isal import isal_zlib

STRIP_BYTES = 2**20  # of pixels that are packed together, which a processor's cache holds
LIGHTEST = 1  # compression that still looks for repetitions; the next levels take longer for one part in a hundred
UP = 2  # filter: each byte less the one above it; trying all of them takes longer and saves hardly anything
COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # by channels: grey, RGB, RGBA
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Of the chunks that a decoder may pass over, those that say how the pixels look: transparency, and EXIF's
# orientation. The colour profile is read by `profile_of`.
KEPT = (b"tRNS", b"eXIf")
MAX_PROFILE = 16_000_000  # bytes of an unpacked colour profile; those of printers have 1 to 4 million


def encode(picture: np.ndarray) -> bytes:
    """A picture as the bytes of a PNG file, without loss.

    Packed by Intel's ISA-L, in a fraction of the time that zlib takes for a file of the same size.

    Args:
        picture: H × W × 4 (RGBA, straight alpha), H × W × 3 (RGB) or H × W (grey); uint8 or uint16.
    """
    height, width = picture.shape[:2]
    kind = COLOUR_TYPES[1 if picture.ndim == 2 else picture.shape[2]]
    header = struct.pack(">IIBBBBB", width, height, 8 * picture.itemsize, kind, 0, 0, 0)
    packer = isal_zlib.compressobj(LIGHTEST)
    parts = [packer.compress(rows) for rows in _filtered(picture)] + [packer.flush()]
    pixels = (_chunk(b"IDAT", part) for part in parts if part)
    return b"".join([SIGNATURE, _chunk(b"IHDR", header), *pixels, _chunk(b"IEND", b"")])


def _filtered(picture):
    """Some rows at a time, as they are packed: uint8, rows × bytes, the first of which names the filter."""
    height, step = len(picture), max(1, STRIP_BYTES // picture[0].nbytes)
    above = 0
    for top in range(0, height, step):
        rows = picture[top : top + step]
        rows = rows.astype(rows.dtype.newbyteorder(">"), order="C", copy=False).reshape(len(rows), -1).view(np.uint8)
        filtered = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
        filtered[:, 0] = UP
        np.subtract(rows[:1], above, out=filtered[:1, 1:])
        np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
        above = rows[-1:]
        yield filtered


def _chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))


def without_metadata(data: bytes) -> bytes:
    """The same picture without texts, dates and broken chunks that the pixels do not need.

    Browsers and picture editors pass over such chunks where they are oversized or their checksum is
    wrong. What the pixels need stays as it is, broken or not.

    Args:
        data: the bytes of a file, of a PNG or anything else.

    Returns:
        The bytes of a PNG, or `data` itself where it is no PNG.
    """
    if not data.startswith(SIGNATURE):
        return data
    return SIGNATURE + b"".join(chunk for kind, chunk in _chunks(data) if _is_needed(kind, chunk))


def profile_of(data: bytes) -> bytes | None:
    """The colour profile of a PNG, or None where it has none, or one that is broken or larger than `MAX_PROFILE`."""
    if not data.startswith(SIGNATURE):
        return None
    packed = next((chunk[8:-4] for kind, chunk in _chunks(data) if kind == b"iCCP" and _is_whole(chunk)), b"")
    _, _, packed = packed.partition(b"\0")  # the profile's name ends with a zero; then its kind of compression
    try:
        profile = zlib.decompressobj().decompress(packed[1:], MAX_PROFILE + 1)
    except zlib.error:
        return None
    return profile if 0 < len(profile) <= MAX_PROFILE else None


def grey_step(data: bytes) -> int:
    """How far apart the levels of a grey PNG lie when they are spread over 0 … 255: 85 for one of two bits."""
    depth = data[24] if len(data) > 24 else 8
    return 255 // (2**depth - 1) if depth in (2, 4) else 1


def size_of(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels, from the first 24 bytes of a PNG; None where they are no PNG's."""
    if len(data) < 24 or not data.startswith(SIGNATURE) or data[12:16] != b"IHDR":
        return None
    return struct.unpack(">II", data[16:24])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, the whole chunk) of each; the last may be cut short."""
    start = len(SIGNATURE)
    while start + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        yield kind, data[start : start + 12 + length]
        start += 12 + length


def _is_needed(kind: bytes, chunk: bytes) -> bool:
    must_be_understood = not kind[0] & 0x20  # the first letter is a capital
    if must_be_understood or kind not in KEPT:
        return must_be_understood
    return _is_whole(chunk)


def _is_whole(chunk: bytes) -> bool:
    length = int.from_bytes(chunk[:4], "big")
    return len(chunk) == 12 + length and zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
