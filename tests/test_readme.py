"""README.md keeps its promises: its figures are in files, its programs run, its files are there."""

import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from segmenter.training import recipes
from tests.benchmarks import peers, speed

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def stored(path):
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def table_under(heading):
    """The rows of the first table under a heading, each a list of its cells."""
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_figure_of_the_comparison_is_the_benchmarks():
    quality = stored("tests/benchmarks/peers.json")["quality"]
    sources = [name for name in quality["chairlift"] if name not in ("empty", "worst_tenth")]
    rows = table_under("How good it is")
    assert len(rows) == len(sources) and sources[0].startswith("wild_")
    for row, source in zip(rows, sources):
        expected = [str(quality["chairlift"][source]["photos"])]
        for key in ("iou", "boundary_f", "gap_accuracy"):
            expected += [f"{quality[who][source][key]:.3f}" for who in ("chairlift", "u2netp")]
        assert row[1:] == expected


def test_the_comparison_is_told_by_its_program():
    assert peers.retold(README, stored("tests/benchmarks/peers.json")) == README
    changed = stored("tests/benchmarks/peers.json")
    changed["quality"]["chairlift"]["wild_duts"]["iou"], changed["cost"]["seconds_ratio"] = 0.12345, 0.99
    told = peers.retold(README, changed)
    assert "| 24 | 0.123 |" in told and "takes 0.99 of its time" in told
    assert peers.retold(told, stored("tests/benchmarks/peers.json")) == README


def test_what_is_said_of_pictures_without_furniture_is_the_benchmarks():
    text, quality = " ".join(README.split()), stored("tests/benchmarks/peers.json")["quality"]
    ours, theirs = quality["chairlift"], quality["u2netp"]
    assert f"Of {ours['empty']['photos']} pictures without furniture, {ours['empty']['furnished']:.0%} have" in text
    assert f"({theirs['empty']['furnished']:.0%} by u2netp" in text
    assert f"a mean IoU of {ours['worst_tenth']:.3f} ({theirs['worst_tenth']:.3f})" in text


def test_the_costs_in_words_are_the_benchmarks():
    text, cost = " ".join(README.split()), stored("tests/benchmarks/peers.json")["cost"]
    assert f"{cost['seconds_ratio']:.2f} of its time and {cost['megabytes_ratio']:.2f} of its memory" in text
    assert f"the network together take {cost['network_seconds_ratio']:.2f} of what one of u2netp's takes" in text
    assert cost["network_seconds_ratio"] <= 0.20 and cost["model_megabytes"] <= 12  # the budget


def test_the_table_and_the_plot_of_speed_are_made_from_the_run():
    result = stored("docs/speed.json")
    assert speed.table(result) in README and speed.with_table(README, result) == README
    assert (ROOT / "docs/speed.svg").read_text(encoding="utf-8") == speed.plot(result)
    assert list(result["programs"]) == [speed.OURS, "u2netp", "u2net"]
    for found in result["programs"].values():
        assert list(map(float, found["sizes"])) == list(speed.MEGAPIXELS)


def test_what_is_said_of_another_processor_is_that_run():
    run = stored("docs/speed-without-dot-products.json")
    assert run["processor"]["dot products of 8 bits"] is False
    seconds = {name: found["sizes"]["1"]["median"] for name, found in run["programs"].items()}
    small, large = (seconds[speed.OURS] / seconds[peer] for peer in ("u2netp", "u2net"))
    assert f"one megapixel takes {small:.2f} of u2netp's time and {large:.2f} of u2net's" in " ".join(README.split())


def test_the_figures_of_the_default_weights_are_those_of_the_comparison():
    quality, metrics = stored("tests/benchmarks/peers.json")["quality"], stored("weights/metrics.json")
    for source, figures in metrics["sources"].items():
        assert quality["chairlift"][source]["iou"] == pytest.approx(figures["iou"], abs=0.001)
        assert metrics["peers"]["u2netp"][source] == quality["u2netp"][source]


def test_the_chairs97_figures_are_those_of_a_run():
    text = " ".join(README.split())
    for name in ("chairs97.json", "chairs97-before.json", "chairs97-imagenet.json", "chairs97-article.json"):
        found = stored(f"docs/{name}")["sources"]["validation"]
        words = f"IoU {found['iou']:.3f}, Dice {found['dice']:.3f} and boundary F {found['boundary_f']:.3f}"
        assert words in text and f"docs/{name}" in text


