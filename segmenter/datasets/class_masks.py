"""Masks whose colours or levels are classes: which of them are the object, and what each is called.

PASCAL VOC's colours are known (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/); others are named by a table
beside the masks: CVAT's labelmap.txt and label_colors.txt, labelme2voc's class_names.txt, Roboflow's _classes.csv.
"""

import csv
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from segmenter.errors import DatasetError, MaskError
from segmenter.inference.preprocessing import COLOURED
from segmenter.io import files

Key = tuple[int, int, int] | int  # a colour, or a level of grey or of a palette
VOC = "PASCAL VOC"
VOC_NAMES = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
).split()
BORDER = (224, 224, 192)  # between the classes of PASCAL VOC: nobody knows
BACKGROUND_NAMES = ("background", "_background_", "__background__")
IGNORED_NAMES = ("__ignore__", "ignore", "ignored", "void", "border", "unlabeled", "unlabelled")
# What is the object where a table names other classes too and nobody asked for any.
FURNITURE = (
    "chair sofa couch diningtable table armchair stool bench furniture bed desk cabinet wardrobe bookcase shelf"
).split()
MOST_CLASSES = 256
LEAST_SHARE = 0.005  # of a picture, from which on a colour is one of its own and no edge between two
MOST_STRAY = 0.02  # of a picture in colours that are neither red nor blue
NOTE = "the object is {taken}; the rest ({passed}) is background"


@dataclass(frozen=True)
class ClassTable:
    """What the colours or levels of masks are called.

    Args:
        names: colour, or level, → name.
        source: the file that says so, or `VOC`.
    """

    names: dict[Key, str]
    source: str

    @property
    def classes(self) -> list[str]:
        """The names of all that may be an object, in the table's order."""
        return [
            name for key, name in self.names.items() if not _is_background(key, name) and not _is_unknown(key, name)
        ]

    def objects(self, wanted: Collection[str] | None) -> set[str]:
        """Which classes are the object: the wanted ones; else those that are furniture; else all."""
        if wanted:
            return set(wanted)
        furniture = {name for name in self.classes if name.lower().replace(" ", "").replace("_", "") in FURNITURE}
        return furniture or set(self.classes)


