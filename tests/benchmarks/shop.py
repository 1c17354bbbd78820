"""What a shop would get: photos that never trained, cut out on white with the defaults, on one sheet to look at.

    python -m tests.benchmarks.shop COLLECTION SHEET.png [--weights FOLDER] [--count 30] [--seed 0]

COLLECTION is the data of the default weights. The photos are drawn by the seed from `wild/` and from fold 0 of
the photos. Whether a shop could use a cutout as it is, only eyes can tell: the sheet shows each photo beside its
cutout, with its number and its IoU, the worst first. The photos may not be published, nor the sheet.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from segmenter import Choices, Segmenter, produce
from segmenter.datasets import collection
from segmenter.datasets.pairs import cases
from segmenter.evaluation import metrics
from segmenter.inference.pieces import without_scraps

TILE, COLUMNS = 300, 3
DRAWN_FROM = ("wild_caltech101", "wild_duts", "wild_voc2012", "photos_cut", "photos_others")


def draw(place, count, seed):
    """The photos, as a list of Case, in the order in which the seed draws them."""
    held_out = collection.validation_pairs(place)
    pairs = [pair for name in DRAWN_FROM for pair in held_out[name]]
    chosen = np.random.default_rng(seed).permutation(len(pairs))[:count]
    return list(cases([pairs[number] for number in chosen]))


def tile(case, segmenter):
    """(IoU, picture of photo and cutout side by side)."""
    probabilities = segmenter.probabilities(case.photo)
    mask = without_scraps(probabilities, segmenter.threshold) >= segmenter.threshold
    iou = metrics.iou(mask, case.truth, case.known)
    choices = Choices.from_json({"background": "#ffffff", "format": "png"}).at(segmenter.threshold)
    product = produce(case.photo, probabilities, choices)
    cutout = cv2.imdecode(np.frombuffer(product.data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    both = np.full((TILE, 2 * TILE, 3), 128, np.uint8)
    for number, picture in enumerate((case.photo, cutout)):
        scale = TILE / max(picture.shape[:2])
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        both[: small.shape[0], number * TILE : number * TILE + small.shape[1]] = small
    return iou, both


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection")
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    segmenter = Segmenter.load(options.weights)
    tiles = []
    for case in draw(options.collection, options.count, options.seed):
        iou, picture = tile(case, segmenter)
        tiles.append((iou, case.name, picture))
    tiles.sort(key=lambda each: each[0])
    for number, (iou, name, picture) in enumerate(tiles, 1):
        cv2.putText(picture, f"{number}: {iou:.2f}", (4, TILE - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 0, 0), 2)
        print(f"{number:3} {iou:.3f} {name}")
    blank = np.full_like(tiles[0][2], 255)
    pictures = [picture for *_, picture in tiles] + [blank] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(pictures[start : start + COLUMNS]) for start in range(0, len(pictures), COLUMNS)]
    cv2.imwrite(str(options.sheet), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    main()
