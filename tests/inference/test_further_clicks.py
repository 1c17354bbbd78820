"""What is asked from nearby, at the first click and at further ones."""

import numpy as np
import pytest

from segmenter.inference.network import Seen
from segmenter.inference.picking import Views

SIDE = 64
RAMP = np.zeros((SIDE, SIDE, 3), np.uint8)  # a photo that says where each of its columns lies
RAMP[..., 0] = np.linspace(0, 255, SIDE)
BODY, ARM = ((0.4, 0.5), 1), ((0.7, 0.5), 1)  # two clicks on one chair
EVERYTHING, CHAIR, HALF = (0.25, 0.95), (0.25, 0.75), (0.25, 0.5)  # from where to where along a row


class Scripted:
    """A network that answers as it is told to, whatever side it sees the photo from.

    Args:
        far, near: what it takes for one click, for two, and so on; of the whole photo and of a part.
    """

    size = SIDE

    def __init__(self, far, near):
        self.far, self.near, self.asked = far, near, []

    def see(self, square):
        self.asked.append("see")
        return Seen({"furniture": np.zeros((1, SIDE, SIDE, 1), np.float32), "photo": square})

    def pick(self, seen, prompts):
        self.asked.append("pick")
        place = seen.maps["photo"][0, ..., 0]
        answers = self.far if np.ptp(place) > 0.98 else self.near
        disc = (np.hypot(*(np.indices((5, 5)) - 2)) <= 1.5).sum()
        start, end = answers[round(prompts[..., :2].sum() / disc) - 1]
        return ((place >= start) & (place < end)).astype(np.float32)


def span(piece):
    """From where to where a piece reaches along the middle row, as shares."""
    found = np.flatnonzero(piece[len(piece) // 2] >= 0.5)
    return found[0] / piece.shape[1], (found[-1] + 1) / piece.shape[1]


@pytest.mark.parametrize(
    "near, found",
    [
        (CHAIR, CHAIR),  # the whole chair, and nothing of the other
        ((0.25, 0.55), EVERYTHING),  # not what was clicked: it does not say what both clicks mean
        (EVERYTHING, EVERYTHING),  # no less
    ],
)
def test_a_click_that_would_add_another_piece_is_asked_from_nearby(near, found):
    views = Views(Scripted([HALF, EVERYTHING], [HALF, near]), RAMP)
    assert span(views.piece((BODY,))) == pytest.approx(HALF, abs=0.03)
    assert span(views.piece((BODY, ARM))) == pytest.approx(found, abs=0.03)
    assert span(views.piece((BODY, ARM), closer=False)) == pytest.approx(EVERYTHING, abs=0.03)


def test_a_click_that_says_what_is_not_meant_is_not_asked_for_again():
    network = Scripted([EVERYTHING, EVERYTHING], [])
    views = Views(network, RAMP)
    views.piece((BODY,))
    network.asked.clear()
    views.piece((BODY, ((0.99, 0.5), 0)))
    assert network.asked == ["pick", "pick"]  # it and its mirror image


@pytest.mark.parametrize("closer, small", [(True, True), (True, False), (False, True)])
def test_a_small_piece_is_looked_at_again_from_nearby_and_a_large_one_as_it_was(closer, small):
    network = Scripted([HALF if small else EVERYTHING], [(0.3, 0.5)])
    found = Views(network, RAMP).piece((BODY,), closer)
    if closer and small:
        assert network.asked == ["see", "see", "pick", "pick", "see", "pick"]
        assert span(found) == pytest.approx((0.3, 0.5), abs=0.02)
    else:
        assert network.asked == ["see", "see"] + ["pick"] * 4
        assert span(found) == pytest.approx(HALF if small else EVERYTHING, abs=0.02)


def test_a_look_from_nearby_that_loses_what_was_clicked_does_not_count():
    found = Views(Scripted([HALF], [(0.25, 0.35)]), RAMP).piece((BODY,))
    assert span(found) == pytest.approx(HALF, abs=0.02)


def test_what_goes_on_beyond_the_first_look_is_looked_at_once_more():
    network = Scripted([HALF], [(0.25, 0.65)])
    assert span(Views(network, RAMP).piece((BODY,))) == pytest.approx((0.25, 0.65), abs=0.02)
    assert network.asked[4:] == ["see", "pick"] * 2


def test_what_goes_on_and_on_stays_as_it_was():
    network = Scripted([HALF], [(0.25, 1)])
    assert span(Views(network, RAMP).piece((BODY,))) == pytest.approx(HALF, abs=0.02)
    assert network.asked[4:] == ["see", "pick"] * 2


def test_without_a_piece_there_is_nothing_to_look_at():
    found = Views(Scripted([(2, 2)] * 2, []), RAMP).piece((BODY, ARM))
    assert not found.any()
