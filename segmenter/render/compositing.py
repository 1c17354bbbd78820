"""An object pasted on a background with a soft shadow: training data, and the page's new backgrounds."""

import cv2
import numpy as np

from segmenter.render.constants import CONSTANTS

SHADOW_SIDE = 768  # longest side of the canvas on which a shadow is worked out, in pixels
FLOOR = CONSTANTS["compositing"][
    "floor"
]  # the lowest part of a thing, as a share of its height, in which it may touch the floor
SPECK = CONSTANTS["compositing"][
    "speck"
]  # a loose part this many times smaller than the thing beside it casts no shadow
FAR = 16  # a cutout that is to become this many times smaller is first shrunk by area averages
BLURRED_PIXELS = 16_000_000  # a photo is not made larger than this to be blurred
STRIP = 64  # rows that are rounded at a time
BLUR_SIDE = 512  # longest side on which a background is blurred
BLUR = CONSTANTS["compositing"]["blur"]  # standard deviation of that blur, as a share of the longer side
SCARCE = CONSTANTS["compositing"]["scarce"]  # weight below which what is farther off counts more
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # how much of brightness each colour is (ITU-R BT.601)


def paste(background: np.ndarray, cutout: np.ndarray, shadow: np.ndarray | None = None) -> np.ndarray:
    """Lay a cutout over a background of the same size, its shadow first.

    Args:
        background: uint8, H × W × 3, RGB.
        cutout: uint8, H × W × 4, RGBA, straight alpha.
        shadow: float32, H × W, 0 (none) … 1 (black), or None.

    Returns:
        uint8, H × W × 3.
    """
    picture = background.astype(np.float32)
    if shadow is not None:
        picture *= 1 - shadow[..., np.newaxis]
    alpha = cutout[..., 3:].astype(np.float32) / 255
    picture += alpha * (cutout[..., :3] - picture)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def place(cutout: np.ndarray, matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """A cutout moved by an affine matrix onto an empty canvas, without dark or bright fringes.

    Args:
        cutout: uint8, h × w × 4, RGBA, straight alpha.
        matrix: 2 × 3, from cutout pixels to canvas pixels.

    Returns:
        uint8, height × width × 4, straight alpha.
    """
    premultiplied = cutout.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255
    shrink = _shrink_of(matrix)
    if shrink > FAR:  # a blur that wide would take a time that grows faster than the pixels
        premultiplied, matrix = _smaller(premultiplied, matrix, 2 * shrink / FAR)
        shrink = _shrink_of(matrix)
    if shrink > 1.4:
        premultiplied = cv2.GaussianBlur(premultiplied, (0, 0), 0.4 * shrink)
    moved = cv2.warpAffine(premultiplied, matrix, (width, height), flags=cv2.INTER_LINEAR)
    colours = moved[..., :3] * (255 / np.maximum(moved[..., 3:], 1.0))
    return np.clip(np.dstack([colours, moved[..., 3]]) + 0.5, 0, 255).astype(np.uint8)


def _shrink_of(matrix):
    return 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))


