"""The largest photos that are taken, and files that are small and claim or become much: looked at for memory and time."""

import struct
import zlib
from collections.abc import Iterator
from functools import partial

from PIL import Image

from tests.corpus import png, profiles
from tests.corpus.case import DAMAGED, Case, encoded, noise, scene
from tests.corpus.damaged import whole
from tests.corpus.modern import heif
from tests.corpus.tiff import bitmap

WIDTH, HEIGHT = 8192, 6144  # of phones with 50 megapixels
COLOUR = (180, 90, 40)
TOO_MUCH = ("photo.too_many_pixels", "photo.too_long")
SOS = b"\xff\xda"


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _large_photos()
    yield from _claims()
    yield from _swelling()
    yield from _endless()


def _plain(mode="RGB", width=WIDTH, height=HEIGHT):
    grey = round(0.299 * COLOUR[0] + 0.587 * COLOUR[1] + 0.114 * COLOUR[2])
    return Image.new(
        mode,
        (width, height),
        {"L": grey, "RGBA": (*COLOUR, 255), "CMYK": tuple(255 - c for c in COLOUR) + (0,)}.get(mode, COLOUR),
    )


def _large_photos():
    def large(name, make, colour=COLOUR, height=HEIGHT, width=WIDTH):
        return Case(f"large/{name}", make, heavy=True, shown=(height, width, *colour))

    p3 = profiles.matrix_profile("Display P3")
    yield large("jpeg", lambda: encoded(_plain(), "JPEG", quality=90))
    yield large("jpeg-108-megapixels", lambda: encoded(_plain("L", 12_000, 9_000), "JPEG"), (111,) * 3, 4500, 6000)
    yield large("jpeg-200-megapixels", lambda: encoded(_plain("L", 14_200, 14_000), "JPEG"), (111,) * 3, 7000, 7100)
    yield large("jpeg-progressive", lambda: encoded(_plain(), "JPEG", quality=90, progressive=True))
    yield large("jpeg-cmyk", lambda: encoded(_plain("CMYK"), "JPEG", quality=95))
    yield Case(
        "large/jpeg-profile", lambda: encoded(_plain(), "JPEG", icc_profile=p3), heavy=True, shown=(HEIGHT, WIDTH)
    )
    yield large("jpeg-turned", lambda: encoded(_plain(), "JPEG", exif=_sideways()), height=WIDTH, width=HEIGHT)
    yield large("png", lambda: encoded(_plain(), "PNG", compress_level=1))
    yield large("png-see-through", lambda: encoded(_plain("RGBA"), "PNG", compress_level=1))
    yield large(
        "png-16-bits",
        lambda: flat_png(WIDTH, HEIGHT, 16, png.COLOUR_ALPHA, struct.pack(">4H", *(c * 257 for c in (*COLOUR, 255)))),
    )
    yield large(
        "png-grey-16-bits", lambda: flat_png(WIDTH, HEIGHT, 16, png.GREY, struct.pack(">H", 100 * 257)), (100,) * 3
    )
    yield large("png-one-bit", lambda: flat_png(WIDTH, HEIGHT, 1, png.GREY, b"\xff"), (255,) * 3)
    yield large(
        "png-as-long-as-may-be",
        lambda: encoded(_plain("RGB", 20_000, 2_500), "PNG", compress_level=1),
        height=2_500,
        width=20_000,
    )
    yield large("webp", lambda: encoded(_plain(), "WEBP", lossless=True, method=0))
    yield large("gif", lambda: encoded(_plain("L"), "GIF"), (111,) * 3)
    yield large("bmp-run-lengths", _runs, (7,) * 3, 6000, 8000)
    yield large("tiff-deflated", lambda: encoded(_plain(), "TIFF", compression="tiff_adobe_deflate"))
    yield large(
        "tiff-float",
        lambda: encoded(Image.new("F", (WIDTH, HEIGHT), 0.4), "TIFF", compression="tiff_adobe_deflate"),
        (102,) * 3,
    )
    yield large("jpeg2000", lambda: encoded(_plain("RGB", 4000, 3000), "JPEG2000"), height=3000, width=4000)
    yield large("avif", lambda: encoded(_plain("RGB", 4032, 3024), "AVIF", speed=10), height=3024, width=4032)
    yield large("heic", lambda: heif(_plain("RGB", 4032, 3024), quality=60), height=3024, width=4032)


