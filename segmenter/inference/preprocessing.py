"""Photo ↔ network square, and mask pictures → masks: what training and serving must do alike."""

import cv2
import numpy as np

from segmenter.errors import MaskError

UNKNOWN = 128  # grey level of mask pixels that nobody could tell; they carry no loss
GREY_THRESHOLD = 100  # a grey mask picture is foreground from here on, as in the article
MUCH = 6  # times as long a side as it is to be: what is left is fine enough to average evenly
COLOURED = 60  # a mask picture whose channels differ by this much anywhere is colour-coded


def to_network(photo: np.ndarray, size: int) -> np.ndarray:
    """A photo as the network sees it: squeezed to a square.

    Args:
        photo: uint8, H × W × 3, RGB.
        size: side of the square in pixels.

    Returns:
        float32, 1 × size × size × 3, 0 … 1.
    """
    return normalise(resize(photo, size, size)[np.newaxis])


def normalise(squares: np.ndarray) -> np.ndarray:
    """uint8 photos of any shape, 0 … 255, as float32, 0 … 1."""
    return squares.astype(np.float32) / np.float32(255)


def from_network(square: np.ndarray, height: int, width: int) -> np.ndarray:
    """The network's square output, stretched back to the photo's size.

    Args:
        square: float32, s × s or s × s × 1 or 1 × s × s × 1, 0 … 1.

    Returns:
        probability map: float32, height × width, 0 … 1.
    """
    square = np.asarray(square, np.float32)
    side = square.shape[-2] if square.shape[-1] == 1 else square.shape[-1]
    stretched = cv2.resize(square.reshape(side, side), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(stretched, 0.0, 1.0)


def resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize without aliasing: area averaging on the way down, bilinear on the way up.

    Even sides that are to become much shorter are halved first, which OpenCV does much faster. Where the last of an
    odd side's pixels were left out for that, all others would move a little.

    Args:
        picture: uint8 or float32, H × W or H × W × channels.
    """
    if height * width >= picture.shape[0] * picture.shape[1]:
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    while True:
        down, across = (_halved(side, wanted) for side, wanted in zip(picture.shape, (height, width)))
        if (down, across) == picture.shape[:2]:
            return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(picture, (across, down), interpolation=cv2.INTER_AREA)


def _halved(side, wanted):
    return side // 2 if side % 2 == 0 and side >= MUCH * wanted else side


def at_most(picture: np.ndarray, side: int, shorter: bool = False) -> np.ndarray:
    """The picture itself, or made smaller where it is larger than asked, for showing it.

    Halved as long as that comes out even, and then bilinear, which leaves no pixel out on what is left of the way and
    takes a fraction of the time that averaging over broken parts of pixels takes (`tiles.shrink`).

    Args:
        picture: uint8 or float32, H × W or H × W × channels.
        side: of the longer of its sides, in pixels.
        shorter: that is of the shorter one.
    """
    scale = side / (min if shorter else max)(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    while (
        picture.shape[0] >= 2 * height and picture.shape[1] >= 2 * width and not any(n % 2 for n in picture.shape[:2])
    ):
        picture = cv2.resize(picture, (picture.shape[1] // 2, picture.shape[0] // 2), interpolation=cv2.INTER_AREA)
    is_near = picture.shape[0] < 2 * height and picture.shape[1] < 2 * width
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR if is_near else cv2.INTER_AREA)


def read_mask(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a mask picture says of each pixel, whatever the convention it was painted in.

    Known conventions, tried in this order:
      an alpha channel that is not the same everywhere: opaque is foreground;
      colours: red is foreground, blue is background (told by hue, as both are dark as grey);
      grey: from `GREY_THRESHOLD` up is foreground, exactly 128 is unknown.

    Args:
        picture: uint8, H × W (grey), H × W × 3 (RGB) or H × W × 4 (RGBA); bool is taken as it is.

    Returns:
        (mask, known): bool H × W each; where `known` is False the mask means nothing.

    Raises:
        MaskError: not such an array, or one without pixels, or colour-coded with other colours than red and blue.
    """
    picture = np.asarray(picture)
    if not picture.size:
        raise MaskError(f"a mask must have pixels; this one is of shape {picture.shape}")
    if picture.dtype == bool and picture.ndim == 2:
        return picture, np.ones_like(picture)
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3):
        raise MaskError(f"a mask must be an 8-bit picture, not {picture.dtype} of shape {picture.shape}")
    if picture.ndim == 3 and picture.shape[2] == 4:
        alpha = picture[..., 3]
        if alpha.min() != alpha.max():
            return alpha >= 128, np.ones(alpha.shape, bool)
        picture = picture[..., :3]
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[..., 0]
    if picture.ndim == 3 and picture.shape[2] != 3:
        raise MaskError(f"a mask has 1, 3 or 4 channels, not {picture.shape[2]}")
    if picture.ndim == 2:
        return picture >= GREY_THRESHOLD, picture != UNKNOWN
    spread = picture.max(axis=2).astype(int) - picture.min(axis=2)
    if spread.max() < COLOURED:
        return read_mask(picture[..., 0])
    return _red_on_blue(picture, spread)


def _red_on_blue(picture, spread):
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    stray = (spread >= COLOURED) & (green > np.maximum(red, blue) - COLOURED // 2)
    if stray.mean() > 0.02:
        raise MaskError(
            "this mask is colour-coded in a way we do not know; paint the object red on blue, "
            "or white on black, or save it as a transparent PNG"
        )
    return red > blue, np.ones(red.shape, bool)
