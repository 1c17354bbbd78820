"""The batch's function under Ray Data on a local Ray: does each photo come out as it does alone?

    pip install "ray[data]==2.60.0"
    python -m tests.benchmarks.ray_batch [FOLDER]

docs/ray_batch.py is run as it is on the photos of a folder (the examples by default), and each file
is compared with what `produce` makes of the photo in this process. ray_batch.json is written beside
this file. Ray takes several hundred MB, which is why it is no requirement of the tests.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "segmenter/data/examples/images"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=EXAMPLES, metavar="FOLDER")
    folder = parser.parse_args().folder
    import ray

    from segmenter import Choices, Segmenter, open_photo, produce

    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "RAY_USAGE_STATS_ENABLED": "0"}
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        subprocess.run([sys.executable, ROOT / "docs/ray_batch.py", folder, out], check=True, env=environment)
        seconds = time.perf_counter() - started
        segmenter, choices = Segmenter.load(), Choices(background="#ffffff", format="jpeg")
        same, photos = 0, sorted(folder.glob("*.jpg"))
        for path in photos:
            photo = open_photo(path)
            expected = produce(photo, segmenter.probabilities(photo), choices.at(segmenter.threshold)).data
            same += (Path(out) / f"{path.stem}.jpg").read_bytes() == expected
    found = {"ray": ray.__version__, "photos": len(photos), "the_same_bytes": same, "seconds": round(seconds, 1)}
    (HERE / "ray_batch.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
