"""How long a visitor waits while another one sends what is meant to hold everybody up.

    python -m tests.benchmarks.beside

prints as JSON, for nobody else and for each kind of bad visitor: the seconds that the bad one is busy, and the longest
that a good one waits meanwhile for the page's config, for "About this model" and for the heatmap of a small photo.
"""

import asyncio
import json
import struct
import time
import zlib

from tests.benchmarks.soak import photo_of, zipped
from tests.visitor import Refused, Server, Visitor

ENTRIES = 100_000


def long_thin_picture():
    """A PNG of 1,000,000 × 1 pixels in about 3 kB."""

    def chunk(name, data):
        return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))

    head = struct.pack(">2L5B", 1_000_000, 1, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1 + 3 * 1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zip_of_many():
    """A zip of very many empty entries: 8 to 10 MB."""
    return zipped({f"{number:06}.jpg": b"" for number in range(ENTRIES)})


def full_zip():
    """A zip of 490 photos, which is taken."""
    return zipped({f"{number}.jpg": photo_of(number % 12) for number in range(490)})


async def alone(visitor):
    await asyncio.sleep(3)


def unpacks(make):
    async def unpack(visitor):
        path = await visitor.upload("photos.zip", make())
        await visitor.ask("many_unpack", {"key": visitor.key, "path": path})

    return unpack


async def looks(visitor):
    await visitor.ask("look", {"path": await visitor.upload("thin.png", long_thin_picture())})


async def asks_and_leaves(visitor):
    path = await visitor.upload("chair.jpg", photo_of(5))
    for _ in range(66):
        try:
            await visitor.join("probability", path)
        except Refused:
            break


BAD = {
    "nobody": alone,
    f"a zip of {ENTRIES:,} entries": unpacks(zip_of_many),
    "a zip of 490 photos": unpacks(full_zip),
    "a picture of 1,000,000 × 1": looks,
    "66 questions that nobody waits for": asks_and_leaves,
}


async def beside(server, bad):
    """Seconds that a bad visitor is busy, and the longest waits of a good one: a dict."""
    longest = {"config": 0.0, "about": 0.0, "look": 0.0}

    async def wait_for(name, answer):
        started = time.monotonic()
        await answer
        longest[name] = round(max(longest[name], time.monotonic() - started), 2)

    async with Visitor(server.address, "8.8.8.8") as first, Visitor(server.address, "9.9.9.9") as second:
        path = await second.upload("chair.jpg", photo_of(0))
        started = time.monotonic()
        busy = asyncio.create_task(bad(first))
        while True:
            await wait_for("config", second.http.get("config"))
            await wait_for("about", second.ask("about", {}))
            await wait_for("look", second.ask("look", {"path": path}))
            if busy.done():
                await asyncio.gather(busy, return_exceptions=True)
                return {"busy": round(time.monotonic() - started, 2), **longest}


def measure():
    """dict of bad visitor → what `beside` says."""
    with Server() as server:
        asyncio.run(beside(server, alone))  # what is made once is there then
        return {name: asyncio.run(beside(server, bad)) for name, bad in BAD.items()}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
