"""What the page's tests put in the place of the network, and the photos they show it."""

import hashlib
import io
import json

import cv2
import h5py
import numpy as np
from PIL import Image

from segmenter.hub import model_card

ORIENTATION = 0x0112  # the EXIF tag
NUMBERS = {"photos": 3, "iou": 0.9, "dice": 0.95, "boundary_f": 0.8, "gap_accuracy": None}
BROKEN_SIDE = 13  # a photo of this width makes the stand-in fail, as a bug would


class RedSegmenter:
    """Says of every pixel how red it is. Quick, and the same everywhere."""

    threshold = 0.5

    def probabilities(self, photo):
        """uint8, H × W × 3 → float32, H × W, 0 … 1."""
        if photo.shape[1] == BROKEN_SIDE:
            raise RuntimeError("the stand-in was asked to fail")
        red = photo[..., 0].astype(np.float32) - photo[..., 2]
        return np.clip(cv2.GaussianBlur(red, (0, 0), 2) / 200.0, 0.0, 1.0)


class PickingSegmenter(RedSegmenter):
    """Can be asked for single pieces, too: whatever is connected and of the colour that was clicked."""

    can_pick = True
    ALIKE = 24  # levels of each colour that a piece may differ from where it was clicked

    def prepare(self, photo):
        """Nothing takes long here that could be done before the first click."""

    def probabilities(self, photo, points=None, labels=None):
        """uint8, H × W × 3 → float32, H × W, 0 … 1."""
        if points is None:
            return super().probabilities(photo)
        found = np.zeros(photo.shape[:2], bool)
        for wanted in (1, 0):  # what must not be in it comes last
            for (x, y), label in zip(points, labels if labels is not None else [1] * len(points)):
                if label == wanted:
                    found = np.where(self._around(photo, round(x), round(y)), label == 1, found)
        return cv2.GaussianBlur(found.astype(np.float32), (0, 0), 1)

    def _around(self, photo, x, y):
        alike = (np.abs(photo.astype(int) - photo[y, x]).max(axis=2) <= self.ALIKE).astype(np.uint8)
        _, parts = cv2.connectedComponents(alike)
        return parts == parts[y, x]


class UnsureSegmenter(RedSegmenter):
    """Finds everything less probable, as other weights might. Its folder says which weights these are.

    Args:
        folder: is made, with the two files that serving reads.
        share: of the probabilities that are left.
    """

    def __init__(self, folder, share):
        self.folder, self.share = folder, np.float32(share)
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "model.tflite").write_text(str(share))

    def probabilities(self, photo):
        """uint8, H × W × 3 → float32, H × W, 0 … 1."""
        return super().probabilities(photo) * self.share


def red_disc(width=640, height=480, radius=0.3):
    """A photo of one thing: a disc left of the middle, redder towards its centre, on grey-blue.

    Returns:
        uint8, height × width × 3.
    """
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(x - 0.4 * width, y - 0.5 * height) / (radius * height)
    photo = np.empty((height, width, 3), np.uint8)
    photo[:] = (96, 110, 120)
    disc = away < 1
    photo[disc] = np.stack([90 + 150 * (1 - away[disc] ** 2), np.full(disc.sum(), 40), np.full(disc.sum(), 30)], axis=1)
    return photo


PIECES = {"red": (0.3, 0.5), "brown": (0.6, 0.5), "blue": (0.88, 0.25)}  # where the pieces of `two_and_a_ball` lie


def two_and_a_ball(width=640, height=480):
    """A photo of two pieces of furniture that touch, red and brown, and of a ball that is none, blue.

    Returns:
        uint8, height × width × 3.
    """
    photo = np.empty((height, width, 3), np.uint8)
    photo[:] = (96, 110, 120)
    photo[height // 4 : -height // 4, int(0.15 * width) : int(0.45 * width)] = (230, 40, 20)
    photo[height // 4 : -height // 4, int(0.45 * width) : int(0.75 * width)] = (160, 70, 20)
    x, y = PIECES["blue"]
    cv2.circle(photo, (int(x * width), int(y * height)), int(0.08 * height), (30, 60, 200), -1)
    return photo


def as_jpeg(photo, turned=False):
    """A photo as the bytes of a JPEG file; `turned`: lying on its side, with the EXIF tag that sets it upright."""
    exif = Image.Exif()
    if turned:
        photo = np.rot90(photo)  # a quarter turn to the left, which "6" undoes
        exif[ORIENTATION] = 6
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(photo)).save(file, "JPEG", quality=95, subsampling=0, exif=exif)
    return file.getvalue()


def complete(folder, **config):
    """Make a weights folder of a tiny one: all six files, as train.py and the card's writer leave them."""
    known = json.loads((folder / "config.json").read_text()) | {"architecture": "unet_lite0"} | config
    (folder / "config.json").write_text(json.dumps(known))
    with h5py.File(folder / "model.weights.h5", "w") as file:
        file["layers/weights"] = np.full(50_000, known["threshold"], np.float32)
    sha = hashlib.sha256((folder / "model.tflite").read_bytes()).hexdigest()
    metrics = {"weights_sha256": sha, "threshold": 0.5, "data": "boxes", "sources": {"validation": NUMBERS}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    cv2.imwrite(str(folder / "samples.png"), noise)
    model_card.write_card(folder)
    return folder
