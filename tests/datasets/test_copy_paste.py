import numpy as np
import pytest

from segmenter.datasets import copy_paste
from segmenter.datasets.batches import Square

SIZE = 64


def square(left=16, right=48, top=10, bottom=60):
    """A red object on blue, and its mask."""
    target = np.zeros((SIZE, SIZE), np.float32)
    target[top:bottom, left:right] = 1
    photo = np.where(target[..., None] > 0, (200, 20, 20), (20, 20, 200)).astype(np.uint8)
    return Square(photo, target, np.ones_like(target))


def coded(seed):
    """A random mask, and a photo that says the same: white is furniture."""
    target = (np.random.default_rng(seed).random((SIZE, SIZE)) > 0.5).astype(np.float32)
    return np.repeat(np.uint8(255 * target)[..., None], 3, axis=2), target, np.full_like(target, seed + 1)


def plain(squares):
    def draw(index, rng):
        chosen = squares[index % len(squares)]
        return chosen.photo, chosen.target, chosen.weight

    return draw


def test_a_cut_object_keeps_its_colour_to_its_rim():
    thing = copy_paste.cut_object(square().photo, square().target, "box")
    shown = thing.cutout[..., 3] > 20
    assert shown.sum() >= 32 * 50
    assert (thing.cutout[shown][:, 0] > 150).all() and (thing.cutout[shown][:, 2] < 80).all()


def test_an_object_stands_on_its_floor():
    thing = copy_paste.cut_object(square().photo, square().target, "box")
    for seed in range(20):
        cutout, shadow = copy_paste.put(thing, SIZE, 50, 0.35, np.random.default_rng(seed))
        rows = np.flatnonzero((cutout[..., 3] > 127).any(axis=1))
        assert abs(rows.max() + 1 - 50) <= 1.5
        assert cutout.shape == (SIZE, SIZE, 4) and shadow.shape == (SIZE, SIZE)
        assert 0 <= shadow.min() and 0 < shadow.max() <= 1


@pytest.mark.parametrize("seed", range(6))
def test_in_a_mosaic_masks_stay_with_their_photos(seed):
    samples = [coded(number) for number in range(4)]
    photo, target, weight = copy_paste.mosaic(samples, np.random.default_rng(seed))
    assert np.abs(photo[..., 0] / 255 - target).max() <= 0.005  # both were squeezed alike
    assert set(np.unique(weight)) == {1, 2, 3, 4}  # each of the four is there


def test_a_mosaic_meets_in_one_point():
    samples = [coded(number) for number in range(4)]
    _, _, weight = copy_paste.mosaic(samples, np.random.default_rng(0))
    assert weight[0, 0] == 1 and weight[0, -1] == 2 and weight[-1, 0] == 3 and weight[-1, -1] == 4
    row, column = int((weight[:, 0] == 1).sum()), int((weight[0] == 1).sum())
    assert (weight[:row, :column] == 1).all() and (weight[row:, column:] == 4).all()


def test_what_is_pasted_is_furniture_and_hides_what_is_behind():
    squares = [square(), square(4, 60, 30, 62)]
    draw = copy_paste.Varied(plain(squares), squares, SIZE, pasted=1.0, mosaics=0.0)
    right = []
    for seed in range(20):
        photo, target, weight = draw(0, np.random.default_rng(seed))
        new = target - squares[0].target
        assert new.min() >= -1e-6 and target.max() <= 1  # nothing that was furniture ceases to be
        red = photo[..., 0].astype(int) > photo[..., 2]
        right.append((red == (target > 0.5)).mean())
        assert (weight == 1).all()
    assert np.median(right) > 0.97  # some lose their colour, in another light


def test_without_shares_the_photos_stay_as_they_are():
    squares = [square(), square(4, 60, 30, 62)]
    draw = copy_paste.Varied(plain(squares), squares, SIZE, pasted=0.0, mosaics=0.0)
    for index in range(4):
        photo, target, _ = draw(index, np.random.default_rng(0))
        assert (photo == squares[index % 2].photo).all() and (target == squares[index % 2].target).all()


def test_the_same_chance_gives_the_same_picture():
    squares = [square(), square(4, 60, 30, 62)]
    draw = copy_paste.Varied(plain(squares), squares, SIZE, pasted=0.5, mosaics=0.3)
    for seed in range(10):
        first, second = (draw(seed, np.random.default_rng(seed)) for _ in range(2))
        assert all((a == b).all() for a, b in zip(first, second))


def test_objects_that_are_hardly_there_or_hardly_known_are_not_pasted():
    crumb, doubtful = square(30, 33, 30, 33), square()
    doubtful = Square(doubtful.photo, doubtful.target, np.zeros_like(doubtful.target))
    assert not copy_paste.Varied(plain([crumb]), [crumb, doubtful], SIZE, 0.5, 0.2).objects
