"""Rooms: of any size, always the same, in right perspective, and without bands."""

import cv2
import numpy as np
import pytest

from segmenter.render import backgrounds


@pytest.mark.parametrize("name", backgrounds.NAMES)
def test_the_same_room_at_any_size(name):
    small, large = backgrounds.draw(name, 150, 200), backgrounds.draw(name, 450, 600)
    assert small.shape == (150, 200, 3) and small.dtype == np.uint8
    np.testing.assert_array_equal(small, backgrounds.draw(name, 150, 200))
    assert np.abs(cv2.resize(large, (200, 150), interpolation=cv2.INTER_AREA).astype(int) - small).mean() < 6


@pytest.mark.parametrize("name", backgrounds.NAMES)
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 7)])
def test_odd_sizes(name, size):
    assert backgrounds.draw(name, *size).shape == (*size, 3)


def test_rooms_differ():
    means = np.array([backgrounds.draw(name, 60, 80).mean(axis=(0, 1)) for name in backgrounds.NAMES])
    apart = np.abs(means[:, None] - means[None]).max(axis=2) + 1000 * np.eye(len(means))
    assert apart.min() > 5 and set(backgrounds.LIGHT) == set(backgrounds.NAMES)


def test_the_terraces_joints_meet_at_the_horizon():
    """Straight lines away from the camera run through its vanishing point."""
    picture = cv2.GaussianBlur(backgrounds.draw("terrace", 900, 1200), (0, 0), 2).astype(int).sum(axis=2)
    far, near = 700, 860
    steps = (near - 0.5 - backgrounds.HORIZON * 900) / (far - 0.5 - backgrounds.HORIZON * 900)

    def joints(row):
        line = picture[row]
        flat = cv2.GaussianBlur(line.astype(np.float32)[np.newaxis], (0, 0), 25)[0]
        dark = flat - line
        lowest = [x for x in range(10, 1190) if dark[x] == dark[x - 10 : x + 11].max() and dark[x] > 25]
        return np.array(lowest) - 599.5

    close, distant = joints(near), joints(far)
    assert len(close) >= 4
    for x in close:
        assert np.abs(distant * steps - x).min() < 12


def test_gradients_do_not_band():
    column = backgrounds.draw("studio", 900, 300)[:, 150, 0].astype(int)
    longest = max(len(run) for run in np.split(column, np.flatnonzero(np.diff(column)) + 1))
    assert longest < 20


@pytest.mark.parametrize("name", backgrounds.NAMES)
def test_oracle_a_large_room_is_stretched_as_opencv_does_it_all_at_once(name, monkeypatch):
    """In strips, and whatever the kind of numbers that the room is painted in."""
    monkeypatch.setattr(backgrounds, "SIDE", 90)
    height, width = 203, 170
    view = backgrounds._look(90, 75)
    painted = backgrounds._PAINTERS[name](view) * backgrounds._vignette(view)[..., np.newaxis]
    expected = cv2.resize(np.clip(painted, 0, 1), (width, height), interpolation=cv2.INTER_LINEAR) * np.float32(255)
    noise = np.random.default_rng(backgrounds.NAMES.index(name)).normal(0, backgrounds.GRAIN, (height, width))
    expected = np.clip(expected + noise.astype(np.float32)[..., np.newaxis] + 0.5, 0, 255).astype(np.uint8)
    found = backgrounds.draw(name, height, width).astype(int)
    assert np.abs(found - expected).max() <= 1 and (found != expected).mean() < 1e-4  # a processor may round otherwise
