"""Judge weights on photos that did not train, and write down what came of it."""

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segmenter import weights_format
from segmenter.datasets import pieces, provenance
from segmenter.datasets.collection import EMPTY, WILD, validation_pieces
from segmenter.datasets.pairs import Case, Pair, cases, read_folder
from segmenter.evaluation import clicking, evaluate, furniture, metrics, report, results
from segmenter.evaluation.evaluate import Judged
from segmenter.inference.predictor import Segmenter
from segmenter.training.starts import Start

MOST_PIECES, SEED = 150, 0  # of each set are picked, drawn by the seed: every click costs time
PICTURES = 1024  # longest side of what is kept of a photo for the report's pictures, in pixels

HeldOut = Mapping[str, Sequence[Pair]]  # name of a source → pairs to judge on


def judge(
    folder: str | os.PathLike[str], held_out: HeldOut, threshold: float | None = None
) -> tuple[dict[str, Any], list[Judged]]:
    """Measure a weights folder on pairs that did not train.

    Args:
        folder: a weights folder.
        held_out: name → pairs.
        threshold: where to measure; by default where these pairs say that it is best.

    Returns:
        (metrics, judged), see `evaluate.evaluate`; of a collection see `furniture.judge`.
    """
    segmenter = Segmenter.load(folder)

    def sources() -> evaluate.Sources:
        return {name: cases(pairs) for name, pairs in held_out.items()}

    if EMPTY in held_out:  # a collection's, which says nothing of where a threshold would be best elsewhere
        at = weights_format.DEFAULT_THRESHOLD if threshold is None else threshold
        return furniture.judge(segmenter.probabilities, sources(), at, longest=PICTURES)
    if threshold is None:
        return evaluate.evaluate_at_best(segmenter.probabilities, sources, longest=PICTURES)
    return evaluate.evaluate(segmenter.probabilities, sources(), threshold, longest=PICTURES)


def completing_pays(folder: str | os.PathLike[str], held_out: HeldOut, threshold: float) -> bool:
    """Whether maps are better where the picker completes the furniture, by the mean IoU of the sources.

    Of a collection, the photos of `wild/` have no say: they show what comes of choices that were made without them.

    Args:
        folder: a weights folder that can pick.
        held_out: name → pairs that did not train.
        threshold: 0 … 1.
    """
    plain, completing = Segmenter(folder), Segmenter(folder)
    plain.completes, completing.completes = False, True

    def iou(segmenter: Segmenter, case: Case) -> float:
        mask = segmenter.probabilities(case.photo, refine=False) >= threshold
        return metrics.iou(mask, case.truth, case.known)

    gains = []
    for name, pairs in held_out.items():
        if name == EMPTY or name.startswith(WILD):
            continue
        chosen = random.Random(SEED).sample(list(pairs), min(MOST_PIECES, len(pairs)))
        gains.append(np.mean([iou(completing, case) - iou(plain, case) for case in cases(chosen)]))
    return bool(gains) and float(np.mean(gains)) > 0


def judge_picks(
    folder: str | os.PathLike[str],
    held_out: HeldOut,
    threshold: float,
    collection: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Measure how a weights folder picks single pieces, by clicks that follow a rule; see `clicking.judge`.

    Args:
        folder: a weights folder.
        held_out: name → pairs that did not train.
        threshold: from which probability on a pixel is of the piece, 0 … 1.
        collection: folder of the collection whose pieces are picked, instead of those of the pairs.

    Returns:
        {"pick": figures}, or an empty dict where the weights cannot pick or the photos show no pieces. The figures
        are `threshold`, `most_clicks` on a piece, `bars` (of IoU, for `clicks`), `most_pieces` of a set that were
        drawn by the `seed`, and `sources`, name → what `clicking.judge` gives and `of`, how many pieces there are.
    """
    segmenter = Segmenter.load(folder)
    if not segmenter.can_pick:
        return {}
    if collection:
        sets = validation_pieces(collection)
    else:
        sets = {name: pieces.of_pairs(pairs) for name, pairs in held_out.items()}

    def pick(photo: np.ndarray, points: list[tuple[int, int]], labels: list[int]) -> np.ndarray:
        return segmenter.probabilities(photo, points=points, labels=labels)

    judged = {
        name: {"of": len(each), **clicking.judge(pick, each.draw(MOST_PIECES, SEED), threshold)}
        for name, each in sets.items()
    }
    sources = {name: figures for name, figures in judged.items() if figures["pieces"]}
    limits = {"most_clicks": clicking.MOST, "bars": list(clicking.BARS), "most_pieces": MOST_PIECES, "seed": SEED}
    return {"pick": {"threshold": threshold, **limits, "sources": sources}} if sources else {}


def pick_lines(metrics: dict[str, Any]) -> str:
    """How single pieces are picked, a line for each set of them; empty where they are not."""
    return "\n".join(
        f"picking, {name}: IoU {figures['iou'][0]:.3f} after one click and {figures['iou'][2]:.3f} after three, "
        f"on {figures['pieces']} pieces"
        for name, figures in metrics.get("pick", {}).get("sources", {}).items()
    )


def judge_start(start: Start, held_out: HeldOut) -> dict[str, Any] | None:
    """The metrics of the weights that training starts from, on the same photos; None where it starts from none."""
    if not start.folder:
        return None
    try:
        metrics, _ = judge(start.folder, held_out, weights_format.read_config(start.folder)["threshold"])
    except ValueError as error:  # it has the network's weights, but not all that serving needs
        print(f"no comparison with {start.name}: {error}")
        return None
    return {**metrics, "name": start.name}


def write_judgement(
    folder: str | os.PathLike[str],
    metrics: dict[str, Any],
    judged: Sequence[Judged],
    collection: bool = False,
    weights: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Write metrics.json, samples.png, overlays and report.html into a folder, and say how good it is.

    Args:
        folder: where to.
        metrics, judged: of `judge`, completed for the report.
        collection: whether the photos are of a collection, which may not be shown.
        weights: the weights folder that was measured; `folder` itself by default.

    Returns:
        The metrics as they were written.
    """
    metrics = {**metrics, "samples": "samples.png: the worst, the median and the best of these photos."}
    shown = judged
    if collection:  # its photos are not ours to show; chairs97 is, and never trained
        pairs = {"chairs97": read_folder(provenance.CHAIRS97)}
        _, shown = judge(weights or folder, pairs, metrics["threshold"])
        metrics["samples"] = (
            "samples.png: the worst, the median and the best of chairs97, which may be shown. These "
            "pictures never trained, but some of the furniture models in them did, in other pictures."
        )
    else:
        results.write_overlays(Path(folder) / "overlays", judged, metrics["threshold"])
    results.write_results(folder, metrics, shown, weights or folder)
    try:
        report.write_page(folder, [] if collection else judged, show_photos=not collection)
    except ValueError as error:  # what was learned is worth more than its description
        print(f"report.html could not be written: {error}")
    print("\n".join(filter(None, [report.verdict_lines(metrics), pick_lines(metrics)])))
    return metrics
