"""The photos that the page offers: what the default weights make of them is what people see first."""

import numpy as np
import pytest
from PIL import Image

import app
from segmenter import Segmenter, cut, open_photo
from segmenter.inference.clicks import depth

FLAWLESS = 0.96  # of IoU, from which on no fault was seen
SPOT = 0.007  # of the photo's longer side: a missing foot or a scrap is deeper, however small it is beside the rest


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter.load()


@pytest.mark.parametrize("name", app.SHOWN)
def test_an_example_is_cut_out_without_a_fault_or_said_to_be_hard(name, segmenter):
    photo = open_photo(app.EXAMPLES / f"{name}.jpg")
    found = cut(photo, segmenter.probabilities(photo), segmenter.threshold)[..., 3] >= 128
    with Image.open(app.EXAMPLES.parent / "masks" / f"{name}.png") as picture:
        truth = np.asarray(picture) >= 128
    iou = (found & truth).sum() / (found | truth).sum()
    spot = depth(found != truth).max() / max(truth.shape)
    assert (iou >= FLAWLESS and spot <= SPOT) == (name != app.SHOWN[-1]), f"{name}: {iou:.3f}, {spot:.4f}"