def _sideways():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def flat_png(width: int, height: int, depth: int, colours: int, pixel: bytes) -> bytes:
    """A PNG of one colour, made row by row, so that it never lies in memory."""
    wide = -(-width * depth * png.CHANNELS[colours] // 8)
    row, packer = b"\0" + (pixel * wide)[:wide], zlib.compressobj(1)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png.header(width, height, depth, colours) + png.chunk(b"IDAT", data) + png.chunk(b"IEND", b"")


def _runs():
    """A BMP of 8000 × 6000 pixels in runs of 250."""
    row = bytes((250, 7)) * 32 + b"\0\0"
    data = bytearray(bitmap(row * 6000 + b"\0\1", 8, 1, colours=256, height=6000))
    data[18:22] = struct.pack("<L", 8000)
    return bytes(data)


def _claims():
    """Headers that claim much more than is there."""

    def claim(name, make, codes=(*TOO_MUCH, DAMAGED)):
        return Case(f"claims/{name}", make, codes, heavy=True)

    empty = png.chunk(b"IDAT", zlib.compress(b"\0")) + png.chunk(b"IEND", b"")
    for width, height in ((100_000, 100_000), (1_000_000, 1), (1, 1_000_000), (20_001, 3), (2**31 - 1, 2**31 - 1)):
        yield claim(f"png-{width}x{height}", partial(lambda w, h: png.header(w, h) + empty, width, height))
    yield claim("png-in-limits", lambda: png.header(WIDTH, HEIGHT) + empty, (DAMAGED,))
    yield claim("jpeg", lambda: _with_size(whole("jpeg"), b"\xff\xc0", 5, ">HH", 65_500, 65_500))
    # Its end says that it is whole: grey is what all decoders show of the rest.
    larger = partial(_with_size, whole("jpeg"), b"\xff\xc0", 5, ">HH", HEIGHT, WIDTH)
    yield Case("claims/jpeg-in-limits", larger, heavy=True, shown=(HEIGHT, WIDTH))
    yield claim("jpeg-200-megapixels-in-three-scans", partial(in_scans, 14_200, 14_000), TOO_MUCH)
    yield claim("jpeg-200-megapixels-progressive", partial(many_scans, 14_200, 14_000, 1), TOO_MUCH)
    yield claim("gif", lambda: whole("gif")[:6] + struct.pack("<HH", 65_535, 65_535) + whole("gif")[10:])
    yield claim("gif-frame", lambda: _with_size(whole("gif"), b"\0,", 6, "<HH", 65_535, 65_535))
    yield claim("bmp", lambda: whole("bmp")[:18] + struct.pack("<ll", 2**31 - 1, 2**31 - 1) + whole("bmp")[26:])
    yield claim(
        "bmp-in-limits", lambda: whole("bmp")[:18] + struct.pack("<ll", WIDTH, HEIGHT) + whole("bmp")[26:], (DAMAGED,)
    )
    yield claim("webp", lambda: _extended_webp(2**24 - 1, 2**24 - 1))
    yield claim("tga", lambda: whole("tga")[:12] + struct.pack("<HH", 65_535, 65_535) + whole("tga")[16:])
    yield claim("ppm", lambda: b"P6 100000 100000 255\n" + bytes(100))
    yield claim("ppm-of-many-digits", lambda: b"P6 " + b"9" * 5000 + b" 1 255\n", (*TOO_MUCH, DAMAGED, "photo.unknown"))
    yield claim("tiff", partial(_claiming_tiff, 1_000_000, 1_000_000))
    yield claim("tiff-in-limits", partial(_claiming_tiff, WIDTH, HEIGHT), (DAMAGED,))
    for name in ("avif", "heif"):
        yield claim(name, partial(lambda name: _with_size(whole(name), b"ispe", 8, ">LL", 60_000, 60_000), name))
    yield claim("jpeg2000", lambda: _with_size(whole("jpeg2000"), b"ihdr", 4, ">LL", 60_000, 60_000))


def _with_size(data, mark, distance, form, *sides):
    """A file with other sides, so far behind a mark in its header."""
    place = data.index(mark) + distance
    return data[:place] + struct.pack(form, *sides) + data[place + struct.calcsize(form) :]


def _extended_webp(width, height):
    body = b"WEBPVP8X" + struct.pack("<L", 10) + bytes(4) + struct.pack("<L", width)[:3] + struct.pack("<L", height)[:3]
    body += whole("webp")[12:]
    return b"RIFF" + struct.pack("<L", len(body)) + body


def _claiming_tiff(width, height):
    tags = {256: width, 257: height, 258: 8, 259: 8, 262: 1, 273: 8, 277: 1, 278: height, 279: 50}
    entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags.items())
    data = zlib.compress(bytes(1000)).ljust(50, b"\0")
    return b"II*\0" + struct.pack("<L", 58) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def _swelling():
    """Small parts that become large where somebody unpacks them."""
    much, few = _packed(300), scene().size
    shown = (few[1], few[0])

    def noted(name, body):
        return Case(f"swells/png-{name}", lambda: _with_chunk(png.chunk(*body)), heavy=True, shown=shown)

    yield noted("text", (b"zTXt", b"Note\0\0" + much))
    yield noted("international-text", (b"iTXt", b"Note\0\1\0\0\0" + much))
    yield noted("profile", (b"iCCP", b"printer\0\0" + much))
    yield Case(
        "swells/png-many-texts",
        lambda: _with_chunk(png.chunk(b"zTXt", b"Note\0\0" + _packed(1)) * 400),
        heavy=True,
        shown=shown,
    )
    behind = png.header(61, 45) + png.chunk(b"IDAT", _packed(500)) + png.chunk(b"IEND", b"")
    yield Case("swells/png-pixels", lambda: behind, heavy=True, shown=(45, 61, 0, 0, 0))
    yield Case("swells/png-225-megapixels", lambda: flat_png(15_000, 15_000, 1, png.GREY, b"\0"), TOO_MUCH, heavy=True)
    yield Case(
        "swells/jpeg-comments",
        lambda: whole("jpeg")[:2] + (b"\xff\xfe\xff\xff" + bytes(65_533)) * 450 + whole("jpeg")[2:],
        heavy=True,
        shown=shown,
    )


