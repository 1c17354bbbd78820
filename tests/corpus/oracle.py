"""The same files by other decoders: libvips where it knows the format, and OpenCV for a few that it does not.

Both lie on Pillow's libraries for none of what is compared here: they parse files by themselves, turn them
upright, lay them on white and convert their profiles by code of their own.
"""

import cv2
import numpy as np
import pyvips

OPENCV = (b"BM", b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51")


def read(data: bytes) -> tuple[str, np.ndarray] | None:
    """(the decoder's name, the upright photo on white, uint8 H × W × 3, sRGB), or None where neither can read it."""
    if data.startswith(OPENCV):
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        return None if found is None else ("opencv", found)
    try:
        image = pyvips.Image.new_from_buffer(data, "", fail_on="error")
        return "libvips", _photo(image.autorot())
    except pyvips.Error:
        return None


def _photo(image):
    if image.interpretation == "cmyk" and image.get_typeof("icc-profile-data") == 0:
        return _naive(image.numpy())
    alpha = None
    if image.hasalpha():  # apart from the colours, as profiles have no room for it
        scale = 257 if image.format == "ushort" else 1
        alpha = (image[image.bands - 1] / scale).numpy()[..., np.newaxis] / 255
        image = image[: image.bands - 1]
    if image.get_typeof("icc-profile-data") != 0:
        image = image.icc_transform("srgb", embedded=True, intent="perceptual")
    colours = image.colourspace("srgb").cast("uchar").numpy()
    colours = np.dstack([colours] * 3) if colours.ndim == 2 else colours[..., :3]
    if alpha is None:
        return colours
    return np.rint(colours * alpha + 255 * (1 - alpha)).astype(np.uint8)


def _naive(ink):
    """Ink as screens show it without a profile: what is not covered by a colour, nor by black."""
    free = 255 - ink.astype(np.float32)
    return np.rint(free[..., :3] * free[..., 3:] / 255).astype(np.uint8)
