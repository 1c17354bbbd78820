"""TIFF of many modes, compressions, orders of bytes and layouts, and BMP of those that Windows wrote."""

import struct
from collections.abc import Iterator
from functools import partial

import numpy as np
from PIL import Image, TiffImagePlugin

from tests.corpus import profiles
from tests.corpus.case import HEIGHT, WIDTH, Case, encoded, noise, on_white, rgb, scene, see_through, turned, wide

LOSSLESS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "lzma", "zstd")
UNREAD = ("lzma", "zstd")  # by the other decoder: what comes must be what was written
MODES = ("L", "P", "RGB", "RGBA", "CMYK", "I;16")
FAXES = ("raw", "group3", "group4", "tiff_ccitt", "tiff_lzw", "packbits")
# 5, 6 and 5 bits of a pixel, as tables of BMP's BI_BITFIELDS give them.
MASKS_565 = (0xF800, 0x07E0, 0x001F)


def cases() -> Iterator[Case]:
    """All TIFFs and BMPs, which hold exact pixels."""
    for compression in LOSSLESS:
        for mode in MODES:
            make = partial(encoded, _picture(mode), "TIFF", compression=compression)
            truth = partial(_shown, mode) if compression in UNREAD else None
            yield Case(f"tiff/{mode.lower().replace(';', '')}-{compression}", make, truth=truth, worst=1)
    for compression in FAXES:
        yield Case(
            f"tiff/1-{compression}", partial(encoded, scene().convert("1"), "TIFF", compression=compression), worst=0
        )
    for mode in ("L", "RGB"):
        yield Case(
            f"tiff/{mode.lower()}-jpeg",
            partial(encoded, _picture(mode), "TIFF", compression="jpeg", quality=95),
            off=1,
            worst=8,
        )
    yield from _laid_out()
    yield from _of_numbers()
    for orientation in range(1, 9):
        yield Case(
            f"tiff/orientation-{orientation}", partial(encoded, scene(), "TIFF", exif=turned(orientation)), worst=0
        )
    for name in profiles.PRIMARIES:
        make = partial(encoded, scene(), "TIFF", icc_profile=profiles.matrix_profile(name))
        yield Case(f"tiff/profile-{name.replace(' ', '-')}", make, off=1, worst=4)
    yield from _bitmaps()


def _picture(mode):
    if mode == "I;16":
        return Image.fromarray(wide())
    return see_through() if mode == "RGBA" else scene().convert(mode)


def _shown(mode):
    if mode == "I;16":
        return np.dstack([np.rint(wide() / 257)] * 3)
    return on_white() if mode == "RGBA" else rgb(_picture(mode))


def _laid_out():
    yield Case(
        "tiff/many-pages", partial(encoded, scene(), "TIFF", save_all=True, append_images=[noise().copy()] * 3), worst=0
    )
    yield Case("tiff/big", partial(encoded, scene(), "TIFF", big_tiff=True), worst=0)
    yield Case(
        "tiff/predicted", partial(encoded, scene(), "TIFF", compression="tiff_lzw", tiffinfo=_tags({317: 2})), worst=0
    )
    yield Case(
        "tiff/thin-strips", partial(encoded, scene(), "TIFF", compression="tiff_lzw", strip_size=WIDTH * 3), worst=0
    )
    yield Case("tiff/last-byte-first", partial(motorola, scene()), worst=0)
    yield Case("tiff/planes", partial(motorola, scene(), planes=True), worst=0)
    yield Case("tiff/white-is-zero", partial(motorola, scene().convert("L"), white_is_zero=True), worst=0)
    yield Case("tiff/private-tags", partial(encoded, scene(), "TIFF", tiffinfo=_tags({65000: "chair"})), worst=0)


def _of_numbers():
    """What no two programs agree on: the photo that is meant is told by `segmenter.io.images`."""
    ramp = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    shown = np.dstack([np.rint(ramp * 255).astype(np.uint8)] * 3)
    for name, picture in {
        "float-to-1": ramp,
        "float-to-255": ramp * 255,
        "float-to-65535": ramp * 65535,
        "whole-numbers-to-65535": np.rint(ramp * 65535).astype(np.int32),
    }.items():
        yield Case(f"tiff/{name}", partial(encoded, Image.fromarray(picture), "TIFF"), truth=lambda: shown, worst=1)
    mixed = np.where(ramp > 0.5, np.nan, ramp).astype(np.float32)
    truth = np.where(np.isnan(mixed), 0, np.rint(np.nan_to_num(mixed) * 255))
    yield Case(
        "tiff/float-with-gaps",
        partial(encoded, Image.fromarray(mixed), "TIFF"),
        truth=lambda: np.dstack([truth] * 3),
        worst=1,
    )
    yield Case("tiff/lab", partial(encoded, _lab(), "TIFF"), truth=partial(rgb, scene()), off=1.5, worst=16)