def _voc_colour(number: int) -> tuple[int, int, int]:
    """The colour of a class of PASCAL VOC: its number's bits, dealt to the three channels from the highest bit on."""
    channels = [sum((number >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(3)) for channel in range(3)]
    return channels[0], channels[1], channels[2]


VOC_TABLE = ClassTable({_voc_colour(number): name for number, name in enumerate(VOC_NAMES)}, VOC)
# One class in VOC's first colour is what many tools write, whatever the class; with blue, it is red on blue.
_PLAIN_COLOURS = {_voc_colour(0), _voc_colour(1), _voc_colour(4)}


def find_table(folder: Path) -> ClassTable | None:
    """The table of classes that lies in a folder or below it, or None.

    Raises:
        DatasetError: a table cannot be read, or two tables contradict each other.
    """
    found: dict[Key, str] = {}
    paths = [root / name for root, names in files.walk(folder) for name in names if name.lower() in _READERS]
    for path in paths:
        try:
            names = _READERS[path.name.lower()](path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, LookupError) as error:
            raise DatasetError(
                f"{path.name} cannot be read as a table of classes ({error}); export it again"
            ) from error
        for key, name in names.items():
            if found.setdefault(key, name) != name:
                raise DatasetError(
                    f"{path.name} calls {_shown(key)} {name}, another file {found[key]}; keep one of them"
                )
    return ClassTable(found, paths[0].name) if found else None


def _read_labelmap(text: str) -> dict[Key, str]:
    """CVAT's `label:r,g,b:parts:actions`, a line each."""
    lines = [line.split(":") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {_colour(line[1].split(",")): line[0].strip() for line in lines if len(line) > 1 and line[1].strip()}


def _read_label_colours(text: str) -> dict[Key, str]:
    """CamVid's `r g b name`, a line each."""
    lines = [line.split(None, 3) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {_colour(line[:3]): line[3].strip() for line in lines}


def _read_class_names(text: str) -> dict[Key, str]:
    """labelme2voc's names, a line each; where the first is `__ignore__`, the second is of level 0."""
    names = [line.strip() for line in text.splitlines() if line.strip()]
    first = -1 if names and names[0] in IGNORED_NAMES else 0
    return {number % 256: name for number, name in enumerate(names, first)}


def _read_pixel_values(text: str) -> dict[Key, str]:
    """Roboflow's `Pixel Value, Class`."""
    rows = [row for row in csv.reader(text.splitlines()) if row]
    return {int(row[0]): row[1].strip() for row in rows if row[0].strip().isdecimal()}


def _colour(numbers: list[str]) -> tuple[int, int, int]:
    red, green, blue = (int(number) for number in numbers)
    return red, green, blue


_READERS: dict[str, Callable[[str], dict[Key, str]]] = {
    "labelmap.txt": _read_labelmap,
    "label_colors.txt": _read_label_colours,
    "class_names.txt": _read_class_names,
    "_classes.csv": _read_pixel_values,
}


def table_for(picture: Image.Image, table: ClassTable | None = None) -> ClassTable | None:
    """The table that a mask picture is painted by: the given one, or `VOC_TABLE`; None where it has no classes.

    Args:
        picture: a mask, decoded.
        table: what lies beside the masks.
    """
    levels = _levels(picture)
    if not levels or _has_transparency(picture):
        return None
    colours = {_colour_of(picture, level) for level in levels}
    if table is not None:
        two_greys = picture.mode == "L" and set(levels) <= {0, 255} and _is_unknown(255, table.names.get(255))
        return None if two_greys or picture.mode == "1" else table
    of_voc = colours <= {*VOC_TABLE.names, BORDER} and any(len(set(colour)) > 1 for colour in colours)
    return VOC_TABLE if of_voc and (BORDER in colours or not colours <= _PLAIN_COLOURS) else None


def read(
    picture: Image.Image, table: ClassTable, wanted: Collection[str] | None = None
) -> tuple[np.ndarray, np.ndarray, str]:
    """A mask by its classes.

    Args:
        picture: the mask, decoded; it has at most `MOST_CLASSES` colours.
        table: what they are called.
        wanted: names of the classes that are the object; see `ClassTable.objects` for what is without them.

    Returns:
        (mask, known, note): both bool, H × W; the note says which classes are the object where there are others.

    Raises:
        MaskError: it has a colour that the table does not name, or none of its classes is known to be the object.
    """
    levels = _levels(picture)
    pixels = picture.width * picture.height
    keys = {level: _key(picture, level, table) for level in levels}
    objects = _objects(table, {table.names.get(key, "") for key in keys.values()}, wanted)
    taken, passed, unknown, shares = [], [], [], {}
    for level, key in keys.items():
        name = table.names.get(key)
        share = f"{_shown(key)}, {levels[level] / pixels:.1%} of it"
        if _is_unknown(key, name):
            unknown.append(level)
        elif name is None:
            raise MaskError(
                f"its {share}, is none of the classes in {table.source}; correct that file, or paint the object "
                "white and all else black"
            )
        elif name in objects:
            taken.append(level)
            shares[name] = share
        elif not _is_background(key, name):
            passed.append(level)
            shares[name] = share
    names = {
        kind: [table.names[keys[level]] for level in some] for kind, some in (("taken", taken), ("passed", passed))
    }
    if passed and not taken and not wanted:
        told = " and ".join(f"{name} ({shares[name]})" for name in names["passed"])
        raise MaskError(
            f"its colours are {table.source}'s {told}, none of which is furniture; if it is the object, "
            f"choose it with --classes {' '.join(names['passed'])}"
        )
    note = NOTE.format(**{kind: ", ".join(some) for kind, some in names.items()}) if taken and passed else ""
    return _where(picture, taken), ~_where(picture, unknown), note


def refuse_unclear(picture: Image.Image) -> None:
    """Refuse a mask of flat colours, or of class numbers, of which nobody can tell what is the object.

    Args:
        picture: a mask without a table, decoded.

    Raises:
        MaskError: it has such colours; the message names them.
    """
    levels, pixels = _levels(picture), picture.width * picture.height
    if _has_transparency(picture):
        return
    large = {level: count / pixels for level, count in levels.items() if count >= LEAST_SHARE * pixels}
    told = " and ".join(f"{_shown(level)} ({share:.1%})" for level, share in _colours(picture, large).items())
    if picture.mode == "L":
        if _are_numbers(set(levels)) and len(large) > 1:
            raise MaskError(
                f"its levels look like class numbers: {told}; save the object's as 255 and all else as 0, or put a "
                f"table of the classes beside the masks ({', '.join(_READERS)})"
            )
    elif _are_unclear(_colours(picture, large)):
        raise MaskError(
            f"it is colour-coded in a way we do not know: {told}; paint the object red on blue, or white on black, "
            f"or put a table of the classes beside the masks ({', '.join(_READERS)})"
        )


def _colours(picture: Image.Image, levels: dict[Key, float]) -> dict[Key, float]:
    """Colour → share of the picture; of a grey picture, its levels as they are."""
    if picture.mode == "L":
        return levels
    return {_colour_of(picture, level): share for level, share in levels.items()}


def _are_numbers(levels: set[Key]) -> bool:
    """Whether levels of grey are class numbers with PASCAL VOC's border: no mask of blurred edges has only these."""
    numbers = range(1, len(VOC_NAMES))
    return 255 in levels and levels <= {0, 255, *numbers} and not levels.isdisjoint(numbers)


def _are_unclear(colours: dict[Key, float]) -> bool:
    """Whether flat colours are not those of red on blue: others, or several reds that nobody would call one."""
    vivid = [(colour, share) for colour, share in colours.items() if isinstance(colour, tuple) and _is_vivid(colour)]
    other = [share for (red, green, blue), share in vivid if green > max(red, blue) - COLOURED // 2 or red == blue]
    reds = np.array([colour for colour, _ in vivid if colour[0] > colour[2]], int).reshape(-1, 3)
    apart = len(reds) > 1 and int(np.ptp(reds, axis=0).max()) >= COLOURED
    return sum(other) > MOST_STRAY or apart


def _is_vivid(colour: tuple[int, int, int]) -> bool:
    return max(colour) - min(colour) >= COLOURED


def _objects(table: ClassTable, present: set[str], wanted: Collection[str] | None) -> set[str]:
    """`table.objects`; one class in VOC's first colour alone is the object, whatever the class is."""
    if table is VOC_TABLE and not wanted and not present & set(VOC_NAMES[2:]) - {VOC_NAMES[4]}:
        return {VOC_NAMES[1]}
    return table.objects(wanted)


def _levels(picture: Image.Image) -> dict[Key, int]:
    """Level or colour → how many pixels have it; empty where there are too many."""
    if picture.mode not in ("1", "L", "P", "RGB", "RGBA"):
        return {}
    counted = (picture.convert("RGB") if picture.mode == "RGBA" else picture).getcolors(MOST_CLASSES) or []
    return {level: count for count, level in counted}  # pyright: ignore[reportReturnType]


def _has_transparency(picture: Image.Image) -> bool:
    if picture.mode != "RGBA":
        return "transparency" in picture.info
    lowest, highest = picture.getextrema()[3]  # pyright: ignore[reportGeneralTypeIssues]
    return lowest != highest


def _colour_of(picture: Image.Image, level: Key) -> tuple[int, int, int]:
    if isinstance(level, tuple):
        return level
    if picture.mode != "P":
        return level, level, level
    palette = picture.getpalette("RGB") or []
    red, green, blue = (*palette[3 * level : 3 * level + 3], 0, 0, 0)[:3]
    return red, green, blue


def _key(picture: Image.Image, level: Key, table: ClassTable) -> Key:
    """A level as the table knows it."""
    by_level = any(isinstance(key, int) for key in table.names)
    return level if by_level else _colour_of(picture, level)


def _where(picture: Image.Image, levels: list[Key]) -> np.ndarray:
    values = np.asarray(picture.convert("RGB") if picture.mode == "RGBA" else picture)
    found = np.zeros(values.shape[:2], bool)
    for level in levels:
        found |= (values == level).all(axis=2) if values.ndim == 3 else values == level
    return found


def _is_background(key: Key, name: str | None) -> bool:
    nothing = key in (0, (0, 0, 0)) and (not name or name.lower() in IGNORED_NAMES)
    return nothing or (name or "").lower() in BACKGROUND_NAMES


def _is_unknown(key: Key, name: str | None) -> bool:
    if name is None:
        return key in (255, BORDER)
    return name.lower() in IGNORED_NAMES and not _is_background(key, name)


def _shown(key: Key) -> str:
    return f"level {key}" if isinstance(key, int) else f"colour {key}"
