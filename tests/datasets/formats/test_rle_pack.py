"""Brush masks as Label Studio packs them."""

import numpy as np
import pytest

from segmenter.datasets.formats import rle_pack
from segmenter.errors import OutlineError

# What Label Studio's own converter (label-studio-sdk, `encode_rle`) made of a picture of 8 × 6 pixels.
CODES = [0, 0, 0, 192, 57, 27, 252, 107, 81, 173, 198, 221, 27, 212, 111, 241, 189, 70, 221, 26, 220, 107, 81, 183, 71]
CODES += [9, 28, 156, 115, 49, 201, 199, 9, 27, 116, 107, 241, 189, 71, 39, 29, 52, 117, 241, 211, 71, 39, 27, 212, 108]
CODES += [113, 191, 199, 51, 29, 124, 119, 209, 215, 199, 51, 27, 252, 107, 241, 189, 71, 39, 29, 52, 117, 241, 211, 71]
CODES += [39, 27, 212, 107, 81, 183, 71, 9, 28, 156, 115, 49, 201, 199, 9, 27, 112]


def pack(painted, value=255, lengths=(3, 4, 8, 16)):
    """The same in plain steps: runs alone, and single levels every so often, as text of bits."""
    levels = np.repeat(painted.ravel() * value, 4)
    bits = f"{len(levels):032b}" + f"{7:05b}" + "".join(f"{length - 1:04b}" for length in lengths)
    place = 0
    while place < len(levels):
        end = place + 1
        while end < len(levels) and levels[end] == levels[place] and end - place < 2 ** lengths[3]:
            end += 1
        if end - place > 5:
            bits += "1" + "11" + f"{end - place - 1:0{lengths[3]}b}" + f"{levels[place]:08b}"
        else:
            bits += "0" + "00" + f"{end - place - 1:0{lengths[0]}b}" + f"{levels[place]:08b}" * (end - place)
        place = end
    bits += "0" * (-len(bits) % 8)
    return [int(bits[first : first + 8], 2) for first in range(0, len(bits), 8)]


def test_what_label_studio_itself_packed_is_read():
    expected = np.zeros((6, 8), bool)
    expected[1:, 2:7] = True
    np.testing.assert_array_equal(rle_pack.decode(CODES, (6, 8)), expected)


@pytest.mark.parametrize("seed", range(6))
def test_any_mask_comes_back(seed):
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 40, 2)
    painted = random.random((height, width)) < random.choice([0, 0.02, 0.5, 1])
    np.testing.assert_array_equal(rle_pack.decode(pack(painted), (height, width)), painted)


@pytest.mark.parametrize("kept", range(0, len(CODES), 7))
def test_what_is_cut_short_is_refused(kept):
    with pytest.raises(OutlineError, match="cut short"):
        rle_pack.decode(CODES[:kept], (6, 8))


@pytest.mark.parametrize("codes", ["text", [256], [-1], [0.5], [None], None, {"a": 1}])
def test_what_are_no_bytes_is_refused(codes):
    with pytest.raises(OutlineError, match="damaged"):
        rle_pack.decode(codes, (6, 8))


def test_a_picture_of_another_size_is_refused():
    for size in ((8, 7), (48, 6), (60_000, 60_000)):
        with pytest.raises(OutlineError, match="another size"):
            rle_pack.decode(CODES, size)