def _lab():
    from PIL import ImageCms

    return ImageCms.profileToProfile(
        scene(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )


def _tags(values):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in values.items():
        tags[tag] = value
    return tags


def motorola(picture: Image.Image, planes: bool = False, white_is_zero: bool = False) -> bytes:
    """An uncompressed TIFF whose numbers begin with their highest byte; its colours mixed, or one after the other."""
    levels = np.asarray(picture).reshape(picture.height, picture.width, -1)
    levels = 255 - levels if white_is_zero else levels
    channels = levels.shape[2]
    parts = [levels[..., each].tobytes() for each in range(channels)] if planes else [levels.tobytes()]
    ends, start = [], 8
    for part in parts:
        ends.append(start)
        start += len(part)
    lists = {258: [8] * channels, 273: ends, 279: [len(part) for part in parts]}
    kind = 2 if channels == 3 else 0 if white_is_zero else 1
    tags = {256: [picture.width], 257: [picture.height], 258: [], 259: [1], 262: [kind], 273: []}
    tags |= {277: [channels], 278: [picture.height], 279: [], 284: [2 if planes else 1]}
    tags |= lists
    directory, after = struct.pack(">H", len(tags)), b""
    behind = start + 2 + 12 * len(tags) + 4
    for tag, values in tags.items():
        wide_enough = 4 if tag in (273, 279) else 3  # LONG or SHORT
        data = struct.pack(f">{len(values)}{'L' if wide_enough == 4 else 'H'}", *values)
        if len(data) > 4:
            data, after = struct.pack(">L", behind + len(after)), after + data
        directory += struct.pack(">HHL4s", tag, wide_enough, len(values), data.ljust(4, b"\0"))
    return b"MM\0*" + struct.pack(">L", start) + b"".join(parts) + directory + bytes(4) + after


def _bitmaps():
    for mode in ("1", "L", "P", "RGB"):
        yield Case(f"bmp/{mode.lower()}", partial(encoded, scene().convert(mode), "BMP"), worst=0)
    yield Case("bmp/dib", partial(encoded, scene(), "DIB"), ("photo.unknown",))
    levels = np.asarray(scene()).astype(np.uint16)
    words = (levels[..., 0] >> 3 << 11) | (levels[..., 1] >> 2 << 5) | levels[..., 2] >> 3
    coarse = np.dstack(
        [_spread(levels[..., 0] >> 3, 5), _spread(levels[..., 1] >> 2, 6), _spread(levels[..., 2] >> 3, 5)]
    )
    rows = np.pad(words, ((0, 0), (0, WIDTH % 2))).astype("<u2")
    masks = struct.pack("<3L", *MASKS_565)
    yield Case("bmp/565", partial(bitmap, rows[::-1].tobytes(), 16, 3, masks), truth=lambda: coarse, off=0.6, worst=1)
    yield Case(
        "bmp/upside-down", partial(bitmap, _packed(levels), 24, height=-HEIGHT), truth=partial(rgb, scene()), worst=0
    )
    padded = np.dstack([levels[..., ::-1], np.full((HEIGHT, WIDTH), 255)]).astype(np.uint8)
    yield Case("bmp/32-bits", partial(bitmap, padded[::-1].tobytes(), 32), truth=partial(rgb, scene()), worst=0)
    grey = np.asarray(scene().convert("L"))
    yield Case(
        "bmp/run-lengths", partial(bitmap, _runs(grey), 8, 1, colours=256), truth=lambda: np.dstack([grey] * 3), worst=0
    )
    yield Case("bmp/for-os2", _os2, truth=partial(rgb, scene()), worst=0)


def _spread(levels, bits):
    return np.rint(levels * (255 / (2**bits - 1))).astype(np.uint8)


def _packed(levels):
    """Rows of blue, green and red from the top, each a multiple of four bytes."""
    rows = levels[..., ::-1].astype(np.uint8).reshape(HEIGHT, -1)
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).tobytes()


def _runs(grey):
    """BI_RLE8: pairs of a count and a level, rows from below."""
    rows = [b"".join(bytes((1, level)) for level in row) + b"\0\0" for row in grey[::-1].tolist()]
    return b"".join(rows) + b"\0\1"


def bitmap(
    pixels: bytes, bits: int, compression: int = 0, masks: bytes = b"", colours: int = 0, height: int = HEIGHT
) -> bytes:
    """A BMP with a header of 40 bytes."""
    palette = b"".join(bytes((level, level, level, 0)) for level in range(colours))
    start = 14 + 40 + len(masks) + len(palette)
    info = struct.pack("<LllHHLLllLL", 40, WIDTH, height, 1, bits, compression, len(pixels), 0, 0, colours, 0)
    return b"BM" + struct.pack("<LHHL", start + len(pixels), 0, 0, start) + info + masks + palette + pixels


def _os2():
    pixels = _packed(np.asarray(scene())[::-1])
    info = struct.pack("<LHHHH", 12, WIDTH, HEIGHT, 1, 24)
    return b"BM" + struct.pack("<LHHL", 26 + len(pixels), 0, 0, 26) + info + pixels
