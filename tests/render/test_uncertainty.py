"""What may be wrong is found where it was put, the weightiest first."""

import json

import numpy as np
import pytest

from segmenter.render import corrections, uncertainty


@pytest.fixture
def scene():
    """A sure object with an unsure gap and a sure one, an unsure island and a sure scrap, on 200 × 400 pixels."""
    probabilities = np.full((200, 400), 0.02, np.float32)
    probabilities[20:180, 40:200] = 0.97
    probabilities[80:120, 90:150] = 0.35  # the unsure gap
    probabilities[140:160, 90:150] = 0.05  # the sure one
    probabilities[50:90, 250:300] = 0.55  # the unsure island
    probabilities[120:160, 330:380] = 0.9
    probabilities[5, 5] = 0.9  # a speck
    return probabilities


def test_unsure_islands_and_gaps_are_listed_and_sure_gaps_are_not(scene):
    found = uncertainty.find(scene, 0.5)
    assert json.loads(json.dumps(found)) == found
    first, second = found["islands"]
    assert first["box"] == [250 / 400, 50 / 200, 300 / 400, 90 / 200] and first["area"] == 2000 / 80_000
    assert first["confidence"] == pytest.approx(0.55, abs=1e-5) and second["confidence"] == pytest.approx(0.9, abs=1e-5)
    (gap,) = found["gaps"]
    assert gap["box"] == [90 / 400, 80 / 200, 150 / 400, 120 / 200] and gap["confidence"] == pytest.approx(
        0.65, abs=1e-5
    )
    assert found["areas"] == [] and found["check"] == 3
    assert found["near"] == pytest.approx((2000 + 2400) / 80_000)


def test_scraps_that_were_left_out_are_no_doubts(scene):
    left = uncertainty.find(corrections.apply(scene, (), 0.5, "main"))
    assert left["islands"] == [] and len(left["gaps"]) == left["check"] == 1


def test_a_second_piece_of_furniture_that_is_sure_is_no_doubt():
    probabilities = np.zeros((200, 400), np.float32)
    probabilities[20:180, 20:180] = 0.97
    probabilities[20:180, 220:330] = 0.9
    assert uncertainty.find(probabilities)["check"] == 0
    probabilities[20:180, 220:330] = 0.6
    (island,) = uncertainty.find(probabilities)["islands"]
    assert island["box"] == [220 / 400, 20 / 200, 330 / 400, 180 / 200]


@pytest.mark.parametrize("inside", [0.55, 0.4])
def test_what_is_lukewarm_at_the_furniture_is_an_area_if_it_is_thick(inside):
    probabilities = np.full((200, 400), 0.02, np.float32)
    probabilities[20:180, 40:200] = 0.97
    probabilities[60:100, 200:230] = inside  # beside it, on either side of the threshold
    found = uncertainty.find(probabilities)
    (area,) = found["areas"]
    assert found["check"] == 1 and found["gaps"] == found["islands"] == []
    np.testing.assert_allclose(area["box"], [200 / 400, 60 / 200, 230 / 400, 100 / 200], atol=0.02)
    assert area["confidence"] == pytest.approx(max(inside, 1 - inside), abs=0.02)
    probabilities[60:100, 203:230] = 0.02  # three pixels are an outline's ordinary softness
    assert uncertainty.find(probabilities)["check"] == 0


def test_what_a_person_decided_about_is_no_longer_listed(scene):
    points = [place["at"] for kind in ("islands", "gaps") for place in uncertainty.find(scene)[kind]]
    assert uncertainty.find(scene, settled=points[:2])["islands"] == []
    assert uncertainty.find(scene, settled=points)["check"] == 0


def test_the_point_lies_inside_even_of_a_ring():
    y, x = np.mgrid[:200, :200]
    away = np.hypot(x - 130, y - 130)
    probabilities = np.where((away > 40) & (away < 55), 0.6, 0.0).astype(np.float32)
    probabilities[5:85, 5:70] = 0.9
    (ring,) = uncertainty.find(probabilities)["islands"]
    across, down = ring["at"]
    assert probabilities[int(down * 200), int(across * 200)] == np.float32(0.6)


def test_one_correction_settles_each(scene):
    found = uncertainty.find(scene)
    drop = [{"do": "drop", "at": island["at"]} for island in found["islands"]]
    fill = [{"do": "keep", "at": gap["at"]} for gap in found["gaps"]]
    left = uncertainty.find(corrections.apply(scene, drop + fill))
    assert left["check"] == 0 and left["near"] == 0


def test_only_so_many_are_listed():
    probabilities = np.zeros((300, 300), np.float32)
    probabilities[100:200, 100:200] = 1
    for i in range(0, 300, 15):
        probabilities[i : i + 6, 10:16] = 0.9
    found = uncertainty.find(probabilities)
    assert len(found["islands"]) == uncertainty.LISTED and found["check"] == 20


def test_doubtfulness_is_the_expected_error_of_the_mask():
    rng = np.random.default_rng(0)
    probabilities = rng.choice(np.float32([0.02, 0.1, 0.7, 0.95]), (60, 60), p=[0.6, 0.1, 0.1, 0.2])
    mask = probabilities >= 0.5
    drawn = [rng.random(mask.shape) < probabilities for _ in range(200)]  # truths, were the map right
    error = np.mean([1 - (mask & truth).sum() / (mask | truth).sum() for truth in drawn])
    assert uncertainty.doubtfulness(probabilities) == pytest.approx(error, abs=0.005)


def test_the_ends_of_doubt():
    sure = np.zeros((20, 20), np.float32)
    assert uncertainty.doubtfulness(sure) == 1.0
    sure[5:15, 5:15] = 1
    assert uncertainty.doubtfulness(sure) == 0.0
    assert uncertainty.find(np.zeros((1, 1), np.float32))["islands"] == []
    assert uncertainty.find(np.ones((5, 5), np.float32))["gaps"] == []
