"""Whether memory grows with the number of photos.

    python -m tests.benchmarks.growth [--photos 2000] [--seed 0]

One process takes photos of 0.25 to 2 megapixels from file to PNG, one after the other, no two alike. Printed, as JSON:
its memory in megabytes after every 200 photos, by when the maps that are kept have long filled their place, and how
much more it was in the end than after the first 200.
"""

import argparse
import json

import numpy as np

from segmenter import Choices, Segmenter, memory, open_photo, produce
from tests.benchmarks.speed import photo_file
from tests.benchmarks.start import megabytes

FILES = 40  # of which all photos are made, by one pixel that differs
EVERY = 200
MEGAPIXELS = (0.25, 2.0)


def measure(photos: int, seed: int) -> dict:
    """What is printed."""
    memory.reuse()  # as all programs do
    rng = np.random.default_rng(seed)
    files = [photo_file(size, number) for number, size in enumerate(rng.uniform(*MEGAPIXELS, FILES))]
    segmenter = Segmenter.load()
    choices, found = Choices().at(segmenter.threshold), {}
    for number in range(1, photos + 1):
        photo = open_photo(files[int(rng.integers(FILES))])
        photo[0, 0] = number % 256, number // 256 % 256, number // 65536  # else its map would be known
        if not produce(photo, segmenter.probabilities(photo), choices).data:
            raise ValueError("nothing came of a photo")
        if number % EVERY == 0 or number == photos:
            found[number] = megabytes("self")
    first = found[min(found)]
    return {"photos": photos, "megabytes": found, "growth": round(found[photos] - first, 1)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(measure(options.photos, options.seed), indent=2))
