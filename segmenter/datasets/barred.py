"""Furniture of bars, drawn: chairs with spindles and slats, cribs, benches and stools, of which the gaps are exact.

What a photo shows between the bars of a crib is no crib. Masks of photos seldom say so, as few who outline furniture go
round every bar; here each gap is open to the pixel, in as many shapes as are asked for.

A piece is a list of parts in space: x to the right, y upwards from the floor and z towards the viewer, in its own width.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from segmenter.datasets.copy_paste import Object

SIDE = 480  # of the frame that a piece is drawn in, in pixels
FINER = 2  # times as fine is it drawn, and then averaged
MARGIN = 0.03  # of the frame, left around it
LIGHT = np.array([0.35, 0.8, 0.5])  # where it comes from
ROOM = (0.45, 0.55)  # what light a part has in the dark, and what it gains where it faces the light


class Part(NamedTuple):
    """A bar or a board of a piece."""

    points: np.ndarray  # float, n × 3: the line along a bar, or the corners of a board
    width: float  # of a bar; 0 of a board
    colour: int  # 0 the frame's, 1 that of seat or mattress


Builder = Callable[[np.random.Generator], list[Part]]


def draw(rng: np.random.Generator) -> Object:
    """A piece of furniture, seen from anywhere in front of it.

    Args:
        rng: numpy Generator.

    Returns:
        Object whose alpha is open wherever one sees through between its bars.
    """
    name = str(rng.choice(list(PIECES), p=[share for _, share in PIECES.values()]))
    parts = PIECES[name][0](rng)
    places = _seen(np.concatenate([part.points for part in parts]), rng)
    picture = _painted(parts, places, rng)
    x, y, width, height = cv2.boundingRect(picture[..., 3])
    return Object(np.ascontiguousarray(picture[y : y + height, x : x + width]), name)


def _bar(*points, width, colour=0):
    return Part(np.array(points, np.float64), width, colour)


def _board(*corners, colour=0):
    return Part(np.array(corners, np.float64), 0.0, colour)


def _box(low, high, colour=0):
    """The six boards of a box between two opposite corners."""
    (a, b, c), (d, e, f) = low, high
    return [
        _board((a, b, c), (d, b, c), (d, b, f), (a, b, f), colour=colour),
        _board((a, b, c), (d, b, c), (d, e, c), (a, e, c), colour=colour),
        _board((a, b, c), (a, b, f), (a, e, f), (a, e, c), colour=colour),
        _board((d, b, c), (d, b, f), (d, e, f), (d, e, c), colour=colour),
        _board((a, b, f), (d, b, f), (d, e, f), (a, e, f), colour=colour),
        _board((a, e, c), (d, e, c), (d, e, f), (a, e, f), colour=colour),
    ]


def _legs(rng, seat, width, splay, reach):
    """Four legs below a seat of one unit a side, as far from its middle as they reach, with bars between them."""
    legs, thick = [], rng.uniform(0.025, 0.06)
    for x in (-1, 1):
        for z in (-1, 1):
            legs.append(np.array([[reach * x, seat, reach * z], [(reach + splay) * x, 0, (reach + splay) * z]]))
    parts = [Part(leg * [width, 1, width], thick, 0) for leg in legs]
    for _ in range(rng.integers(0, 3)):
        share = rng.uniform(0.2, 0.7)
        ends = [leg[0] + share * (leg[1] - leg[0]) for leg in legs]
        for one, other in ((0, 1), (2, 3), (0, 2), (1, 3)):
            if rng.random() < 0.8:
                parts.append(_bar(ends[one] * [width, 1, width], ends[other] * [width, 1, width], width=thick * 0.7))
    return parts


def _seat(rng, height, width, is_round):
    """A seat: a box, or a disc."""
    thick, colour = rng.uniform(0.02, 0.12), int(rng.random() < 0.4)
    if not is_round:
        half = 0.5 * width
        return _box((-half, height - thick, -half), (half, height, half), colour)
    turn = np.linspace(0, 2 * np.pi, 25)
    above = np.stack([0.5 * width * np.cos(turn), np.full(25, height), 0.5 * width * np.sin(turn)], axis=1)
    below = above - [0, thick, 0]
    sides = [_board(*below[k : k + 2], *above[k : k + 2][::-1], colour=colour) for k in range(24)]
    return [Part(below, 0.0, colour), *sides, Part(above, 0.0, colour)]


def _spindle_back(rng, seat):
    """A hoop with spindles, as of a Windsor chair; sometimes with arms on spindles of their own."""
    top, lean, count = rng.uniform(0.5, 1.0), rng.uniform(0.05, 0.3), int(rng.integers(4, 12))
    thin, thick = rng.uniform(0.008, 0.025), rng.uniform(0.02, 0.05)
    power = rng.uniform(0.25, 0.6)  # how square the hoop is

    def hoop(share, height=1.0):
        """A place on the hoop, or below it: -1 at its left end, 1 at its right."""
        rise = height * top * max(0.0, 1 - abs(share) ** (1 / power)) ** power
        return np.array([0.44 * share * (1 + 0.15 * rise), seat + rise, -0.42 - lean * rise])

    parts = [Part(np.array([hoop(share) for share in np.sin(np.linspace(-np.pi / 2, np.pi / 2, 25))]), thick, 0)]
    parts += [_bar(hoop(share, 0), hoop(share), width=thin) for share in np.linspace(-0.85, 0.85, count)]
    if rng.random() < 0.4:
        level = seat + rng.uniform(0.2, 0.35) * top + 0.1
        arc = np.linspace(-0.15, np.pi + 0.15, 17)
        arm = np.stack([0.55 * np.cos(arc), np.full(17, level), -0.5 * np.sin(arc) + 0.05], axis=1)
        feet = arm * [0.8, 0, 0.8] + [0, seat, 0]
        parts += [Part(arm, thick, 0), *(_bar(foot, end, width=thin) for foot, end in zip(feet[::2], arm[::2]))]
    return parts


def _slat_back(rng, seat):
    """Two posts, with slats across or upright between them."""
    top, lean, thick = rng.uniform(0.5, 1.0), rng.uniform(0.0, 0.25), rng.uniform(0.03, 0.06)
    feet = np.array([[-0.42, seat, -0.42], [0.42, seat, -0.42]])
    heads = feet + [0, top, -lean]
    parts = [_bar(foot, head, width=thick) for foot, head in zip(feet, heads)]
    low, high = rng.uniform(0.1, 0.4), rng.uniform(0.85, 1.0)
    if rng.random() < 0.5:
        for share in np.linspace(low, high, int(rng.integers(2, 7))):
            left, right = feet + share * (heads - feet)
            parts.append(_bar(left, (left + right) / 2 + [0, rng.uniform(0, 0.05), -0.03], right, width=thick))
        return parts
    below, above = (feet + share * (heads - feet) for share in (low, high))
    parts += [_bar(*below, width=thick), _bar(*above, width=thick * rng.uniform(1, 2))]
    count = int(rng.integers(3, 10))
    slat = rng.uniform(0.25, 0.7) * 0.84 / count
    upright = zip(*(np.linspace(ends[0], ends[1], count + 2)[1:-1] for ends in (below, above)))
    return parts + [_bar(foot, head, width=slat) for foot, head in upright]


def _below(rng, seat, width, splay):
    """A seat on its legs."""
    is_round = rng.random() < 0.4
    legs = _legs(rng, seat, width, rng.uniform(0, splay), 0.32 if is_round else 0.42)
    return legs + _seat(rng, seat, width, is_round)


def _chair(rng):
    seat = rng.uniform(0.75, 1.0)
    back = _spindle_back if rng.random() < 0.6 else _slat_back
    return _below(rng, seat, rng.uniform(0.9, 1.0), 0.12) + back(rng, seat)


def _stool(rng):
    return _below(rng, rng.uniform(0.7, 2.0), 0.8, 0.2)


def _crib(rng):
    """Rails all around with upright bars between them, a mattress within, and sometimes solid ends."""
    long, deep, high = rng.uniform(1.2, 1.9), rng.uniform(0.6, 0.9), rng.uniform(0.8, 1.1)
    low, thick, thin = rng.uniform(0.15, 0.35), rng.uniform(0.03, 0.07), rng.uniform(0.012, 0.035)
    x, z = long / 2, deep / 2
    corners = [(-x, -z), (x, -z), (x, z), (-x, z)]
    posts = high + rng.uniform(0, 0.25)
    parts = [_bar((cx, 0, cz), (cx, posts, cz), width=thick) for cx, cz in corners]
    solid = rng.random() < 0.35
    for number, ((ax, az), (bx, bz)) in enumerate(zip(corners, [*corners[1:], corners[0]])):
        if solid and number % 2:
            parts.append(_board((ax, low, az), (bx, low, bz), (bx, posts, bz), (ax, posts, az)))
            continue
        count = max(3, int(rng.uniform(7, 12) * np.hypot(bx - ax, bz - az)))
        rails = [(np.array([ax, level, az]), np.array([bx, level, bz])) for level in (low, high)]
        parts += [_bar(*rail, width=thick) for rail in rails]
        parts += [
            _bar(foot, head, width=thin)
            for foot, head in zip(*(np.linspace(start, end, count) for start, end in rails))
        ]
    bed = low + rng.uniform(0.05, 0.35)
    return parts + _box((-x, bed, -z), (x, bed + rng.uniform(0.03, 0.15), z), colour=1)


def _bench(rng):
    """Boards along, for the seat and mostly for a back, on two frames."""
    long, seat, deep = rng.uniform(0.8, 1.6), rng.uniform(0.5, 0.6), rng.uniform(0.45, 0.65)
    thick, count = rng.uniform(0.03, 0.06), int(rng.integers(3, 9))
    board = rng.uniform(0.4, 0.8) * deep / count
    parts = [
        _bar((-long, seat, z), (long, seat, z), width=board, colour=1) for z in np.linspace(-deep / 2, deep / 2, count)
    ]
    lean, top = rng.uniform(0.05, 0.25), rng.uniform(0.4, 0.65)
    has_back = rng.random() < 0.75
    for x in (-0.85 * long, 0.85 * long):
        ends = [(x, 0, deep / 2), (x, seat, deep / 2), (x, seat, -deep / 2), (x, 0, -deep / 2 - lean)]
        parts.append(_bar(*ends, width=thick))
        if has_back:
            parts.append(_bar((x, seat, -deep / 2), (x, seat + top, -deep / 2 - lean), width=thick))
            if rng.random() < 0.6:
                arm = seat + 0.22
                parts.append(_bar((x, 0, deep / 2), (x, arm, deep / 2), (x, arm, -deep / 2 - 0.1), width=thick))
    if has_back:
        for share in np.linspace(rng.uniform(0.15, 0.4), 1, int(rng.integers(2, 7))):
            y, z = seat + share * top, -deep / 2 - share * lean
            parts.append(_bar((-long, y, z), (long, y, z), width=board, colour=1))
    return parts


PIECES: dict[str, tuple[Builder, float]] = {  # and how often each is drawn
    "chair": (_chair, 0.45),
    "stool": (_stool, 0.1),
    "crib": (_crib, 0.25),
    "bench": (_bench, 0.2),
}


def _seen(points, rng):
    """Places as a camera sees them: float, n × 3, columns and rows in pixels of the fine frame, and nearness."""
    turn, tilt = rng.uniform(-1.2, 1.2), rng.uniform(0.0, 0.5)
    if rng.random() < 0.2:
        turn += np.pi  # from behind
    about = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    down = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    turned = (points - points.mean(axis=0)) @ about.T @ down.T
    size = np.ptp(turned, axis=0).max()
    nearness = 1 / (rng.uniform(1.6, 4.0) * size - turned[:, 2])
    flat = turned[:, :2] * [1, -1] * nearness[:, np.newaxis]
    low, high = flat.min(axis=0), flat.max(axis=0)
    zoom = (1 - 2 * MARGIN) * SIDE * FINER / (high - low).max()
    return np.column_stack([(flat - (low + high) / 2) * zoom + SIDE * FINER / 2, nearness * zoom])


def _painted(parts, places, rng):
    """The parts from the farthest to the nearest: uint8, SIDE × SIDE × 4, RGBA."""
    side = SIDE * FINER
    colours, alpha = np.zeros((side, side, 3), np.uint8), np.zeros((side, side), np.uint8)
    paints = _paints(rng)
    ends = np.cumsum([len(part.points) for part in parts])
    pieces = []
    for part, seen in zip(parts, np.split(places, ends[:-1])):
        paint = paints[part.colour] * rng.uniform(0.9, 1.1)
        if part.width:  # each stretch of a bar by itself, as a long one may be far at one end and near at the other
            pieces += [(part.points[k : k + 2], seen[k : k + 2], part, paint) for k in range(len(seen) - 1)]
        else:
            pieces.append((part.points, seen, part, paint))
    for points, seen, part, paint in sorted(pieces, key=lambda each: each[1][:, 2].mean()):
        colour = np.clip(paint * _shade(points, part), 0, 255).tolist()
        outline = _stretch(seen, part.width) if part.width else seen[:, :2]
        corners = [np.round(outline * 16).astype(np.int32)]
        cv2.fillPoly(colours, corners, colour, shift=4)
        cv2.fillPoly(alpha, corners, 255, shift=4)
        if part.width:  # a bar is round, and its ends are
            for x, y, near in seen:
                radius = max(1, round(part.width * near / 2 * 16))
                centre = (round(x * 16), round(y * 16))
                cv2.circle(colours, centre, radius, colour, -1, shift=4)
                cv2.circle(alpha, centre, radius, 255, -1, shift=4)
    return _photographed(colours, alpha, rng)


def _paints(rng):
    """The colours of frame and seat: of wood, paint, black or metal."""
    grey = rng.uniform(15, 245)
    wood = np.array([150, 95, 55]) * rng.uniform(0.3, 1.6)
    frame = wood + rng.normal(0, 12, 3) if rng.random() < 0.5 else np.clip(grey + rng.normal(0, 25, 3), 5, 250)
    seat = frame if rng.random() < 0.5 else np.clip(rng.uniform(20, 240) + rng.normal(0, 40, 3), 5, 250)
    return frame, seat


def _shade(points, part):
    """How bright a part is: by how much it faces the light."""
    edges = np.diff(points[:3], axis=0)
    if part.width:
        along = edges[0] / max(np.linalg.norm(edges[0]), 1e-9)
        facing = np.linalg.norm(LIGHT - (LIGHT @ along) * along)
    else:
        normal = np.cross(edges[0], edges[1])
        facing = abs(LIGHT @ normal) / max(np.linalg.norm(normal), 1e-9)
    return ROOM[0] + ROOM[1] * facing


def _stretch(seen, width):
    """The outline of a stretch of a bar: float, 4 × 2."""
    (first, last), near = seen[:, :2], seen[:, 2:]
    along = (last - first) / max(np.linalg.norm(last - first), 1e-9)
    aside = np.array([-along[1], along[0]]) * np.maximum(0.5, width * near / 2)
    return np.concatenate([[first, last] + aside, ([first, last] - aside)[::-1]])


def _photographed(colours, alpha, rng):
    """What was drawn, averaged to the frame's size, with some grain and light from one side."""
    solid = cv2.resize(alpha, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    sum_of = cv2.resize(colours.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    picture = sum_of / np.maximum(solid, 1)[..., np.newaxis] * 255  # nothing is black where alpha is low
    grain = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), rng.uniform(0.5, 4), sigmaY=1)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    light = 1 + rng.uniform(-0.3, 0.3) * x + rng.uniform(-0.3, 0.3) * y
    picture = picture * light[..., np.newaxis] + grain[..., np.newaxis] * rng.uniform(0, 12)
    return np.dstack([np.clip(picture, 0, 255).astype(np.uint8), solid])
