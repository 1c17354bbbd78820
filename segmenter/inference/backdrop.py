"""Plain backdrops: before paper, a wall or nothing but white, what stands out is what the photo is about.

Many photos of shops have one, and there the photo says more of legs, spindles and the gaps between them than the
network's few pixels: where that is in doubt, a pixel that stands out from the backdrop is more probably furniture, and
one that shows the backdrop less. A shadow does not stand out: it has the backdrop's colour, only darker.

Where the network is sure that there is no furniture, a smooth picture of the backdrop is made of what the photo shows;
how far the photo is from it there says how plain it is, and in most photos that it is none.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from segmenter.inference import preprocessing, tiles

LONGEST = 160  # side of the backdrop's picture, in pixels, at most
AVERAGED = 4  # pixels in a row that one of the picture's is the mean of, at least where there are so many
NOTHING = 0.03  # below this probability the photo shows the backdrop, a pixel of that picture away from all else
LEAST = 0.01  # share of the photo that must show it
SMOOTH = 0.06  # of the picture's longer side: how far colours are averaged
PLAIN = 8.0  # levels that most of a plain backdrop is off the smooth picture; at twice as many it is none
FLAT = 8.0  # levels, on the mean around a place; at half as many the backdrop counts in full, at 1.5 times not at all
NEAR = 0.005  # share of a place's surroundings that shows the backdrop; of less it counts as much less
NOISE, SPREADS = 8.0, 2.5  # levels, and mean distances, that a pixel may be off and show the backdrop
SHADE = 0.85  # the share of its light that a shadow leaves at least; darker is no shadow
ADD, TAKE = 4.0, 2.0  # most that a pixel's logit rises and falls by
LOW, HIGH = 0.02, 0.99  # what is surer than this stays as it is
STRIP_PIXELS = 2**20  # that are looked at together
ROW = 1024  # places that are looked up beside one another


class Backdrop(NamedTuple):
    """What a photo's backdrop looks like, at `times` times fewer pixels a side than the photo has."""

    times: int
    looks: np.ndarray  # float32, h × w × 4: RGB, 0 … 255, and by how much a pixel may be off
    trust: np.ndarray  # float32, h × w, 0 … 1: how plain it is there


def consult(
    photo: np.ndarray, probabilities: np.ndarray, coarse: np.ndarray | None = None, adds: bool = True
) -> None:
    """Let a map, in place, be surer where a plain backdrop shows what stands before it; nothing changes without one.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, H × W, 0 … 1.
        coarse: float32, h × w, 0 … 1, what the map was made from: the same view at fewer pixels, squeezed to any shape.
        adds: whether what stands out may become more probable, too. Of one piece's map it must not: what stands out
            beside that may be another piece.
    """
    backdrop = find(photo, probabilities if coarse is None else coarse)
    if backdrop is None:
        return
    width = photo.shape[1]
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, len(photo), rows):
        part = probabilities[top : top + rows].reshape(-1)
        places = np.flatnonzero((part >= LOW) & (part <= HIGH))
        if not len(places):
            continue
        y, x = np.divmod(places, width)
        ground, allowed, trust = _looked_up(backdrop, y + top, x)
        colours = _planes(photo[top : top + rows].reshape(-1, 3)[places])
        evidence = _evidence(colours, ground, allowed, trust)
        part[places] = _weighed(part[places], evidence if adds else np.minimum(evidence, 0))


def find(photo: np.ndarray, probabilities: np.ndarray) -> Backdrop | None:
    """The backdrop of a photo; None where it is not plain, or too little of it is seen.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, h × w, 0 … 1: the same view at any size, squeezed to any shape.
    """
    skip = max(1, max(photo.shape) // (LONGEST * AVERAGED))  # most pixels of a large photo would tell nothing new
    times = skip * math.ceil(max(photo.shape) / (LONGEST * skip))
    small = tiles.reduce(np.ascontiguousarray(photo[::skip, ::skip]), times // skip).astype(np.float32)
    likely = preprocessing.resize(probabilities, *small.shape[:2]) >= NOTHING
    seen = cv2.dilate(likely.view(np.uint8), np.ones((3, 3), np.uint8)) == 0
    if seen.mean() < LEAST:
        return None
    weight = _smooth(seen.astype(np.float32)) + np.float32(1e-6)
    colours = _smooth(small * seen[..., np.newaxis]) / weight[..., np.newaxis]
    off = np.abs(small - colours).max(axis=2) * seen
    plain = 2 - np.percentile(off[seen], 90) / PLAIN
    if plain <= 0:
        return None
    spread = np.sqrt(_smooth(off * off) / weight)
    trust = np.clip(1.5 - spread / FLAT, 0, 1) * np.clip(weight / NEAR, 0, 1) * min(1.0, plain)
    looks = np.dstack([colours, SPREADS * spread + NOISE])
    return Backdrop(times, looks.astype(np.float32), trust.astype(np.float32))


def _smooth(picture):
    return cv2.GaussianBlur(picture, (0, 0), SMOOTH * max(picture.shape[:2]))


def _looked_up(backdrop, y, x):
    """What the backdrop looks like at some pixels of the photo, by how much they may be off, and how plain it is there.

    Returns:
        float32, 3 × n, n and n.
    """
    count = len(y)
    places = np.zeros((2, -(-count // ROW) * ROW), np.float32)
    for place, pixels in zip(places, (x, y)):
        np.multiply(pixels, np.float32(1 / backdrop.times), out=place[:count], casting="same_kind")
        place += np.float32(0.5 / backdrop.times - 0.5)
    across, down = places.reshape(2, -1, ROW)
    looks, trust = (
        cv2.remap(each, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for each in (backdrop.looks, backdrop.trust)
    )
    planes = _planes(looks.reshape(-1, 4)[:count])
    return planes[:3], planes[3], trust.reshape(-1)[:count]


def _planes(pixels):
    """n × channels → float32, channels × n, which is much quicker to reckon with."""
    return np.stack([pixels[:, channel].astype(np.float32) for channel in range(pixels.shape[1])])


def _evidence(colours, ground, allowed, trust):
    """How much more than before the colours of some pixels speak for furniture, as a logit: float32, n.

    Args:
        colours, ground: float32, 3 × n, 0 … 255, of the photo and of the backdrop.
        allowed, trust: see `_looked_up`.
    """
    apart = _largest(colours - ground) / allowed - 1  # below 0 it may be the backdrop
    light = np.einsum("cn,cn->n", colours, ground) / np.maximum(np.einsum("cn,cn->n", ground, ground), 1)
    hue = _largest(colours - light * ground) / allowed - 1
    is_shade = (light < 1) & (light > SHADE) & (apart >= 0)
    evidence = np.where(is_shade, np.clip(hue, 0, 1), np.clip(apart, -1, 1))
    evidence *= np.where(evidence > 0, np.float32(ADD), np.float32(TAKE)) * trust
    return evidence


def _weighed(probabilities, evidence):
    return 1 / (1 + (1 / probabilities - 1) * np.exp(-evidence))


def _largest(planes):
    """Of each pixel's channels the one farthest from 0: float32, n."""
    np.abs(planes, out=planes)
    return np.maximum(np.maximum(planes[0], planes[1]), planes[2])
