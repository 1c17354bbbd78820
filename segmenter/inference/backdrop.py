"""Plain backdrops: before paper, a wall or nothing but white, what stands out is what the photo is about.

Many photos of shops have one, and there the photo says more of legs, spindles and the gaps between them than the
network's few pixels: where that is in doubt, a pixel that stands out from the backdrop is more probably furniture, and
one that shows the backdrop less. A shadow does not stand out: it has the backdrop's colour, only darker. And white
furniture before white stays: the more of what the network is sure of looks like the backdrop, the less that says.

Where the network is sure that there is no furniture, two smooth pictures of the backdrop are made of what the photo
shows, of its brighter and of its darker half, for there may be a wall and a floor; how far the photo is from both there
says how plain it is, and in most photos that it is none.
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
SMOOTH, WIDE = 0.06, 0.18  # of the picture's longer side: how far colours are averaged, and where little is seen
FINE = 2.0  # pixels: to average farther, fewer are enough
HALF = 0.01  # of what is seen around a place, that counts as its mean colour in either half of it
PLAIN = 6.0  # levels that most of a plain backdrop is off the smooth pictures; at twice as many it is none
FLAT = 6.0  # levels, on the mean around a place; at half as many the backdrop counts in full, at 1.5 times not at all
NEAR = 0.005  # share of a place's surroundings that shows the backdrop; of less it counts as much less
NOISE, SPREADS = 8.0, 2.5  # levels, and mean distances, that a pixel may be off and show the backdrop
STEEP = 1.5  # how soon a pixel counts in full, as what stands out or as backdrop
SHADE = 0.85  # the share of its light that a shadow leaves at least; darker is no shadow
ADD = 4.0  # most that a pixel's logit rises by
SURE = 0.97  # furniture that tells how much of it looks like the backdrop, a pixel of the picture away from all else
SHARE, COUNT = 0.1, 20  # how much does where nothing is known, and how many of the picture's pixels outweigh that
SELDOM = 0.02  # where none of it does, one that shows the backdrop is furniture as seldom
LOW, HIGH = 0.02, 0.99  # what is surer than this stays as it is
STRIP_PIXELS = 2**20  # that are looked at together
ROW = 1024  # places that are looked up beside one another


class Backdrop(NamedTuple):
    """What a photo's backdrop looks like, at `times` times fewer pixels a side than the photo has."""

    times: int
    brighter: np.ndarray  # float32, h × w × 4: RGB, 0 … 255, and by how much a pixel may be off
    darker: np.ndarray  # float32, h × w × 4: RGB, 0 … 255, and 0 … 1: how plain it is there
    take: float  # most that a pixel's logit falls by


def consult(photo: np.ndarray, probabilities: np.ndarray, coarse: np.ndarray | None = None, adds: bool = True) -> None:
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
        sides, allowed, trust = _looked_up(backdrop, y + top, x)
        evidence = _evidence(_planes(photo[top : top + rows].reshape(-1, 3)[places]), sides, allowed)
        evidence *= np.where(evidence < 0, np.float32(backdrop.take), np.float32(ADD if adds else 0)) * trust
        part[places] = 1 / (1 + (1 / part[places] - 1) * np.exp(-evidence))


