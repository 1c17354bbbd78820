"""JPEG as cameras, phones, scanners, shops and printers write it."""

import io
from collections.abc import Iterator
from functools import partial

import numpy as np
from PIL import Image, ImageCms

from tests.corpus import profiles
from tests.corpus.case import Case, encoded, noise, rgb, scene, turned

SUBSAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
SIZES = ((1, 1), (1, 40), (40, 1), (7, 5), (8, 8), (16, 16), (17, 33), (64, 3))


def cases() -> Iterator[Case]:
    """All JPEGs. Decoders may differ by their inverse transform and by how colours are enlarged."""
    yield from _coded()
    yield from _sized()
    yield from _with_profiles()
    for orientation in range(1, 9):
        yield Case(
            f"jpeg/orientation-{orientation}", partial(encoded, scene(), "JPEG", quality=95, exif=turned(orientation))
        )
    yield Case(
        "jpeg/orientation-out-of-range", partial(encoded, scene(), "JPEG", quality=95, exif=turned(9)), truth=_plain
    )
    yield Case(
        "jpeg/exif-of-nonsense",
        partial(encoded, scene(), "JPEG", quality=95, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(30)),
        truth=_plain,
    )
    yield Case("jpeg/comment", partial(encoded, scene(), "JPEG", quality=95, comment=b"<svg>" + bytes(range(256))))
    yield Case("jpeg/dots-per-inch", partial(encoded, scene(), "JPEG", quality=95, dpi=(300, 72)))
    yield Case("jpeg/of-two-pictures", partial(encoded, scene(), "MPO", save_all=True, append_images=[noise()]))
    yield Case("jpeg/with-a-thumbnail", _with_thumbnail)


def _coded():
    for subsampling, number in SUBSAMPLINGS.items():
        for progressive in (False, True):
            for quality in (20, 75, 100):
                options = {"subsampling": number, "progressive": progressive, "quality": quality}
                kind = "progressive" if progressive else "baseline"
                yield Case(
                    f"jpeg/rgb-{subsampling}-{kind}-{quality}",
                    partial(encoded, scene(), "JPEG", **options),
                    off=1.5,
                    worst=12,
                )
    for mode in ("L", "CMYK"):
        for progressive in (False, True):
            for quality in (30, 95):
                kind = "progressive" if progressive else "baseline"
                options = {"progressive": progressive, "quality": quality}
                yield Case(
                    f"jpeg/{mode.lower()}-{kind}-{quality}",
                    partial(encoded, scene().convert(mode), "JPEG", **options),
                    off=1,
                    worst=8,
                )
    yield Case("jpeg/rgb-untransformed", partial(encoded, scene(), "JPEG", keep_rgb=True, quality=95))
    yield Case("jpeg/optimised", partial(encoded, scene(), "JPEG", optimize=True, quality=90))
    yield Case("jpeg/restart-rows", partial(encoded, scene(), "JPEG", restart_marker_rows=1, quality=90))
    yield Case(
        "jpeg/restart-blocks", partial(encoded, noise(), "JPEG", restart_marker_blocks=2, quality=90), off=2, worst=None
    )
    yield Case("jpeg/own-tables", partial(encoded, scene(), "JPEG", qtables=[[9] * 64, [17] * 64]), off=1, worst=8)


def _sized():
    for height, width in SIZES:
        for name, number in SUBSAMPLINGS.items():
            make = partial(encoded, scene(height, width), "JPEG", quality=95, subsampling=number)
            yield Case(f"jpeg/{width}x{height}-{name}", make, off=2, worst=24)


def _with_profiles():
    for name in profiles.PRIMARIES:
        make = partial(encoded, scene(), "JPEG", quality=100, subsampling=0, icc_profile=profiles.matrix_profile(name))
        yield Case(f"jpeg/profile-{name.replace(' ', '-')}", make, off=1, worst=6)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield Case("jpeg/profile-srgb", partial(encoded, scene(), "JPEG", quality=95, icc_profile=srgb))
    yield Case(
        "jpeg/profile-grey",
        partial(encoded, scene().convert("L"), "JPEG", quality=95, icc_profile=profiles.grey_profile(1.8)),
        off=1,
        worst=4,
    )
    for name, profile in {
        "of-nonsense": b"no profile at all",
        "cut-short": profiles.matrix_profile("Adobe RGB")[:200],
        "of-grey-on-colours": profiles.grey_profile(1.8),
    }.items():
        yield Case(
            f"jpeg/profile-{name}", partial(encoded, scene(), "JPEG", quality=95, icc_profile=profile), truth=_plain
        )


def _plain() -> np.ndarray:
    """The scene as a decoder finds it in a JPEG with nothing besides."""
    with Image.open(io.BytesIO(encoded(scene(), "JPEG", quality=95))) as image:
        return rgb(image)


def _with_thumbnail():
    small = encoded(scene().resize((16, 12)), "JPEG")
    exif = Image.Exif()
    exif[0x0112] = 1
    exif.get_ifd(0x8769)[0x927C] = small  # where makers of cameras keep what they like
    return encoded(scene(), "JPEG", quality=95, exif=exif.tobytes())
