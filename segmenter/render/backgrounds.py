"""Rooms of our own to stand furniture in, drawn by code at any size.

Each is a floor and a back wall seen by one camera, in metres: x to the right, y up from the floor, z
away from the camera. Patterns are made once in their own plane, and looked up through the camera, so
that their perspective is right; sunlight comes in through a window on the left, traced from each point
to the window's plane. The same name and size give the same pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

NAMES = ("daylight", "loft", "gallery", "studio", "terrace")
# How much the thing that stands there takes on of the room's light, see `compositing.harmonise`.
LIGHT = {"daylight": 0.1, "loft": 0.15, "gallery": 0.2, "studio": 0.05, "terrace": 0.3}

STRIP = 64  # rows that are finished at a time
SIDE = 1600  # longest side on which a room is drawn; a larger picture shows the same, a little softer
EYE = 0.95  # the camera's height in metres
HORIZON = 0.38  # its row, as a share of the picture's height
FOCAL = 1.25  # focal length as a share of the picture's height
WALL = 4.4  # distance of the back wall in metres
TEXEL = 0.004  # metres per pixel of a floor's or wall's pattern
PATTERN = 1024  # side of a pattern in pixels; it repeats after that
GRAIN = 1.1  # standard deviation of the last noise, which also keeps gradients from banding


def draw(name: str, height: int, width: int) -> np.ndarray:
    """One of the rooms.

    Args:
        name: one of `NAMES`.
        height, width: of the picture in pixels.

    Returns:
        uint8, height × width × 3, RGB.
    """
    scale = min(1.0, SIDE / max(height, width))
    view = _look(max(2, round(height * scale)), max(2, round(width * scale)))
    picture = _PAINTERS[name](view) * _vignette(view)[..., np.newaxis]
    wide = cv2.resize(np.clip(picture, 0, 1), (width, len(picture)), interpolation=cv2.INTER_LINEAR)
    rng, result = np.random.default_rng(NAMES.index(name)), np.empty((height, width, 3), np.uint8)
    for top in range(0, height, STRIP):  # all at once would take ten times the picture
        rows = _stretched(wide, height, top, min(top + STRIP, height)) * np.float32(255)
        rows += rng.normal(0, GRAIN, rows.shape[:2]).astype(np.float32)[..., np.newaxis]
        result[top : top + STRIP] = np.clip(rows + 0.5, 0, 255)
    return result


def _stretched(picture, height, top, bottom):
    """The rows from `top` to `bottom` of a picture that is made `height` tall, as cv2.resize makes them."""
    if len(picture) == height:
        return picture[top:bottom]
    place = (np.arange(top, bottom) + 0.5) * (len(picture) / height) - 0.5
    above, last = np.floor(place).astype(int), len(picture) - 1
    share = (place - above).astype(picture.dtype).astype(np.float64)[:, np.newaxis, np.newaxis]
    before, after = picture[np.clip(above, 0, last)], picture[np.clip(above + 1, 0, last)]
    return (before + (after - before) * share).astype(picture.dtype)  # rounded but once, as OpenCV does it


@dataclass(frozen=True)
class _Points:
    """What each pixel shows: float32, h × w each."""

    x: np.ndarray  # metres to the right of the camera
    y: np.ndarray  # above the floor
    z: np.ndarray  # away from the camera
    floor: np.ndarray  # bool: on the floor, rather than on the wall
    down: np.ndarray  # row and column as shares of the picture's height, from its middle
    across: np.ndarray


def _look(height, width):
    """The points of floor and wall that a camera sees."""
    down = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, np.newaxis] + np.zeros((1, width), np.float32)
    across = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / height)[np.newaxis] + np.zeros_like(down)
    depth = FOCAL * EYE / np.maximum(down - HORIZON, 1e-3)
    floor = depth < WALL
    z = np.where(floor, depth, WALL).astype(np.float32)
    y = np.where(floor, 0, EYE - (down - HORIZON) * WALL / FOCAL).astype(np.float32)
    return _Points((across * z / FOCAL).astype(np.float32), y, z, floor, down - 0.5, across)


def _vignette(view):
    return 1 - 0.16 * np.clip(view.down**2 + (view.across * 0.75) ** 2, 0, 1) * 1.6


def _colour(text):
    """The colour "#rrggbb" as float32, 3, 0 … 1."""
    return np.array(list(bytes.fromhex(text[1:])), np.float32) / 255


def _smooth(values, low, high):
    """0 below `low`, 1 above `high`, and a smooth step between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _clouds(rng, shape, sizes):
    """Noise of several sizes in pixels, each across and down, that repeats at its border: about -1 … 1."""
    total = np.zeros(shape, np.float32)
    spectrum = np.fft.rfft2(rng.normal(0, 1, shape).astype(np.float32))
    v, u = np.fft.fftfreq(shape[0])[:, np.newaxis], np.fft.rfftfreq(shape[1])[np.newaxis]
    for across, down, weight in sizes:
        pass_low = np.exp(-2 * np.pi**2 * ((u * across) ** 2 + (v * down) ** 2))
        pass_low[0, 0] = 0
        soft = np.fft.irfft2(spectrum * pass_low, shape).astype(np.float32)
        total += weight * soft / (soft.std() + 1e-6)
    return np.clip(total / 2.5, -1.5, 1.5)


