"""Cut out the photos of a folder on as many machines as a Ray cluster has.

First `pip install "ray[data]==2.60.0"`, then:

    python docs/ray_batch.py FOLDER OUT
"""

import sys
from pathlib import Path

import ray

from segmenter import Choices, Segmenter
from segmenter.batch import runner


class Cut:
    def __init__(self):
        self.segmenter, self.choices = Segmenter.load(), Choices(background="#ffffff", format="jpeg")

    def __call__(self, rows):
        return {"path": rows["path"], **runner.work_rows(rows["bytes"], self.segmenter, self.choices)}


if __name__ == "__main__":
    photos = ray.data.read_binary_files(sys.argv[1], include_paths=True)
    # Less than a whole processor each, as on two of them nothing would be left to read the photos with.
    for row in photos.map_batches(Cut, batch_size=4, concurrency=(1, 2), num_cpus=0.5).iter_rows():
        Path(sys.argv[2], Path(row["path"]).stem + ".jpg").write_bytes(row["cutout"])
