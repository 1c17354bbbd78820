"""The one check of config.json, and the names that everybody goes by."""

import json

import pytest

from segmenter import Segmenter, WeightsError, weights_format
from segmenter.models import registry


def spoil(folder, **values):
    path = folder / weights_format.CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return folder


@pytest.mark.parametrize("threshold", ["high", None, 7, True, -0.1, [0.5], float("nan"), float("inf")])
def test_weights_with_a_threshold_that_is_none_do_not_serve(weights, threshold):
    with pytest.raises(WeightsError, match="config.json .* a threshold of .* from 0 to 1"):
        Segmenter.load(spoil(weights, threshold=threshold))


@pytest.mark.parametrize("threshold, expected", [(0, 0.0), (1, 1.0), (0.65, 0.65)])
def test_a_threshold_in_bounds_is_the_segmenters(weights, threshold, expected):
    assert Segmenter.load(spoil(weights, threshold=threshold)).threshold == expected


def test_weights_that_state_no_threshold_have_the_usual_one(weights):
    (weights / "config.json").write_text(json.dumps({"size": 64}))
    assert Segmenter.load(weights).threshold == 0.5


@pytest.mark.parametrize("size", [True, 0, -64, 8, 10**9, "64", 64.0, None])
def test_weights_with_a_size_that_is_none_do_not_serve(weights, size):
    with pytest.raises(WeightsError, match="config.json .* a size of .* pixels"):
        Segmenter.load(spoil(weights, size=size))


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "not valid JSON"),
        ("[1]", "no JSON object"),
        ("null", "no JSON object"),
    ],
)
def test_what_is_no_configuration_is_said_to_be_none(weights, text, words):
    (weights / "config.json").write_text(text)
    with pytest.raises(WeightsError, match=words):
        weights_format.read_config(weights)


@pytest.mark.parametrize("architecture", ["resnet", None, ["unet_128"], {}])
def test_a_network_that_cannot_be_built_is_told_apart_where_one_is_to_be_built(weights, architecture):
    spoil(weights, architecture=architecture)
    assert weights_format.read_config(weights)["size"] == 64  # serving has the network's own file
    with pytest.raises(WeightsError, match="architecture is .* known are unet_lite0, "):
        weights_format.read_config(weights, registry.NETWORKS)


def test_a_folder_comes_before_a_repository_of_its_name(weights, monkeypatch):
    monkeypatch.chdir(weights.parent.parent)
    place = f"{weights.parent.name}/weights"
    assert weights_format.locate(place).samefile(weights)


def test_the_files_are_those_of_the_default_weights():
    from segmenter.inference.predictor import WEIGHTS

    assert {path.name for path in WEIGHTS.iterdir()} >= set(weights_format.FILES)
