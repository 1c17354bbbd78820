"""Choices and corrections: what is possible survives the way there and back, all else is refused in words."""

import json
from dataclasses import fields

import numpy as np
from hypothesis import given, strategies as st

from segmenter.errors import PhotoError
from segmenter.render import corrections
from segmenter.render.options import Choices
from segmenter.web import batch_api
from tests.fuzz import targets
from tests.properties.strategies import ANY_JSON, GOOD_CHOICES, GOOD_EDITS, PIECES_CHOSEN, STROKES, changed_files

NAMES = st.sampled_from([each.name for each in fields(Choices)])
READERS = (Choices.from_json, corrections.check, batch_api._read_edits)


def refused(read, value):
    """Whether something is refused; anything raised but words fails the test."""
    try:
        read(value)
    except PhotoError as error:
        assert str(error) and error.code != "error"
        return True
    return False


@given(GOOD_CHOICES)
def test_possible_choices_survive_json(settings):
    choices = Choices.from_json(settings)
    assert Choices.from_json(json.dumps(choices.to_json(), allow_nan=False)) == choices
    assert choices.at(0.25).threshold == (0.25 if settings.get("threshold") is None else settings["threshold"])


@given(GOOD_CHOICES, NAMES, ANY_JSON)
def test_a_setting_of_anything_is_possible_or_refused(settings, name, value):
    settings = {**settings, name: value}
    if not refused(Choices.from_json, settings):
        text = json.dumps(Choices.from_json(settings).to_json(), allow_nan=False)
        assert not refused(Choices.from_json, text)


@given(ANY_JSON)
def test_anything_as_choices_or_corrections_is_read_or_refused(value):
    for read in READERS:
        refused(read, json.dumps(value))
    refused(corrections.check, value)


@given(st.text(max_size=60) | st.text('[]{},:"0123456789eE+-.null ', max_size=60))
def test_any_text_as_settings_is_read_or_refused(text):
    for read in READERS:
        refused(read, text)


@given(changed_files("settings"))
def test_changed_settings_are_read_or_refused(data):
    assert targets.settings(data)


@given(GOOD_EDITS)
def test_good_corrections_survive_json(edits):
    assert corrections.to_json(json.dumps(corrections.to_json(edits))) == corrections.to_json(edits)


@given(STROKES | PIECES_CHOSEN, st.sampled_from(["do", "radius", "points", "at", "more"]), ANY_JSON)
def test_a_correction_with_anything_in_one_place_is_read_or_refused(edit, name, value):
    edits = [{**edit, name: value}]
    if not refused(corrections.check, edits):
        json.dumps(corrections.to_json(edits), allow_nan=False)


@given(GOOD_EDITS, st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_corrected_maps_stay_probabilities_and_strokes_do_what_they_say(edits, seed, threshold):
    probabilities = np.random.default_rng(seed).random((17, 23)).astype(np.float32)
    before = probabilities.copy()
    corrected = corrections.apply(probabilities, edits, threshold)
    np.testing.assert_array_equal(probabilities, before)
    assert corrected.dtype == np.float32 and corrected.shape == (17, 23)
    assert corrected.min() >= 0 and corrected.max() <= 1
    for do, sign in (("keep", 1), ("erase", -1)):
        strokes = [edit for edit in edits if "points" in edit and edit["do"] == do]
        change = corrections.apply(probabilities, strokes, threshold) - before
        assert (sign * change >= -1e-6).all()
