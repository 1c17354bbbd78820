from types import SimpleNamespace

import numpy as np
import pytest

from segmenter.inference.picking import Views

SIDE = 32
BODY, ARM = ((0.28, 0.28), 1), ((0.66, 0.28), 1)  # two clicks on one chair


class TwoChairs:
    """A network that takes the chair's body for the first click, and both chairs for both clicks.

    Args:
        alone: columns that it takes for a click on the arm alone.
    """

    size = SIDE

    def __init__(self, alone: slice) -> None:
        self.columns = {(True, False): slice(16), (False, True): alone, (True, True): slice(SIDE)}
        self.seen = 0

    def see(self, square):
        self.seen += 1
        return SimpleNamespace(furniture=np.zeros((SIDE, SIDE), np.float32), nbytes=0, mirrored=self.seen == 2)

    def pick(self, seen, prompts):
        on = prompts[:, ::-1, 0] if seen.mirrored else prompts[..., 0]
        piece = np.zeros((SIDE, SIDE), np.float32)
        piece[:, self.columns[on[4, 4] > 0, on[4, 10] > 0]] = 1
        return piece[:, ::-1] if seen.mirrored else piece


@pytest.mark.parametrize(
    "alone, columns",
    [
        (slice(24), 24),  # the whole chair, and nothing of the other
        (slice(18, 24), SIDE),  # not what the first click was on: it does not say what both mean
        (slice(SIDE), SIDE),  # no less
    ],
)
def test_a_click_that_would_add_another_piece_is_asked_by_itself(alone, columns):
    views = Views(TwoChairs(alone), np.zeros((1, SIDE, SIDE, 3), np.float32))
    assert (views.piece((BODY,)) >= 0.5).sum() == 16 * SIDE
    assert (views.piece((BODY, ARM)) >= 0.5).sum() == columns * SIDE


def test_a_click_beside_the_piece_is_never_asked_by_itself():
    views = Views(TwoChairs(slice(24)), np.zeros((1, SIDE, SIDE, 3), np.float32))
    before = views.piece((BODY,))
    assert np.array_equal(views.piece((BODY, ((0.9, 0.28), 0))), before)
