"""How much longer a brush takes that goes back and forth over the whole photo than one that crosses it once.

    python -m tests.benchmarks.zigzag [--megapixels 50]

Printed, as JSON: for radii in shares of the longer side, the time of a stroke of as many points as are possible over
that of a stroke of two. Both are of one run, as the machine's own pace says nothing.
"""

import argparse
import json
import time

import numpy as np

from segmenter.render import corrections

RADII = (0.0001, 0.001, 0.01, 0.1)


def zigzag(count: int, radius: float) -> dict:
    """A stroke of so many points from the left to the right, up and down between them."""
    across, down = np.linspace(0.02, 0.98, count), np.where(np.arange(count) % 2, 0.05, 0.95)
    return {"do": "keep", "radius": radius, "points": np.stack([across, down], axis=1).tolist()}


def seconds(probabilities: np.ndarray, edit: dict) -> float:
    """Of the processor."""
    began = time.process_time()
    corrections.apply(probabilities, [edit])
    return time.process_time() - began


def ratios(megapixels: float) -> dict[str, float]:
    """Radius → ratio, on a map of 4 : 3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    probabilities = np.zeros((height, height * 4 // 3), np.float32)
    return {
        str(radius): round(
            seconds(probabilities, zigzag(corrections.MAX_POINTS, radius)) / seconds(probabilities, zigzag(2, radius)),
            1,
        )
        for radius in RADII
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megapixels", type=float, default=50)
    print(json.dumps(ratios(parser.parse_args().megapixels), indent=2))
