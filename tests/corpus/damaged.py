"""Files that are cut short, called otherwise, lengthened, two things at once, or no photos at all."""

import io
import struct
import zipfile
from collections.abc import Iterator
from functools import cache, partial

import numpy as np
from PIL import Image, TiffImagePlugin

from tests.corpus import png
from tests.corpus.case import DAMAGED, TAKEN, WHOLE, Case, encoded, noise, rgb, scene
from tests.corpus.modern import heif

PLACES = 20  # where each format is cut
UNKNOWN = ("photo.unknown",)
RAW = ("photo.raw",)
# Each writer's file of the same picture; those without loss are compared to it.
WRITTEN = {
    "jpeg": partial(encoded, noise(), "JPEG", quality=90),
    "jpeg-progressive": partial(encoded, noise(), "JPEG", quality=90, progressive=True),
    "png": partial(encoded, noise(), "PNG"),
    "png-interlaced": partial(png.written, png.COLOUR, 8, True),
    "webp": partial(encoded, noise(), "WEBP", lossless=True),
    "gif": partial(encoded, noise().quantize(64), "GIF"),
    "bmp": partial(encoded, noise(), "BMP"),
    "tiff": partial(encoded, noise(), "TIFF", compression="tiff_lzw"),
    "avif": partial(encoded, noise(), "AVIF"),
    "heif": partial(heif, noise()),
    "jpeg2000": partial(encoded, noise(), "JPEG2000"),
    "ppm": partial(encoded, noise(), "PPM"),
    "tga": partial(encoded, noise(), "TGA"),
}


@cache
def whole(name: str) -> bytes:
    """A whole file of `WRITTEN`."""
    return WRITTEN[name]()


def cases() -> Iterator[Case]:
    """All of them."""
    for name in WRITTEN:
        for place in range(PLACES):
            yield Case(f"cut-short/{name}-{place:02}", partial(_cut, name, place), WHOLE, truth=partial(opened, name))
    yield from _lengthened()
    yield from _called_otherwise()
    yield from _of_two_kinds()
    yield from _other_pictures()
    yield from _no_pictures()
    yield from _raw_files()


def _cut(name, place):
    """The file without its end: places near both ends, and all over between."""
    data = whole(name)
    shares = [0.002, 0.005, 0.01, 0.02, 0.04, *np.linspace(0.08, 0.9, PLACES - 9), 0.95, 0.98, 0.995]
    return data[:-1] if place == PLACES - 1 else data[: max(1, int(len(data) * shares[place]))]


def opened(name: str) -> np.ndarray:
    """The pixels of the whole file, which has neither EXIF nor profile."""
    with Image.open(io.BytesIO(whole(name))) if name != "heif" else _heif(whole(name)) as image:
        return rgb(image)


def _heif(data):
    import pillow_heif

    return pillow_heif.open_heif(io.BytesIO(data)).to_pillow()


def _lengthened():
    for name in WRITTEN:
        for kind, more in (("zeros", bytes(3000)), ("noise", noise().tobytes()[:3000]), ("itself", b"")):
            make = partial(lambda name, more: whole(name) + (more or whole(name)), name, more)
            # The boxes of JPEG 2000 go on to the end of the file, so that a second first box is a fault.
            expected = (DAMAGED,) if (name, kind) == ("jpeg2000", "itself") else TAKEN
            yield Case(f"rubbish-behind/{name}-{kind}", make, expected, truth=partial(opened, name), worst=0)
        yield Case(
            f"rubbish-before/{name}",
            partial(lambda name: b"\r\n--rubbish\r\n" + whole(name), name),
            (DAMAGED, *UNKNOWN),
        )


def _called_otherwise():
    endings = (".png", ".jpg", ".gif", ".webp", ".heic", ".txt", ".exe", "")
    for (name, _), ending in zip(list(WRITTEN.items())[:8], endings):
        yield Case(f"called-otherwise/{name}{ending}", partial(whole, name), truth=partial(opened, name), worst=0)


def _of_two_kinds():
    jpeg, page = whole("jpeg"), b"<html><script>alert(1)</script></html>"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("evil.sh", "rm")
    shown = {"truth": partial(opened, "jpeg"), "worst": 0}
    yield Case("two-kinds/jpeg-and-zip", lambda: jpeg + packed.getvalue(), **shown)
    yield Case("two-kinds/jpeg-and-html", partial(encoded, noise(), "JPEG", quality=90, comment=page), **shown)
    yield Case(
        "two-kinds/jpeg-and-php",
        lambda: jpeg[:2] + b"\xff\xfe\0\x14<?php phpinfo();?>"[: 2 + 2 + 18] + jpeg[2:],
        **shown,
    )
    yield Case(
        "two-kinds/gif-and-script",
        partial(encoded, noise().quantize(64), "GIF", comment=b"*/=1;alert(1)//"),
        truth=partial(opened, "gif"),
        worst=0,
    )
    text = png.chunk(b"tEXt", b"Comment\0" + page)
    yield Case("two-kinds/png-and-html", lambda: _inserted(text), truth=partial(rgb, noise()), worst=0)
    yield Case(
        "two-kinds/png-and-jpeg", lambda: _inserted(png.chunk(b"jpEg", jpeg)), truth=partial(rgb, noise()), worst=0
    )
    yield Case("two-kinds/pdf-and-jpeg", lambda: b"%PDF-1.4\n" + jpeg, ("photo.pdf",))
    yield Case("two-kinds/zip-and-jpeg", lambda: packed.getvalue() + jpeg, UNKNOWN)
    yield Case("two-kinds/svg-and-png", lambda: b"<svg>" + whole("png"), ("photo.svg",))