def _smaller(picture, matrix, times):
    """A picture made so many times smaller, and the matrix that moves it to where `matrix` moved the large one."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, _size(width / times, height / times), interpolation=cv2.INTER_AREA)
    down, across = height / small.shape[0], width / small.shape[1]
    back = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]])
    return small, matrix @ back


def _size(width, height):
    return max(1, round(width)), max(1, round(height))


def harmonise(cutout: np.ndarray, background: np.ndarray, strength: float, tint: bool = True) -> np.ndarray:
    """Give the cutout a little of the background's brightness, and of its hue.

    Args:
        cutout: uint8, H × W × 4, RGBA.
        background: uint8, H × W × 3, RGB.
        strength: 0 (as it is) … 1 (nearly the background's mean; the dark is not blown up).
        tint: whether the hue follows too; else all three colours grow or shrink alike, so that grey steel stays grey.
    """
    solid = cutout[..., 3] > 127
    if not solid.any():
        return cutout
    own, behind = cutout[..., :3][solid].mean(axis=0), background.reshape(-1, 3).mean(axis=0)
    if not tint:
        own, behind = own @ LUMA, behind @ LUMA
    gain = (1 - strength) + strength * (behind + 20) / (own + 20)
    result = cutout.copy()
    result[..., :3] = np.clip(cutout[..., :3] * gain, 0, 255).astype(np.uint8)
    return result


def contact_shadow(alpha: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """The soft shadow that a thing casts on the floor it stands on, in light from everywhere.

    Where the lower silhouette touches the floor (the legs' ends, or the whole lower edge) is told
    from its shape. Between the touching points the shadow is wide and weak, at each of them narrow
    and dark, and all of it is flattened as the floor is.

    Args:
        alpha: uint8, H × W, 0 … 255: the thing's opacity on the canvas.
        strength: 0 (none) … 1.

    Returns:
        float32, H × W, 0 (none) … 1 (black): for `paste`.
    """
    height, width = alpha.shape
    scale = min(1.0, SHADOW_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    light = np.ones(size[::-1], np.float32)
    for solid in _things(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) >= 128) if strength else ():
        columns, bottoms = _touching(solid)
        span = max(np.ptp(np.flatnonzero(solid.any(axis=0))) + 1, np.ptp(np.flatnonzero(solid.any(axis=1))) / 3, 4)
        for shape, sigma, weight in _shadow_layers(columns, bottoms, span, solid.shape):
            light *= 1 - weight * strength * _flat_blur(shape, sigma * span)
    shadow = (1 - light) * np.outer(_fade(size[1]), _fade(size[0]))
    shadow = cv2.resize(shadow, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(shadow, 0, 1, out=shadow)


def _things(solid):
    """The things on a canvas, each a bool array with its loose parts; specks beside them are left out."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8), connectivity=8)
    things = []  # [first column, last column, bool array]
    for label in sorted(range(1, count), key=lambda label: -statistics[label, cv2.CC_STAT_AREA]):
        left, _, width, _, area = statistics[label].tolist()
        over = next((thing for thing in things if left < thing[1] and left + width > thing[0]), None)
        if over:
            over[2] |= labels == label
        elif not things or area * SPECK >= statistics[1:, cv2.CC_STAT_AREA].max():
            things.append([left, left + width, labels == label])
    return [thing[2] for thing in things]


def _shadow_layers(columns, bottoms, span, shape):
    """(Shape, blur, weight) of a thing's shadow: what is between the points on the floor, and the points."""
    contact = np.zeros(shape, np.uint8)
    dot = max(1, round(0.02 * span)), max(1, round(0.012 * span))
    for x, y in zip(columns.tolist(), bottoms.tolist()):
        cv2.ellipse(contact, (x, y), dot, 0, 0, 360, 255, -1)
    between = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(between, cv2.convexHull(np.stack([columns, bottoms], axis=1).astype(np.int32)), 255)
    between = cv2.dilate(np.maximum(between, contact), np.ones((max(1, round(0.05 * span)), 1), np.uint8))
    return (between, 0.13, 0.32), (between, 0.065, 0.08), (contact, 0.04, 0.4), (contact, 0.014, 0.5)


def _flat_blur(shape, sigma):
    """A shape (0 or 255) blurred more across than down; thin shapes keep more of their darkness."""
    blurred = cv2.GaussianBlur(shape.astype(np.float32) / 255, (0, 0), max(sigma, 0.3), sigmaY=max(0.45 * sigma, 0.3))
    return blurred / max(float(blurred.max()), 1e-3) ** 0.8


def _fade(length):
    """float32, `length`: 1, falling to 0 at both ends, so that the canvas's border does not cut a shadow."""
    position = np.arange(length, dtype=np.float32) + 0.5
    return np.clip(np.minimum(position, length - position) / max(1.0, 0.04 * length), 0, 1)


def _touching(solid):
    """Where a thing touches the floor: (columns, rows) of the pixels, both int arrays.

    Of each column the lowest pixel counts, if it lies in the lower part of the thing and either
    near a line on which the whole thing could be set down or lower than what is beside it.
    """
    columns = np.flatnonzero(solid.any(axis=0))
    bottoms = solid.shape[0] - 1 - solid[::-1, columns].argmax(axis=0)
    top, lowest = int(np.flatnonzero(solid.any(axis=1))[0]), int(bottoms.max())
    tall, wide = lowest - top + 1, len(columns)
    reach = max(1, round(0.04 * wide))
    profile = np.full(solid.shape[1], -tall, np.float32)
    profile[columns] = bottoms
    around = cv2.dilate(profile[np.newaxis], np.ones((1, 2 * reach + 1), np.uint8))[0, columns]
    tip = (bottoms >= around - 0.012 * tall) & (bottoms >= lowest - FLOOR * tall)
    line = bottoms >= np.minimum(_lower_hull(columns, bottoms), lowest) - 0.02 * tall
    chosen = (tip | line) & (bottoms >= lowest - FLOOR * tall)
    return columns[chosen], bottoms[chosen]


def _lower_hull(columns, bottoms):
    """The line on which a profile rests, as its row at each column: its convex hull's lower side."""
    hull = []
    for point in zip(columns.tolist(), bottoms.tolist()):
        while len(hull) > 1 and (hull[-1][0] - hull[-2][0]) * (point[1] - hull[-2][1]) >= (
            hull[-1][1] - hull[-2][1]
        ) * (point[0] - hull[-2][0]):
            hull.pop()
        hull.append(point)
    x, y = zip(*hull)
    return np.interp(columns, x, y)


def blurred(
    photo: np.ndarray, alpha: np.ndarray, frame: tuple[float, float, float, float], height: int, width: int
) -> np.ndarray:
    """What is behind the thing in its photo, out of focus, and without a ghost of the thing.

    Args:
        photo: uint8, H × W × 3, RGB.
        alpha: uint8, H × W, 0 … 255: the thing, which leaves no trace.
        frame: (left, top, right, bottom) in the photo's pixels, which may lie beyond it.
        height, width: of the result in pixels.

    Returns:
        uint8, height × width × 3.
    """
    scale = min(1.0, BLUR_SIDE / max(height, width)) * width / (frame[2] - frame[0])
    scale = min(scale, max(1.0, (BLURRED_PIXELS / alpha.size) ** 0.5))  # a frame may be a few pixels of a large photo
    small = _scaled(photo, scale).astype(np.float32)
    hidden = cv2.dilate(_scaled(alpha, scale), np.ones((5, 5), np.uint8))
    weight = 1 - np.minimum(hidden.astype(np.float32) / 128, 1)
    move = np.array([[1, 0, -frame[0] * scale], [0, 1, -frame[1] * scale]], np.float64)
    size = [max(1, round((frame[2] - frame[0]) * scale)), max(1, round((frame[3] - frame[1]) * scale))]
    small, weight = (cv2.warpAffine(part, move, size, borderMode=cv2.BORDER_REFLECT) for part in (small, weight))
    sigma = BLUR * max(size)
    filled = np.full_like(small, np.median(photo[:: max(1, len(photo) // 64), ::7].reshape(-1, 3), axis=0))
    for widening in (8, 4, 2, 1):  # from far off where there is nothing nearer
        filled = _known_mean(small, weight, widening * sigma, filled)
    wanted, result = cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC), []
    for top in range(0, height, STRIP):  # all at once, these are two more pictures of four times the size
        result.append(np.clip(wanted[top : top + STRIP] + 0.5, 0, 255).astype(np.uint8))
    return np.concatenate(result)


def _scaled(picture, scale):
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _known_mean(colours, weight, sigma, otherwise):
    """Colours blurred by a Gaussian that sees only where the weight is; `otherwise`, where that is nowhere near."""
    total = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)[..., np.newaxis]
    sums = cv2.GaussianBlur(colours * weight[..., np.newaxis], (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return (sums + SCARCE * otherwise) / (total + SCARCE)


def cover(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture scaled and cropped at its middle to fill a canvas: uint8, height × width × 3."""
    scale = max(height / picture.shape[0], width / picture.shape[1])
    part_height, part_width = min(picture.shape[0], height / scale), min(picture.shape[1], width / scale)
    top, left = round((picture.shape[0] - part_height) / 2), round((picture.shape[1] - part_width) / 2)
    part = picture[top : top + max(1, round(part_height)), left : left + max(1, round(part_width))]
    shrinks = scale < 1
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def plain_room(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A wall and a floor in two plain colours with soft light, or one backdrop without a seam.

    Returns:
        uint8, height × width × 3, RGB.
    """
    wall, floor = _wall_colour(rng), _wall_colour(rng)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis]
    columns = np.linspace(-0.5, 0.5, width, dtype=np.float32)[np.newaxis]
    horizon = rng.uniform(0.35, 0.8) + columns * rng.uniform(-0.25, 0.25)
    softness = rng.uniform(0.002, 0.01) if rng.random() < 0.6 else rng.uniform(0.05, 0.4)
    below = 1 / (1 + np.exp(np.clip((horizon - rows) / softness, -30, 30)))
    picture = wall + below[..., np.newaxis] * (floor - wall)
    light = 1 + (rows - 0.5) * rng.uniform(-0.4, 0.4) + columns * rng.uniform(-0.5, 0.5)
    picture = picture * light[..., np.newaxis]
    if rng.random() < 0.6:
        picture += below[..., np.newaxis] * _floor_pattern(height, width, rng)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _wall_colour(rng):
    base = rng.uniform(40, 250)
    return np.clip(base + rng.normal(0, 18, 3), 0, 255).astype(np.float32)


def _floor_pattern(height, width, rng):
    """Streaks or cloudy spots: noise, blurred more along one axis than the other."""
    noise = rng.normal(0, 1, (height, width)).astype(np.float32)
    across, along = np.exp(rng.uniform(-0.5, 2.5, 2))
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=float(across), sigmaY=float(along))
    return (noise / (noise.std() + 1e-6) * rng.uniform(2, 22))[..., np.newaxis]
