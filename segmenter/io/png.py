"""PNG files whose pixels are whole but whose metadata a strict decoder refuses.

Format: https://www.w3.org/TR/png-3/#5Chunk-layout
"""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Of the chunks that a decoder may pass over, those that say how the pixels look: transparency, and EXIF's
# orientation. The colour profile is read by `profile_of`.
KEPT = (b"tRNS", b"eXIf")
MAX_PROFILE = 16_000_000  # bytes of an unpacked colour profile; those of printers have 1 to 4 million


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
