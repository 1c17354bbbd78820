"""metrics.json → report.html: figures that name their place in that file, charts, pictures."""

import json
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from segmenter.evaluation.evaluate import Judged
from segmenter.evaluation.report import charts, pictures
from segmenter.io import files
from segmenter.weights_format import METRICS

PAGE = "report.html"
MEGABYTES = 15  # of the page at most, pictures included
ROOM = 1_500_000  # bytes of it for everything but pictures
UNKNOWN = "–"
TITLES = {  # keys of metrics.json as the page calls them
    "iou": "IoU",
    "dice": "Dice",
    "boundary_f": "Boundary F",
    "gap_accuracy": "Gaps left open",
}
MEANINGS = {
    "iou": "overlap of what it found with what is there, of both together",
    "dice": "the same overlap, of their mean size",
    "boundary_f": "outlines that run where they should",
    "gap_accuracy": "background between legs and slats, kept open",
}


def write_page(out: str | os.PathLike[str], judged: Sequence[Judged] = (), show_photos: bool = True) -> Path:
    """Write report.html into a folder that holds metrics.json, made of that file alone.

    Args:
        out: the folder; metrics.json in it is what `complete` gave.
        judged: list of (Score, Case, map) for the pictures, in any order.
        show_photos: False where the photos must not be shown: the page then has figures and charts.

    Returns:
        The page's path.

    Raises:
        ValueError: metrics.json is not one of `complete`.
        OSError: it cannot be read, or the page cannot be written.
    """
    out = Path(out)
    metrics = json.loads((out / METRICS).read_text(encoding="utf-8"))
    if "verdict" not in metrics:
        raise ValueError(f"{out / METRICS} has no verdict: report.complete adds it")
    html = render(metrics, judged, show_photos)
    files.write(out / PAGE, html.encode("utf-8"), durable=True)
    return out / PAGE


def verdict_lines(metrics: dict[str, Any]) -> str:
    """The verdict of completed metrics for a terminal: the sentence, and a line for each reason."""
    verdict = metrics["verdict"]
    return "\n".join([verdict["sentence"], *(f"- {reason['text']}" for reason in verdict["reasons"])])


def render(metrics: dict[str, Any], judged: Sequence[Judged] = (), show_photos: bool = True) -> str:
    """The page as text. Its arguments are those of `write_page`, the metrics as a dict."""
    judged = judged if show_photos else ()
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    figures = Figures(metrics)
    sources = [_source(name, metrics) for name in metrics["sources"]]
    return environment.get_template("page.html").render(
        metrics=metrics,
        style=markupsafe.Markup(_read("page.css")),
        script=markupsafe.Markup(_read("page.js")),
        figure=figures.show,
        pointer=pointer,
        words=TITLES,
        meanings=MEANINGS,
        sources=_with_pictures(sources, judged, metrics),
        charts=_history_charts(metrics.get("history")),
        recipe=_recipe(metrics, metrics.get("recipe", {})),
        picker_recipe=_recipe(metrics, metrics.get("pick", {}).get("recipe", {})),
        show_photos=show_photos,
    )


def _read(name: str) -> str:
    return (resources.files("segmenter.evaluation.report") / name).read_text(encoding="utf-8")


class Figures:
    """Shows figures of the metrics, each with the place in metrics.json that it comes from."""

    def __init__(self, metrics: dict[str, Any]) -> None:
        self.metrics = metrics

    def show(self, *keys: Any, form: str = ".3f") -> markupsafe.Markup:
        """A figure as a <data> element.

        Args:
            keys: the way to it in the metrics; several keys may come as one tuple.
            form: how to show a number, as Python's format() has it; numbers of "%" are shown in
                per cent. Text is shown as it is.
        """
        way = [key for part in keys for key in (part if isinstance(part, tuple) else (part,))]
        value: Any = self.metrics
        for key in way:
            value = value[key]
        return markupsafe.Markup('<data data-from="{}" value="{}">{}</data>').format(
            pointer(*way), "" if value is None else value, in_form(value, form)
        )


def in_form(value: Any, form: str) -> str:
    """A value of metrics.json as the page shows it."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if form.endswith("%"):
        return format(100 * value, form[:-1] + "f") + "\N{NO-BREAK SPACE}%"
    return format(value, form).replace("-", "\N{MINUS SIGN}")


def pointer(*keys: Any) -> str:
    """The way to a value as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def _source(name: str, metrics: dict[str, Any]) -> dict[str, Any]:
    source = metrics["sources"][name]
    return {
        "name": name,
        "rows": source["worst_first"],
        "groups": pictures.choose(source["worst_first"]),
        "chart": charts.photos(source["worst_first"]),
        "thresholds": charts.thresholds(metrics["thresholds"], source["iou_by_threshold"], metrics["best_threshold"]),
        "before": metrics.get("comparison", {}).get("sources", {}).get(name),
    }


def _with_pictures(
    sources: list[dict[str, Any]], judged: Sequence[Judged], metrics: dict[str, Any]
) -> list[dict[str, Any]]:
    """`sources`, each with `pictures`: index of a photo → its layers."""
    places: dict[tuple[str, float], list[Judged]] = {}
    for one in judged:
        places.setdefault((one[0].name, round(one[0].iou, 4)), []).append(one)
    shown = {}
    for number, source in enumerate(sources):
        for index in [index for group in source["groups"].values() for index in group]:
            row = source["rows"][index]
            found = places.get((row["name"], row["iou"]))
            if found:
                shown[number, index] = found.pop(0)
    embedded = pictures.embed(shown, metrics["threshold"], MEGABYTES * 1_000_000 - ROOM)
    for number, source in enumerate(sources):
        source["pictures"] = {index: layers for (of, index), layers in embedded.items() if of == number}
    return sources


def _recipe(metrics: dict[str, Any], recipe: dict[str, Any]) -> dict[str, str]:
    """Keys of a recipe that say something the page has not said elsewhere, with their titles."""
    known = {"data": metrics.get("data"), "size": metrics.get("network", {}).get("size")}
    return {
        key: key.replace("_", " ")
        for key, value in recipe.items()
        if value is not None and not isinstance(value, list) and not (key in known and known[key] == value)
    }


def _history_charts(history: dict[str, Any] | None) -> list[dict[str, Any]]:
    if not history:
        return []
    found = [
        ("Loss", "lower is better", charts.curves(history, "loss", "val_loss")),
        ("Dice", "higher is better", charts.curves(history, "dice", "val_dice")),
    ]
    return [{"title": title, "hint": hint, **chart} for title, hint, chart in found if chart]
