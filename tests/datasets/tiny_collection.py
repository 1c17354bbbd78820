"""A collection of a few tiny pictures, laid out as the default weights' data; pure blue ones are for validation."""

import csv

import numpy as np
from PIL import Image

MAGENTA = (230, 20, 220)
SIDE = 24


def write_table(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def save(array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, lossless=True)


def box_mask(value=255, beside=0):
    """A standing box of `value`, and a smaller one of `beside` next to it."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[6:20, 8:16] = value
    mask[10:18, 18:22] = beside
    return mask


def add_pictures(place, name, rows, mask, ground=(255, 255, 255)):
    """Pictures of a grey box: on pure blue where they are of fold 0, else on `ground`."""
    for row in rows:
        colour = (0, 0, 255) if row.get("fold") == 0 else ground
        picture = np.where(mask[..., np.newaxis] > 0, 90, np.array(colour)).astype(np.uint8)
        save(picture, place / name / "images" / row["file"])
        save(mask, place / name / "masks" / row["file"].replace(".webp", ".png"))
    write_table(place / name / f"{name}.csv", rows)


def write(place):
    """Write the collection into a folder and return it."""
    kinds = [
        ("cut", "chair"),
        ("outline", "chair"),
        ("outline", "sofa"),
        ("outline+unknown", "table"),
        ("refined", "chair"),
    ]
    folds = [(fold, number, kind) for fold in (0, 1) for number, kind in enumerate(kinds)]
    add_pictures(
        place,
        "photos",
        [
            {"file": f"{fold}{number}.webp", "classes": classes, "mask": mask, "group": number, "fold": fold}
            for fold, number, (mask, classes) in folds
        ],
        box_mask(),
    )
    add_pictures(
        place,
        "objects",
        [{"file": f"thing{fold}.webp", "fold": fold, "thing": 0.2} for fold in (0, 1, 2)],
        box_mask(),
        (250, 240, 60),
    )
    room = {"mask": "exact", "rest_is_background": "yes", "seat": 0.2, "living": 0.05}
    add_pictures(
        place,
        "rooms",
        [
            {"file": "room0.webp", "fold": 0, **room},
            {"file": "small0.webp", "fold": 0, **room, "seat": 0.01},
            {"file": "room1.webp", "fold": 1, **room},
            {"file": "bare1.webp", "fold": 1, **room, "seat": 0},
        ],
        box_mask(255, beside=64),
        (200, 220, 200),
    )
    add_pictures(
        place,
        "wild",
        [
            {"file": "duts_1.webp", "source": "duts", "category": "sofa"},
            {"file": "voc2012_1.webp", "source": "voc2012", "category": "chair"},
        ],
        box_mask(255, beside=128),
        (0, 0, 255),
    )
    for part, grey in (("train", 120), ("val", 0)):
        save(np.full((SIDE, SIDE, 3), grey, np.uint8), place / f"scenes/{part}/images/scene.webp")
        save(box_mask(255, beside=128), place / f"scenes/{part}/masks/scene.png")
        numbers = (box_mask(1, beside=2), box_mask(1, beside=1))[part == "val"]
        save(numbers, place / f"scenes/{part}/pieces/scene.png")
    pieces = {"train": "chair table", "val": "chair"}
    rows = [{"set": part, "file": "scene.webp", "pieces": kinds} for part, kinds in pieces.items()]
    unnamed = dict.fromkeys(("seat_authors", "seat_licences", "other_authors", "other_licences"), "")
    write_table(place / "scenes/scenes.csv", [{**row, **unnamed} for row in rows])
    add_renders(place)
    save(np.full((30, 40, 3), (40, 160, 60), np.uint8), place / "backgrounds/green.webp")
    write_table(place / "backgrounds/backgrounds.csv", [{"file": "green.webp"}])
    return place


def add_renders(place):
    cutout = np.full((20, 12, 4), 255, np.uint8)
    cutout[..., :3] = MAGENTA
    rows = []
    for fold, category in ((0, "chair"), (1, "chair"), (2, "lamp")):
        name = f"{category}_{fold}"
        save(cutout, place / f"renders/cutouts/{name}.webp")
        save(np.zeros((16, 16), np.uint8), place / f"renders/shadows/{name}.png")
        place_in_frame = {"frame": 40, "x0": 10, "y0": 8}
        rows.append({"file": f"{name}.webp", "model": name, "fold": fold, "category": category, **place_in_frame})
    write_table(place / "renders/renders.csv", rows)
