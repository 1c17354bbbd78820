"""Learning from finished weights: whose word counts for how much, and which weights can teach whom."""

import numpy as np
import pytest

from segmenter.training import teachers

SIZE = 8


def left_half(square):
    """A teacher that calls the left half of what it is shown furniture, whatever that is, and is half sure of the rest."""
    return np.where(np.arange(square.shape[2]) < SIZE // 2, 1.0, 0.5) * np.ones(square.shape[1:3])


def red(square):
    return square[0, ..., 0]


def taught(target, weight, *asked):
    photo = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    draw = teachers.Taught(lambda index, rng: (photo, target, weight), asked)
    return photo, draw(0, np.random.default_rng(1))


def ones(value=1.0):
    return np.full((SIZE, SIZE), value, np.float32)


def test_a_target_is_half_the_masks_and_half_what_teachers_make_of_both_sides():
    photo, (shown, target, weight) = taught(ones(), ones(2), left_half, red)
    said = np.empty((SIZE, SIZE))
    for row in range(SIZE):
        for column in range(SIZE):
            sides = 0.75  # it calls each place furniture from one side, and is half sure from the other
            said[row, column] = (sides + photo[row, column, 0] / 255) / 2
    np.testing.assert_allclose(target, 0.5 + said / 2, atol=1e-6)
    np.testing.assert_array_equal(shown, photo)
    np.testing.assert_array_equal(weight, ones(2))
    assert target.dtype == weight.dtype == np.float32


def test_where_a_mask_is_doubtful_teachers_alone_decide_and_what_is_unknown_stays_so():
    weight = ones()
    weight[:3], weight[5:] = -1.5, 0
    photo, (_, target, found) = taught(ones(), weight, red)
    np.testing.assert_allclose(target[:3], photo[:3, :, 0] / 255, atol=1e-6)
    np.testing.assert_allclose(target[3], 0.5 + photo[3, :, 0] / 510, atol=1e-6)
    np.testing.assert_array_equal(found[:, 0], [1.5] * 3 + [1] * 2 + [0] * 3)


def test_that_nothing_is_furniture_is_believed_to_the_mask():
    _, (_, target, weight) = taught(ones(0), ones(), red)
    np.testing.assert_array_equal(target, ones(0))
    np.testing.assert_array_equal(weight, ones())


def test_weights_teach_as_they_serve(tiny_weights):
    (ask,) = teachers.load([tiny_weights], 64)
    photo = np.zeros((1, 64, 64, 3), np.float32)
    photo[:, :, :20, 0] = 1
    np.testing.assert_allclose(teachers.look([ask], photo), np.arange(64) < np.full((64, 1), 20), atol=1e-3)


def test_weights_that_look_at_another_size_are_told(tiny_weights):
    with pytest.raises(ValueError, match="looks at 64 pixels .* looks at 32; add --size 64, or leave it out"):
        teachers.load([tiny_weights], 32)
