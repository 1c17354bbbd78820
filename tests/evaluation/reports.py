"""Reports of a segmenter that finds the left part of boxes."""

import json

import numpy as np

from segmenter.datasets import pairs
from segmenter.evaluation import report, results
from segmenter.evaluation.evaluate import evaluate

SHAPE = 48, 64


NASTY = "<script>alert(\"1\")</script> & 'x' " + 150 * "long" + ".jpg"


def make_case(number, name=None, side=20):
    """A box on noise."""
    rng = np.random.default_rng(number)
    truth = np.zeros(SHAPE, bool)
    truth[10 : 10 + side, 12 : 12 + side] = True
    photo = rng.integers(0, 256, (*SHAPE, 3), np.uint8)
    return pairs.Case(name or f"photo{number:02d}.jpg", photo, truth, np.ones_like(truth))


def judge(count, quality=0.8, names=(), seed=0):
    """(metrics, judged) of a segmenter that finds the left part of each box, a share around `quality`."""
    rng = np.random.default_rng(seed)
    cases = [make_case(number, names[number] if number < len(names) else None) for number in range(count)]
    reply = {}
    for case in cases:
        found = case.truth.copy()
        found[:, 12 + round(20 * min(1, max(0, quality + rng.normal(0, 0.05)))) :] = False
        reply[case.photo.tobytes()] = np.where(found, 0.93, 0.04).astype(np.float32)
    sources = {"validation": cases}
    return evaluate(lambda photo: reply[photo.tobytes()], sources, 0.5, longest=64)


def make_history(count=12, gap=0.0, **columns):
    rows = []
    for epoch in range(count):
        dice = 0.95 - 0.5 * 0.7**epoch
        row = {
            "epoch": epoch,
            "loss": 1.3 - dice,
            "dice": dice,
            "val_loss": 1.35 - dice + gap + 0.002 * epoch,
            "val_dice": dice - gap,
            "learning_rate": 1e-3 if epoch < 6 else 1e-4,
        }
        rows.append({**row, **{key: values[epoch] for key, values in columns.items()}})
    return rows


CONFIG = {
    "name": "boxes",
    "architecture": "unet_256",
    "size": 64,
    "threshold": 0.5,
    "steps": [
        {
            "data": "boxes",
            "size": 64,
            "started_from": "weights",
            "epochs": 30,
            "batch_size": 8,
            "learning_rate": 1e-3,
            "cosine": False,
            "stop_delta": 1e-4,
        }
    ],
}


PICKER_STEP = {  # as config.json has it after the last of CONFIG's steps
    "trains": "picker",
    "data": "boxes",
    "size": 64,
    "started_from": "scratch",
    "steps": 2000,
    "batch_size": 16,
    "learning_rate": 2e-3,
    "rounds": [0.7, 0.3],
}

PICK = {
    "threshold": 0.5,
    "most_clicks": 10,
    "bars": [0.85, 0.9],
    "most_pieces": 150,
    "seed": 0,
    "sources": {
        "seats": {
            "of": 412,
            "pieces": 150,
            "clicked": 611,
            "iou": [0.8123, 0.9012, 0.9234],
            "clicks": {"0.85": 1.74, "0.9": 2.93},
            "worse": 0.0267,
            "thin": 0.6543,
            "gaps": None,
            "worst_first": [{"name": "a 1", "iou": [0.1, 0.5, 0.9]}],
        }
    },
}


FINDINGS = {
    "photos": 31,
    "usable": 29,
    "groups": 27,
    "errors": 2,
    "warnings": 1,
    "found": [
        {"level": "warning", "kind": "soft masks", "name": "a.jpg", "problem": "3 greys", "advice": "look"},
        {"level": "error", "kind": "empty masks", "name": "b.jpg", "problem": "no pixel", "advice": "draw it"},
        {"level": "error", "kind": "empty masks", "name": "c.jpg", "problem": "no pixel", "advice": "draw it"},
    ],
}


def write(folder, metrics, judged, **settings):
    """Write metrics.json and the page; (metrics as stored, the page's text)."""
    show_photos = settings.pop("show_photos", True)
    folder.mkdir(exist_ok=True)
    results.write_results(folder, report.complete(metrics, **settings), judged)
    page = report.write_page(folder, judged, show_photos)
    stored = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return stored, page.read_text(encoding="utf-8")
