"""The formats of annotations that labelling tools export. Another one is a module here and a name in FORMATS."""

from segmenter.datasets.formats import coco, cvat, label_studio, labelme, others, supervisely, via, yolo
from segmenter.datasets.formats.common import Format, Reading
from segmenter.datasets.formats.sources import Sources
from segmenter.errors import DatasetError

# The first that finds something in a folder counts.
FORMATS: tuple[Format, ...] = (yolo, coco, labelme, supervisely, label_studio, via, cvat)
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


def hint(sources: Sources) -> str:
    """What to do about annotations that no format reads, as the end of a sentence; "" where there are none."""
    return others.hint(sources)
