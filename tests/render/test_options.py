"""Settings from anyone: what is possible is taken, what is not is named."""

import json
import math

import pytest

from segmenter.io.images import PhotoError
from segmenter.render.options import PRESETS, Choices


def test_json_there_and_back():
    choices = Choices(threshold=0.4, shift=-2, background="#A0b1C2", trim=True, canvas="4:5", format="webp")
    assert Choices.from_json(choices.to_json()) == choices
    assert Choices.from_json(json.dumps(choices.to_json())) == choices
    assert choices.background == "#a0b1c2" and choices.colour == (0xA0, 0xB1, 0xC2)
    assert Choices.from_json({}) == Choices()


def test_equal_settings_are_written_alike():
    written = {
        json.dumps(Choices.from_json(some).to_json()) for some in ({"shift": 0}, {"shift": 0.0}, {"shift": -0.0})
    }
    assert len(written) == 1


@pytest.mark.parametrize(
    "name, value",
    [
        ("threshold", 1.01),
        ("threshold", "0.5"),
        ("threshold", True),
        ("threshold", math.nan),
        ("softness", -1),
        ("shift", 21),
        ("shift", None),
        ("background", "#12345"),
        ("background", "room:cellar"),
        ("background", "room:"),
        ("background", 7),
        ("shadow", 2),
        ("trim", 1),
        ("margin", 0.6),
        ("canvas", "0x100"),
        ("canvas", "15x15"),
        ("canvas", "9000x9000"),
        ("canvas", "1:6"),
        ("canvas", "16:0"),
        ("canvas", "٤:٥"),
        ("format", "gif"),
        ("quality", 0),
        ("quality", 50.5),
        ("what", "outline"),
        ("what", []),
        ("pieces", "some"),
        ("pieces", None),
    ],
)
def test_what_is_impossible_is_named(name, value):
    with pytest.raises(PhotoError, match=f"The setting '{name}' must be"):
        Choices.from_json({name: value})


@pytest.mark.parametrize("settings", ["{", "[1]", b"\xff", None, [], '{"shift": NaN}'])
def test_what_is_no_object_of_json_is_refused(settings):
    with pytest.raises(PhotoError, match="JSON"):
        Choices.from_json(settings)


def test_unknown_settings_are_named_and_the_known_ones_listed():
    with pytest.raises(PhotoError, match="'treshold' is not a setting; there are threshold, .*what"):
        Choices.from_json({"treshold": 0.5})


def test_the_weights_threshold_fills_in_but_never_overrules():
    assert Choices().at(0.3).threshold == 0.3
    assert Choices(threshold=0.0).at(0.3).threshold == 0.0


@pytest.mark.parametrize(
    "canvas, shape",
    [
        ("photo", ("photo", 0, 0)),
        ("square", ("ratio", 1, 1)),
        (" 16:9", ("ratio", 16, 9)),
        ("2000x1000", ("pixels", 2000, 1000)),
        ("2000×1000", ("pixels", 2000, 1000)),
    ],
)
def test_what_a_canvas_asks_for(canvas, shape):
    assert Choices(canvas=canvas).canvas_shape() == shape


def test_presets_are_possible():
    for preset in PRESETS.values():
        assert Choices.from_json(preset).to_json().items() >= preset.items()
