"""Many visitors at once, each with a photo of two megapixels: upload, look, save. Then as many programs: upload, cut.

    python -m tests.benchmarks.visitors [--visitors 64]

serves the page in a process of its own, and prints as JSON how many were answered rightly, what went wrong,
how long they waited, the server's memory idle and at its highest, and their rate as a share of that of a batch of the
same photos, which comes after them. Visitors, programs and server share the machine.
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

from segmenter import Segmenter, memory, open_photo
from segmenter.batch import runner
from segmenter.render.options import Choices
from segmenter.render.render import produce
from tests.benchmarks.speed import photo_file
from tests.visitor import Server, Visitor

MEGAPIXELS = 2


async def visit(address, functions, number, data, waits):
    """Upload, look, save, on a page that is open already: the cutout."""
    started, step = time.monotonic(), "upload"
    async with Visitor(address) as visitor:
        visitor.functions = functions
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


async def functions_of(address):
    """What the page can be asked, as it knows it once it is open."""
    async with Visitor(address) as visitor:
        return (await visitor.open()).functions


async def call(address, number, data):
    """What a program does: upload, and ask for the cutout at once."""
    async with Visitor(address, f"8.8.{number}.9") as program:  # each from an address of its own
        file = {"path": await program.upload(f"chair {number}.jpg", data), "meta": {"_type": "gradio.FileData"}}
        asked = await program.http.post("gradio_api/call/cut", json={"data": [file]})
        answer = await program.http.get(f"gradio_api/call/cut/{asked.json()['event_id']}")
        found = answer.text.partition("event: complete\ndata: ")[2].partition("\n")[0]  # after beats of its heart
        return await program.download(json.loads(found)[0])


def right(cutout, photo):
    """Whether a cutout is one of the photo's size."""
    with Image.open(io.BytesIO(cutout)) as picture, Image.open(io.BytesIO(photo)) as original:
        return picture.size == original.size and picture.mode == "RGBA"


def expected(data):
    segmenter, photo = Segmenter.load(), open_photo(data)
    return produce(photo, segmenter.probabilities(photo), Choices().at(segmenter.threshold)).data


def batch_seconds(photos):
    """How long a batch takes for the same photos, with memory as the command line sets it."""
    memory.reuse()
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


def all_at_once(ask, photos):
    """(what each of the photos' askers got, or what went wrong; seconds for all of them)."""
    started = time.monotonic()

    async def gather():
        return await asyncio.gather(*(ask(number, data) for number, data in enumerate(photos)), return_exceptions=True)

    return asyncio.run(gather()), time.monotonic() - started


def outcome(photos, results, seconds, batch):
    """dict of how many were answered rightly, what went wrong, and how fast that was beside a batch's seconds."""
    answered = [isinstance(each, bytes) and right(each, photo) for each, photo in zip(results, photos, strict=True)]
    errors = Counter(f"{type(each).__name__}: {each}" for each in results if isinstance(each, BaseException))
    return {
        "right": sum(answered),
        "errors": dict(errors),
        "seconds": round(seconds, 1),
        "share of the batch": round(batch / seconds, 3),
    }


def measure(visitors):
    """dict of what is printed."""
    photos = [photo_file(MEGAPIXELS, number) for number in range(visitors)]
    waits = []
    with Server() as server:
        time.sleep(5)  # the first example is made ready
        idle = server.megabytes()
        server.forget_peak()
        functions = asyncio.run(functions_of(server.address))
        visits = all_at_once(lambda number, data: visit(server.address, functions, number, data, waits), photos)
        peak = server.megabytes("VmHWM")
    with Server() as server:  # which has seen none of the photos
        time.sleep(5)
        calls = all_at_once(lambda number, data: call(server.address, number, data), photos)
    batch = batch_seconds(photos)
    return {
        "visitors": visitors,
        **outcome(photos, *visits, batch),
        "first is as Python makes it": visits[0][0] == expected(photos[0]),
        "seconds until the heatmap, median and longest": [round(float(np.median(waits)), 1), round(max(waits), 1)]
        if waits
        else None,
        "memory idle, MB": idle,
        "memory highest, MB": peak,
        "more than idle, MB": peak - idle,
        "programs": outcome(photos, *calls, batch),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--visitors", type=int, default=64)
    print(json.dumps(measure(parser.parse_args().visitors), indent=2))
