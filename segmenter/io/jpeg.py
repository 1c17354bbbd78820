"""JPEG files that are few bytes and much work.

Format: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, Annex B
"""

import re

START, END, SCAN = 0xD8, 0xD9, 0xDA
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers that no segment follows
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_MARKER_IN_SCAN = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")


def scans(data: bytes, most: int) -> int:
    """How often the pixels of a JPEG are gone through: once where it is baseline, about ten times where progressive.

    Args:
        data: the bytes of a file. What follows the picture, such as a film, does not count.
        most: stop counting behind this number.

    Returns:
        The number of scans, at most `most + 1`; 0 where the file is no JPEG.
    """
    if not data.startswith(b"\xff\xd8"):
        return 0
    count, place, pattern = 0, 2, _MARKER
    while count <= most and (found := pattern.search(data, place)):
        marker, place, pattern = found[1][0], found.end(), _MARKER
        if marker == END:
            break
        if marker in _ALONE or marker == START:
            continue
        place += max(2, int.from_bytes(data[place : place + 2], "big"))
        if marker == SCAN:
            count, pattern = count + 1, _MARKER_IN_SCAN
    return count
