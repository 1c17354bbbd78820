"""JPEG files that are few bytes and much work.

Format: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, Annex B
"""

import re

START, END, SCAN = 0xD8, 0xD9, 0xDA
BASELINE = {0xC0, 0xC1}  # frames whose pixels come row by row where a scan has all of their components
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers that no segment follows
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_MARKER_IN_SCAN = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")


def scans(data: bytes, most: int) -> int:
    """How often the pixels of a JPEG are gone through: once where it is baseline, about ten times where progressive.

    Behind a scan of all components of a baseline frame no decoder looks further, and nor does this.

    Args:
        data: the bytes of a file. What follows the picture, such as a film, does not count.
        most: stop counting behind this number.

    Returns:
        The number of scans, at most `most + 1`; 0 where the file is no JPEG.
    """
    if not data.startswith(b"\xff\xd8"):
        return 0
    count, place, pattern, components = 0, 2, _MARKER, None
    while count <= most and (found := pattern.search(data, place)):
        marker, place, pattern = found[1][0], found.end(), _MARKER
        if marker == END:
            break
        if marker in _ALONE or marker == START:
            continue
        if marker in BASELINE:
            components = data[place + 7 : place + 8]  # behind length, precision, height and width
        if marker == SCAN:
            count, pattern = count + 1, _MARKER_IN_SCAN
            if components and data[place + 2 : place + 3] == components:
                break
        place += max(2, int.from_bytes(data[place : place + 2], "big"))
    return count
