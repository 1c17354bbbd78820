"""The pictures by which a trained network is brought into 8 bits: from all over, and never more than memory holds."""

import numpy as np
import pytest

from segmenter.datasets.batches import Square, TrainingBatches, ValidationBatches
from segmenter.training import experiment

SIZE, EACH = 16, 4  # side of a picture, and pictures of a batch


def batches(training, validation):
    """Batches of pictures that are grey and tell their number by it."""

    def grey(number):
        return np.full((SIZE, SIZE, 3), number, np.uint8), *np.ones((2, SIZE, SIZE), np.float32)

    squares = [Square(*grey(number), None) for number in range(validation)]
    return (
        TrainingBatches(lambda index, rng: grey(index), training, EACH, seed=1),
        ValidationBatches(squares, SIZE, EACH),
    )


@pytest.mark.parametrize("validation", [1, 70, 130, 250])
def test_examples_come_from_all_over_the_validation(validation):
    found = experiment._examples(*batches(120, validation))
    assert found.calibration.shape == (16 * EACH, SIZE, SIZE, 3)
    numbers = (found.pictures[:, 0, 0, 0] * 255).round()
    assert 1 <= len(numbers) <= 16 * EACH and numbers.min() == 0
    assert numbers.max() >= validation * 0.85 - EACH
    assert found.truth.shape == (len(numbers), SIZE, SIZE, 2)


def test_large_pictures_are_fewer(monkeypatch):
    monkeypatch.setattr(experiment, "EXAMPLE_PIXELS", 3 * EACH * SIZE**2 + 1)
    found = experiment._examples(*batches(120, 120))
    assert len(found.calibration) == 3 * EACH and len(found.pictures) <= 3 * EACH
    monkeypatch.setattr(experiment, "EXAMPLE_PIXELS", 1)
    found = experiment._examples(*batches(120, 120))
    assert len(found.calibration) == EACH and len(found.pictures) == EACH
