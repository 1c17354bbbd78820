"""The formats of annotations that labelling tools export. Another one is a module here and a name in FORMATS."""

from segmenter.datasets.formats import coco, labelme, yolo
from segmenter.datasets.formats.common import Format, Reading
from segmenter.datasets.formats.sources import Sources
from segmenter.errors import DatasetError

FORMATS: tuple[Format, ...] = (yolo, coco, labelme)  # the first that finds something in a folder counts
NAMES = sorted((form.NAME for form in FORMATS), key=str.lower)
SUFFIXES = tuple(dict.fromkeys(suffix for form in FORMATS for suffix in form.SUFFIXES))


def read(sources: Sources, reading: Reading) -> str | None:
    """Read the annotations of a folder by the first format that fits.

    Returns:
        The format's name, or None where there are no annotations.

    Raises:
        DatasetError: nothing of them can be read.
    """
    for form in FORMATS:
        found = form.find(sources)
        if found:
            form.read(found, sources, reading)
            return form.NAME
    sources.refuse_broken()
    if sources.file:
        raise DatasetError(f"{sources.file.name} is none of {', '.join(NAMES)}; export it again as one of these")
    return None
