"""Whether a probability keeps what it says, against counting by hand."""

import numpy as np
import pytest

from segmenter.datasets.pairs import Case
from segmenter.evaluation.calibration import BINS, Reliability


def test_the_diagram_is_what_counting_pixel_by_pixel_gives():
    rng = np.random.default_rng(2)
    found = rng.random((30, 20)).astype(np.float32)
    truth, known = rng.random(found.shape) < found**2, rng.random(found.shape) < 0.8
    reliability = Reliability()
    reliability.add(Case("a", np.zeros((30, 20, 3), np.uint8), truth, known), found)
    diagram = reliability.diagram()
    error = 0.0
    for number, row in enumerate(diagram["bins"]):
        inside = [(p, t) for p, t, k in zip(found.flat, truth.flat, known.flat) if k and int(p * BINS) == number]
        assert row["share"] == pytest.approx(len(inside) / known.sum(), abs=1e-4)
        assert row["probability"] == pytest.approx(np.mean([p for p, _ in inside]), abs=1e-3)
        assert row["furniture"] == pytest.approx(np.mean([t for _, t in inside]), abs=1e-3)
        error += len(inside) / known.sum() * abs(np.mean([p - t for p, t in inside]))
    assert diagram["expected_error"] == pytest.approx(error, abs=1e-3)


def test_every_photo_counts_alike_and_empty_bins_say_nothing():
    reliability = Reliability()
    for side, value, truth in ((10, 0.95, True), (40, 0.95, False)):
        mask = np.full((side, side), truth)
        reliability.add(
            Case("a", np.zeros((side, side, 3), np.uint8), mask, np.ones_like(mask)),
            np.full(mask.shape, value, np.float32),
        )
    diagram = reliability.diagram()
    assert diagram["bins"][-1]["furniture"] == 0.5 and diagram["bins"][3]["furniture"] is None
    assert diagram["expected_error"] == pytest.approx(0.45, abs=1e-3)


def test_a_promise_that_is_kept_has_no_error():
    rng = np.random.default_rng(0)
    found = rng.random((400, 400)).astype(np.float32)
    truth = rng.random(found.shape) < found
    reliability = Reliability()
    reliability.add(Case("a", np.zeros((400, 400, 3), np.uint8), truth, np.ones_like(truth)), found)
    assert reliability.diagram()["expected_error"] < 0.01
