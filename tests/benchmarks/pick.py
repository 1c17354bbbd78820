"""What a click costs, as a share of a whole map of all furniture.

    python -m tests.benchmarks.pick [--weights FOLDER] [--photo FILE] [--runs 15] [--json FILE]

Each figure is the median of several runs, in turns, so that a busy machine slows all of them alike; only the ratios
mean anything from one machine to another. `map` is `Segmenter.probabilities` of a photo that was not seen before;
`first_click` the same with a point, which includes the encoder; `click` one more on a photo that was seen; `network`
are the passes alone: `furniture` (one of the two or more of a map), `see` (the encoder, for clicks) and `pick`.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from segmenter import Segmenter, open_photo
from segmenter.inference import clicks, preprocessing
from segmenter.inference.network import Network

EXAMPLE = Path(__file__).resolve().parents[2] / "segmenter/data/examples/images/01_wooden_chair_corner.jpg"


def seconds(call, *arguments, **named):
    """How long a call takes."""
    began = time.perf_counter()
    call(*arguments, **named)
    return time.perf_counter() - began


def others(photo, count):
    """Copies of a photo that differ in one pixel, so that nothing is known of them from before."""
    for number in range(count):
        other = photo.copy()
        other[0, 0] = number % 256, number // 256, 7
        yield other


def measure_segmenter(segmenter, photo, runs):
    """Seconds of each run: dict of `map`, `first_click` and `click`."""
    height, width = photo.shape[:2]
    places = [(width * share, height * share) for share in np.linspace(0.45, 0.55, runs + 2)]
    found = {"map": [], "first_click": [], "click": []}
    segmenter.probabilities(photo, points=places[:1])  # what is built once
    for other, place in zip(others(photo, runs), places[1:]):
        found["map"].append(seconds(segmenter.probabilities, other))
        found["first_click"].append(seconds(segmenter.probabilities, other, points=[place]))
        clicked = {"points": [place, (width * 0.02, height * 0.02)], "labels": [1, 0]}
        found["click"].append(seconds(segmenter.probabilities, other, **clicked))
    return found


def measure_network(segmenter, photo, runs):
    """Seconds of each pass: dict of `furniture`, `see` and `pick`."""
    network = Network(segmenter.folder / "model.tflite", segmenter.size)
    square = preprocessing.to_network(photo, segmenter.size)
    seen = network.see(square)
    prompts = clicks.draw([(0.5, 0.5)], [1], np.zeros((segmenter.size // 2,) * 2, np.float32))
    network.pick(seen, prompts)
    found = {"furniture": [], "see": [], "pick": []}
    for _ in range(runs):
        found["furniture"].append(seconds(network.furniture, square))
        found["see"].append(seconds(network.see, square))
        found["pick"].append(seconds(network.pick, seen, prompts))
    return found


def measure(weights, photo, runs):
    """All figures as plain JSON: milliseconds, and their shares of a whole map."""
    segmenter = Segmenter.load(weights)
    if not segmenter.can_pick:
        raise ValueError(f"the weights in {segmenter.folder} cannot pick single pieces; train.py --pick teaches them")
    whole = {name: statistics.median(each) for name, each in measure_segmenter(segmenter, photo, runs).items()}
    passes = {name: statistics.median(each) for name, each in measure_network(segmenter, photo, runs).items()}
    return {
        "photo": list(photo.shape[:2]),
        "size": segmenter.size,
        "runs": runs,
        "milliseconds": {name: round(1000 * value, 2) for name, value in {**whole, **passes}.items()},
        "click_per_map": round(whole["click"] / whole["map"], 4),
        "first_click_per_map": round(whole["first_click"] / whole["map"], 4),
        "pick_per_furniture": round(passes["pick"] / passes["furniture"], 4),
        "pick_per_map": round(passes["pick"] / whole["map"], 4),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights")
    parser.add_argument("--photo", default=str(EXAMPLE))
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    try:
        found = measure(options.weights, open_photo(options.photo), options.runs)
    except ValueError as error:
        raise SystemExit(f"pick.py: {error}") from None
    text = json.dumps(found, indent=1) + "\n"
    if options.json:
        options.json.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
