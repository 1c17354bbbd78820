"""Many visitors at once, each with a photo of two megapixels: upload, look, save.

    python -m tests.benchmarks.visitors [--visitors 64]

serves the page in a process of its own, and prints as JSON how many were answered rightly, what went wrong,
how long they waited, the server's memory idle and at its highest, and the visitors' rate as a share of that of a
batch of the same photos, which comes after them.
"""

import argparse
import asyncio
import io
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from segmenter import Segmenter, open_photo
from segmenter.batch import runner
from segmenter.render.options import Choices
from segmenter.render.render import produce
from tests.standin import as_jpeg, red_disc
from tests.visitor import Server, Visitor

WIDTH, HEIGHT = 1664, 1248


def photo_of(number):
    """JPEG of two megapixels, another one for each number."""
    picture = red_disc(WIDTH, HEIGHT, 0.2 + 0.002 * number)
    noise = np.random.default_rng(number).integers(0, 24, (HEIGHT, WIDTH, 3), np.uint8)
    return as_jpeg(picture // 2 + noise)


async def visit(address, number, data, waits):
    """Upload, look, save; whether the cutout has the photo's size and shows something."""
    started, step = time.monotonic(), "upload"
    async with Visitor(address) as visitor:
        try:
            path = await visitor.upload(f"chair {number}.jpg", data)
            step = "look"
            shown = await visitor.ask("look", {"path": path})
            waits.append(time.monotonic() - started)
            step = "save"
            saved = await visitor.ask("save", {"path": path, "choices": {}, "edits": []})
            step = f"download, after {shown.get('problem')} and {saved.get('problem')}"
            return await visitor.download(saved["file"])
        except Exception as error:
            seconds = round(time.monotonic() - started)
            raise ValueError(f"{step} after {seconds} s: {type(error).__name__} {error}") from error


def right(cutout):
    with Image.open(io.BytesIO(cutout)) as picture:
        return picture.size == (WIDTH, HEIGHT) and picture.mode == "RGBA"


def expected(data):
    segmenter, photo = Segmenter.load(), open_photo(data)
    return produce(photo, segmenter.probabilities(photo), Choices().at(segmenter.threshold)).data


def batch_seconds(photos):
    """How long a batch takes for the same photos."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "photos"
        given.mkdir()
        for number, data in enumerate(photos):
            (given / f"{number}.jpg").write_bytes(data)
        segmenter, started = Segmenter.load(), time.monotonic()
        last = list(runner.run([given], segmenter, Choices(what="cutout"), Path(folder) / "out"))[-1]
        if last.failed:
            raise ValueError(f"{last.failed} photos of the batch failed")
        return time.monotonic() - started


def measure(visitors):
    """dict of what is printed."""
    photos = [photo_of(number) for number in range(visitors)]
    waits = []
    with Server() as server:
        time.sleep(5)  # the first example is made ready
        idle = server.megabytes()
        server.forget_peak()
        started = time.monotonic()

        async def all_of_them():
            visits = [visit(server.address, number, data, waits) for number, data in enumerate(photos)]
            return await asyncio.gather(*visits, return_exceptions=True)

        results = asyncio.run(all_of_them())
        seconds, peak = time.monotonic() - started, server.megabytes("VmHWM")
    errors = Counter(f"{type(each).__name__}: {each}" for each in results if isinstance(each, BaseException))
    cutouts = [each for each in results if isinstance(each, bytes)]
    return {
        "visitors": visitors,
        "right": sum(map(right, cutouts)),
        "first is as Python makes it": results[0] == expected(photos[0]),
        "errors": dict(errors),
        "seconds": round(seconds, 1),
        "seconds until the heatmap, median and longest": [round(float(np.median(waits)), 1), round(max(waits), 1)]
        if waits
        else None,
        "share of the batch": round(batch_seconds(photos) / seconds, 3),
        "memory idle, MB": idle,
        "memory highest, MB": peak,
        "more than idle, MB": peak - idle,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--visitors", type=int, default=64)
    print(json.dumps(measure(parser.parse_args().visitors), indent=2))
