"""Annotations that are not read: seen, and named with what to do about them."""

from pathlib import Path
from typing import Any

from segmenter.datasets.formats.sources import Sources, files_under

NAMED = 3  # files, at most
TABLES = (".parquet", ".tar", ".tfrecord", ".record", ".ndjson", ".jsonl", ".npy", ".npz", ".mat")
EXPORT = "export them as COCO instance segmentation, or save the masks as PNG files"


def hint(sources: Sources) -> str:
    """The end of a sentence about the annotation files in a folder that no format reads; "" where there are none."""
    seen = [(path, _json_tool(data)) for path, data in sources.json]
    seen += [(path, "broken") for path, _ in sources.broken]
    seen += [(path, _xml_tool(path)) for path in files_under(sources.folder, (".xml",))]
    seen += [(path, "VIA") for path in files_under(sources.folder, (".csv",)) if _is_via(path)]
    seen += [(path, "") for path in files_under(sources.folder, TABLES)]
    if not seen:
        return ""
    told = ", ".join(f"{path.name}{f' ({tool})' if tool else ''}" for path, tool in seen[:NAMED])
    more = f" and {len(seen) - NAMED} more" if len(seen) > NAMED else ""
    return f". {told}{more} cannot be read as outlines: {EXPORT}"


def _json_tool(data: Any) -> str:
    """Which tool wrote a JSON file, by the names in it; "" where nobody can tell."""
    first = data[0] if isinstance(data, list) and data else data
    if not isinstance(first, dict):
        return ""
    names = first.keys()
    known = {
        "CreateML, which has boxes alone": {"image", "annotations"} <= names
        or {"imagefilename", "annotation"} <= names,
        "Segments.ai": {"dataset", "name"} <= names and isinstance(first["dataset"], dict),
        "Labelbox": "data_row" in names or "Labeled Data" in names,
        "V7 Darwin": {"item", "annotations"} <= names,
        "VIA 3": {"project", "view", "metadata"} <= names,
        "Datumaro": {"items", "categories"} <= names,
        "FiftyOne": "samples" in names,
    }
    return next((tool for tool, fits in known.items() if fits), "")


def _xml_tool(path: Path) -> str:
    try:
        start = path.read_bytes()[:100_000]
    except OSError:
        return ""
    if b"<pt>" in start:
        return "LabelMe of the web"
    return "PASCAL VOC, which has boxes alone" if b"<annotation" in start and b"<annotations" not in start else ""


def _is_via(path: Path) -> bool:
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return "region_shape_attributes" in file.readline(10_000)
    except OSError:
        return False