def _packed(megabytes):
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()


def _with_chunk(extra):
    data = encoded(scene(), "PNG")
    return data[:33] + extra + data[33:]


def _endless():
    """Parts that come again and again."""
    still = noise(64, 64)
    shown = (64, 64)

    def many(name, make, **expected):
        return Case(f"many/{name}", make, heavy=True, **expected)

    frames = {"save_all": True, "append_images": [still.rotate(90), still] * 300}
    yield many(
        "frames-gif",
        lambda: encoded(
            still.quantize(64),
            "GIF",
            save_all=True,
            append_images=[still.quantize(64).rotate(90 * (n % 4)) for n in range(500)],
        ),
        shown=shown,
    )
    yield many("frames-webp", lambda: encoded(still, "WEBP", **frames, lossless=True), shown=shown)
    yield many("frames-png", lambda: encoded(still, "PNG", **frames), shown=shown)
    yield many("pages-tiff", lambda: encoded(still, "TIFF", **frames), shown=shown)
    yield many("scans-jpeg-few", partial(many_scans, 61, 45, 40), shown=(45, 61))
    yield many("scans-jpeg", partial(many_scans, 4000, 3000, 2000), expected=(DAMAGED,))
    yield many("directories-tiff", _looping_tiff, expected=(DAMAGED,))
    yield many("entries-tiff", _crowded_tiff, expected=(DAMAGED,))
    yield many("chunks-png", lambda: _with_chunk(png.chunk(b"prVt", b"") * 200_000), shown=(45, 61))
    yield many(
        "markers-jpeg", lambda: whole("jpeg")[:2] + b"\xff\xfe\0\2" * 500_000 + whole("jpeg")[2:], shown=(45, 61)
    )


def many_scans(width: int, height: int, count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each is a few bytes, and all pixels are gone through."""
    data = encoded(Image.new("L", (width, height), 128), "JPEG", progressive=True)
    last = data.rindex(SOS)
    return data[:last] + data[last:-2] * count + data[-2:]


def in_scans(width: int, height: int) -> bytes:
    """A JPEG whose three colours come one after the other, so that a decoder keeps all of them until the last."""
    grey = encoded(Image.new("L", (width, height), 128), "JPEG")
    frame, scan = grey.index(b"\xff\xc0"), grey.index(SOS)
    begins = scan + 2 + int.from_bytes(grey[scan + 2 : scan + 4], "big")
    sides, pixels = grey[frame + 4 : frame + 9], grey[begins:-2]
    colours = b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    data = grey[:frame] + b"\xff\xc0\0\x11" + sides + b"\3" + colours + grey[frame + 13 : scan]
    for number in (1, 2, 3):
        data += SOS + bytes((0, 8, 1, number, 0, 0, 63, 0)) + pixels
    return data + b"\xff\xd9"


def _looping_tiff():
    """A directory that says that it is its own successor, and has no pixels."""
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHLL", 256, 4, 1, 5) + struct.pack("<L", 8)


def _crowded_tiff():
    entry = struct.pack("<HHLL", 65_000, 2, 2**31 - 1, 8)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 65_535) + entry * 65_535 + bytes(4)
