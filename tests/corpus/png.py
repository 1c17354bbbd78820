"""PNG of every colour type, depth and order of rows, written chunk by chunk.

Format: https://www.w3.org/TR/png-3/
"""

import struct
import zlib
from collections.abc import Iterator
from functools import partial

import numpy as np
from PIL import ImageCms

from tests.corpus import profiles
from tests.corpus.case import HEIGHT, WIDTH, Case, encoded, noise, rgb, scene, see_through, turned

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, COLOUR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), COLOUR: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), COLOUR_ALPHA: (8, 16)}
NAMES = {GREY: "grey", COLOUR: "colour", PALETTE: "palette", GREY_ALPHA: "grey-alpha", COLOUR_ALPHA: "colour-alpha"}
# First row, first column, and the steps of the seven passes of Adam7.
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(width: int, height: int, depth: int = 8, colours: int = COLOUR, interlaced: bool = False) -> bytes:
    """The signature and the first chunk."""
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlaced))


def written(
    colours: int, depth: int, interlaced: bool = False, before: bytes = b"", filtering: int = 0, parts: int = 1
) -> bytes:
    """A whole file of `samples`, with chunks `before` its pixels, which lie in so many chunks."""
    values = samples(colours, depth)
    rows = b""
    for top, left, down, across in ADAM7 if interlaced else ((0, 0, 1, 1),):
        rows += _rows(values[top::down, left::across], depth, filtering)
    data = zlib.compress(rows)
    step = -(-len(data) // parts)
    pixels = b"".join(chunk(b"IDAT", data[start : start + step]) for start in range(0, len(data), step))
    palette = chunk(b"PLTE", _palette(depth).tobytes()) if colours == PALETTE else b""
    return header(WIDTH, HEIGHT, depth, colours, interlaced) + palette + before + pixels + chunk(b"IEND", b"")


def samples(colours: int, depth: int) -> np.ndarray:
    """What a file holds, H × W × channels, in the range of its depth."""
    picture = {
        GREY: scene().convert("L"),
        PALETTE: scene().convert("L"),
        COLOUR: scene(),
        GREY_ALPHA: see_through("LA"),
        COLOUR_ALPHA: see_through(),
    }[colours]
    levels = np.asarray(picture).reshape(HEIGHT, WIDTH, CHANNELS[colours]).astype(np.uint32)
    return levels * 257 if depth == 16 else levels >> (8 - depth)


def _palette(depth):
    steps = np.arange(2**depth)
    return np.column_stack([steps * 37 % 256, 255 - steps * 11 % 256, steps * 91 % 256]).astype(np.uint8)


def _rows(values, depth, filtering):
    """Packed and filtered rows of one pass."""
    if not values.size:
        return b""
    lines = values.reshape(values.shape[0], -1)
    if depth == 16:
        packed = lines.astype(">u2").view(np.uint8)
    elif depth == 8:
        packed = lines.astype(np.uint8)
    else:
        bits = (lines[..., None] >> np.arange(depth - 1, -1, -1)) & 1
        packed = np.packbits(bits.reshape(len(lines), -1).astype(np.uint8), axis=1)
    reach = max(1, values.shape[2] * depth // 8)
    before = np.vstack([np.zeros_like(packed[:1]), packed[:-1]]).astype(int)
    current = packed.astype(int)
    left, corner = (np.pad(each, ((0, 0), (reach, 0)))[:, :-reach] for each in (current, before))
    guess = (0 * current, left, before, (left + before) // 2, _paeth(left, before, corner))[filtering]
    filtered = ((current - guess) % 256).astype(np.uint8)
    return np.column_stack([np.full(len(lines), filtering, np.uint8), filtered]).tobytes()


def _paeth(left, above, corner):
    guess = left + above - corner
    to_left, to_above, to_corner = abs(guess - left), abs(guess - above), abs(guess - corner)
    nearest = np.where(to_above <= to_corner, above, corner)
    return np.where((to_left <= to_above) & (to_left <= to_corner), left, nearest)


def cases() -> Iterator[Case]:
    """All PNGs, which hold exact pixels; transparency and 16 bits are rounded in one way or another."""
    for colours, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in (False, True):
                kind = f"{NAMES[colours]}-{depth}{'-interlaced' if interlaced else ''}"
                yield Case(f"png/{kind}", partial(written, colours, depth, interlaced), worst=1)
                if CHANNELS[colours] in (1, 3):
                    chosen = chunk(b"tRNS", _transparent(colours, depth))
                    yield Case(f"png/{kind}-transparent", partial(written, colours, depth, interlaced, chosen), worst=1)
    for filtering, name in enumerate(("none", "sub", "up", "average", "paeth")):
        for colours, depth in ((COLOUR, 8), (COLOUR, 16), (GREY, 4), (COLOUR_ALPHA, 8)):
            make = partial(written, colours, depth, filtering=filtering)
            yield Case(f"png/filter-{name}-{NAMES[colours]}-{depth}", make, worst=1)
    for orientation in range(1, 9):
        yield Case(
            f"png/orientation-{orientation}", partial(encoded, scene(), "PNG", exif=turned(orientation)), worst=0
        )
    yield Case("png/pixels-in-40-chunks", partial(written, COLOUR, 8, parts=40), worst=0)
    yield from _with_chunks()
    yield from _with_profiles()
    yield Case(
        "png/animated",
        partial(encoded, scene(), "PNG", save_all=True, append_images=[noise()]),
        truth=partial(rgb, scene()),
        worst=0,
    )
    for height, width in ((1, 1), (1, 300), (300, 1)):
        yield Case(f"png/{width}x{height}", partial(encoded, noise(height, width), "PNG"), worst=0)


def _transparent(colours, depth):
    if colours == PALETTE:
        return bytes(255 - 31 * number % 256 for number in range(2**depth))
    middle = samples(colours, depth)[HEIGHT // 2, WIDTH // 2]
    return middle.astype(">u2").tobytes()


def _with_chunks():
    """Chunks that say nothing of the pixels, or what no viewer heeds."""
    for name, extra in {
        "gamma": chunk(b"gAMA", struct.pack(">I", 45455)),
        "chromaticities": chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        "srgb": chunk(b"sRGB", b"\0"),
        "significant-bits": chunk(b"sBIT", b"\5\6\5"),
        "background": chunk(b"bKGD", bytes(6)),
        "resolution": chunk(b"pHYs", struct.pack(">IIB", 3000, 1000, 1)),
        "date": chunk(b"tIME", struct.pack(">HBBBBB", 2026, 11, 26, 9, 0, 0)),
        "text": chunk(b"tEXt", b"Title\0chair"),
        "unknown": chunk(b"prVt", bytes(50)),
        "histogram-that-is-wrong": chunk(b"hIST", bytes(3)),
        "suggested-palette": chunk(b"PLTE", bytes(range(30))),
        "text-of-a-wrong-checksum": chunk(b"tEXt", b"Title\0chair")[:-4] + b"oops",
    }.items():
        yield Case(f"png/chunk-{name}", partial(written, COLOUR, 8, before=extra), truth=partial(rgb, scene()), worst=0)


def _with_profiles():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield Case("png/profile-srgb", partial(encoded, scene(), "PNG", icc_profile=srgb), worst=1)
    for name in profiles.PRIMARIES:
        profile, kind = profiles.matrix_profile(name), name.replace(" ", "-")
        yield Case(f"png/profile-{kind}", partial(encoded, scene(), "PNG", icc_profile=profile), off=1, worst=4)
        yield Case(
            f"png/profile-{kind}-see-through",
            partial(encoded, see_through(), "PNG", icc_profile=profile),
            off=1,
            worst=5,
        )
    grey = profiles.grey_profile(1.8)
    yield Case("png/profile-grey", partial(encoded, scene().convert("L"), "PNG", icc_profile=grey), off=1, worst=3)
    yield Case(
        "png/profile-of-nonsense",
        partial(encoded, scene(), "PNG", icc_profile=b"none"),
        truth=partial(rgb, scene()),
        worst=0,
    )
