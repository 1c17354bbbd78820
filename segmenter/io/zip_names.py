"""The names of a zip's entries in Unicode, whatever program wrote them.

A zip says of a name only whether it is UTF-8 (APPNOTE 4.4.4, bit 11), or says it once more in the extra field
0x7075 (4.6.9). Macs write UTF-8 without saying so, and Windows the code page of its country, which is guessed from
all names of a zip together.
"""

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Sequence

UTF8_NAME, UNICODE_PATH = 0x800, 0x7075  # an entry's flag, and the kind of an extra field
LETTER_BYTES = 2  # of a character in the code pages of East Asia
# Different ones of Korean, below which common Chinese characters are as likely; half of them where words are
# parted by spaces, which Chinese does not do.
FEW_SYLLABLES = 6


def names_of(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The path of each entry of a zip, in Unicode's composed form; names in no known encoding as `zipfile` reads them.

    A backslash that is half of a character, as in Shift-JIS, is none in the result.

    Args:
        infos: all entries of a zip, as they tell the code page together.
    """
    found = {index: _stated(info) for index, info in enumerate(infos)}
    unsure = {index: _raw(infos[index]) for index, name in found.items() if name is None}
    page = _guess([raw for raw in unsure.values() if raw])
    for index, raw in unsure.items():
        found[index] = raw.decode(page, "replace") if raw and page else infos[index].filename
    return [unicodedata.normalize("NFC", name or "") for name in found.values()]


def _stated(info: zipfile.ZipInfo) -> str | None:
    """A name whose encoding is stated, or that is valid UTF-8."""
    raw = _raw(info)
    if info.flag_bits & UTF8_NAME or raw is None:
        return info.filename
    try:
        return (_unicode_path(info.extra, raw) or raw).decode("utf-8")
    except UnicodeError:
        return None


def _raw(info: zipfile.ZipInfo) -> bytes | None:
    """A name as it stands in the zip, up to a zero, which ends it."""
    try:
        return info.orig_filename.encode("cp437").partition(b"\0")[0]
    except UnicodeError:
        return None


def _unicode_path(extra: bytes, raw: bytes) -> bytes | None:
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == UNICODE_PATH and field[:5] == struct.pack("<BL", 1, zlib.crc32(raw)):
            return field[5:].partition(b"\0")[0]
    return None


# Code pages


def _guess(names: Sequence[bytes]) -> str | None:
    """The code page in which the names look most like words; of equals the first, None where none fits."""
    scores = {page: _likeness(names, page, plausible) for page, plausible in _PAGES.items()}
    best = max(scores, key=lambda page: scores[page])
    return best if names and scores[best] > 0.5 else None


def _likeness(names: Sequence[bytes], page: str, plausible: Callable[[str, bytes], float]) -> float:
    """How much the names look like words, 0 … 1: the mean over all characters beyond ASCII."""
    marks, letters, spaced, backslash = [], set(), False, False
    for raw in names:
        try:
            text = raw.decode(page)
        except UnicodeError:
            return 0.0
        for match in re.finditer(r"[^\x00-\x7f]", text):
            mark = plausible(match[0], match[0].encode(page))
            marks.append(mark * _company(text, match.start()))
            letters.add(match[0])
        backslash = backslash or "\\" in text
        spaced = spaced or re.search("[^ -~] [^ -~]", text) is not None
    if page == "cp949" and len(letters) < FEW_SYLLABLES // (2 if spaced else 1):
        return 0.0
    # Where another page has no backslash there, it is half of a character: zips have slashes between folders.
    return (0.9 if backslash else 1.0) * sum(marks) / len(marks) if marks else 0.0


def _company(text: str, index: int) -> float:
    """How well a character goes with those beside it, 0 … 1: scripts are seldom mixed within a word."""
    letter, before, after = text[index], text[index - 1 : index], text[index + 1 : index + 2]
    latin = [each for each in (before, after) if each.isascii() and each.isalpha()]
    if letter.upper() != letter.lower():  # capitals stand where a word begins, or throughout
        strange = letter.isupper() and before.islower()
        return 0.5 if strange else 0.3 if latin and not _is_latin(letter) else 1.0
    return (1.0, 0.85, 0.4)[len(latin)]


def _is_latin(letter: str) -> bool:
    return "\u00c0" <= letter <= "\u024f" and letter not in "×÷"


def _japanese(letter: str, raw: bytes) -> float:
    if "\u3041" <= letter <= "\u30ff":  # kana
        return 1.0
    if len(raw) < LETTER_BYTES:  # half-width katakana, which other encodings look like
        return 0.55 if "\uff61" <= letter <= "\uff9f" else 0.0
    return 1.0 if 0x88 <= raw[0] <= 0x97 else 0.6 if raw[0] >= 0x98 else 0.5  # kanji of level 1, of level 2, signs


def _simplified_chinese(letter: str, raw: bytes) -> float:
    if raw[0] < 0xB0 or raw[-1] < 0xA1:  # beyond GB 2312: rare, or signs
        return 0.5 if raw[0] in (0xA1, 0xA3) else 0.1
    return 1.0 if raw[0] <= 0xD7 else 0.7  # the usual ones, the others


def _traditional_chinese(letter: str, raw: bytes) -> float:
    return 0.95 if 0xA4 <= raw[0] <= 0xC6 else 0.5 if raw[0] >= 0xC9 else 0.4


def _korean(letter: str, raw: bytes) -> float:
    return 1.0 if "\uac00" <= letter <= "\ud7a3" and 0xB0 <= raw[0] <= 0xC8 and raw[-1] >= 0xA1 else 0.3


def _russian(letter: str, raw: bytes) -> float:
    if "\u0410" <= letter <= "\u044f" or letter in "ёЁ№":
        return 1.0
    return 0.6 if letter in "ЄєЇїЎў" else 0.0


def _western(letter: str, raw: bytes) -> float:
    return 0.95 if _is_latin(letter) else 0.0


# In this order of equals: words of one script alone are more telling than those of many thousand characters.
_PAGES: dict[str, Callable[[str, bytes], float]] = {
    "cp866": _russian,
    "cp949": _korean,
    "cp932": _japanese,
    "gbk": _simplified_chinese,
    "big5": _traditional_chinese,
    "cp437": _western,
    "cp850": _western,
}
