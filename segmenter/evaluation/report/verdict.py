"""Whether the result is good enough, and what would help, in plain sentences from the figures alone."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from segmenter.evaluation.metrics import DEFAULT_THRESHOLD
from segmenter.evaluation.threshold import CLEARLY, ENOUGH, WORTHWHILE

LEVELS = (  # from this mean IoU up
    (0.95, "excellent", "Good enough to use as it is"),
    (0.90, "good", "Good enough for most photos"),
    (0.80, "fair", "Good enough as a first cut that is corrected by hand"),
    (0.00, "poor", "Not good enough to use yet"),
)
OVERFITTED = 0.05  # of Dice, training above validation: from here on it knows its photos by heart
UNDERFITTED = 0.90  # of Dice in training: below, it has not even learnt those
DOUBTFUL = 0.10  # share of an object that is wrong although the network is sure: perhaps its mask is wrong
FEW = 12  # photos below which nothing is said on what the worst have in common
RELATED = 2.5  # |rank correlation| · √(n − 1) from where on it is no chance: 0.05 over the four traits
MATTERS = 0.03  # of IoU between photos with a trait and those without
OUTLIER = 0.15  # of IoU below the median
PERCENT = "\N{NO-BREAK SPACE}%"
TRAITS = (  # key, whether a high figure is the harder one, in words, what helps
    ("area", False, "the object is small in the picture", "photos in which the object is small"),
    ("at_frame", True, "the frame cuts the object off", "photos in which the frame cuts the object off"),
    (
        "contrast",
        False,
        "the object looks much like what is behind it",
        "photos in which object and background look alike",
    ),
    ("thin", True, "the object has thin parts", "photos of objects with thin parts, their masks drawn closely"),
)


def judge(metrics: dict[str, Any]) -> dict[str, Any]:
    """The verdict on metrics that `report.complete` has filled in.

    Returns:
        dict: `level`, one of "excellent", "good", "fair", "poor"; `sentence`, the whole verdict in
        one; `reasons`, a list of dicts of `kind`, `text` and the `figures` that the text is made of,
        the most important first; `figures` of the sentence.
    """
    rows = [row for source in metrics["sources"].values() for row in source["worst_first"]]
    figures = _figures(metrics, rows)
    reasons = [reason for reason in (look(metrics, rows, figures) for look in LOOKS) if reason]
    level, words = next((name, words) for limit, name, words in LEVELS if figures["iou"] >= limit)
    if figures["photos"] < ENOUGH:
        words = f"{words}, as far as {_count(figures['photos'], 'photo')} can tell"
    on = _count(figures["photos"], "photo")
    sentence = f"{words}: on {on} that did not train, what it finds overlaps the masks by {figures['percent']}{PERCENT}"
    helps = [reason["help"] for reason in reasons if reason["help"]]
    sentence += f"; {helps[0]}." if helps else "; nothing here says that more photos or another recipe would help much."
    return {"level": level, "sentence": sentence, "figures": figures, "reasons": reasons}


def _figures(metrics: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean over the weakest source, and how sure it is."""
    worst = min(metrics["sources"].values(), key=lambda source: source["iou"])
    spread = worst["iou_spread"]
    error = None if spread is None else round(2 * spread / math.sqrt(worst["photos"]), 4)
    return {
        "iou": worst["iou"],
        "percent": math.floor(100 * worst["iou"] + 0.5),
        "photos": worst["photos"],
        "margin": error,
    }


def _reason(kind: str, help: str | None, text: str, **figures: Any) -> dict[str, Any]:
    """`help` is the clause of the verdict's sentence, None where this reason is but for information."""
    return {"kind": kind, "help": help, "text": text, "figures": figures}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}{PERCENT}"


def _names(rows, most=3):
    names = [row["name"] for row in rows]
    return ", ".join(names[:most]) + (" and others" if len(names) > most else "")


def _not_finite(metrics, rows, figures):
    history = metrics.get("history")
    if not history or not history["not_finite"]:
        return None
    count, of = history["not_finite"], history["count"]
    return _reason(
        "not_finite",
        "training broke down on the way, so train again with a lower --learning-rate",
        f"In {count} of {_count(of, 'epoch')} the loss was no finite number: the steps were too large. "
        "A lower --learning-rate keeps it from breaking down.",
        not_finite=count,
        epochs=of,
    )


