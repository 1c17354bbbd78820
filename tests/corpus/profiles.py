"""Colour profiles, made by the rules of ICC.1:2022 (https://www.color.org/specification/ICC.1-2022-05.pdf), version 2.4."""

import struct

import numpy as np

D50 = (0.9642, 1.0, 0.8249)
D65 = (0.3127, 0.3290)
# The primaries' chromaticities of the spaces that photos come in.
PRIMARIES = {
    "Display P3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "Adobe RGB": ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)),
    "ProPhoto-like": ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)),
}
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def matrix_profile(name: str, gamma: float = 2.2) -> bytes:
    """A profile of three primaries of `PRIMARIES` and one gamma."""
    columns = _colorants(PRIMARIES[name]).T
    tags = {b"desc": _text(name), b"cprt": b"text\0\0\0\0none\0", b"wtpt": _xyz(D50)}
    tags |= {kind + b"XYZ": _xyz(column) for kind, column in zip((b"r", b"g", b"b"), columns)}
    tags |= {kind + b"TRC": _gamma(gamma) for kind in (b"r", b"g", b"b")}
    return _profile(b"RGB ", tags)


def grey_profile(gamma: float) -> bytes:
    """A profile of grey."""
    tags = {b"desc": _text("grey"), b"cprt": b"text\0\0\0\0none\0", b"wtpt": _xyz(D50), b"kTRC": _gamma(gamma)}
    return _profile(b"GRAY", tags)


def _colorants(primaries):
    """The primaries as XYZ columns that add up to D50."""
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([D65[0] / D65[1], 1, (1 - D65[0] - D65[1]) / D65[1]])
    native = xyz * np.linalg.solve(xyz, white)
    scale = np.diag((BRADFORD @ D50) / (BRADFORD @ white))
    return np.linalg.inv(BRADFORD) @ scale @ BRADFORD @ native


def _xyz(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _gamma(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _text(words):
    data = words.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(data)) + data + bytes(78)


def _profile(space, tags):
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for kind, data in tags.items():
        data += bytes(-len(data) % 4)
        table += kind + struct.pack(">II", start + len(body), len(data))
        body += data
    header = struct.pack(
        ">I4sI4s4s4s12x4s", start + len(body), b"\0\0\0\0", 0x02400000, b"mntr", space, b"XYZ ", b"acsp"
    )
    header = (header + bytes(28) + struct.pack(">3i", *(round(value * 65536) for value in D50))).ljust(128, b"\0")
    return header + struct.pack(">I", len(tags)) + table + body
