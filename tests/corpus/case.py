"""What a file of the corpus is: how it is made, and what must come of it."""

import functools
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 45, 61  # odd, so that blocks and subsampled planes end within a block
TAKEN, WHOLE = "taken", "refused, or taken whole"
DAMAGED = "photo.damaged"


@dataclass(frozen=True)
class Case:
    """A file and what is expected of it.

    Args:
        name: "KIND/WHAT", and its suffix where that is what matters.
        make: makes its bytes.
        expected: TAKEN; WHOLE, where a file was cut short: refused, or the pixels of the whole file; or the codes
            of which a refusal must have one.
        truth: makes the pixels that must come, uint8 H × W × 3; None: those that another decoder finds.
        off: the mean difference in levels that is allowed.
        worst: the largest difference that is allowed anywhere; None: any.
        heavy: looked at only where memory and time are measured.
        shown: (height, width, mean red, green and blue) that a heavy file must have.
    """

    name: str
    make: Callable[[], bytes]
    expected: str | tuple[str, ...] = TAKEN
    truth: Callable[[], np.ndarray] | None = None
    off: float = 0.5
    worst: int | None = 3
    heavy: bool = False
    shown: tuple[int, ...] = ()


@functools.cache
def scene(height: int = HEIGHT, width: int = WIDTH) -> Image.Image:
    """A smooth picture whose four corners differ, so that turning it shows."""
    y, x = np.mgrid[0:height, 0:width] / (max(height, width, 2) - 1)
    return Image.fromarray(np.dstack([30 + 200 * x, 20 + 210 * y, 240 - 110 * (x + y)]).astype(np.uint8))


@functools.cache
def see_through(mode: str = "RGBA") -> Image.Image:
    """The scene with an opacity that grows from left to right, or grey with it ("LA")."""
    alpha = Image.fromarray(np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1)))
    picture = scene().convert("L" if mode == "LA" else "RGB")
    picture.putalpha(alpha)
    return picture


def on_white() -> np.ndarray:
    """The scene that is see-through, laid on white."""
    levels = np.asarray(see_through()).astype(np.float32)
    alpha = levels[..., 3:] / 255
    return np.rint(levels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


@functools.cache
def noise(height: int = HEIGHT, width: int = WIDTH) -> Image.Image:
    """A picture that compresses badly."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


@functools.cache
def wide() -> np.ndarray:
    """Grey of 16 bits, uint16 H × W, from 0 to 65535."""
    return np.linspace(0, 65535, HEIGHT * WIDTH).astype(np.uint16).reshape(HEIGHT, WIDTH)


def rgb(picture: Image.Image) -> np.ndarray:
    """uint8, H × W × 3."""
    return np.asarray(picture.convert("RGB"))


def encoded(picture: Image.Image, format: str, **options) -> bytes:
    """A picture as the bytes of a file, by Pillow's writer of this format."""
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def turned(orientation: int) -> bytes:
    """EXIF that says only how the picture is turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def upright(orientation: int, stored: np.ndarray) -> np.ndarray:
    """Stored rows and columns as a viewer shows them, by the table of the EXIF standard."""
    flips = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(stored),
    }
    return flips[orientation]
