"""From the figures of a run to what they mean: comparison, history, folds, and the verdict in words.

All of it is plain JSON, as it becomes part of metrics.json: the page shows nothing else.
"""

import csv
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

CURVES = ("loss", "dice", "val_loss", "val_dice", "learning_rate")  # of history.csv
FIGURES = ("iou", "dice", "boundary_f", "gap_accuracy")  # of a source
SAME = 0.005  # of IoU: a photo that changed by less is neither better nor worse


def compare(metrics: dict[str, Any], before: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The change against other weights, measured on the same photos.

    Args:
        metrics, before: as `evaluate.evaluate` gives them; `before` may have `name` and
            `weights_sha256` besides.

    Returns:
        (metrics, comparison): metrics whose photos also have `iou_before`, `dice_before` and
        `boundary_f_before`; comparison is None where no photo is in both.
    """
    sources, changes = {}, []
    for name, source in metrics["sources"].items():
        earlier = {row["name"]: row for row in before["sources"].get(name, {}).get("worst_first", [])}
        rows = [_with_before(row, earlier.get(row["name"])) for row in source["worst_first"]]
        sources[name] = {**source, "worst_first": rows}
        changes += [row["iou"] - row["iou_before"] for row in rows if "iou_before" in row]
    if not changes:
        return metrics, None
    count = len(changes)
    error = float(np.std(changes, ddof=1)) / math.sqrt(count) if count > 1 else None
    comparison = {
        "name": before.get("name", "the weights it started from"),
        "threshold": before["threshold"],
        "photos": count,
        "change": round(float(np.mean(changes)), 4),
        "error": None if error is None else round(error, 4),
        "better": sum(change > SAME for change in changes),
        "worse": sum(change < -SAME for change in changes),
        "same": sum(abs(change) <= SAME for change in changes),
        "sources": {
            name: {key: source[key] for key in FIGURES} for name, source in before["sources"].items() if name in sources
        },
    }
    if "weights_sha256" in before:
        comparison["weights_sha256"] = before["weights_sha256"]
    return {**metrics, "sources": sources}, comparison


def _with_before(row: dict[str, Any], earlier: dict[str, Any] | None) -> dict[str, Any]:
    if earlier is None:
        return row
    return {**row, **{f"{key}_before": earlier[key] for key in ("iou", "dice", "boundary_f")}}


def read_history(place: str | os.PathLike[str] | Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The epochs of a training, in order.

    Args:
        place: path of a history.csv, or a list of dicts with its columns. Epochs are counted from 0.

    Returns:
        list of dicts with `epoch`, counted from 1, and those of `CURVES` that are there (None where
        a figure is not finite). Where an epoch was run twice, as after a crash, the last run counts.
        The list is empty where there is no such file, or nothing of use in it.
    """
    rows: Iterable[dict[str, Any]]
    if isinstance(place, (str, os.PathLike)):
        if not Path(place).is_file():
            return []
        with open(place, newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = place
    epochs = {}
    for row in rows:
        number = _finite(row.get("epoch"))
        if number is not None:
            epochs[int(number)] = {"epoch": int(number) + 1, **{key: _finite(row[key]) for key in CURVES if key in row}}
    return [epochs[number] for number in sorted(epochs)]


def _finite(value: Any) -> float | None:
    """A number, rounded to six digits that count; None where it is none or not finite."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return None
    return float(f"{value:.6g}") if math.isfinite(value) else None


def summarise_history(epochs: list[dict[str, Any]], most: int | None = None) -> dict[str, Any]:
    """What the curves tell.

    Args:
        epochs: as `read_history` gives them; not empty.
        most: epochs that were asked for, if known.

    Returns:
        dict: `epochs`, `count`, `asked`, `best_epoch` (of the lowest validation loss; None where
        none is finite) and the Dice of training and validation there with their `dice_gap`,
        `not_finite` (epochs without a finite loss), `drops` of the learning rate, and `unfinished`:
        whether the validation loss was still falling when the epochs ran out.
    """
    finite = [row for row in epochs if row.get("val_loss") is not None]
    best = min(finite, key=lambda row: row["val_loss"]) if finite else None
    losses = [key for key in ("loss", "val_loss") if any(key in row for row in epochs)]
    trained, validated = (best.get(key) if best else None for key in ("dice", "val_dice"))
    ran_out = most is not None and epochs[-1]["epoch"] >= most
    late = best is not None and best["epoch"] > epochs[-1]["epoch"] - max(1, round(len(epochs) / 20))
    return {
        "count": len(epochs),
        "asked": most,
        "best_epoch": best["epoch"] if best else None,
        "best_val_loss": best["val_loss"] if best else None,
        "dice_at_best": trained,
        "val_dice_at_best": validated,
        "dice_gap": round(trained - validated, 4) if trained is not None and validated is not None else None,
        "not_finite": sum(any(row.get(key) is None for key in losses) for row in epochs),
        "drops": _drops(epochs),
        "unfinished": bool(ran_out and late),
        "epochs": epochs,
    }


def _drops(epochs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where the learning rate fell at once by a third or more: falling slowly is a schedule."""
    found = []
    for earlier, later in zip(epochs, epochs[1:]):
        old, new = earlier.get("learning_rate"), later.get("learning_rate")
        if old and new and new < 0.67 * old:
            found.append({"epoch": later["epoch"], "from": old, "to": new})
    return found


def summarise_folds(folds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and spread (standard deviation between folds) of a list of folds with summary figures."""
    result: dict[str, Any] = {"each": [dict(fold) for fold in folds], "mean": {}, "spread": {}}
    for key in FIGURES:
        found = [fold[key] for fold in folds if fold.get(key) is not None]
        if found:
            result["mean"][key] = round(float(np.mean(found)), 4)
            result["spread"][key] = round(float(np.std(found, ddof=1)), 4) if len(found) > 1 else None
    return result


def read_findings(findings: dict[str, Any] | Sequence[Any]) -> dict[str, Any]:
    """What the check of the data found, brought together by kind.

    Args:
        findings: the dict of `validate.Findings.as_json`, or a list like its `found`: dicts with
            `level`, `kind`, `name`, `problem` and `advice`, as far as there; or plain strings.

    Returns:
        dict: `photos`, `usable` and `groups` where they are known, and `each`, a list of dicts of
        `level`, `problem` (the kind), `count`, `advice` (what is wrong with the first of them, and
        what to do) and `files`; errors first.
    """
    known = findings if isinstance(findings, dict) else {}
    kinds: dict[tuple[str, str], list[dict[str, str]]] = {}
    for finding in known.get("found", []) if known else findings:
        finding = finding if isinstance(finding, dict) else {"kind": str(finding)}
        one = {key: str(finding.get(key) or "") for key in ("level", "kind", "name", "problem", "advice")}
        kinds.setdefault((one["level"] or "note", one["kind"] or one["problem"]), []).append(one)
    each = []
    for (level, kind), found in sorted(kinds.items(), key=lambda item: (item[0][0] != "error", -len(item[1]))):
        first = found[0]
        advice = "; ".join(filter(None, (first["problem"] if first["kind"] else "", first["advice"])))
        each.append(
            {
                "level": level,
                "problem": kind,
                "count": len(found),
                "advice": ": ".join(filter(None, (first["name"], advice))) if advice else "",
                "files": [one["name"] for one in found if one["name"]],
            }
        )
    return {**{key: known[key] for key in ("photos", "usable", "groups") if key in known}, "each": each}