def _compared(metrics, rows, figures):
    comparison = metrics.get("comparison")
    if not comparison:
        return None
    change, error = comparison["change"], comparison["error"]
    tally = (
        f"{comparison['better']} of {_count(comparison['photos'], 'photo')} got better, {comparison['worse']} got worse"
    )
    sure = error is not None and abs(change) > CLEARLY * error and abs(change) >= WORTHWHILE
    if not sure:
        text = f"Training made no difference that these photos can show: mean IoU changed by {change:+.3f}; {tally}."
        help = "it is no better than the weights it started from, so keep those unless new photos say otherwise"
        return _reason("unchanged", None if change >= 0 else help, text, change=change, error=error)
    if change < 0:
        text = f"It is worse than the weights it started from: mean IoU fell by {-change:.3f}; {tally}."
        help = "the weights it started from are better, so use those, or train with a lower --learning-rate"
        return _reason("worse", help, text, change=change, fell=-change, error=error)
    text = f"Training helped: mean IoU is {change:.3f} above that of the weights it started from; {tally}."
    return _reason("better", None, text, change=change, error=error)


def _too_few(metrics, rows, figures):
    if figures["photos"] >= ENOUGH:
        return None
    return _reason(
        "few",
        "to know better, judge it on more photos (--validation, or --folds 5)",
        f"{_count(figures['photos'], 'photo')} to judge by are too few to rely on these figures. "
        "--folds 5 judges every photo once, each by a network that did not see it.",
        photos=figures["photos"],
    )


def _unfinished(metrics, rows, figures):
    history = metrics.get("history")
    if not history or not history["unfinished"]:
        return None
    return _reason(
        "unfinished",
        f"it was still getting better when training ended, so give it more than {history['asked']} --epochs",
        f"The best epoch is {history['best_epoch']} of {history['count']}: the validation loss was still "
        "falling when the epochs ran out. Train longer before judging anything else.",
        best_epoch=history["best_epoch"],
        epochs=history["count"],
    )


def _overfitted(metrics, rows, figures):
    history = metrics.get("history") or {}
    gap = history.get("dice_gap")
    if gap is None or gap < OVERFITTED:
        return None
    return _reason(
        "overfitted",
        "more photos would help most, as it does much better on those it trained on",
        f"At its best epoch it reaches Dice {history['dice_at_best']:.3f} on the photos it trained on but "
        f"{history['val_dice_at_best']:.3f} on others: it knows its photos better than the thing itself. "
        "More, and more varied, photos close that gap.",
        dice=history["dice_at_best"],
        val_dice=history["val_dice_at_best"],
        gap=gap,
    )


def _underfitted(metrics, rows, figures):
    history = metrics.get("history") or {}
    trained, gap = history.get("dice_at_best"), history.get("dice_gap")
    if trained is None or gap is None or trained >= UNDERFITTED or gap >= OVERFITTED or history["unfinished"]:
        return None
    from_scratch = metrics.get("recipe", {}).get("started_from") == "scratch"
    help = "a start from pretrained weights (--start imagenet)" if from_scratch else "masks drawn with more care"
    return _reason(
        "underfitted",
        f"{help} would help more than further photos, as it has not learnt those it has",
        f"Even on the photos it trained on, which are changed at random to make them harder, Dice is only "
        f"{trained:.3f}, with {history['val_dice_at_best']:.3f} on others: "
        + (
            "starting from nothing, it has too much to learn from so few photos."
            if from_scratch
            else "where masks contradict each other or are coarse, no network can follow them."
        ),
        dice=trained,
        val_dice=history["val_dice_at_best"],
    )


def _outliers(metrics, rows, figures):
    """A few photos that do much worse than all others pull the mean down."""
    found = [row["iou"] for row in rows]
    if len(found) < FEW:
        return None
    middle = float(np.median(found))
    low = [row for row in sorted(rows, key=lambda row: row["iou"]) if row["iou"] < middle - OUTLIER]
    rest = [iou for iou in found if iou >= middle - OUTLIER]
    if not low or len(low) > len(found) / 4:
        return None
    others = round(float(np.mean(rest)), 4)
    return _reason(
        "outliers",
        "look at the few photos that fail badly, and add more of their kind",
        f"{_count(len(low), 'photo')} of {len(found)} {'does' if len(low) == 1 else 'do'} much worse than the "
        f"others ({_names(low)}); the mean IoU of the other {len(rest)} is {others:.3f}.",
        count=len(low),
        photos=len(found),
        rest=len(rest),
        iou_of_rest=others,
    )


def _in_common(metrics, rows, figures):
    """The trait that goes with low figures most clearly, if one does beyond chance."""
    found = [one for one in (_relation(rows, *trait) for trait in TRAITS) if one]
    return max(found, key=lambda one: one["figures"]["difference"]) if found else None


