"""The other formats that are taken: of the web, of iPhones, of film and of old workstations."""

import io
from collections.abc import Iterator
from functools import partial

import numpy as np
import pillow_heif
from PIL import Image

from tests.corpus import profiles
from tests.corpus.case import (
    HEIGHT,
    WIDTH,
    Case,
    encoded,
    noise,
    on_white,
    rgb,
    scene,
    see_through,
    turned,
    upright,
    wide,
)


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _webp()
    yield from _gif()
    yield from _avif()
    yield from _heif()
    yield from _jpeg2000()
    yield from _portable()
    yield from _targa()


def _webp():
    for quality in (30, 80, 100):
        for method in (0, 4, 6):
            make = partial(encoded, scene(), "WEBP", quality=quality, method=method)
            yield Case(f"webp/lossy-{quality}-{method}", make, off=1.5, worst=12)
    yield Case("webp/lossless", partial(encoded, noise(), "WEBP", lossless=True), worst=0)
    yield Case("webp/lossless-see-through", partial(encoded, see_through(), "WEBP", lossless=True, exact=True), worst=1)
    yield Case("webp/lossy-see-through", partial(encoded, see_through(), "WEBP", quality=90), off=1.5, worst=12)
    yield Case(
        "webp/alpha-coarse", partial(encoded, see_through(), "WEBP", quality=90, alpha_quality=20), off=1.5, worst=12
    )
    frames = {"save_all": True, "append_images": [noise()], "lossless": True}
    yield Case("webp/animated", partial(encoded, scene(), "WEBP", **frames), worst=0)
    yield Case(
        "webp/animated-lossy",
        partial(encoded, scene(), "WEBP", save_all=True, append_images=[noise()]),
        off=1.5,
        worst=12,
    )
    for orientation in range(1, 9):
        yield Case(
            f"webp/orientation-{orientation}",
            partial(encoded, scene(), "WEBP", lossless=True, exif=turned(orientation)),
            worst=0,
        )
    for name in profiles.PRIMARIES:
        make = partial(encoded, scene(), "WEBP", lossless=True, icc_profile=profiles.matrix_profile(name))
        yield Case(f"webp/profile-{name.replace(' ', '-')}", make, off=1, worst=4)


def _gif():
    few = scene().quantize(64)
    yield Case("gif/64-colours", partial(encoded, few, "GIF"), worst=0)
    yield Case("gif/rows-in-order", partial(encoded, few, "GIF", interlace=0), worst=0)
    yield Case("gif/grey", partial(encoded, scene().convert("L"), "GIF"), worst=0)
    yield Case("gif/two-colours", partial(encoded, scene().convert("1"), "GIF"), worst=0)
    yield Case("gif/transparent", partial(encoded, few, "GIF", transparency=few.getpixel((3, 3))), worst=0)
    for disposal in range(4):
        frames = {"save_all": True, "append_images": [noise().quantize(64)], "disposal": disposal}
        yield Case(f"gif/animated-disposal-{disposal}", partial(encoded, few, "GIF", **frames), worst=0)
    yield Case("gif/comment", partial(encoded, few, "GIF", comment=b"*/alert(1)/*"), worst=0)


def _avif():
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        for quality in (40, 90):
            make = partial(encoded, scene(), "AVIF", subsampling=subsampling, quality=quality)
            yield Case(f"avif/{subsampling}-{quality}", make, off=2, worst=24)
    yield Case("avif/grey", partial(encoded, scene().convert("L"), "AVIF", subsampling="4:0:0"), off=2, worst=12)
    yield Case("avif/limited-range", partial(encoded, scene(), "AVIF", range="limited", quality=90), off=2, worst=24)
    yield Case(
        "avif/see-through", partial(encoded, see_through(), "AVIF", quality=95, subsampling="4:4:4"), off=2, worst=24
    )
    yield Case(
        "avif/animated",
        partial(encoded, scene(), "AVIF", save_all=True, append_images=[noise()]),
        truth=partial(rgb, scene()),
        off=2,
        worst=24,
    )
    for orientation in range(1, 9):
        make = partial(encoded, scene(), "AVIF", quality=95, subsampling="4:4:4", exif=turned(orientation))
        yield Case(f"avif/orientation-{orientation}", make, off=2, worst=24)
    profile = profiles.matrix_profile("Display P3")
    yield Case(
        "avif/profile",
        partial(encoded, scene(), "AVIF", quality=95, subsampling="4:4:4", icc_profile=profile),
        off=2,
        worst=24,
    )


def heif(picture: Image.Image, more: tuple[Image.Image, ...] = (), **options) -> bytes:
    """A picture as iPhones write it, and others in the same file."""
    file, written = io.BytesIO(), pillow_heif.HeifFile()
    for each in (picture, *more):
        written.add_from_pillow(each)
    written.save(file, primary_index=0, **options)
    return file.getvalue()


