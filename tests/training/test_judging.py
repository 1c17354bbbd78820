"""What judging decides: here whether the picker should complete the furniture."""

import shutil

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets.pairs import read_folder
from segmenter.training import judging
from tests import colour_picker

SURE, UNSURE = (165, 13, 13), (136, 13, 13)  # nearly one colour, but the network takes only the first for furniture


@pytest.fixture(scope="module")
def weights(tiny_weights, tmp_path_factory):
    return colour_picker.write(shutil.copytree(tiny_weights, tmp_path_factory.mktemp("picker") / "weights"))


def pairs(folder, top):
    """Photos of a chair whose back the network is unsure of; by the masks the chair begins at a row."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    photo, mask = np.full((64, 64, 3), 200, np.uint8), np.zeros((64, 64), np.uint8)
    photo[10:25, 10:50], photo[25:54, 10:50] = UNSURE, SURE
    mask[top:54, 10:50] = 255
    for number in range(2):
        Image.fromarray(photo).save(folder / "images" / f"{number}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
    return read_folder(folder)


def test_the_picker_completes_furniture_where_masks_say_that_it_is_right(weights, tmp_path):
    whole, seat = pairs(tmp_path / "whole", 10), pairs(tmp_path / "seat", 25)
    assert judging.completing_pays(weights, {"own": whole}, 0.5)
    assert not judging.completing_pays(weights, {"own": seat}, 0.5)


def test_the_photos_that_none_resemble_have_no_say(weights, tmp_path):
    whole = pairs(tmp_path / "whole", 10)
    assert not judging.completing_pays(weights, {"wild_duts": whole, "empty": whole}, 0.5)