def _inserted(extra):
    """The PNG with one more chunk after its header."""
    return whole("png")[:33] + extra + whole("png")[33:]


def _other_pictures():
    """Formats that Pillow writes and we do not take."""
    for format in ("PCX", "SGI", "IM", "DDS", "PDF", "EPS", "ICNS", "QOI", "SPIDER"):
        picture = (
            scene().convert("F") if format == "SPIDER" else scene().resize((128, 128)) if format == "ICNS" else scene()
        )
        yield Case(
            f"no-photo/{format.lower()}",
            partial(encoded, picture, format),
            ("photo.pdf",) if format == "PDF" else UNKNOWN,
        )
    for format in ("XBM", "MSP"):
        yield Case(f"no-photo/{format.lower()}", partial(encoded, scene().convert("1"), format), UNKNOWN)
    yield Case("no-photo/icon", partial(encoded, scene(), "ICO"), ("photo.icon",))
    yield Case("no-photo/icon-of-bitmaps", partial(encoded, scene(), "ICO", bitmap_format="bmp"), ("photo.icon",))
    yield Case("no-photo/pointer", lambda: b"\0\0\2\0\1\0" + bytes(40), UNKNOWN)
    yield Case(
        "no-photo/photoshop",
        lambda: b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 45, 61, 8, 3) + bytes(80),
        UNKNOWN,
    )
    yield Case("no-photo/gimp", lambda: b"gimp xcf v011\0" + bytes(60), UNKNOWN)
    yield Case("no-photo/jpeg-xl", lambda: b"\xff\x0a" + bytes(60), UNKNOWN)
    yield Case("no-photo/openexr", lambda: b"\x76\x2f\x31\1" + bytes(60), UNKNOWN)
    yield Case("no-photo/radiance", lambda: b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 4\n" + bytes(64), UNKNOWN)


def _no_pictures():
    for name, data, code in (
        ("empty", b"", "photo.empty"),
        ("one-byte", b"\xff", "photo.unknown"),
        ("zeros", bytes(5000), "photo.unknown"),
        ("text", b"This is a shopping list.", "photo.unknown"),
        ("svg", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "photo.svg"),
        ("svg-behind-a-comment", b"\xef\xbb\xbf<!-- made by hand -->\n<svg/>", "photo.svg"),
        ("html", b"<!DOCTYPE html><html></html>", "photo.unknown"),
        ("json", b'{"photo": 1}', "photo.unknown"),
        ("pdf-of-a-start", b"%PDF-1.7\n", "photo.pdf"),
        ("zip", b"PK\3\4" + bytes(60), "photo.unknown"),
        ("executable", b"MZ\x90\0" + bytes(60), "photo.unknown"),
        ("elf", b"\x7fELF" + bytes(60), "photo.unknown"),
        ("gzip", b"\x1f\x8b\x08" + bytes(60), "photo.unknown"),
        ("mp4", b"\0\0\0\x18ftypisom\0\0\0\0mp41" + bytes(60), "photo.video"),
        ("quicktime", b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(60), "photo.video"),
        ("webm", b"\x1a\x45\xdf\xa3" + bytes(60), "photo.unknown"),
        ("avi", b"RIFF\0\0\0\0AVI LIST" + bytes(60), DAMAGED),
        ("jpeg-of-a-start", b"\xff\xd8\xff", DAMAGED),
        ("jpeg-without-a-scan", b"\xff\xd8\xff\xd9", DAMAGED),
        ("png-of-a-signature", png.SIGNATURE, DAMAGED),
        ("png-without-pixels", png.header(4, 4) + png.chunk(b"IEND", b""), DAMAGED),
        ("png-of-no-width", png.header(0, 4) + png.chunk(b"IDAT", b"") + png.chunk(b"IEND", b""), DAMAGED),
        ("gif-of-no-width", b"GIF89a\0\0\5\0\0\0\0;", DAMAGED),
        ("webp-of-a-header", b"RIFF\x04\0\0\0WEBP", DAMAGED),
        ("tiff-of-a-header", b"II*\0\x08\0\0\0", DAMAGED),
        ("heic-of-a-header", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", DAMAGED),
        ("avif-of-a-header", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", DAMAGED),
    ):
        yield Case(
            f"no-photo/{name}", partial(bytes, data), (code, "photo.no_pixels") if "-of-no-" in name else (code,)
        )


def _raw_files():
    tags = {"dng": {50706: b"\1\4\0\0"}, "nef": {254: 1, 330: 8}}
    for name, values in tags.items():
        info = TiffImagePlugin.ImageFileDirectory_v2()
        for tag, value in values.items():
            info[tag] = value
        yield Case(f"raw/{name}", partial(encoded, scene(), "TIFF", tiffinfo=info), RAW)
    yield Case("raw/cr2", lambda: _with_cr2_mark(encoded(scene(), "TIFF")), RAW)
    for name, data in (
        ("cr3", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(60)),
        ("raf", b"FUJIFILMCCD-RAW 0201" + bytes(60)),
        ("rw2", b"IIU\0" + bytes(60)),
        ("orf", b"IIRO" + bytes(60)),
        ("x3f", b"FOVb" + bytes(60)),
    ):
        yield Case(f"raw/{name}", partial(bytes, data), RAW)


def _with_cr2_mark(data):
    """Canon's mark stands behind the header; the directory that stood there is moved to the end."""
    start = struct.unpack("<L", data[4:8])[0]
    directory = data[start:]
    return data[:4] + struct.pack("<L", len(data)) + b"CR\2\0" + data[12:] + directory
