"""Train and judge several times, so that every photo is judged once by a network that never saw it."""

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segmenter.evaluation import folds, report, results
from segmenter.evaluation.evaluate import Judged
from segmenter.io import files
from segmenter.training import experiment, run_folder
from segmenter.training.judging import judge

FOLDS = "folds.json"


def cross_validate(runs: Sequence[experiment.Run], out: Path, options: Namespace) -> bool:
    """Train and judge every fold, and say what they have in common.

    Args:
        runs: one a fold.
        out: folder of folds.json and of the folds' own.
        options: of the command line.

    Returns:
        Whether all of it was finished.
    """
    each: list[dict[str, Any]] = []
    judged: list[Judged] = []
    for number, run in enumerate(runs, 1):
        print(
            f"\nfold {number} of {len(runs)}: {len(run.kept or ())} photos to train on, "
            f"{len(run.held_out['validation'])} to validate on"
        )
        run_folder.mend(run.out)
        if run.out.exists() and not run_folder.unfinished(run.out).exists():
            print(f"done already, in {run.out}")
            metrics, found = judge(run.out, run.held_out)
            finished = True
        else:
            metrics, found, finished = experiment.train(run)
            if finished:
                run_folder.discard(run.out)
        if metrics is None or not finished:
            return False
        each.append(metrics)
        judged += found
    summarise_folds(each, judged, runs, out, options)
    return True


def summarise_folds(
    each: Sequence[dict[str, Any]],
    judged: Sequence[Judged],
    runs: Sequence[experiment.Run],
    out: str | os.PathLike[str],
    options: Namespace,
) -> None:
    """Write folds.json and the report of all folds together, and a line about them."""
    summary = folds.fold_summary(each)
    metrics = report.complete(
        {**folds.pool(each), "data": runs[0].data.name},
        config=experiment.describe(runs[0]),
        findings=runs[0].data.findings,
        folds=summary,
        facts={"folds": len(each), "seed": options.seed},
    )
    metrics["samples"] = "samples.png: the worst, the median and the best photo of all folds."
    results.write_results(out, metrics, judged)
    report.write_page(out, judged)
    files.write_json(Path(out) / FOLDS, metrics["folds"])
    if options.csv:
        results.write_csv(metrics, options.csv)
    found = [fold["iou"] for fold in summary]
    mean, spread = metrics["folds"]["mean"], metrics["folds"]["spread"]
    print(
        f"\n{len(each)} folds: IoU {mean['iou']:.3f} ± {spread['iou']:.3f}, Dice {mean['dice']:.3f} ± "
        f"{spread['dice']:.3f}, boundary F {mean['boundary_f']:.3f} ± {spread['boundary_f']:.3f} "
        f"(mean ± standard deviation; {Path(out) / FOLDS}).\nA single split would have said anything from "
        f"{min(found):.3f} to {max(found):.3f}: one split of so few photos says little."
    )
