"""What a judgement leaves in a folder: metrics.json, samples.png, overlays and a table."""

import csv
import hashlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from segmenter.errors import ReportError
from segmenter.evaluation.evaluate import Judged
from segmenter.evaluation.samples import overlay, sample_sheet
from segmenter.io import files
from segmenter.weights_format import LITERT, METRICS, SAMPLES

COLUMNS = (  # of the CSV, as far as the figures have them
    "source",
    "name",
    "iou",
    "iou_before",
    "dice",
    "dice_before",
    "boundary_f",
    "boundary_f_before",
    "gaps",
    "gap_pixels",
    "missed",
    "extra",
    "sure_wrong",
    "area",
    "at_frame",
    "contrast",
    "thin",
)


def write_results(
    out: str | os.PathLike[str],
    metrics: dict[str, Any],
    judged: Sequence[Judged],
    weights: str | os.PathLike[str] | None = None,
) -> None:
    """Write metrics.json and samples.png into a folder, which is made where it is missing.

    Args:
        out: the folder.
        metrics, judged: as `evaluate.evaluate` gives them.
        weights: the weights folder they were measured with; the SHA-256 of its network is noted.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    if weights is not None:
        found = hashlib.sha256((Path(weights) / LITERT).read_bytes()).hexdigest()
        metrics = {"weights_sha256": found, **metrics}
    text = json.dumps(metrics, indent=1, allow_nan=False)
    sheet = io.BytesIO()
    Image.fromarray(sample_sheet(judged, metrics["threshold"])).quantize(256).save(sheet, "PNG")
    files.write(out / METRICS, (text + "\n").encode("utf-8"), durable=True)
    files.write(out / SAMPLES, sheet.getvalue(), durable=True)


def write_csv(metrics: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write the figures of all photos as a table, a row a photo, worst first within each source.

    Args:
        metrics: as `evaluate.evaluate` or `report.complete` gives them. The columns are `COLUMNS`, as far as
            some photo has them; what a photo lacks is left empty.
        path: the file; what it holds already is replaced.

    Raises:
        ReportError: it cannot be written there.
    """
    rows = [{"source": name, **row} for name, source in metrics["sources"].items() for row in source["worst_first"]]
    columns = [column for column in COLUMNS if any(column in row for row in rows)]
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, extrasaction="ignore", restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    try:
        # the mark tells spreadsheets that it is UTF-8
        files.write(path, text.getvalue().encode("utf-8-sig"), durable=True)
    except OSError as error:
        raise ReportError(
            f"the table cannot be written to {path}: {error.strerror or error}; name a file in a folder that "
            "is there and that you may write to"
        ) from error


def write_overlays(folder: str | os.PathLike[str], judged: Sequence[Judged], threshold: float) -> None:
    """Write one overlay picture a photo, numbered worst first."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number, (_, case, found) in enumerate(judged, 1):
        name = f"{number:03d}-{Path(case.name).stem}.jpg"
        Image.fromarray(overlay(case, found, threshold)).save(folder / name, quality=88)
