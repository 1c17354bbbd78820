"""Corrections by hand: strokes against geometry, pieces against what is drawn, pairs against the reader of training."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets import pairs
from segmenter.io.images import PhotoError, open_photo
from segmenter.render import alpha, corrections, strokes
from tests.standin import as_jpeg, red_disc


def stroke(do, radius, *points):
    return {"do": do, "radius": radius, "points": [list(point) for point in points]}


def distance_to(points, height, width):
    """From each pixel's centre to a polyline, in pixels, one segment after the other."""
    y, x = np.mgrid[:height, :width] + 0.5
    nearest = np.full((height, width), np.inf)
    for (ax, ay), (bx, by) in zip(points, points[1:] or points):
        length = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-12)
        t = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)))
    return nearest


@pytest.mark.parametrize("radius", [0.5, 1.7, 6.0, 23.4])
@pytest.mark.parametrize(
    "points",
    [
        [(50.3, 40.8)],
        [(10, 12.5), (80.2, 60)],
        [(20, 70), (45, 10), (46, 72), (90, 30)],
        [(-20, 30), (130, 31)],
        [(30, 30), (30, 30), (60, 30)],
    ],
)
def test_a_stroke_covers_each_pixel_as_its_distance_says(points, radius):
    found = strokes.coverage(points, radius, 80, 100)
    expected = np.clip(radius - distance_to(points, 80, 100) + 0.5, 0, 1)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("threshold", [0.15, 0.5, 0.9])
@pytest.mark.parametrize("do, start", [("keep", 0.0), ("erase", 1.0)])
def test_alpha_is_exactly_the_strokes_coverage(do, start, threshold):
    probabilities = np.full((120, 200), start, np.float32)
    points = [(0.2, 0.3), (0.6, 0.7), (0.8, 0.25)]
    corrected = corrections.apply(probabilities, [stroke(do, 0.05, *points)], threshold)
    covered = np.clip(10 - distance_to([(x * 200, y * 120) for x, y in points], 120, 200) + 0.5, 0, 1)
    expected = covered if do == "keep" else 1 - covered
    np.testing.assert_allclose(alpha.alpha(corrected, threshold), expected, atol=2e-3)


def test_what_is_not_touched_keeps_its_softness():
    probabilities = np.random.default_rng(0).random((90, 120), np.float32)
    before = probabilities.copy()
    corrected = corrections.apply(probabilities, [stroke("keep", 0.05, (0.5, 0.5)), stroke("erase", 0.05, (0.2, 0.2))])
    far = np.minimum(distance_to([(60, 45)], 90, 120), distance_to([(24, 18)], 90, 120)) > 6.6
    np.testing.assert_array_equal(corrected[far], probabilities[far])
    np.testing.assert_array_equal(probabilities, before)
    assert corrections.apply(probabilities, []) is probabilities


def test_the_later_stroke_wins_and_size_does_not_matter():
    strokes = [stroke("keep", 0.1, (0.5, 0.5)), stroke("erase", 0.04, (0.5, 0.5))]
    small, large = (corrections.apply(np.zeros((60 * k, 80 * k), np.float32), strokes) >= 0.5 for k in (1, 5))
    assert not small[30, 40] and small[30, 46]
    assert (corrections.apply(np.zeros((60, 80), np.float32), strokes[::-1]) >= 0.5)[30, 40]
    np.testing.assert_allclose(small.mean(), large.mean(), rtol=0.05)


@pytest.fixture
def frame():
    """A soft ring with a gap of 30 × 30 in its middle, and a soft island beside it, on 120 × 200 pixels."""
    hard = np.zeros((120, 200), np.float32)
    hard[20:100, 20:100] = 0.8
    hard[45:75, 45:75] = 0.1
    hard[40:80, 140:180] = 0.7
    return np.asarray(Image.fromarray((hard * 255).astype(np.uint8)).resize((200, 120)), np.float32) / 255


def at(do, x, y):
    return {"do": do, "at": [x / 200, y / 120]}


def test_a_dropped_island_goes_with_its_rim_and_nothing_else(frame):
    frame = np.clip(frame + 0.0, 0, 1)
    frame[38:40, 140:180] = 0.4  # a soft rim
    corrected = corrections.apply(frame, [at("drop", 160, 60)])
    assert alpha.alpha(corrected)[:, 120:].max() == 0
    np.testing.assert_array_equal(corrected[:, :110], frame[:, :110])


def test_a_kept_gap_is_filled_without_a_seam(frame):
    corrected = corrections.apply(frame, [at("keep", 60, 60)])
    assert alpha.alpha(corrected)[25:95, 25:95].min() == 1
    np.testing.assert_array_equal(corrected[:, 110:], frame[:, 110:])


def test_keeping_a_piece_and_dropping_a_gap_change_no_alpha_but_make_sure(frame):
    corrected = corrections.apply(frame, [at("keep", 160, 60), at("drop", 60, 60)])
    np.testing.assert_array_equal(alpha.alpha(corrected), alpha.alpha(frame))
    assert corrected[60, 160] == 1 and corrected[60, 60] == 0


