"""A plain mutation fuzzer: changes of good files by chance, without any view of what the code does with them.

It is what tests run, and what `python -m tests.fuzz` falls back to where there is no wheel of atheris.
"""

from collections.abc import Iterator, Sequence

import numpy as np

# Numbers and words that decoders stumble over.
TOKENS = (
    *(bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"\0\0\0\x80", b"\1\0", b"\0\1"),
    *(b"-1", b"1e999", b"NaN", b"1" + b"0" * 400, b"null", b"true", b"{}", b"[]", b'""', b"\\ud800", b"\n", b"\0"),
    *(b"../", b"IHDR", b"IDAT", b"tRNS", b"iCCP", b"eXIf", b"\xff\xd9", b"\xff\xda", b"PK\1\2", b"PK\5\6", b"ftyp"),
)


def mutations(seeds: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Changed seeds without end, the same for the same numbers."""
    rng = np.random.default_rng(seed)
    while True:
        data = bytearray(seeds[rng.integers(len(seeds))])
        for _ in range(rng.integers(1, 6)):
            data = _changed(data, seeds, rng)
        yield bytes(data)


def _changed(data, seeds, rng):
    start, end = sorted(rng.integers(0, len(data) + 1, 2))
    match rng.integers(7):
        case 0:  # single bytes
            for place in rng.integers(0, max(len(data), 1), rng.integers(1, 8)):
                data[place : place + 1] = rng.bytes(1)
        case 1:
            if data:
                data[start % len(data)] ^= 1 << rng.integers(8)
        case 2:
            del data[start:end]
        case 3:
            data[start:start] = data[start:end][:4096]
        case 4:
            token = TOKENS[rng.integers(len(TOKENS))]
            data[start : start + len(token) * int(rng.integers(2))] = token
        case 5:
            del data[end:]
        case 6:  # another file's end
            other = seeds[rng.integers(len(seeds))]
            data[start:] = other[len(other) * start // max(len(data), 1) :]
    return data
