"""What the page says of the weights that serve: their card, their figures and their samples."""

import base64
import json
import re
from pathlib import Path

import cv2
import numpy as np
from markdown_it import MarkdownIt

from segmenter.web.live_weights import Weights

SAMPLES_QUALITY = 82
FIGURES = ("photos", "iou", "dice", "boundary_f", "gap_accuracy")


def describe(weights: Weights) -> dict:
    """All that is known of weights, out of their folder.

    Args:
        weights: live_weights.Weights.

    Returns:
        dict of plain JSON: `name`, `architecture` and `size` of the network; `sha256` of its file;
        `threshold`, at which `sources` were measured: a list of dicts with the `name` of a kind of photos, their
        number `photos`, `iou`, `dice`, `boundary_f` and `gap_accuracy` (0 … 1 or None), and `curve`,
        their IoU at each of `thresholds`; `card`, the model card as html; `samples`, a picture as a
        data URI, and `caption`; `weights` as `Weights.to_json()` has it. What a folder lacks is None or empty.
    """
    folder = getattr(weights.segmenter, "folder", None)
    config = getattr(weights.segmenter, "config", {})
    metrics = _read_metrics(folder)
    card = _read(folder, "README.md")
    return {
        "name": config.get("name"),
        "architecture": config.get("architecture"),
        "size": config.get("size"),
        "sha256": metrics.get("weights_sha256"),
        "threshold": metrics.get("threshold"),
        "thresholds": metrics.get("thresholds", []),
        "sources": [
            {"name": name, "curve": source.get("iou_by_threshold", []), **{key: source.get(key) for key in FIGURES}}
            for name, source in metrics.get("sources", {}).items()
        ],
        "card": card and to_html(card.decode()),
        "samples": _picture(_read(folder, "samples.png")),
        "caption": metrics.get("samples"),
        "weights": weights.to_json(),
    }


def to_html(card: str) -> str:
    """A model card as html that is safe whoever wrote it: no html of its own, no scripts, no pictures from elsewhere.

    The lines of YAML at its top are left out, and its headings are one level lower, as they stand within a page.
    """
    if card.startswith("---\n"):
        card = card.partition("\n---\n")[2]
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("image", lambda *_: "")
    tokens = markdown.parse(card)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
        for part in token.children or ():
            if part.type == "link_open":
                part.attrs |= {"rel": "noopener noreferrer nofollow", "target": "_blank"}
    html = markdown.renderer.render(tokens, markdown.options, {})
    return re.sub(r"<p>\s*</p>\n", "", html)  # what held nothing but pictures


def _read(folder, name):
    """The bytes of a file of the weights folder, or None."""
    try:
        return (Path(folder) / name).read_bytes() if folder else None
    except OSError:
        return None


def _read_metrics(folder):
    try:
        return json.loads(_read(folder, "metrics.json") or "{}")
    except ValueError:
        return {}


def _picture(data):
    """A picture file, smaller, as a data URI; None if there is none to be shown."""
    picture = None if data is None else cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return None
    _, small = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, SAMPLES_QUALITY])
    return f"data:image/webp;base64,{base64.b64encode(small.tobytes()).decode()}"
