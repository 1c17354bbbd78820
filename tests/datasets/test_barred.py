"""Drawn furniture of bars: seen through between its bars, of its own colours up to the rim, and never twice the same."""

import cv2
import numpy as np
import pytest

from segmenter.datasets import barred


def drawn(name, seed, monkeypatch):
    build, _ = barred.PIECES[name]
    monkeypatch.setattr(barred, "PIECES", {name: (build, 1.0)})
    return barred.draw(np.random.default_rng(seed))


@pytest.mark.parametrize("name", list(barred.PIECES))
@pytest.mark.parametrize("seed", range(4))
def test_a_piece_fills_its_frame_and_is_open_between_its_bars(name, seed, monkeypatch):
    thing = drawn(name, seed, monkeypatch)
    assert thing.category == name and thing.cutout.dtype == np.uint8 and thing.cutout.shape[2] == 4
    assert 0.9 * barred.SIDE < max(thing.cutout.shape) <= barred.SIDE
    alpha = thing.cutout[..., 3]
    assert all(side.any() for side in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))
    hull = np.zeros_like(alpha)
    cv2.fillConvexPoly(hull, cv2.convexHull(cv2.findNonZero(alpha)), 1)
    assert 0.1 < (alpha[hull > 0] > 127).mean() < 0.95


def test_a_crib_has_a_gap_for_each_pair_of_its_bars(monkeypatch):
    """Seen straight on, without its far side and mattress, gaps lie between the bars as they do in space."""
    bars = 9
    places = np.linspace(-1, 1, bars)
    parts = [barred._bar((x, 0, 0), (x, 1, 0), width=0.05) for x in places]
    parts += [barred._bar((-1, y, 0), (1, y, 0), width=0.05) for y in (0, 1)]
    monkeypatch.setattr(barred, "PIECES", {"crib": (lambda rng: parts, 1.0)})
    rng = np.random.default_rng(0)
    monkeypatch.setattr(barred, "_seen", straight_on)
    alpha = barred.draw(rng).cutout[..., 3]
    row = alpha[len(alpha) // 2] > 127
    assert (np.diff(row.astype(int)) > 0).sum() + row[0] == bars
    assert row.mean() == pytest.approx(bars * 0.05 / 2.05, abs=0.03)


def straight_on(points, rng):
    """From far away, so that nothing is nearer than anything else."""
    zoom = 0.9 * barred.SIDE * barred.FINER / 2.05
    flat = points[:, :2] * [zoom, -zoom] + [barred.SIDE * barred.FINER / 2, barred.SIDE * barred.FINER * 0.75]
    return np.column_stack([flat, np.full(len(points), zoom)])


@pytest.mark.parametrize("seed", range(6))
def test_the_rim_has_the_colours_of_the_bars(seed):
    cutout = barred.draw(np.random.default_rng(seed)).cutout.astype(float)
    alpha, grey = cutout[..., 3], cutout[..., :3].mean(axis=2)
    soft, solid = (alpha > 60) & (alpha < 200), alpha == 255
    near = cv2.dilate(np.where(solid, grey, 0), np.ones((5, 5)))[soft]
    least = cv2.erode(np.where(solid, grey, 255), np.ones((5, 5)))[soft]
    inside = (grey[soft] < near + 40) & (grey[soft] > least - 40)
    assert inside.mean() > 0.97


def test_the_same_chance_draws_the_same_and_others_differ():
    one, same = (barred.draw(np.random.default_rng(3)).cutout for _ in range(2))
    np.testing.assert_array_equal(one, same)
    things = [barred.draw(np.random.default_rng(seed)) for seed in range(30)]
    assert {thing.category for thing in things} == set(barred.PIECES)
    assert np.ptp([(thing.cutout[..., 3] > 0).mean() for thing in things]) > 0.2
