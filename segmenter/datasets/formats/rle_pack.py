"""The masks that Label Studio's brush packs: run-length codes in a stream of bits, of pictures of red, green, blue, alpha.

Format: https://www.npmjs.com/package/@thi.ng/rle-pack, "Encoding format"
"""

from collections.abc import Sequence

import numpy as np

from segmenter.errors import OutlineError

CHANNELS, ALPHA = 4, 3  # of a pixel; the last one says where the brush was
PAINTED = 128  # levels of alpha from which a pixel counts
CUT_SHORT = "its brush mask is cut short or damaged: export it again"


class _Bits:
    """A stream of bits, the highest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def read(self, count: int) -> int:
        """The number that the next bits are, at most 32 of them."""
        found = self.at(self.place, count)
        self.place += count
        return found

    def at(self, place: int, count: int) -> int:
        end = place + count
        if end > 8 * len(self.data):
            raise OutlineError(CUT_SHORT)
        around = int.from_bytes(self.data[place // 8 : -(-end // 8)], "big")
        return around >> -end % 8 & (1 << count) - 1


def decode(codes: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """Where the brush was: bool, H × W.

    Args:
        codes: the bytes, as numbers from 0 to 255.
        size: (height, width) of the picture.

    Raises:
        OutlineError: the code is of a picture of another size, or is damaged.
    """
    try:
        bits = _Bits(bytes(codes))
    except (TypeError, ValueError) as error:
        raise OutlineError(CUT_SHORT) from error
    height, width = size
    total = bits.read(32)
    if total != CHANNELS * height * width:
        raise OutlineError(f"its brush mask was painted on a picture of another size than {width} × {height}")
    word = bits.read(5) + 1
    lengths = [bits.read(4) + 1 for _ in range(4)]
    alpha = np.zeros(height * width, np.uint32)
    place = 0  # among the channels of all pixels
    while place < total:
        repeats, length = bits.read(1), lengths[bits.read(2)]
        end = place + bits.read(length) + 1
        first, last = _pixels_before(place), _pixels_before(min(end, total))
        if repeats:
            alpha[first:last] = bits.read(word)
        else:  # as many levels as that, one after another
            for pixel in range(first, last):
                alpha[pixel] = bits.at(bits.place + word * (CHANNELS * pixel + ALPHA - place), word)
            bits.place += word * (end - place)
        place = end
    return (alpha >= PAINTED).reshape(size)


def _pixels_before(place: int) -> int:
    """How many alphas come before a place among the channels."""
    return (place + CHANNELS - 1 - ALPHA) // CHANNELS