def _heif():
    """No other decoder here reads HEVC: what comes must be what was written, but for the loss."""
    for chroma in (444, 422, 420):
        for quality in (50, 95):
            make = partial(heif, scene(), chroma=chroma, quality=quality)
            yield Case(f"heif/{chroma}-{quality}.heic", make, truth=partial(rgb, scene()), off=3, worst=40)
    grey = partial(rgb, scene().convert("L"))
    yield Case("heif/grey.heif", partial(heif, scene().convert("L"), quality=95), truth=grey, off=3, worst=24)
    yield Case(
        "heif/see-through.heic", partial(heif, see_through(), quality=95, chroma=444), truth=on_white, off=3, worst=40
    )
    yield Case(
        "heif/several.hif", partial(heif, scene(), (noise(),), quality=95), truth=partial(rgb, scene()), off=3, worst=40
    )
    for orientation in range(1, 9):
        truth = partial(upright, orientation, rgb(scene()))
        yield Case(
            f"heif/orientation-{orientation}",
            partial(heif, scene(), quality=95, exif=turned(orientation)),
            truth=truth,
            off=3,
            worst=40,
        )


def _jpeg2000():
    exact = {"truth": partial(rgb, scene()), "worst": 0}
    yield Case("jpeg2000/lossless", partial(encoded, scene(), "JPEG2000"), **exact)
    yield Case("jpeg2000/codestream", partial(encoded, scene(), "JPEG2000", no_jp2=True), **exact)
    yield Case("jpeg2000/tiles", partial(encoded, scene(), "JPEG2000", tile_size=(16, 16)), **exact)
    yield Case("jpeg2000/mixed-components", partial(encoded, scene(), "JPEG2000", mct=0), **exact)
    yield Case(
        "jpeg2000/many-resolutions",
        partial(encoded, scene(), "JPEG2000", num_resolutions=4, progression="RPCL"),
        **exact,
    )
    yield Case(
        "jpeg2000/lossy", partial(encoded, scene(), "JPEG2000", irreversible=True, quality_layers=[5]), off=2, worst=16
    )
    yield Case(
        "jpeg2000/grey",
        partial(encoded, scene().convert("L"), "JPEG2000"),
        truth=partial(rgb, scene().convert("L")),
        worst=0,
    )
    yield Case("jpeg2000/see-through", partial(encoded, see_through(), "JPEG2000"), truth=on_white, worst=1)


def _portable():
    grey, levels = np.asarray(scene().convert("L")), np.asarray(scene())
    size = f"{WIDTH} {HEIGHT}".encode()
    truth = {"truth": lambda: np.dstack([grey] * 3), "worst": 0}
    coloured = {"truth": partial(rgb, scene()), "worst": 0}
    two = np.where(grey > 128, 255, 0).astype(np.uint8)
    drawn = {"truth": lambda: np.dstack([two] * 3), "worst": 0}
    yield Case("ppm/p1.pbm", lambda: b"P1\n" + size + b"\n" + _spelled(two == 0), **drawn)
    yield Case("ppm/p2", lambda: b"P2\n# chair\n" + size + b"\n255\n" + _spelled(grey), **truth)
    yield Case("ppm/p3", lambda: b"P3 " + size + b" 255 " + _spelled(levels), **coloured)
    yield Case("ppm/p4", lambda: b"P4\n" + size + b"\n" + np.packbits(two == 0, axis=1).tobytes(), **drawn)
    yield Case("ppm/p5", lambda: b"P5\n" + size + b"\n255\n" + grey.tobytes(), **truth)
    yield Case("ppm/p6", lambda: b"P6\n" + size + b"\n255\n" + levels.tobytes(), **coloured)
    yield Case(
        "ppm/p5-to-100",
        lambda: b"P5 " + size + b" 100\n" + np.rint(grey / 2.55).astype(np.uint8).tobytes(),
        truth=lambda: np.dstack([np.rint(np.rint(grey / 2.55) * 2.55)] * 3),
        worst=1,
    )
    deep = np.dstack([np.rint(wide() / 257)] * 3)
    yield Case(
        "ppm/p5-16-bits",
        lambda: b"P5 " + size + b" 65535\n" + wide().astype(">u2").tobytes(),
        truth=lambda: deep,
        worst=1,
    )
    yield Case(
        "ppm/p6-16-bits",
        lambda: b"P6 " + size + b" 65535\n" + (levels.astype(">u2") * 257).astype(">u2").tobytes(),
        **coloured,
    )


def _spelled(values):
    return b"\n".join(
        b" ".join(b"%d" % value for value in row) for row in values.reshape(HEIGHT, -1).astype(int).tolist()
    )


def _targa():
    """No other decoder here reads Targa: what comes must be what was written."""
    for packed in (False, True):
        options = {"compression": "tga_rle"} if packed else {}
        kind = "-run-lengths" if packed else ""
        for mode in ("L", "P", "RGB"):
            picture = scene().convert(mode)
            yield Case(
                f"tga/{mode.lower()}{kind}.tga",
                partial(encoded, picture, "TGA", **options),
                truth=partial(rgb, picture),
                worst=0,
            )
        yield Case(f"tga/see-through{kind}", partial(encoded, see_through(), "TGA", **options), truth=on_white, worst=1)
    yield Case(
        "tga/from-the-top", partial(encoded, scene(), "TGA", orientation=1), truth=partial(rgb, scene()), worst=0
    )
