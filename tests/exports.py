"""Writers of the formats that labelling tools export, from photos with mask pictures."""

import base64
import functools
import json
import shutil
import zipfile

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

FINE = 4  # contours are traced on a mask this much larger, as they run through pixels' middles


@functools.cache
def read(pair):
    return np.asarray(Image.open(pair.mask).convert("L")) >= 100  # as the article does


@functools.cache
def outlines(pair):
    """Outlines of its mask as flat lists of x and y in pixels, one an island; holes are joined to it by a seam."""
    large = np.kron(read(pair).astype(np.uint8), np.ones((FINE, FINE), np.uint8))
    contours, tree = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    joined = {}
    for number, contour in enumerate(contours):
        points = contour[:, 0].astype(float)
        if tree[0, number, 3] < 0:
            joined[number] = np.vstack([points, points[:1]])
    for number, contour in enumerate(contours):
        parent = tree[0, number, 3]
        if parent >= 0:
            points = contour[:, 0].astype(float)
            joined[parent] = np.vstack([joined[parent], points, points[:1], joined[parent][:1]])
    return [((points + 0.5) / FINE).ravel().tolist() for points in joined.values()]


def folder(pairs, place):
    for part in ("images", "masks"):
        (place / part).mkdir(parents=True)
    for pair in pairs:
        shutil.copy(pair.photo, place / "images")
        shutil.copy(pair.mask, place / "masks")
    return place


def zipped(pairs, place):
    """A zip of the folder as a Mac writes it."""
    inside = folder(pairs, place / "chairs")
    with zipfile.ZipFile(place / "chairs.zip", "w") as archive:
        for path in inside.rglob("*.*"):
            archive.write(path, path.relative_to(place))
            archive.writestr(f"__MACOSX/{path.relative_to(place).parent}/._{path.name}", b"\0\5\26\7")
        archive.writestr("chairs/.DS_Store", b"Bud1")
    return place / "chairs.zip"


def cutouts(pairs, place):
    """RGBA pictures; under full transparency the colour is a garish leftover."""
    place.mkdir(parents=True)
    for pair in pairs:
        mask = read(pair)
        colours = np.where(mask[..., None], np.asarray(Image.open(pair.photo).convert("RGB")), (255, 0, 255))
        picture = np.dstack([colours, mask * 255]).astype(np.uint8)
        Image.fromarray(picture).save(place / f"{pair.photo.stem}.png", compress_level=1)
    return place


def coco(pairs, place, segmentation):
    """`instances.json` beside images/, one object a photo, its mask as `segmentation(pair)`."""
    (place / "images").mkdir(parents=True)
    data = {"images": [], "annotations": [], "categories": [{"id": 7, "name": "chair"}, {"id": 8, "name": "rug"}]}
    for number, pair in enumerate(pairs):
        shutil.copy(pair.photo, place / "images")
        mask = read(pair)
        data["images"].append(
            {"id": number, "file_name": f"images\\{pair.name}", "height": mask.shape[0], "width": mask.shape[1]}
        )
        data["annotations"].append(
            {"id": number, "image_id": number, "category_id": 7, "iscrowd": 0, "segmentation": segmentation(pair)}
        )
    (place / "instances.json").write_text(json.dumps(data))
    return place


def coco_polygons(pairs, place):
    return coco(pairs, place, outlines)


def coco_compressed(pairs, place):
    def code(pair):
        rle = coco_mask.encode(np.asfortranarray(read(pair).astype(np.uint8)))
        return {"size": rle["size"], "counts": rle["counts"].decode()}

    return coco(pairs, place, code)


def coco_plain(pairs, place):
    """Run lengths as plain numbers, down the columns, background first."""

    def code(pair):
        mask = read(pair)
        flat = np.concatenate([[0], mask.ravel(order="F"), [1 - mask[-1, -1]]])
        counts = np.diff(np.flatnonzero(np.diff(flat)), prepend=0)
        return {"size": list(mask.shape), "counts": counts.tolist()}

    return coco(pairs, place, code)


def labelme(pairs, place, embedded=False):
    """A JSON beside each photo, or with the photo inside."""
    place.mkdir(parents=True)
    for pair in pairs:
        mask = read(pair)
        shapes = [
            {"label": "chair", "shape_type": "polygon", "points": np.reshape(outline, (-1, 2)).tolist()}
            for outline in outlines(pair)
        ]
        data = {
            "version": "5.5.0",
            "shapes": shapes,
            "imagePath": pair.name,
            "imageData": None,
            "imageHeight": mask.shape[0],
            "imageWidth": mask.shape[1],
        }
        if embedded:
            data["imageData"] = base64.b64encode(pair.photo.read_bytes()).decode()
        else:
            shutil.copy(pair.photo, place)
        (place / f"{pair.photo.stem}.json").write_text(json.dumps(data))
    return place


def labelme_embedded(pairs, place):
    return labelme(pairs, place, embedded=True)


def yolo(pairs, place, train="images/train", val="images/val"):
    """Three quarters in a train folder, the rest in a val folder, and data.yaml."""
    for number, pair in enumerate(pairs):
        images = place / (val if number % 4 == 0 else train)
        labels = place / images.relative_to(place).as_posix().replace("images", "labels")
        for part in (images, labels):
            part.mkdir(parents=True, exist_ok=True)
        shutil.copy(pair.photo, images)
        mask = read(pair)
        sides = mask.shape[::-1]
        lines = [
            " ".join(["0", *(f"{value / sides[i % 2]:.6f}" for i, value in enumerate(outline))])
            for outline in outlines(pair)
        ]
        (labels / f"{pair.photo.stem}.txt").write_text("\n".join(lines))
    (place / "data.yaml").write_text(f"train: {train}\nval: {val}\nnc: 1\nnames: ['chair']\n")
    return place


def yolo_split_first(pairs, place):
    """train/images and train/labels, as some tools lay it out."""
    return yolo(pairs, place, "train/images", "valid/images")