def test_the_background_is_never_filled_and_the_object_may_go(frame):
    np.testing.assert_array_equal(corrections.apply(frame, [at("keep", 5, 5)]), frame)
    assert not (corrections.apply(frame, [at("drop", 30, 30), at("drop", 160, 60)]) >= 0.5).any()


def test_corners_count_for_pieces_but_not_for_gaps():
    probabilities = np.zeros((40, 40), np.float32)
    probabilities[5:15, 5:15] = probabilities[15:25, 15:25] = 1
    assert not (corrections.apply(probabilities, [{"do": "drop", "at": [0.2, 0.2]}]) >= 0.5).any()
    gaps = np.ones((40, 40), np.float32)
    gaps[10:15, 10:15] = gaps[15:20, 15:20] = 0
    filled = corrections.apply(gaps, [{"do": "keep", "at": [12 / 40, 12 / 40]}]) >= 0.5
    assert filled[12, 12] and not filled[17, 17]


@pytest.mark.parametrize(
    "wrong",
    [
        "{",
        {"do": "keep"},
        [7],
        [{"do": "keep", "at": [0.5]}],
        [{"do": "keep", "at": [0.5, 2]}],
        [{"do": "erase", "at": [0.5, 0.5]}],
        [{"do": "keep", "at": [0.5, float("nan")]}],
        [{"do": "keep", "at": [True, 0]}],
        [stroke("drop", 0.1, (0, 0))],
        [stroke("keep", 0, (0, 0))],
        [stroke("keep", 0.3, (0, 0))],
        [stroke("keep", "1", (0, 0))],
        [stroke("keep", 0.1)],
        [stroke("keep", 0.1, (0, 9))],
        [{**stroke("keep", 0.1, (0, 0)), "colour": 1}],
    ],
)
def test_what_is_no_correction_is_refused(wrong):
    with pytest.raises(PhotoError, match="corrections"):
        corrections.apply(np.zeros((9, 9), np.float32), wrong)


def test_corrections_are_bounded():
    with pytest.raises(PhotoError, match="too many corrections"):
        corrections.check([stroke("keep", 0.1, (0, 0))] * (corrections.MAX_EDITS + 1))
    long = stroke("keep", 0.1, *[(0.1, 0.1)] * corrections.MAX_POINTS)
    with pytest.raises(PhotoError, match="too many corrections"):
        corrections.check([long] * (corrections.MAX_POINTS_IN_ALL // corrections.MAX_POINTS + 1))
    assert corrections.check(json.dumps([long])) == (long,)


@pytest.mark.parametrize("turned", [False, True])
def test_a_training_pair_is_read_by_training(tmp_path, turned):
    source = as_jpeg(red_disc(160, 120), turned)
    photo = open_photo(source)
    probabilities = np.zeros(photo.shape[:2], np.float32)
    probabilities[40:80, 50:90] = 0.9
    pair = corrections.training_pair(
        photo,
        probabilities,
        0.5,
        [{"do": "keep", "radius": 0.05, "points": [[0.1, 0.1]]}],
        name="my chair/1",
        source=source,
    )
    zipfile.ZipFile(io.BytesIO(pair)).extractall(tmp_path)
    (found,) = pairs.read_folder(tmp_path)
    shown, mask, known = pairs.load_case(found)
    np.testing.assert_array_equal(shown, photo)
    assert (
        known.all() and mask[photo.shape[0] // 10, photo.shape[1] // 10] and mask[50, 60] and 1600 < mask.sum() < 1900
    )
    as_it_came = found.photo.read_bytes() == source
    assert as_it_came == (not turned)  # a reader that knows no EXIF must see it upright too


def test_the_same_pair_gives_the_same_bytes():
    photo, probabilities = red_disc(40, 30), np.zeros((30, 40), np.float32)
    assert corrections.training_pair(photo, probabilities) == corrections.training_pair(photo, probabilities)


@pytest.fixture
def scraps():
    """A chair, a scrap at (0.85, 0.25) and one at (0.85, 0.75), on 200 × 200 pixels."""
    probabilities = np.zeros((200, 200), np.float32)
    probabilities[40:160, 20:100] = 0.95
    probabilities[40:60, 160:180] = 0.8
    probabilities[140:160, 160:180] = 0.8
    return probabilities


def test_hands_win_over_the_rule_for_scraps(scraps):
    plain = corrections.apply(scraps, (), 0.5, "main")
    assert not plain[:, 110:].any() and plain[100, 60] == np.float32(0.95)
    kept = corrections.apply(scraps, [{"do": "keep", "at": [0.85, 0.25]}], 0.5, "main")
    assert (kept[45:55, 165:175] == 1).all() and not kept[120:, 110:].any()
    painted = corrections.apply(scraps, [{"do": "keep", "radius": 0.02, "points": [[0.85, 0.75]]}], 0.5, "main")
    assert painted[150, 170] == 1 and not painted[:100, 110:].any()
    parted = [{"do": "erase", "radius": 0.03, "points": [[0.0, 0.7], [0.6, 0.7]]}]  # a small part is cut off the chair
    left = corrections.apply(scraps, parted, 0.5, "main")
    assert left[155, 60] == np.float32(0.95) and left[140, 60] == 0


def test_all_pieces_are_kept_where_that_is_wanted(scraps):
    assert corrections.apply(scraps, (), 0.5, "all") is scraps
