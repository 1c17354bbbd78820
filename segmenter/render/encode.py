"""Pixels → the bytes of picture files."""

import cv2
import numpy as np

from segmenter.errors import PhotoError
from segmenter.io import png

SUFFIXES = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}  # by format, as files of it are called
STRIP = 128  # rows whose channels change places at a time
WEBP_SIDE = 16383  # the format has no room for more pixels a side


def encode(picture: np.ndarray, format: str, quality: int = 90, *, overwrite: bool = False) -> bytes:
    """A picture as a file of a format.

    Args:
        picture: uint8, H × W × 4 (RGBA, straight alpha) or H × W × 3 (RGB); a JPEG has no alpha.
        format: one of `SUFFIXES`.
        quality: of JPEG and WebP, 1 … 100; WebP at 100 loses nothing, and PNG never does.
        overwrite: the picture is not needed any more, and its channels may change places for JPEG and WebP; a large
            one takes half the memory so.

    Raises:
        PhotoError: the format has no room for so many pixels a side.
    """
    if format == "png":
        return to_png(picture)
    if format == "jpeg":
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    else:
        if max(picture.shape[:2]) > WEBP_SIDE:
            message = "A WebP has at most {limit} pixels a side. Please choose PNG or JPEG."
            raise PhotoError(message, "photo.webp_side", limit=WEBP_SIDE)
        # OpenCV takes a quality above 100 for a WebP without loss
        options = [cv2.IMWRITE_WEBP_QUALITY, quality + (quality == 100)]
    return _encoded(SUFFIXES[format], _in_opencvs_order(picture, overwrite), options)


def to_png(picture: np.ndarray) -> bytes:
    """A picture as the bytes of a PNG file, without loss.

    Args:
        picture: uint8, H × W × 4 (RGBA, straight alpha), H × W × 3 (RGB) or H × W (grey).
    """
    return png.encode(picture)


def map_png(probabilities: np.ndarray) -> bytes:
    """A map as the bytes of a 16-bit grey PNG file: 0 is surely background, 65535 surely furniture.

    Args:
        probabilities: float32, H × W, 0 … 1.
    """
    return png.encode(np.rint(probabilities * np.float32(65535)).astype(np.uint16))


def _in_opencvs_order(picture, overwrite):
    code = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
    if not overwrite:
        return cv2.cvtColor(picture, code)
    for top in range(0, len(picture), STRIP):
        picture[top : top + STRIP] = cv2.cvtColor(picture[top : top + STRIP], code)
    return picture


def _encoded(suffix, picture, options):
    _, data = cv2.imencode(suffix, picture, options)
    return data.tobytes()
