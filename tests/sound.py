"""A small data set with nothing wrong, from which the broken ones are made."""

import shutil

import numpy as np
from PIL import Image

SIDE = 48  # pixels of a photo's height; its width is 64
COUNT = 10


def photo(number):
    """A photo that is like no other: noise in large blocks, 64 × 48."""
    rng = np.random.default_rng(number)
    blocks = rng.integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(blocks).resize((64, SIDE), Image.Resampling.BICUBIC)


def mask(number):
    """A box, 20 × 24 pixels, in the middle or near it."""
    drawn = np.zeros((SIDE, 64), np.uint8)
    drawn[12 + number % 5 : 32 + number % 5, 16 + number : 40 + number] = 255
    return Image.fromarray(drawn)


def folder(tmp_path, count=COUNT):
    """A sound data set: images/ and masks/, photo0.jpg with photo0.png, and so on."""
    place = tmp_path / "lamps"
    for part in ("images", "masks"):
        (place / part).mkdir(parents=True)
    for number in range(count):
        photo(number).save(place / "images" / f"photo{number}.jpg", quality=90)
        mask(number).save(place / "masks" / f"photo{number}.png")
    return place


def only_images(tmp_path):
    """The same without masks/."""
    place = folder(tmp_path)
    shutil.rmtree(place / "masks")
    return place
