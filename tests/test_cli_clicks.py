"""`chairlift cut --point X,Y --not X,Y`: one piece of a photo, the same bytes as in Python."""

import shutil

import numpy as np
import pytest
from PIL import Image

from segmenter import Segmenter, open_photo
from segmenter.cli import main
from segmenter.render import render
from segmenter.render.options import Choices
from tests import colour_picker


@pytest.fixture(scope="module")
def weights(tiny_weights, tmp_path_factory):
    return colour_picker.write(shutil.copytree(tiny_weights, tmp_path_factory.mktemp("picker") / "weights"))


@pytest.fixture
def room(tmp_path):
    photo = np.full((120, 160, 3), (200, 200, 205), np.uint8)
    photo[30:100, 15:65] = (230, 20, 20)
    photo[30:100, 85:145] = (20, 40, 220)
    Image.fromarray(photo).save(tmp_path / "room.png")
    return tmp_path / "room.png"


def test_a_point_picks_its_piece(room, weights):
    assert main(["cut", str(room), "--weights", str(weights), "--point", "110,60", "--not", "5,5"]) == 0
    made = room.with_name("room-cutout.png")
    photo, segmenter = open_photo(room), Segmenter.load(weights)
    probabilities = segmenter.probabilities(photo, points=[(110, 60), (5, 5)], labels=[1, 0])
    expected = render.produce(photo, probabilities, Choices().at(segmenter.threshold), (), None).data
    assert made.read_bytes() == expected
    alpha = np.asarray(Image.open(made))[..., 3]
    assert alpha[60, 110] == 255 and alpha[60, 40] == 0


@pytest.mark.parametrize(
    "options, words",
    [
        (["--point", "500,60"], "does not lie on the photo of 160 × 120"),
        (["--not", "5,5"], "at least one point must lie on the piece"),
        (["--point", "5,5", "--out", "results"], "leave --out away"),
    ],
)
def test_what_is_no_place_in_the_photo_is_refused_in_words(room, weights, options, words, capsys):
    assert main(["cut", str(room), "--weights", str(weights), *options]) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in room.parent.iterdir()] == ["room.png"]


def test_words_are_no_place(room, capsys):
    with pytest.raises(SystemExit):
        main(["cut", str(room), "--point", "left"])
    assert "it is two numbers with a comma" in capsys.readouterr().err


def test_weights_that_cannot_pick_say_so(room, tiny_weights, capsys):
    assert main(["cut", str(room), "--weights", str(tiny_weights), "--point", "110,60"]) == 2
    assert "were not trained to pick single pieces" in capsys.readouterr().err