def _relation(rows, key, high_is_hard, words, helps):
    rows = [row for row in rows if row.get(key) is not None]
    if len(rows) < FEW:
        return None
    ious = np.array([row["iou"] for row in rows])
    hardness = np.array([row[key] for row in rows]) * (1 if high_is_hard else -1)
    correlation = rank_correlation(hardness, ious)
    if -correlation * math.sqrt(len(rows) - 1) < RELATED:
        return None
    hard = hardness >= np.sort(hardness)[-(len(rows) // 3)]
    if key == "at_frame":
        hard = hardness > 0.02  # most touch it not at all, and a third is nobody's number
    if hard.all() or not hard.any():
        return None
    with_it, without = round(float(ious[hard].mean()), 4), round(float(ious[~hard].mean()), 4)
    if without - with_it < MATTERS:
        return None
    return _reason(
        "in_common",
        f"what would help most is {helps}",
        f"The worst have something in common: {words}. Mean IoU is {with_it:.3f} on the {int(hard.sum())} photos "
        f"where this is most so, and {without:.3f} on the other {int((~hard).sum())}.",
        trait=key,
        count=int(hard.sum()),
        rest=int((~hard).sum()),
        iou=with_it,
        iou_elsewhere=without,
        difference=round(without - with_it, 4),
        correlation=round(correlation, 3),
    )


def rank_correlation(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> float:
    """Spearman's rank correlation of two arrays, ties sharing their mean rank; 0 where one is constant."""
    one, other = (_ranks(np.asarray(values, float)) for values in (a, b))
    one, other = one - one.mean(), other - other.mean()
    scale = math.sqrt(float((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / scale) if scale else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return ((last - counts + last - 1) / 2)[places]


def _kind_of_mistake(metrics, rows, figures):
    """Whether it misses parts of the object or takes other things for it, over the weaker half."""
    rows = sorted((row for row in rows if row.get("missed") is not None), key=lambda row: row["iou"])
    weak = rows[: max(1, len(rows) // 2)]
    if not weak or figures["iou"] >= LEVELS[0][0]:
        return None
    missed, extra = (round(float(np.mean([row[key] for row in weak])), 4) for key in ("missed", "extra"))
    both = f"on the weaker half of the photos it misses {_percent(missed)} of the object and adds {_percent(extra)} that is not of it"
    if extra > 2 * missed:
        text = f"It takes other things for the object: {both}. Photos with more going on around the object teach it the difference."
        help = "photos with more going on around the object would help most"
    elif missed > 2 * extra:
        text = f"It leaves parts of the object out: {both}. Photos of objects like those it misses teach it what belongs to them."
        help = "photos of objects like those it finds only in part would help most"
    else:
        text, help = f"Its mistakes go both ways: {both}.", "more photos like the worst ones below would help most"
    return _reason("mistakes", help, text, missed=missed, extra=extra)


def _doubtful_masks(metrics, rows, figures):
    doubtful = [row for row in rows if (row.get("sure_wrong") or 0) >= DOUBTFUL]
    if not doubtful or len(doubtful) > len(rows) / 4 or figures["iou"] < LEVELS[2][0]:
        # a network that is often wrong says little on masks
        return None
    doubtful.sort(key=lambda row: -row["sure_wrong"])
    return _reason(
        "masks",
        None,
        f"Look at the {'mask' if len(doubtful) == 1 else 'masks'} of {_names(doubtful)}: there the network is "
        f"sure and the mask says otherwise ({_count(len(doubtful), 'photo')} of {len(rows)}). One of the two is wrong.",
        count=len(doubtful),
        photos=len(rows),
    )


def _threshold(metrics, rows, figures):
    best = metrics.get("best_threshold")
    if not best or not best["moved"]:
        return None
    gain = f"mean IoU {best['iou']:.3f} instead of {best['iou_at_default']:.3f} at {DEFAULT_THRESHOLD:g}"
    if best.get("applied"):
        text = f"It does best at a threshold of {best['threshold']:g}, which is its default from now on: {gain}."
    elif best["threshold"] == metrics["threshold"]:
        text = f"On these photos it does best at a threshold of {best['threshold']:g}, where it was measured: {gain}."
    else:
        text = (
            f"On these photos it would do best at a threshold of {best['threshold']:g}: {gain}. "
            f"Nothing was changed: the other figures are at {metrics['threshold']:g}."
        )
    figures = {key: best[key] for key in ("threshold", "iou", "iou_at_default")}
    return _reason("threshold", None, text, **figures, default=DEFAULT_THRESHOLD, measured_at=metrics["threshold"])


def _margin(metrics, rows, figures):
    if figures["margin"] is None or figures["photos"] < ENOUGH:
        return None
    between = metrics.get("folds", {}).get("spread", {}).get("iou")
    text = f"Other photos of the kind would give a mean IoU within about {figures['margin']:.3f} of this one."
    if between is not None:
        text += f" Between the folds it varies by {between:.3f} (standard deviation)."
    return _reason("margin", None, text, margin=figures["margin"], between_folds=between)


LOOKS = (
    _not_finite,
    _compared,
    _too_few,
    _unfinished,
    _overfitted,
    _in_common,
    _underfitted,
    _outliers,
    _kind_of_mistake,
    _doubtful_masks,
    _threshold,
    _margin,
)  # in the order of importance
