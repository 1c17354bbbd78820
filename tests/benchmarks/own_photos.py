"""Does training on one's own photos work for other things than the network knows? Cabinets, lamps.

    python -m tests.benchmarks.own_photos COLLECTION cabinets

COLLECTION is the data of the default weights. Out of its renders come 80 pictures: one cabinet (or
lamp) each, in front of or behind chairs, sofas and stools, which are background here: all that the
default weights have learnt to find. The pictures are laid out as anybody's own data set, `train.py
--data` is called on it as the README says, with 60 to train on and 20 to validate on, no model on
both sides, and the figures go to cabinets.json (or lamps.json) beside this file. There are 30 models
of cabinets and only 13 of lamps, some of them the only one of their kind: the lamps are the harder task.
"""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from segmenter.datasets import collection as furniture, pairs
from segmenter.datasets.copy_paste import Object
from segmenter.render import compositing

HERE = Path(__file__).resolve().parent
CATEGORIES = {"cabinets": {"cabinet"}, "lamps": furniture.LAMPS}
ROOT = HERE.parents[1]
PICTURES, HELD_OUT = 80, 20
SIDE = 512
SHOWN = 0.7  # a picture in which less than this of the thing is to be seen, behind a sofa, is drawn anew
FADE = 0.08  # of its frame, in which a shadow that the frame cuts off ends softly
SEED = 1


def renders(collection, categories):
    """model → list of Object, of some categories."""
    folder, found = Path(collection) / "renders", {}
    for row in pairs.read_table(folder / "renders.csv"):
        if row["category"] not in categories:
            continue
        cutout = np.asarray(Image.open(folder / "cutouts" / row["file"]).convert("RGBA"))
        shadow = Image.open((folder / "shadows" / row["file"]).with_suffix(".png")).convert("L")
        shadow = cv2.GaussianBlur(np.asarray(shadow, np.float32) / 255, (0, 0), 1.5)  # the rendering is grainy
        shadow *= np.outer(soft_ends(shadow.shape[0]), soft_ends(shadow.shape[1]))
        corner = float(row["x0"]), float(row["y0"])
        thing = Object(cutout, row["category"], shadow, float(row["frame"]), corner)
        found.setdefault(row["model"], []).append(thing)
    return found


def soft_ends(length):
    """float32, `length`: 1, but falling to 0 at both ends."""
    position = np.arange(length, dtype=np.float32)
    return np.minimum(1, np.minimum(position, position[::-1]) / (FADE * length))


def place(thing, height, floor, middle):
    """The object and its shadow on our canvas, standing at row `floor` around column `middle`."""
    rows, columns = thing.cutout.shape[:2]
    scale = height / rows
    corner = np.array([middle - scale * columns / 2, floor - height])
    cutout = compositing.place(thing.cutout, np.column_stack([np.eye(2) * scale, corner]), SIDE, SIDE)
    zoom = scale * thing.frame / thing.shadow.shape[0]
    matrix = np.column_stack([np.eye(2) * zoom, corner - scale * np.array(thing.corner)])
    return cutout, np.clip(cv2.warpAffine(thing.shadow, matrix, (SIDE, SIDE)), 0, 1) * 0.8


def picture(wanted, seats, background, rng):
    """A thing among seats: (photo uint8, mask uint8 0 or 255; None where too little of it shows), SIDE × SIDE."""
    top, left = (rng.integers(0, side - min(background.shape[:2]) + 1) for side in background.shape[:2])
    side = min(background.shape[:2])
    photo = cv2.resize(background[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    things = [(wanted, rng.uniform(0.3, 0.75))] + [(seat, rng.uniform(0.3, 0.6)) for seat in seats]
    target, whole = np.zeros((SIDE, SIDE), np.float32), 0.0
    for thing, share in sorted(things, key=lambda _: rng.random()):
        floor, middle = rng.uniform(0.72, 1.0) * SIDE, rng.uniform(0.15, 0.85) * SIDE
        cutout, shadow = place(thing, share * SIDE, floor, middle)
        photo = compositing.paste(photo, compositing.harmonise(cutout, photo, 0.2), shadow)
        alpha = cutout[..., 3].astype(np.float32) / 255
        target = target * (1 - alpha) + alpha * (thing is wanted)
        whole = max(whole, target.sum())
    mask = np.where(target >= 0.5, 255, 0).astype(np.uint8) if target.sum() > SHOWN * whole else None
    return photo, mask


def draw(collection, name, out):
    """Write the data set: images/, masks/ and photos.csv with the model of the thing in every picture."""
    rng = np.random.default_rng(SEED)
    things = list(renders(collection, CATEGORIES[name]).items())
    seats = [each for views in renders(collection, furniture.SEATS).values() for each in views]
    backgrounds = furniture.background_photos(collection)
    for part in ("images", "masks"):
        (out / part).mkdir(parents=True, exist_ok=True)
    rows = []
    while len(rows) < PICTURES:
        model, views = things[len(rows) % len(things)]
        around = [seats[number] for number in rng.integers(len(seats), size=rng.integers(1, 4))]
        background = backgrounds[rng.integers(len(backgrounds))]
        photo, mask = picture(views[rng.integers(len(views))], around, background, rng)
        if mask is None:
            continue
        stem = f"{name}_{len(rows):02d}"
        Image.fromarray(photo).save(out / "images" / f"{stem}.jpg", quality=92)
        Image.fromarray(mask).save(out / "masks" / f"{stem}.png")
        rows.append({"file": f"{stem}.jpg", "model": model})
    with open(out / "photos.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "model"])
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    parser.add_argument("name", choices=CATEGORIES)
    parser.add_argument("--out", type=Path, help="a new folder for pictures and result (default: in runs/)")
    parser.add_argument("--draw-only", action="store_true", help="stop before training")
    options = parser.parse_args()
    out = options.out or ROOT / "runs" / options.name
    photos, result = out / options.name, out / "result"
    draw(options.collection, options.name, photos)
    if options.draw_only:
        return
    command = ["train.py", "--data", str(photos), "--validation", str(HELD_OUT), "--out", str(result)]
    subprocess.run([sys.executable, *command], check=True, cwd=ROOT)
    metrics = json.loads((result / "metrics.json").read_text(encoding="utf-8"))
    (HERE / f"{options.name}.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
