"""Squares with their weights, and the batches that follow from a seed."""

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets.batches import (
    TrainingBatches,
    ValidationBatches,
    augmented,
    emphasise_border,
    load_square,
)
from segmenter.datasets.pairs import read_folder
from segmenter.errors import DatasetError


def test_a_mask_of_another_frame_is_refused(folder):
    pair = read_folder(folder)[0]
    Image.new("L", (20, 30)).save(pair.mask)
    with pytest.raises(DatasetError, match="the same frame"):
        load_square(pair, 16)


def test_a_square_is_the_squeezed_photo_with_its_mask(folder):
    pair = read_folder(folder)[4]
    square = load_square(pair, 10)
    assert square.photo.shape == (10, 10, 3) and square.photo.dtype == np.uint8
    assert square.target.sum() / 100 == pytest.approx(100 / 600, abs=0.01)
    assert (square.weight == 1).all()


def test_the_weight_grows_where_the_surroundings_differ():
    target = np.zeros((64, 64), np.float32)
    target[:, 30:34] = 1  # a thin leg
    weight = emphasise_border(target, np.ones_like(target), 4.0)
    assert weight[32, 31] > 3 and weight[32, 0] == 1 and weight.min() == 1
    unknown = emphasise_border(target, np.zeros_like(target), 4.0)
    assert (unknown == 0).all()
    assert emphasise_border(target, target, 0) is target


@pytest.fixture
def squares(folder):
    return [load_square(pair, 24) for pair in read_folder(folder)]


def test_training_batches_follow_seed_and_epoch(squares):
    def epoch(seed, number):
        batches = TrainingBatches(augmented(squares, 16), 10, 4, seed, epoch=number)
        return np.concatenate([batches[step][0] for step in range(len(batches))])

    assert epoch(1, 0).shape == (10, 16, 16, 3)
    np.testing.assert_array_equal(epoch(1, 0), epoch(1, 0))
    assert (epoch(1, 0) != epoch(1, 1)).any() and (epoch(1, 0) != epoch(2, 0)).any()


def test_an_epoch_draws_each_photo_once(squares):
    drawn = []
    batches = TrainingBatches(
        lambda index, rng: (drawn.append(index), (np.zeros((4, 4, 3), np.uint8), *np.zeros((2, 4, 4))))[1],
        10,
        4,
        0,
    )
    for step in range(len(batches)):
        batches[step]
    assert sorted(drawn) == list(range(10)) and drawn != sorted(drawn)


def test_validation_batches_are_the_photos_as_they_are(squares):
    batches = ValidationBatches(squares, 24, 4)
    x = np.concatenate([batches[step][0] for step in range(len(batches))])
    y = np.concatenate([batches[step][1] for step in range(len(batches))])
    np.testing.assert_allclose(x, np.stack([square.photo for square in squares]) / 255, atol=1e-6)
    np.testing.assert_array_equal(y[..., 0], np.stack([square.target for square in squares]))
