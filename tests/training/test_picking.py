"""The picker learns from made-up clicks, and the network under it stays as it is."""

import keras
import numpy as np
import pytest

from segmenter.inference import clicks
from segmenter.models import picker, unet
from segmenter.training import picking

SIZE = 32


def two_boxes(number, rng):
    """A red and a blue box: samples of the one and of the other."""
    photo = np.full((SIZE, SIZE, 3), 200, np.uint8)
    photo[8:24, 2:14] = (230, 20, 20)
    photo[8:24, 18:30] = (20, 20, 230)
    targets = np.zeros((2, SIZE, SIZE), np.float32)
    for target, left in zip(targets, (2, 18)):
        target[8:24, left : left + 12] = 1
    return [(photo, target, np.ones_like(target)) for target in targets]


def test_it_learns_to_follow_the_click_and_leaves_the_network_alone():
    keras.utils.set_random_seed(3)
    network = unet.build_unet("unet_lite0", SIZE)
    before = [weight.copy() for weight in network.get_weights()]
    sees, decoder = picker.split(network), picker.build_picker(network)
    lines = []
    recipe = picking.PickRecipe(steps=120, batch_size=4, rounds=(0.8, 0.2), border=0.0)
    picking.fit(decoder, sees.predict_on_batch, two_boxes, recipe, lines.append)
    for old, new in zip(before, network.get_weights()):
        np.testing.assert_array_equal(old, new)
    assert len(lines) == 2 and lines[-1].startswith("step 120 of 120: loss ")
    (photo, _, _), _ = two_boxes(0, np.random.default_rng(0))
    maps = sees.predict_on_batch(photo[np.newaxis].astype(np.float32) / 255)
    for x, columns in ((0.25, slice(2, 14)), (0.75, slice(18, 30))):
        prompts = clicks.draw([(x, 0.5)], [1], np.zeros((SIZE // 2, SIZE // 2), np.float32))
        piece = decoder.predict_on_batch([*maps, prompts[np.newaxis]])[0, ..., 0]
        inside = np.zeros((SIZE, SIZE), bool)
        inside[8:24, columns] = True
        assert piece[inside].mean() > piece[~inside].mean() + 0.3


@pytest.mark.parametrize("label", [1, 0])
def test_a_made_up_click_lies_in_a_mistake(label):
    target = np.zeros((64, 64), np.float32)
    target[16:48, 8:40] = 1
    so_far = np.zeros((32, 32), np.float32)
    if not label:
        so_far[8:24, 4:31] = 1  # the piece, and too much on its right
    for seed in range(20):
        (x, y), found = picking.human_click(target, np.ones_like(target), so_far, np.random.default_rng(seed))
        assert found == label and 0.25 <= y <= 0.75
        assert 0.12 <= x <= 0.63 if label else x >= 0.6


def test_some_click_on_the_edge_of_a_piece_and_some_into_its_middle():
    target = np.zeros((2 * picking.SMALL,) * 2, np.float32)
    target[80:240, 40:200] = 1
    rng = np.random.default_rng(0)
    nothing = np.zeros((32, 32), np.float32)
    found = [picking.human_click(target, np.ones_like(target), nothing, rng) for _ in range(400)]
    places = [click[0] for click in found if click]
    far = np.array([max(abs(x - 0.375), abs(y - 0.5)) for x, y in places]) / 0.25  # 0 in the middle, 1 at the edge
    assert len(places) == 400 and far.max() < 1
    assert 0.25 < np.mean(far < 0.05) < 0.6 and 0.04 < np.mean(far > 0.85) < 0.25


def test_nobody_clicks_where_nothing_is_wrong():
    target = np.zeros((2 * picking.SMALL,) * 2, np.float32)
    target[80:240, 40:200] = 1
    so_far = target[::2, ::2].copy()
    assert picking.human_click(target, np.ones_like(target), so_far, np.random.default_rng(0)) is None
