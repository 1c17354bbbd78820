"""What is bent of Gradio: tried with one version, without a server."""

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Literal, get_args, get_origin

import gradio as gr
import pytest

from segmenter.errors import PhotoError
from segmenter.render.options import FORMATS, Choices
from segmenter.web import gradio_api

ROOT = Path(__file__).resolve().parent.parent.parent


class Programs:
    """An endpoint as ours are, which gives back what it was given."""

    @gradio_api.with_choices
    def echo(self, photo: gr.FileData, edits: str = "", **settings) -> dict:
        """Say it again.

        Args:
            photo: a picture.
            {choices}
            edits: corrections.

        Returns:
            What was given.
        """
        return {"photo": photo, "edits": edits, **settings}


@pytest.fixture
def page():
    with gradio_api.Page(analytics_enabled=False) as page:
        gradio_api.offer(page, Programs().echo)
    return page


def test_it_was_made_for_the_version_that_is_installed_and_wanted():
    """After another Gradio was chosen: see that what is bent in gradio_api still is what it was, then name it there."""
    assert gr.__version__ == gradio_api.MADE_FOR
    assert re.search(
        rf"^gradio(\[mcp\])?=={re.escape(gradio_api.MADE_FOR)}\b", (ROOT / "requirements.txt").read_text(), re.M
    )


def test_an_endpoint_has_every_choice_with_its_type_and_words():
    signature = inspect.signature(Programs().echo)
    names = [choice.name for choice in fields(Choices)]
    assert list(signature.parameters) == ["photo", *names, "edits"]
    kind = signature.parameters["format"].annotation
    assert get_origin(kind) is Literal and get_args(kind) == FORMATS
    for choice in fields(Choices):
        assert signature.parameters[choice.name].default == choice.default
        assert f"{choice.name}: {choice.metadata['description']}." in (Programs.echo.__doc__ or "")


def test_an_endpoint_is_given_its_choices_by_place():
    found = Programs().echo({"path": "a.jpg"}, 0.3)
    assert found == {"photo": {"path": "a.jpg"}, "threshold": 0.3, "edits": ""}


def test_an_offered_parameter_keeps_its_name_and_description(page):
    (function,) = page.fns.values()
    described = {part.label: part._api_info["additional_description"] for part in function.inputs}
    assert described["photo"] == "a picture." and described["edits"] == "corrections."
    assert described.keys() == {"photo", "edits", *(choice.name for choice in fields(Choices))}
    assert function.outputs[0].label == "result"


def test_missing_values_are_filled_in_and_addresses_left_alone(page):
    (function,) = page.fns.values()
    inputs = [{"path": "https://example.org/a.jpg", "meta": {"_type": "gradio.FileData"}}]
    page.validate_inputs(function, inputs)
    assert inputs[0] == {"path": "https://example.org/a.jpg"}  # without the mark by which Gradio would fetch it
    assert inputs[1:] == [choice.default for choice in fields(Choices)] + [""]
    sent = {"path": "sent/a.jpg", "meta": {"_type": "gradio.FileData"}}
    inputs = [sent]
    page.validate_inputs(function, inputs)
    assert inputs[0] == sent


def test_a_program_reads_what_the_page_says():
    with pytest.raises(gr.Error, match="This file is empty"), gradio_api.plain_words():
        raise PhotoError("This file is empty.", "photo.empty")