def _sample(pattern, u, v):
    """A repeating pattern looked up at metres (u, v)."""
    across, down = (np.mod(side / TEXEL, PATTERN).astype(np.float32) for side in (u, v))
    wide = cv2.copyMakeBorder(pattern, 0, 1, 0, 1, cv2.BORDER_WRAP)
    return cv2.remap(wide, across, down, cv2.INTER_LINEAR)


def _planks(rng, colours, board=32, length=512):
    """Boards beside each other, each of its own tone and grain, with thin dark joints: h × w × 3."""
    pattern = np.empty((PATTERN, PATTERN, 3), np.float32)
    grain = _clouds(rng, (PATTERN, PATTERN), ((1.2, 60, 0.8), (4, 150, 1.0), (14, 220, 0.9)))
    first, second = map(_colour, colours)
    joints = np.ones((PATTERN, PATTERN), np.float32)
    for left in range(0, PATTERN, board):
        shift = int(rng.integers(0, length))
        joints[:, left : left + 1] = 0.55
        for top in range(shift, shift + PATTERN, length):
            rows = np.arange(top, top + length) % PATTERN
            columns = slice(left, left + board)
            own_grain = grain[(rows + int(rng.integers(PATTERN))) % PATTERN, columns]
            mix = np.clip(rng.normal(0.5, 0.3) + 0.28 * own_grain, -0.2, 1.2)[..., np.newaxis]
            pattern[rows, columns] = (first + (second - first) * mix) * rng.uniform(0.95, 1.05)
            joints[rows[0], columns] = 0.6
    joints = cv2.GaussianBlur(joints, (0, 0), 0.8, borderType=cv2.BORDER_REFLECT)
    return pattern * joints[..., np.newaxis]


