"""report.html: what a person reads after training, in one file that needs no server.

`complete` adds everything that the page says to the metrics; `write_page` shows it, from
metrics.json alone, so that no figure is on the page that is not in that file.
"""

import math
import os
from collections.abc import Sequence
from typing import Any

from segmenter.evaluation.report import summary, verdict
from segmenter.evaluation.report.page import verdict_lines, write_page
from segmenter.evaluation.threshold import best_threshold
from segmenter.weights_format import PICKER

__all__ = ["complete", "verdict_lines", "write_page"]


def complete(
    metrics: dict[str, Any],
    before: dict[str, Any] | None = None,
    history: str | os.PathLike[str] | Sequence[dict[str, Any]] | None = None,
    config: dict[str, Any] | None = None,
    findings: dict[str, Any] | Sequence[Any] | None = None,
    folds: Sequence[dict[str, Any]] | None = None,
    facts: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The metrics together with all that the report says.

    Args:
        metrics: as `evaluate.evaluate` gives them (with `data`, where the data set has a name).
        before: metrics of the weights that training started from, on the same photos, or None; may
            have `name` and `weights_sha256` besides.
        history: path of history.csv, or a list of dicts with its columns, or None.
        config: config.json as a dict, or None; the last of its `steps` that trained the network is shown as the
            recipe, and the last that trained its picker beside the figures of picking.
        findings: what the check of the data found (see `summary.read_findings`); None where nothing
            was checked.
        folds: a list of dicts with the figures of each fold (`folds.fold_summary`), or None.
        facts: dict of further facts about the run, name → number or text.

    Returns:
        A new dict, plain JSON: the metrics with `best_threshold` (not `applied` where it is found here,
        see `evaluate.evaluate_at_best`), `verdict`, and, where they were
        given, `comparison`, `history`, `recipe`, `network`, `findings`, `folds` and `facts`.
    """
    best = metrics.get("best_threshold") or {**best_threshold(metrics), "applied": False}
    metrics = {**metrics, "best_threshold": best}
    config = config or {}
    recipe = _plain(_last_step(config, None))
    if config:
        metrics["network"] = {key: config[key] for key in ("name", "architecture", "size") if key in config}
    if recipe:
        metrics["recipe"] = recipe
    picker_recipe = _plain(_last_step(config, PICKER))
    if "pick" in metrics and picker_recipe:
        metrics["pick"] = {**metrics["pick"], "recipe": picker_recipe}
    if before:
        metrics, comparison = summary.compare(metrics, before)
        if comparison:
            metrics["comparison"] = comparison
    epochs = summary.read_history(history) if history is not None else []
    if epochs:
        metrics["history"] = summary.summarise_history(epochs, recipe.get("epochs"))
    if findings is not None:
        metrics["findings"] = summary.read_findings(findings)
    if folds:
        metrics["folds"] = summary.summarise_folds(folds)
    if facts:
        metrics["facts"] = _plain(facts)
    metrics["verdict"] = verdict.judge(metrics)
    return metrics


def _last_step(config: dict[str, Any], trains: str | None) -> dict[str, Any]:
    """The last of the steps that trained the picker, or, where `trains` is None, the network; {} without any."""
    return next((step for step in reversed(config.get("steps", [])) if step.get("trains") == trains), {})


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """A dict as JSON can hold it: what is not finite becomes None, and what JSON does not know its text."""
    return {str(key): _plain_value(value) for key, value in values.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, list, dict)) else str(value)
