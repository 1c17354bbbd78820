"""Scraps go without a trace, furniture stays as it is."""

import cv2
import numpy as np
import pytest

from segmenter.inference import pieces
from segmenter.render import alpha


def soft(*discs, shape=(240, 320)):
    """A map of discs (x, y, radius, probability) whose rims fall over six pixels."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    probabilities = np.zeros(shape, np.float32)
    for across, down, radius, probability in discs:
        away = np.hypot(x - across, y - down)
        np.maximum(
            probabilities,
            probability * np.clip((radius - away) / 6 + 0.5, 0, 1),
            out=probabilities,
            casting="same_kind",
        )
    return probabilities


CHAIR, SCRAP = (100, 120, 60, 0.95), (240, 60, 12, 0.8)


def test_a_scrap_goes_with_its_soft_rim_and_nothing_else_changes():
    both, alone = soft(CHAIR, SCRAP), soft(CHAIR)
    found = pieces.without_scraps(both)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, alone)
    np.testing.assert_array_equal(alpha.alpha(found), alpha.alpha(alone))
    assert both[60, 240] == np.float32(0.8)  # the given map stays as it was


def test_a_dining_set_stays_together():
    table, chair, lighter = (80, 120, 50, 0.95), (200, 120, 31, 0.95), (280, 120, 24, 0.9)
    found = pieces.without_scraps(soft(table, chair, lighter))
    np.testing.assert_array_equal(found, soft(table, chair))


def test_the_weight_is_of_probabilities_not_of_pixels():
    sure = (100, 120, 60, 1.0)
    lukewarm = (240, 120, 38, 0.7)  # two fifths of its pixels, but 0.7 of them: over a quarter
    np.testing.assert_array_equal(pieces.heaviest(soft(sure, lukewarm)), soft(sure))
    surer = (240, 120, 38, 0.95)
    np.testing.assert_array_equal(pieces.heaviest(soft(sure, surer)), soft(sure, surer))


def test_a_lukewarm_bridge_holds_a_leg_to_its_chair():
    probabilities = soft(CHAIR)
    probabilities[180:190, 98:103] = 0.3  # below the threshold, above half of it
    probabilities[190:220, 98:103] = 0.9
    assert pieces.without_scraps(probabilities) is probabilities
    probabilities[182:188, 90:110] = 0.1
    assert not pieces.without_scraps(probabilities)[195:220, 95:106].any()


def test_pieces_that_touch_at_a_corner_are_one():
    probabilities = np.zeros((40, 40), np.float32)
    probabilities[0:20, 0:20] = 1
    probabilities[20:24, 20:24] = 1
    assert pieces.without_scraps(probabilities) is probabilities


def test_a_scrap_beside_the_furniture_leaves_its_rim_alone():
    probabilities = np.zeros((100, 200), np.float32)
    probabilities[20:80, 20:100] = 1
    probabilities[20:80, 100:102] = 0.2
    probabilities[40:60, 103:110] = 0.9  # three pixels from the furniture
    before, found = alpha.alpha(probabilities), pieces.without_scraps(probabilities)
    np.testing.assert_array_equal(found[:, :101], probabilities[:, :101])
    after = alpha.alpha(found)
    np.testing.assert_array_equal(after[:, :100], before[:, :100])
    assert not after[:, 103:].any()


def test_what_is_lukewarm_around_a_scrap_fades_without_a_ring():
    y, x = np.mgrid[:300, :800]
    halo = np.maximum(0, 0.9 - np.hypot(x - 600, y - 150) / 120)  # of nearly 0.2 where it falls below the threshold
    probabilities = np.where(np.hypot(x - 200, y - 150) < 120, 1, halo).astype(np.float32)
    found = pieces.without_scraps(probabilities)
    assert (found <= probabilities).all() and not found[150, 595:605].any()
    assert found[:, 450:].max() < 0.25  # half the threshold: nothing that looks like furniture is left


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_the_mask_is_the_mask_without_scraps_at_any_threshold(threshold):
    rng = np.random.default_rng(0)
    discs = [(*rng.integers(10, 230, 2), rng.integers(4, 30), rng.uniform(0.2, 1)) for _ in range(12)]
    probabilities = soft(CHAIR, *discs)
    found = pieces.without_scraps(probabilities, threshold)
    before, after = probabilities >= threshold, found >= threshold
    assert not (after & ~before).any()
    np.testing.assert_array_equal(found[after], probabilities[after])
    assert after.any() == before.any()


def test_a_piece_kept_by_hand_stays():
    scene = soft(CHAIR, SCRAP, (280, 200, 10, 0.9))
    np.testing.assert_array_equal(pieces.without_scraps(scene, keep=[(240, 60)]), soft(CHAIR, SCRAP))
    np.testing.assert_array_equal(
        pieces.without_scraps(scene, keep=[(5, 5)]), soft(CHAIR)
    )  # of the background: nothing


def test_tiles_leave_no_seams(monkeypatch):
    rng = np.random.default_rng(1)
    discs = [(*rng.integers(10, 390, 2), rng.integers(3, 14), 0.9) for _ in range(25)]
    probabilities = soft((200, 200, 90, 1.0), *discs, shape=(400, 400))
    in_tiles = pieces.without_scraps(probabilities)
    monkeypatch.setattr(pieces.tiles, "TILE", 4096)
    np.testing.assert_array_equal(in_tiles, pieces.without_scraps(probabilities))


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (300, 2)])
def test_where_there_is_one_piece_or_none_the_map_is_the_same(shape, value):
    probabilities = np.full(shape, value, np.float32)
    assert pieces.without_scraps(probabilities) is probabilities


@pytest.mark.parametrize("shape", [(60, 80), (500, 700), (3000, 4000), (1, 9000)])
def test_the_rim_that_goes_is_wider_than_alphas(shape):
    assert pieces.reach(shape) > alpha.rim(shape)


def test_where_nothing_is_sure_nothing_is_cut_out_until_less_is_asked_for():
    doubtful = soft((100, 120, 60, 0.65), (240, 60, 30, 0.6))
    found = pieces.without_scraps(doubtful, 0.5)
    assert found.max() < 0.5 and found[120, 100] == pytest.approx(0.45)  # still to be seen in a heatmap
    assert (pieces.without_scraps(doubtful, 0.3) >= 0.3).sum() > 10_000
    np.testing.assert_array_equal(
        pieces.without_scraps(doubtful, 0.5, keep=[(100, 120)])[100:140, 80:120], doubtful[100:140, 80:120]
    )


@pytest.mark.parametrize("sure, cut_out", [(0.9, True), (0.7, False)])
@pytest.mark.parametrize("threshold", [0.5, 0.6])
def test_how_sure_a_mask_must_be_on_the_mean(threshold, sure, cut_out):
    probabilities = np.zeros((60, 60), np.float32)
    probabilities[10:50, 10:50] = sure
    assert (pieces.without_scraps(probabilities, threshold) >= threshold).any() == cut_out


def test_the_larger_a_mask_is_the_less_sure_it_must_be():
    probabilities = np.zeros((100, 100), np.float32)
    for side, asked in ((10, 0.87), (32, 0.82), (95, 0.772)):  # a hundredth, a tenth and nine tenths of the map
        for sure in (asked - 0.01, asked + 0.01):
            probabilities[:side, :side] = sure
            assert pieces.is_doubtful(probabilities, 0.5) == (sure < asked)


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_a_doubtful_piece_beside_the_heaviest_is_a_scrap_however_heavy(threshold):
    chair, rail = (100, 120, 60, 1.0), (240, 150, 56, 1.5 * threshold)
    assert pieces.is_doubtful(soft(rail), threshold) and not pieces.is_doubtful(soft(chair, rail), threshold)
    np.testing.assert_array_equal(pieces.without_scraps(soft(chair, rail), threshold), soft(chair))
    kept = pieces.without_scraps(soft(chair, rail), threshold, keep=[(240, 150)])
    np.testing.assert_array_equal(kept, soft(chair, rail))
    np.testing.assert_array_equal(pieces.heaviest(soft(chair, rail), threshold), soft(chair, rail))


def test_the_heaviest_piece_may_be_doubtful_where_the_whole_mask_is_not():
    large, sure = (100, 120, 90, 0.8), (270, 120, 40, 1.0)
    assert pieces.is_doubtful(soft(large), 0.5) and not pieces.is_doubtful(soft(large, sure), 0.5)
    np.testing.assert_array_equal(pieces.without_scraps(soft(large, sure), 0.5, keep=[(270, 120)]), soft(large, sure))


def naive(probabilities, threshold, doubtful=True):
    """The same rule, on the whole map at once and pixel by pixel."""
    linked = probabilities >= np.float32(pieces.LINK * threshold)
    count, labels = cv2.connectedComponents(linked.astype(np.uint8), connectivity=8)
    weights = [probabilities[(labels == n) & (probabilities >= threshold)].sum(dtype=float) for n in range(count)]
    light = [n for n in range(1, count) if 0 < weights[n] < pieces.LEAST * max(weights)]
    for n in range(1, count):
        if not doubtful and 0 < weights[n] < max(weights):
            if pieces.is_doubtful(np.where(labels == n, probabilities, np.float32(0)), threshold):
                light.append(n)
    scraps, near = np.isin(labels, light), pieces.reach(probabilities.shape)
    if not light:
        return probabilities
    others, away = linked & ~scraps, pieces._distance(scraps)
    lowered = ~others & (away <= pieces._distance(others)) if others.any() else ~others
    return np.where(lowered, probabilities * np.clip((away - near) / (2 * near), 0, 1), probabilities)


@pytest.mark.parametrize("doubtful", [True, False])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("shape, seed", [((300, 420), 0), ((423, 301), 1), ((257, 900), 2)])
def test_oracle_the_whole_map_at_once_gives_the_same(shape, seed, threshold, doubtful):
    rng = np.random.default_rng(seed)
    places = rng.integers((10, 10, 4), (shape[1] - 10, shape[0] - 10, 40), (14, 3))
    probabilities = soft(*((*place, rng.uniform(0.4, 1)) for place in places.tolist()), shape=shape)
    found = pieces.heaviest(probabilities, threshold, doubtful=doubtful)
    np.testing.assert_array_equal(found, naive(probabilities, threshold, doubtful))
    assert found.dtype == np.float32 and found is not probabilities


@pytest.mark.parametrize("step", [2, 3, 5])
def test_pieces_of_a_large_map_are_told_apart_in_squares_and_cut_along_pixels(step, monkeypatch):
    scene = soft(CHAIR, SCRAP, (40, 30, 9, 0.9), (290, 210, 12, 0.7), shape=(241, 323))
    exact, kept = pieces.without_scraps(scene), pieces.without_scraps(scene, keep=[(240, 60)])
    assert (exact != scene).any() and (kept != exact).any()
    monkeypatch.setattr(pieces, "WORKING_PIXELS", scene.size // step**2 + 1)
    np.testing.assert_array_equal(pieces.without_scraps(scene), exact)
    np.testing.assert_array_equal(pieces.without_scraps(scene, keep=[(240, 60)]), kept)
    assert pieces.without_scraps(soft(CHAIR, shape=(241, 323)))[120, 100] == np.float32(0.95)


def test_a_gap_narrower_than_a_square_may_join_pieces_of_a_large_map(monkeypatch):
    probabilities = soft(CHAIR)
    probabilities[110:130, 170:180] = 0.9
    probabilities[:, 168] = 0  # a gap of a pixel or two: two pieces
    assert not pieces.without_scraps(probabilities)[120, 175]
    monkeypatch.setattr(pieces, "WORKING_PIXELS", probabilities.size // 64)
    np.testing.assert_array_equal(pieces.without_scraps(probabilities), probabilities)


def test_how_sure_a_mask_is_on_the_mean_counts_all_strips(monkeypatch):
    probabilities = np.zeros((60, 60), np.float32)
    probabilities[:30], probabilities[30:] = 0.6, 0.9
    monkeypatch.setattr(pieces, "STRIP_PIXELS", 120)
    assert pieces.is_doubtful(probabilities, 0.5)  # 0.75 on the mean
    probabilities[:30] = 0.85
    assert not pieces.is_doubtful(probabilities, 0.5)
