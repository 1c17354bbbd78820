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
    results = text.split("## Results")[1].split("\n## ")[0]
    table = [line for line in results.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1 and "rival: IoU" in table[0]
    assert "Of 300 pictures without furniture, 12.3% have" in text and "rival: 90.1%" in text


def test_how_single_pieces_are_picked_is_said_where_it_was_measured(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics.pop("pick", None)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    model_card.write_card(folder)
    assert "Picking single pieces" not in (folder / "README.md").read_text()
    figures = {"pieces": 150, "of": 412, "iou": [0.8123, 0.9012, 0.9234], "clicks": {"0.85": 1.74, "0.9": 2.93}}
    figures["anywhere"] = 0.7654
    sources = {"scenes_seats": {**figures, "worse": 0.0267, "thin": 0.6543, "gaps": None}}
    sources["wild_duts"] = sources["scenes_seats"]
    metrics["pick"] = {"most_clicks": 10, "most_pieces": 150, "bars": [0.85, 0.9], "sources": sources}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    model_card.write_card(folder)
    text = (folder / "README.md").read_text().split("## Picking single pieces")[1].split("\n## ")[0]
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1 and "clicks to IoU 0.85 | clicks to IoU 0.9 |" in table[0]
    assert table[2].startswith("| 150 of 412 | seats in rendered rooms") and model_card.SOURCES["wild_duts"] in table[3]
    assert table[2].endswith("| 0.812 | 0.901 | 0.923 | 0.765 | 1.7 | 2.9 | 2.7% | 65.4% | – |")
    assert "at most 150 of each kind" in " ".join(text.split())


def test_a_step_goes_on_from_the_last_of_its_kind(folder):
    config = json.loads((folder / "config.json").read_text())
    network = {**config["steps"][0], "data": "ours"}
    picker = {**network, "trains": "picker", "steps": 1500, "started_from": "scratch"}
    taught = {**network, "started_from": "a", "taught_by": ["first", "second"]}
    config["steps"] = [network, picker, taught, {**picker, "started_from": "b"}]
    (folder / "config.json").write_text(json.dumps(config))
    model_card.write_card(folder)
    text = (folder / "README.md").read_text().split("## Training")[1]
    rows = [line for line in text.splitlines() if "| ours" in line]
    assert [row.split(" | ")[3] for row in rows] == ["the pretrained encoder", "nothing", "step 1", "step 2"]
    assert [row.split(" | ")[1] for row in rows][1:3] == [
        "ours",
        "ours, beside the masks what first, second made of it",
    ]
    assert [row.split(" | ")[4] for row in rows] == ["at most 3", "picker: 1500 steps"] * 2


def test_the_encoder_is_credited_as_its_entry_says(folder, monkeypatch):
    encoder = registry.Encoder("some_module", "small", "SomeNet, trained on clouds", "MIT")
    monkeypatch.setitem(registry.NETWORKS, "unet_some", registry.Network(64, encoder))
    config = json.loads((folder / "config.json").read_text())
    config["architecture"], config["steps"] = "unet_some", [{**config["steps"][0], "started_from": "imagenet"}]
    (folder / "config.json").write_text(json.dumps(config))
    model_card.write_card(folder)
    assert "| the pretrained encoder: SomeNet, trained on clouds | MIT |" in (folder / "README.md").read_text()