def find(photo: np.ndarray, probabilities: np.ndarray) -> Backdrop | None:
    """The backdrop of a photo; None where it is not plain, or too little of it is seen.

    Args:
        photo: uint8, H × W × 3, RGB.
        probabilities: float32, h × w, 0 … 1: the same view at any size, squeezed to any shape.
    """
    skip = max(1, max(photo.shape) // (LONGEST * AVERAGED))  # most pixels of a large photo would tell nothing new
    times = skip * math.ceil(max(photo.shape) / (LONGEST * skip))
    small = tiles.reduce(np.ascontiguousarray(photo[::skip, ::skip]), times // skip).astype(np.float32)
    likely = preprocessing.resize(probabilities, *small.shape[:2])
    seen = cv2.dilate((likely >= NOTHING).view(np.uint8), np.ones((3, 3), np.uint8)) == 0
    if seen.mean() < LEAST:
        return None
    close = _Around(small, seen, SMOOTH)
    plain = 2 - np.percentile(close.off[seen], 90) / PLAIN
    if plain <= 0:
        return None
    wide = _Around(small, seen, WIDE)
    near = np.clip(close.weight / NEAR, 0, 1)
    spread = wide.spread + near * (close.spread - wide.spread)
    brighter, darker = wide.sides + near[..., np.newaxis] * (close.sides - wide.sides)
    trust = np.clip(1.5 - spread / FLAT, 0, 1) * np.clip(wide.weight / NEAR, 0, 1) * min(1.0, plain)
    brighter, darker = np.dstack([brighter, SPREADS * spread + NOISE]), np.dstack([darker, trust])
    sure = cv2.erode((likely > SURE).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return Backdrop(times, brighter, darker, _take(small[sure], brighter[sure], darker[sure]))


class _Around:
    """What the backdrop looks like around each place of a small picture of the photo.

    Attributes:
        weight: float32, h × w, 0 … 1: how much of what is around a place shows the backdrop.
        sides: float32, 2 × h × w × 3: the mean colour there of what is brighter than the mean, and of what is darker.
        off: float32, h × w: levels between a pixel that shows the backdrop and the closer one of both; else 0.
        spread: float32, h × w: the mean of that around a place, by its square.
    """

    def __init__(self, small, seen, share):
        def smooth(picture):
            return _smooth(picture, share * max(picture.shape[:2]))

        def total(pixels):
            return smooth(small * pixels[..., np.newaxis]), smooth(pixels.astype(np.float32))[..., np.newaxis]

        colours, weight = total(seen)
        mean = colours / (weight + np.float32(1e-6))
        is_brighter = np.einsum("ijk->ij", small - mean) >= 0
        halves = (total(seen & half) for half in (is_brighter, ~is_brighter))
        known = HALF * weight + np.float32(1e-6)
        self.sides = np.stack([(part + known * mean) / (amount + known) for part, amount in halves])
        self.off = np.minimum(*(_largest(np.moveaxis(small - side, 2, 0)) for side in self.sides)) * seen
        self.weight = weight[..., 0]
        self.spread = np.sqrt(smooth(self.off * self.off) / (self.weight + np.float32(1e-6)))


def _smooth(picture, sigma):
    """A Gaussian mean, at as few pixels as are enough for one so wide, which is many times as fast."""
    height, width = picture.shape[:2]
    size = [max(1, round(side * FINE / sigma)) if sigma > FINE else side for side in (width, height)]
    few = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    few = cv2.GaussianBlur(few, (0, 0), sigma * size[0] / width, sigmaY=sigma * size[1] / height)
    return cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR)


def _take(colours, brighter, darker):
    """By how much a logit falls where the backdrop shows: as Bayes says, by how seldom furniture looks like it.

    Args:
        colours: float32, n × 3, 0 … 255, of what is surely furniture.
        brighter, darker: float32, n × 4, as a Backdrop has them there.
    """
    brighter, darker = _planes(brighter), _planes(darker)
    trust = darker[3]
    evidence = _evidence(_planes(colours), (brighter[:3], darker[:3]), brighter[3])
    share = ((np.maximum(-evidence, 0) * trust).sum() + SHARE * COUNT) / (trust.sum() + COUNT)
    return -math.log(share + SELDOM * (1 - share))


def _looked_up(backdrop, y, x):
    """What the backdrop looks like at some pixels of the photo, by how much they may be off, and how plain it is there.

    Returns:
        float32, two of 3 × n, n and n.
    """
    count = len(y)
    places = np.zeros((2, -(-count // ROW) * ROW), np.float32)
    for place, pixels in zip(places, (x, y)):
        np.multiply(pixels, np.float32(1 / backdrop.times), out=place[:count], casting="same_kind")
        place += np.float32(0.5 / backdrop.times - 0.5)
    across, down = places.reshape(2, -1, ROW)
    brighter, darker = (
        _planes(cv2.remap(each, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, 4)[:count])
        for each in (backdrop.brighter, backdrop.darker)
    )
    return (brighter[:3], darker[:3]), brighter[3], darker[3]


def _planes(pixels):
    """n × channels → float32, channels × n, which is much quicker to reckon with."""
    return np.stack([pixels[:, channel].astype(np.float32) for channel in range(pixels.shape[1])])


def _evidence(colours, sides, allowed):
    """What the colours of some pixels say: float32, n, from -1, the backdrop, to 1, what stands out from it.

    Args:
        colours: float32, 3 × n, 0 … 255, of the photo.
        sides: two like them, of the backdrop; the closer one counts.
        allowed: see `_looked_up`.
    """
    return np.minimum(*(_evidence_of_one(colours, ground, allowed) for ground in sides))


def _evidence_of_one(colours, ground, allowed):
    apart = _largest(colours - ground) / allowed - 1  # below 0 it may be the backdrop
    light = np.einsum("cn,cn->n", colours, ground) / np.maximum(np.einsum("cn,cn->n", ground, ground), 1)
    hue = _largest(colours - light * ground) / allowed - 1
    is_shade = (light < 1) & (light > SHADE) & (apart >= 0)
    return np.clip(STEEP * np.where(is_shade, np.maximum(hue, 0), apart), -1, 1)


def _largest(planes):
    """Of each pixel's channels the one farthest from 0: float32, n."""
    np.abs(planes, out=planes)
    return np.maximum(np.maximum(planes[0], planes[1]), planes[2])
