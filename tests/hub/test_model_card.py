"""The model card says what the files beside it say."""

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from segmenter.hub import model_card
from segmenter.models import registry

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"


@pytest.fixture
def folder(tmp_path):
    for name in ("config.json", "metrics.json"):
        shutil.copy(WEIGHTS / name, tmp_path)
    return tmp_path


def test_the_card_has_the_figures_of_metrics_json(folder):
    model_card.write_card(folder, ["made by Somebody"])
    written = ModelCard.load(folder / model_card.CARD)
    metrics = json.loads((folder / "metrics.json").read_text())
    for name, figures in metrics["sources"].items():
        start = f"| {figures['photos']} | {model_card.SOURCES[name]}"
        row = next(line for line in written.text.splitlines() if line.startswith(start))
        assert f"| {figures['iou']:.3f} | {figures['dice']:.3f} | {figures['boundary_f']:.3f} |" in row
    found = {(r.dataset_config, r.metric_type): r.metric_value for r in written.data.eval_results}
    assert found[("scenes", "mean_iou")] == metrics["sources"]["scenes"]["iou"]
    assert "- made by Somebody" in written.text


def test_a_stranger_finds_what_it_is_for_how_to_use_it_and_whose_data_it_saw(folder, server, monkeypatch):
    model_card.write_card(folder, ["made by Somebody"])
    written = ModelCard.load(folder / model_card.CARD)
    for heading in ("What it is for", "Results", "Training", "Limits", "Data and licences", "Credits"):
        assert f"\n## {heading}\n" in written.text
    assert "](samples.png)" in written.text
    code = written.text.split("```python\n")[1].split("```")[0]
    assert len([line for line in code.splitlines() if line]) == 5
    assert "copyright is unknown" in written.text and "Apache-2.0" in written.text
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.address)
    written.validate()
    written.data.license = "my own"
    with pytest.raises(ValueError, match='"license" must be one of'):
        written.validate()


def test_data_of_ones_own_is_not_given_a_licence(folder):
    config = json.loads((folder / "config.json").read_text())
    config["steps"] = [{**config["steps"][0], "data": "my stools", "started_from": "scratch"}]
    (folder / "config.json").write_text(json.dumps(config))
    model_card.write_card(folder)
    text = (folder / model_card.CARD).read_text()
    assert "not stated here; ask them" in text and "Apache-2.0" not in text and "| nothing |" in text


def test_the_card_of_the_default_weights_is_up_to_date(folder):
    before = (WEIGHTS / model_card.CARD).read_text(encoding="utf-8")
    credits = [line[2:] for line in before.split("## Credits\n\n")[1].splitlines() if line.startswith("- ")]
    assert len(credits) == len(set(credits)) >= 3
    model_card.write_card(folder, credits)
    assert (folder / model_card.CARD).read_text(encoding="utf-8") == before


def test_a_peer_stands_in_the_same_table_even_where_it_wins(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    better = {"iou": 0.987, "boundary_f": 0.976, "gap_accuracy": None}
    metrics["peers"] = {"rival": {**dict.fromkeys(metrics["sources"], better), "empty": {"furnished": 0.901}}}
    metrics["empty"] = {"photos": 300, "furnished": 0.123}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    model_card.write_card(folder)
    text = (folder / model_card.CARD).read_text()
    rows = [line for line in text.splitlines() if "| 0.987 | 0.976 | – |" in line]
    assert len(rows) == len(metrics["sources"])
    table = [line for line in text.split("## Results")[1].split("## Training")[0].splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1 and "rival: IoU" in table[0]
    assert "Of 300 pictures without furniture, 12.3% have" in text and "rival: 90.1%" in text


def test_the_encoder_is_credited_as_its_entry_says(folder, monkeypatch):
    encoder = registry.Encoder("some_module", "small", "SomeNet, trained on clouds", "MIT")
    monkeypatch.setitem(registry.NETWORKS, "unet_some", registry.Network(64, encoder))
    config = json.loads((folder / "config.json").read_text())
    config["architecture"], config["steps"] = "unet_some", [{**config["steps"][0], "started_from": "imagenet"}]
    (folder / "config.json").write_text(json.dumps(config))
    model_card.write_card(folder)
    assert "| the pretrained encoder: SomeNet, trained on clouds | MIT |" in (folder / "README.md").read_text()