def test_the_figures_of_other_things_are_those_of_a_run():
    text, run = " ".join(README.split()), stored("tests/benchmarks/cabinets.json")
    found = run["sources"]["validation"]
    assert f"IoU {found['iou']:.3f}, Dice {found['dice']:.3f} and boundary F {found['boundary_f']:.3f} on 20" in text
    assert f"in {run['facts']['minutes']} minutes (`tests/benchmarks/cabinets.json`" in text
    assert (run["facts"]["photos trained on"], found["photos"]) == (60, 20)
    lamps = stored("tests/benchmarks/lamps.json")
    assert f"came to IoU {lamps['sources']['validation']['iou']:.3f} only" in text
    assert f"there were but {lamps['findings']['groups']} models" in text


def test_how_many_photos_the_encoder_alone_fails_on_is_counted():
    rows = stored("docs/chairs97-imagenet.json")["sources"]["validation"]["worst_first"]
    assert sum(row["iou"] < 0.85 for row in rows) == 7 and "Seven of the 20 photos are below 0.85" in README


@pytest.mark.parametrize(
    "name, recipe",
    [
        ("docs/chairs97.json", recipes.FINE_TUNING),
        ("docs/chairs97-article.json", recipes.SCRATCH),
        ("docs/chairs97-imagenet.json", recipes.PRETRAINED),
        ("tests/benchmarks/cabinets.json", recipes.PRETRAINED),
    ],
)
def test_the_runs_followed_the_recipes_of_today(name, recipe):
    stated = {"frozen": 0, "floor": 0.0, **stored(name)["recipe"]}  # an older one does not say what was not there yet
    assert {key: stated[key] for key in asdict(recipe)} == asdict(recipe)


def test_from_which_dice_weights_are_only_refined_is_said():
    assert f"a Dice below {recipes.KNOWN} on" in " ".join(README.split())


def test_the_articles_network_was_trained_until_it_stopped_by_itself():
    run = stored("docs/chairs97-article.json")
    facts, recipe, text = run["facts"], run["recipe"], " ".join(README.split())
    assert facts["epochs trained"] == facts["best epoch"] + recipe["stop_patience"] < recipe["epochs"]
    assert f"after {facts['epochs trained']} epochs, of which {facts['best epoch']} was the best" in text
    assert f"{facts['minutes']} minutes on two cores, until training stopped by itself" in text


def test_the_minutes_are_those_of_the_run():
    assert f"{stored('docs/chairs97-imagenet.json')['facts']['minutes']} minutes on two cores" in " ".join(
        README.split()
    )


def test_the_default_weights_are_the_ones_that_were_measured():
    weights = hashlib.sha256((ROOT / "weights" / "model.tflite").read_bytes()).hexdigest()
    assert stored("weights/metrics.json")["weights_sha256"] == weights


def test_the_weights_folder_is_whole_and_light():
    files = {path.name for path in (ROOT / "weights").iterdir()}
    assert files == {"README.md", "config.json", "model.weights.h5", "model.tflite", "metrics.json", "samples.png"}
    assert sum(path.stat().st_size for path in (ROOT / "weights").iterdir()) < 40e6


def test_the_python_example_runs(tmp_path, monkeypatch):
    example = ROOT / "segmenter" / "data" / "examples" / "images" / "01_wooden_chair_corner.jpg"
    (tmp_path / "chair.jpg").write_bytes(example.read_bytes())
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(re.search(r"```python\n(from segmenter.*?)```", README, re.S)[1], names)
    assert names["cutout"].shape == (960, 1280, 4) and names["cutout"].dtype == np.uint8
    assert names["probabilities"].shape == (960, 1280)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w/.-]+)\)", README))))
def test_every_linked_file_is_there(path):
    assert (ROOT / path).is_file()


def test_the_two_commands_do_the_set_up():
    assert "pip install -r requirements.txt && python app.py" in README
    commands = [line for line in README.splitlines() if "&& python -m pytest" in line]
    assert commands == ["    pip install -r requirements-dev.txt && python -m pytest -n 2 --dist loadfile"]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w./-]+/[\w./-]*)`", CONTRIBUTING))))
def test_every_file_that_contributing_names_is_there(path):
    assert (ROOT / path).exists() or (ROOT / "segmenter" / path).is_dir()


def test_the_five_commands_of_contributing_are_there():
    commands = re.findall(r"^    make (\w+) ", CONTRIBUTING, re.M)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert len(commands) == 5 and set(commands) <= set(targets)
