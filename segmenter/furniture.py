"""The data of the default weights: real photos, rendered scenes, and objects pasted on backgrounds.

It reads a collection folder with `photos/`, `scenes/`, `renders/` and `backgrounds/`, each with
the CSV that says what its pictures are. Fold 0 and `scenes/val` are for validation alone.
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from segmenter import augmentation, compose, dataset, preprocessing
from segmenter.pasting import Object, cut_object, put

SEATS = {"chair", "armchair", "stool", "bench", "sofa"}
GAPPY = {"chair", "swivelchair", "table"}
LAMPS = {"lamp"}  # nobody's piece of furniture on its own: it only stands beside one
SHARES = {"photos": 0.40, "scenes": 0.28, "pasted": 0.32}  # of the samples of an epoch
VALIDATION_FOLD = "0"

PHOTO_STRENGTH = augmentation.Strength(scale=(0.55, 1.35))
SCENE_STRENGTH = augmentation.Strength(scale=(0.75, 2.2), shift=0.2)


def photo_rows(collection, keep):
    """The real photos for which `keep(row)` is true, as a list of (row, Pair)."""
    folder = Path(collection) / "photos"
    return [
        (row, dataset.Pair(folder / "images" / row["file"], _png(folder / "masks" / row["file"])))
        for row in dataset.read_table(folder / "photos.csv")
        if keep(row)
    ]


def _png(path):
    return path.with_suffix(".png")


def training_photos(collection, side):
    """The real photos outside the validation fold, as a list of (row, Square).

    A person's outline of a chair or a table often paints over its gaps, not all of which are marked
    unknown: there the foreground is doubtful (negative weight, see `segmenter.losses`).
    """
    found = []
    for row, pair in photo_rows(collection, lambda row: row["fold"] != VALIDATION_FOLD):
        square = dataset.load_square(pair, side)
        if row["mask"] != "cut" and GAPPY & set(row["classes"].split("+")):
            inside = square.target > 0.5
            square = replace(square, weight=np.where(inside, -square.weight, square.weight))
        found.append((row, square))
    return found


def rendered_objects(collection):
    """The renders outside the validation fold, as a list of Object."""
    folder = Path(collection) / "renders"
    found = []
    for row in dataset.read_table(folder / "renders.csv"):
        if row["fold"] == VALIDATION_FOLD:
            continue
        with Image.open(folder / "cutouts" / row["file"]) as picture:
            cutout = np.asarray(picture.convert("RGBA"))
        with Image.open(_png(folder / "shadows" / row["file"])) as picture:
            shadow = np.asarray(picture.convert("L"), np.float32) / 255
        shadow = cv2.GaussianBlur(shadow, (0, 0), 1.5)  # the rendering is grainy
        corner = (float(row["x0"]), float(row["y0"]))
        found.append(Object(cutout, row["category"], shadow, float(row["frame"]), corner))
    return found


def cut_objects(squares):
    """Objects out of photos with a white background, from (row, Square) whose masks are exact."""
    return [
        cut_object(square.photo, square.target, row["classes"].split("+")[0])
        for row, square in squares
        if row["mask"] == "cut"
    ]


def background_photos(collection):
    """The pictures of places without furniture, as a list of uint8 H × W × 3."""
    folder = Path(collection) / "backgrounds"
    return [np.asarray(Image.open(folder / row["file"]).convert("RGB"))
            for row in dataset.read_table(folder / "backgrounds.csv")]  # fmt: skip


class Pasted:
    """Draws pictures of one to three objects standing on a background, with their exact mask."""

    def __init__(self, objects, backgrounds, size):
        self.objects, self.backgrounds, self.size = objects, backgrounds, size

    def __call__(self, _index, rng):
        picture = self._background(rng)
        empty = rng.random() < 0.03
        count = 0 if empty else rng.choice([1, 2, 3], p=[0.72, 0.2, 0.08])
        chosen = [self.objects[rng.integers(len(self.objects))] for _ in range(count)]
        alone = count == 1
        target = np.zeros((self.size, self.size), np.float32)
        weight = np.ones((self.size, self.size), np.float32)
        floors = np.sort(rng.uniform(0.55, 1.03, count)) * self.size  # the farther, the earlier
        for thing, floor in zip(chosen, floors):
            if alone and thing.category in LAMPS:
                break
            cutout, shadow = put(thing, self.size, floor, 0.35 if alone else 0.25, rng)
            cutout = compose.harmonise(cutout, picture, rng.uniform(0, 0.3))
            picture = compose.paste(picture, cutout, shadow)
            alpha = cutout[..., 3].astype(np.float32) / 255
            is_target = alone or thing.category in SEATS or thing.frame == 0
            target = target * (1 - alpha) + alpha * is_target
            weight = np.where(alpha > 0.3, float(is_target), weight)
        picture = augmentation.shift_colours(picture, rng)
        if rng.random() < 0.5:
            picture, target, weight = (np.ascontiguousarray(x[:, ::-1]) for x in (picture, target, weight))
        return augmentation.damage(picture, rng), target, weight.astype(np.float32)

    def _background(self, rng):
        if rng.random() < 0.4:
            return compose.plain_room(self.size, self.size, rng)
        whole = self.backgrounds[rng.integers(len(self.backgrounds))]
        side = int(min(whole.shape[:2]) * rng.uniform(0.5, 1.0))
        y, x = (rng.integers(0, extent - side + 1) for extent in whole.shape[:2])
        crop = whole[y : y + side, x : x + side]
        picture = preprocessing.resize(crop, self.size, self.size)
        if rng.random() < 0.3:  # out of focus
            picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 4))
        return picture

class Mixture:
    """The `draw` of `TrainingBatches` for the default weights: `SHARES` of the sources, seeded."""

    def __init__(self, collection, size):
        side = int(size * dataset.HEADROOM)
        squares = training_photos(collection, side)
        self.size = size
        self.photos = [square for _, square in squares]
        scenes = dataset.read_folder(Path(collection) / "scenes" / "train")
        self.scenes = [dataset.load_square(pair, side) for pair in scenes]
        objects = rendered_objects(collection), cut_objects(squares)
        backgrounds = background_photos(collection)
        self.pasted = [Pasted(group, backgrounds, size) for group in objects]

    def __call__(self, index, rng):
        source = rng.choice(list(SHARES), p=list(SHARES.values()))
        if source == "pasted":
            return self.pasted[rng.integers(len(self.pasted))](index, rng)
        squares, strength = (
            (self.photos, PHOTO_STRENGTH) if source == "photos" else (self.scenes, SCENE_STRENGTH)
        )
        square = squares[rng.integers(len(squares))]
        return augmentation.augment(
            square.photo, square.target, square.weight, self.size, rng, strength
        )


def validation_pairs(collection):
    """What the default weights are validated on: name of the source → list of Pair.

    The photos' fold 0, by how their masks were made, and the scenes whose models never trained.
    """
    found = {"scenes": dataset.read_folder(Path(collection) / "scenes" / "val")}
    for row, pair in photo_rows(collection, lambda row: row["fold"] == VALIDATION_FOLD):
        found.setdefault(f"photos_{row['mask']}", []).append(pair)
    return found


def watched_pairs(held_out):
    """The validation pairs that are looked at after every epoch: those with the best masks."""
    return held_out["scenes"] + held_out["photos_cut"] + held_out["photos_outline+unknown"][:64]


def credits(collection):
    """One line a licence: the authors of the rendered furniture that trained, where it asks for names."""
    collection = Path(collection)
    authors = {}
    for row in dataset.read_table(collection / "renders" / "renders.csv"):
        if row["fold"] != VALIDATION_FOLD:
            authors.setdefault(row["licence"], set()).add(row["author"])
    for row in dataset.read_table(collection / "scenes" / "scenes.csv"):
        if row["set"] == "train":
            for part in ("seat", "other"):
                names, licences = row[f"{part}_authors"].split(";"), row[f"{part}_licences"].split(";")
                for name, licence in zip(names, licences):
                    authors.setdefault(licence.strip(), set()).add(name.strip())
    return [
        f"3D models under {licence}, by {', '.join(sorted(names - {''}))}"
        for licence, names in sorted(authors.items())
        if licence
    ]