def _tiles(rng, colour, grout, side=128, gap=3, variety=0.05):
    """Square tiles, each a little different, with grout between them: h × w × 3."""
    count = PATTERN // side
    tone = 1 + variety * rng.normal(0, 1, (count, count)).astype(np.float32)
    tone = cv2.resize(tone, (PATTERN, PATTERN), interpolation=cv2.INTER_NEAREST)
    tone += 0.035 * _clouds(rng, (PATTERN, PATTERN), ((40, 40, 1), (9, 9, 0.7), (1.5, 1.5, 0.4)))
    place = np.arange(PATTERN) % side
    line = ((place < gap) | (place >= side - gap // 2)).astype(np.float32)
    line = cv2.GaussianBlur(np.maximum.outer(line, line), (0, 0), 1.0)[..., np.newaxis]
    return _colour(colour) * tone[..., np.newaxis] * (1 - line) + _colour(grout) * line


def _bricks(rng, colour, wide=64, tall=16, joint=2):
    """A painted brick wall, lit from above: h × w × 3."""
    relief = np.ones((PATTERN, PATTERN), np.float32)
    for row in range(PATTERN // tall):
        rows, shift = slice(row * tall, (row + 1) * tall), (row % 2) * wide // 2
        for left in range(shift, shift + PATTERN, wide):
            columns = np.arange(left, left + wide) % PATTERN
            relief[rows, columns] += rng.normal(0, 0.12)
            relief[rows, columns[:joint]] = 0
        relief[rows.start : rows.start + joint] = 0
    relief = cv2.GaussianBlur(relief, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT)
    relief += 0.1 * _clouds(rng, relief.shape, ((2, 2, 1), (6, 5, 0.7)))
    slope = relief - np.roll(relief, 2, axis=0)  # what faces up is lit, what faces down is dark
    stains = _clouds(rng, relief.shape, ((90, 70, 1), (25, 20, 0.6)))
    tone = 1 - 0.07 * (1 - np.clip(relief, 0, 1.3)) - 0.07 * slope + 0.03 * stains
    return _colour(colour) * tone[..., np.newaxis]


def _plaster(rng, colour, strength=0.02):
    sizes = ((140, 120, 1.2), (45, 40, 0.8), (9, 8, 0.35), (1.3, 1.3, 0.3))
    tone = 1 + strength * _clouds(rng, (PATTERN, PATTERN), sizes)
    return _colour(colour) * tone[..., np.newaxis]


def _surfaces(view, floor, wall):
    """Patterns of floor and wall as the camera sees them: h × w × 3."""
    ground = _sample(floor, view.x + 10.37, view.z)
    behind = _sample(wall, view.x + 10, view.y)
    return np.where(view.floor[..., np.newaxis], ground, behind)


def _corner(view, strength=0.3):
    """Darkness where floor and wall meet, as little light gets there: factors, h × w."""
    near_wall = np.exp(-(WALL - view.z) / 0.45) * view.floor
    near_floor = np.exp(-view.y / 0.35) * ~view.floor
    return 1 - strength * near_wall - 0.5 * strength * near_floor


def _baseboard(picture, view, colour, tall=0.11):
    """A board along the wall's foot, with a bright upper edge and a shadow line below."""
    pixel = WALL / FOCAL / len(picture)  # metres on the wall
    board = _smooth(tall - view.y, -pixel, pixel) * ~view.floor
    tone = 0.94 + 0.1 * _smooth(view.y, tall - 0.02, tall - 0.005) - 0.25 * np.exp(-view.y / 0.008)
    picture += (_colour(colour) * tone[..., np.newaxis] - picture) * board[..., np.newaxis]
    line = np.exp(-np.abs(view.y - tall - pixel) / (1.2 * pixel)) * ~view.floor
    return picture * (1 - 0.18 * line[..., np.newaxis])


def _sun(view, sides, direction, panes=(2, 2), softness=0.035):
    """Where sun falls in through a window of the left wall: 0 … 1, h × w.

    Args:
        sides: (distance of the left wall, lower, upper edge, near, far edge) in metres.
        direction: (x, y, z) in which the light travels.
        panes: how many across and down.
    """
    left, low, high, near, far = sides
    way = (view.x + left) / direction[0]
    y, z = view.y - way * direction[1], view.z - way * direction[2]
    soft = softness * (0.4 + 0.25 * np.abs(way))
    lit = _smooth(y, low - soft, low + soft) * _smooth(-y, -high - soft, -high + soft)
    lit *= _smooth(z, near - soft, near + soft) * _smooth(-z, -far - soft, -far + soft)
    for place, start, end, count in ((z, near, far, panes[0]), (y, low, high, panes[1])):
        for bar in np.linspace(start, end, count + 1)[1:-1]:
            lit = lit * _smooth(np.abs(place - bar), 0.02, 0.02 + 1.5 * soft)
    return lit * (way > 0)


def _from_left(view, strength):
    """Light that falls off from a window on the left: factors, h × w."""
    away = np.hypot(view.x + 2.6, (view.z - 2.6) * 0.6)
    return 1 + strength * (1.5 - np.clip(away, 0, 5) * 0.55)


def _daylight(view):
    rng = np.random.default_rng(11)
    floor = _planks(rng, ("#a98058", "#cfa77a"))
    picture = _surfaces(view, floor, _plaster(rng, "#ece6dc", 0.012))
    picture = _baseboard(picture, view, "#f6f3ee")
    picture *= (_from_left(view, 0.11) * _corner(view))[..., np.newaxis] * np.array([0.9, 0.9, 0.915], np.float32)
    sun = _sun(view, (2.3, 0.75, 2.3, 2.0, 3.5), (1.0, -0.62, 0.32))
    return picture * (1 + sun[..., np.newaxis] * np.array([0.3, 0.25, 0.17], np.float32))


def _loft(view):
    rng = np.random.default_rng(12)
    concrete = _plaster(rng, "#9b9894", 0.07)
    picture = _surfaces(view, concrete, _bricks(rng, "#d9d4cc"))
    shine = view.floor * np.exp(-(((view.x + 0.5) / 1.3) ** 2)) * _smooth(view.z, 1.8, WALL)
    picture += 0.1 * shine[..., np.newaxis] * np.array([1, 1, 1.02], np.float32)
    picture *= (_from_left(view, 0.13) * _corner(view, 0.34))[..., np.newaxis] * np.array(
        [0.86, 0.87, 0.89], np.float32
    )
    sun = _sun(view, (2.6, 0.9, 2.8, 1.9, 4.0), (1.0, -0.8, 0.3), (4, 4))
    return picture * (1 + sun[..., np.newaxis] * np.array([0.26, 0.23, 0.18], np.float32))


def _gallery(view):
    rng = np.random.default_rng(13)
    floor = _planks(rng, ("#5a3d29", "#8a6343"), board=24, length=256)
    picture = _surfaces(view, floor, _plaster(rng, "#66776f", 0.02))
    picture = _baseboard(picture, view, "#5c6c65", 0.2)
    picture = _rug(picture, view, rng)
    spot = np.exp(-((view.x / 1.7) ** 2) - ((view.y - 1.3) / 1.3) ** 2) * ~view.floor
    pool = np.exp(-((view.x / 1.5) ** 2) - ((view.z - 2.7) / 1.2) ** 2) * view.floor
    light = 0.8 + 0.42 * spot + 0.36 * pool
    return picture * (light * _corner(view, 0.35))[..., np.newaxis] * np.array([1.02, 1.0, 0.95], np.float32)


def _rug(picture, view, rng):
    """A round rug of pale wool where the furniture stands, with a darker border."""
    away = np.hypot(view.x, view.z - 2.55)
    pixel = 0.006
    wool = _plaster(rng, "#d8cdb9", 0.06)
    rings = 1 + 0.035 * np.sin(away * 2 * np.pi / 0.035)
    woven = _sample(wool, view.x + 10, view.z) * rings[..., np.newaxis]
    border = _smooth(away, 0.93, 0.94) * (1 - _smooth(away, 0.985, 0.995))
    woven = woven * (1 - 0.32 * border[..., np.newaxis])
    picture = picture * (1 - 0.35 * np.exp(-np.maximum(away - 1.05, 0) / 0.03) * view.floor)[..., np.newaxis]
    inside = (1 - _smooth(away, 1.05 - pixel, 1.05 + pixel)) * view.floor
    return picture + (woven - picture) * inside[..., np.newaxis]


def _studio(view):
    paper = np.array([0.935, 0.932, 0.928], np.float32)
    bend = _smooth(view.down + 0.5, 0.4, 0.92)
    pool = np.exp(-((view.across / 0.62) ** 2) - ((view.down - 0.36) / 0.2) ** 2)
    halo = np.exp(-((view.across / 0.75) ** 2) - ((view.down + 0.14) / 0.5) ** 2)
    tone = 0.84 + 0.12 * halo - 0.1 * np.exp(-(((view.down - 0.14) / 0.14) ** 2)) + 0.04 * bend + 0.08 * pool
    tone -= 0.06 * view.across
    return paper * tone[..., np.newaxis]


def _terrace(view):
    rng = np.random.default_rng(15)
    tiles = _tiles(rng, "#8d8378", "#5b544e", side=128, variety=0.045)
    ground = _sample(tiles, view.x + 10.128, view.z)
    stone = _parapet(view, rng)
    solid = np.maximum(view.floor, 1 - _smooth(view.y, 0.615, 0.625))[..., np.newaxis]
    lamp = np.exp(-((view.x - 0.9) ** 2 + (view.z - 2.7) ** 2) / 3.2) * view.floor
    lamp = lamp * 0.75 + np.exp(-((view.x - 1.1) ** 2) / 2.2) * ~view.floor * 0.35
    light = np.array([0.62, 0.62, 0.74], np.float32) + lamp[..., np.newaxis] * np.array([1.0, 0.72, 0.42], np.float32)
    light = light * _corner(view, 0.4)[..., np.newaxis]
    near, far = np.where(view.floor[..., np.newaxis], ground, stone) * light, _dusk(view, rng)
    return _lights(far + (near - far) * solid, view, rng)


def _parapet(view, rng):
    """A low wall of stone with a lighter cap: h × w × 3, to be seen up to 0.62 m."""
    stone = _sample(_plaster(rng, "#a2958a", 0.05), view.x + 10, view.y)
    tone = 0.52 + 0.3 * _smooth(view.y, 0.545, 0.555) + 0.1 * _smooth(view.y, 0, 0.6)
    return stone * (tone * (1 - 0.35 * np.exp(-np.abs(view.y - 0.54) / 0.012)))[..., np.newaxis]


def _dusk(view, rng):
    """Sky after sunset over far hills, out of focus: h × w × 3."""
    up = np.clip((HORIZON - (view.down + 0.5)) / HORIZON, -0.3, 1)  # 0 at the horizon, 1 at the top
    places = (-0.3, 0.06, 0.2, 0.42, 0.7, 1.0)
    colours = np.stack([*map(_colour, ("#d98e62", "#e2a274", "#c99392", "#8586a8", "#51638f", "#34456f"))])
    sky = np.stack([np.interp(up, places, channel) for channel in colours.T], axis=-1).astype(np.float32)
    hills = (0.14, "#8d7689", 0.012, 1.3), (0.07, "#5f566f", 0.009, 2.1), (0.02, "#3c3a4d", 0.008, 4.0)
    for height, colour, soft, speed in hills:
        waves = enumerate(rng.uniform(0, 2 * np.pi, 4), 1)
        ridge = height + 0.035 * sum(np.sin(view.across * speed * k * 1.7 + phase) / k for k, phase in waves)
        hidden = 1 - _smooth(up, ridge - soft, ridge + soft)
        sky += (_colour(colour) - sky) * hidden[..., np.newaxis]
    return sky


def _lights(picture, view, rng):
    """A string of warm bulbs across the sky, out of focus, each with a glow."""
    spread = float(np.abs(view.across).max())
    count = max(5, round(spread * 14))
    for place in np.linspace(-spread * 0.97, spread * 0.97, count):
        x = place + rng.normal(0, 0.006)
        y = -0.5 + 0.1 + 0.09 * (1 - (x / spread) ** 2) + rng.normal(0, 0.004)
        away = np.hypot(view.across - x, view.down - y)
        size = 0.011 * rng.uniform(0.85, 1.15)
        bulb = 1 - _smooth(away, size * 0.8, size * 1.2)
        glow = 0.6 * bulb + 0.22 * np.exp(-away / 0.022)
        picture = picture + glow[..., np.newaxis] * np.array([1.0, 0.78, 0.48], np.float32)
    return picture


_PAINTERS = {"daylight": _daylight, "loft": _loft, "gallery": _gallery, "studio": _studio, "terrace": _terrace}
