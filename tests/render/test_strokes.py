"""What a stroke covers, in parts of its way, is what a plain pass over all pixels and all lines says."""

import numpy as np
import pytest

from segmenter.render import strokes


def plainly(points, radius, height, width):
    """The same from its definition: every pixel against every line."""
    points = np.asarray(points, np.float64) - 0.5
    points = np.repeat(points, 2, axis=0) if len(points) == 1 else points
    rows, columns = np.mgrid[:height, :width]
    away = strokes.distances(columns.ravel(), rows.ravel(), points)
    return np.clip(radius + 0.5 - away, 0, 1).astype(np.float32).reshape(height, width)


def wandering(seed, count, width, height, pace):
    random = np.random.default_rng(seed)
    steps = random.normal(0, pace, (count, 2)).cumsum(axis=0)
    return np.clip(steps + (width / 2, height / 2), -width / 2, 1.5 * width)


@pytest.mark.parametrize("radius", [0.5, 3.0, 12.3, 70.0])
@pytest.mark.parametrize(("count", "pace"), [(1, 0), (2, 300), (40, 8), (40, 200), (300, 1)])
def test_it_is_what_a_plain_pass_says(radius, count, pace):
    points = wandering(count, count, 420, 310, pace)
    np.testing.assert_allclose(strokes.coverage(points, radius, 310, 420), plainly(points, radius, 310, 420), atol=1e-6)


def test_work_grows_with_the_length_and_not_with_its_square(monkeypatch):
    asked = []
    plain = strokes.distances
    monkeypatch.setattr(
        strokes,
        "distances",
        lambda *given: asked.append(len(given[0]) * (len(given[2]) - 1)) or plain(*given),
    )

    def work(count):
        asked.clear()
        x = np.linspace(10, 10 + 2 * count, count)
        strokes.coverage(np.stack([x, 40 + 10 * np.sin(x / 30)], axis=1), 8, 80, 2 * count + 20)
        return sum(asked)

    assert work(2000) < 5 * work(500)


@pytest.mark.parametrize("way", [(0.0, 1.0), (1.0, 0.0), (0.4, 0.6)], ids=["down", "across", "aslant"])
@pytest.mark.parametrize("radius", [0.7, 9.0, 90.0])
def test_a_zigzag_of_long_lines_is_worked_on_line_by_line(monkeypatch, way, radius):
    calls = []
    plain = strokes.distances
    monkeypatch.setattr(strokes, "distances", lambda *given: calls.append(1) or plain(*given))
    count = 40
    there, back = np.arange(count)[:, None] % 2 * 700 * np.array(way), np.linspace(20, 200, count)[:, None]
    points = 30 + there + back * (way[1], way[0])
    found = strokes.coverage(points, radius, 800, 800)
    assert len(calls) < 2 * count
    np.testing.assert_allclose(found, plainly(points, radius, 800, 800), atol=1e-6)


def test_a_long_stroke_over_itself_looks_at_what_is_left_of_its_rim(monkeypatch):
    looked = []
    cover = strokes._cover
    monkeypatch.setattr(
        strokes, "_cover", lambda result, rows, *given: looked.append(len(rows)) or cover(result, rows, *given)
    )
    x = np.linspace(50, 950, 200)
    strokes.coverage(np.stack([x, np.where(np.arange(200) % 2, 60, 940)], axis=1), 150, 1000, 1000)
    assert sum(looked) < 200 * 1000
