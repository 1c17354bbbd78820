"""Good and bad visitors at random for a while, and a server that is stopped or killed now and then.

    python -m tests.benchmarks.soak [--minutes 30] [--seed 0] [--restart 3]

Each good visitor's cutout is compared with what Python makes of the same photo. Bad ones send nonsense, break off
while they send or wait, drip, ask for files of the server, fill lines and unpack bombs. The server is ended every few
minutes, each other time as a power cut does; who is there then may be refused. What is printed, as JSON: requests by
kind and what became of them, good ones that were answered wrongly, and memory and disk at the start and in the end.
"""

import argparse
import asyncio
import contextlib
import io
import json
import random
import socket
import time
import zipfile
from collections import Counter
from urllib.parse import urlsplit

import httpx
import numpy as np

from segmenter import Segmenter, open_photo
from segmenter.render.options import Choices
from segmenter.render.render import produce
from tests.standin import as_jpeg, red_disc
from tests.visitor import Refused, Server, Visitor

AT_ONCE = 6  # visitors
KEPT_SECONDS = 180  # for which files are kept here, so that it is seen that they go
PHOTOS = 12
EXPECTED_REFUSALS = (400, 403, 404, 408, 413, 421, 422, 500, 503, 507)  # what bad visitors may be answered


def photo_of(number):
    width, height = 240 + 40 * number, 520 - 24 * number
    noise = np.random.default_rng(number).integers(0, 24, (height, width, 3), np.uint8)
    return as_jpeg(red_disc(width, height, 0.2 + 0.01 * number) // 2 + noise, turned=number % 2 == 1)


class Soak:
    """What is known while it goes on."""

    def __init__(self, server, seed):
        self.server, self.random = server, random.Random(seed)
        segmenter = Segmenter.load()
        self.photos = [photo_of(number) for number in range(PHOTOS)]
        # Made before, as to make one takes seconds in which no visitor here goes on: the server takes them for gone.
        self.bombs = [zipped({f"{number}.jpg": bytes(2**20) for number in range(count)}) for count in (3, 600)]
        self.expected = [self._cut(segmenter, data) for data in self.photos]
        self.table, self.wrong = {}, []
        self.restarts, self.serving, self.over = 0, 0, False
        self.started_with = []  # megabytes of memory after each start

    @staticmethod
    def _cut(segmenter, data):
        photo = open_photo(data)
        return produce(photo, segmenter.probabilities(photo), Choices().at(segmenter.threshold)).data

    async def one(self, kind):
        """One visitor of a kind, and a line in the table of what became of them."""
        counts, serving = self.table.setdefault(kind.__name__, Counter()), self.serving
        try:
            async with asyncio.timeout(120):
                outcome = await kind(self)
        except (httpx.HTTPError, OSError, Refused, TimeoutError) as error:
            interrupted = self.serving != serving or self.restarting
            outcome = "server was restarted" if interrupted else f"{type(error).__name__} {str(error)[:80]}"
        counts[outcome] += 1
        if kind in GOOD and outcome not in ("right", "server was restarted"):
            self.wrong.append(f"{kind.__name__}: {outcome}")
        if kind in BAD and outcome.startswith("wrong"):
            self.wrong.append(f"{kind.__name__}: {outcome}")

    restarting = False

    async def visitors(self):
        """One visitor after another until it is over."""
        while not self.over:
            if self.restarting:
                await asyncio.sleep(0.2)
                continue
            kinds = GOOD if self.random.random() < 0.5 else BAD
            await self.one(self.random.choice(kinds))

    async def restart(self):
        """End the server, each other time without warning, and serve again."""
        self.restarting = True
        self.server.stop(kill=self.restarts % 2 == 1)
        await asyncio.to_thread(self.server.start)
        await warm_up(self)
        self.started_with.append(self.server.megabytes())
        self.restarts, self.serving, self.restarting = self.restarts + 1, self.serving + 1, False

    def draw(self):
        number = self.random.randrange(PHOTOS)
        return number, self.photos[number]


# Good visitors: each says "right", or what was wrong


async def one_photo(soak):
    number, data = soak.draw()
    async with Visitor(soak.server.address) as visitor:
        path = await visitor.upload(f"chair {number}.jpg", data)
        shown = await visitor.ask("look", {"path": path})
        saved = await visitor.ask("save", {"path": path, "choices": {}, "edits": []})
        if "photo" not in shown or "file" not in saved:
            return f"wrong: {shown.get('problem') or saved.get('problem')}"
        return "right" if await visitor.download(saved["file"]) == soak.expected[number] else "wrong cutout"


async def many_photos(soak):
    number, data = soak.draw()
    async with Visitor(soak.server.address) as visitor:
        path = await visitor.upload("photos.zip", zipped({"a/chair.jpg": data, "b.txt": b"no photo"}))
        unpacked = await visitor.ask("many_unpack", {"key": visitor.key, "path": path})
        if unpacked.get("names") != ["a/chair.jpg"]:
            return f"wrong names: {unpacked}"
        made = await visitor.ask("many_cut", {"key": visitor.key, "name": "a/chair.jpg", "choices": {}})
        answer = await visitor.ask("many_zip", {"key": visitor.key, "names": ["a/chair.jpg"]})
        if made.get("problem") or "file" not in answer:
            return f"wrong: {made.get('problem')} {answer}"
        with zipfile.ZipFile(io.BytesIO(await visitor.download(answer["file"]))) as archive:
            same = archive.read("cutouts/a/chair.png") == soak.expected[number]
        await visitor.ask("many_forget", {"key": visitor.key})
        return "right" if same else "wrong cutout"


async def program(soak):
    number, data = soak.draw()
    async with Visitor(soak.server.address) as visitor:
        file = {"path": await visitor.upload("chair.jpg", data), "meta": {"_type": "gradio.FileData"}}
        asked = await visitor.http.post("gradio_api/call/cut", json={"data": [file]})
        answer = await visitor.http.get(f"gradio_api/call/cut/{asked.json()['event_id']}")
        if not answer.text.startswith("event: complete"):
            return f"wrong: {answer.text[:120]}"
        made = json.loads(answer.text.partition("data: ")[2])[0]
        return "right" if await visitor.download(made) == soak.expected[number] else "wrong cutout"


async def about_the_model(soak):
    async with Visitor(soak.server.address) as visitor:
        return "right" if (await visitor.ask("about", {})).get("sources") else "wrong"


# Bad visitors: each says how it went, "wrong …" where they got what they should not


async def leave_during(question, seconds):
    """Ask a question, and leave before it is answered."""
    asking = asyncio.create_task(question)
    await asyncio.sleep(seconds)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    return "left"


async def leaves_while_waiting(soak):
    async with Visitor(soak.server.address) as visitor:
        path = await visitor.upload("chair.jpg", soak.draw()[1])
        question = {"path": path}
        return await leave_during(visitor.ask(soak.random.choice(["look", "save"]), question), soak.random.random())


async def leaves_a_batch(soak):
    async with Visitor(soak.server.address) as visitor:
        path = await visitor.upload("chair.jpg", soak.draw()[1])
        question = {"key": visitor.key, "name": "chair.jpg", "path": path, "choices": {}}
        return await leave_during(visitor.ask("many_cut", question), soak.random.random() / 2)


async def never_listens(soak):
    async with Visitor(soak.server.address) as visitor:
        path = await visitor.upload("chair.jpg", soak.draw()[1])
        for _ in range(4):
            await visitor.join("probability", path)
        return "asked"


async def breaks_off(soak):
    """An upload that ends in the middle, or in the middle of its head."""
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n' + soak.draw()[1]
    head = b"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    whole = head + b"Content-Length: 9999999\r\n\r\n" + body
    await raw(soak, whole[: soak.random.randrange(len(whole))])
    return "broke off"


async def drips(soak):
    await raw(soak, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", seconds=soak.random.random() * 3)
    return "dripped"


async def nonsense(soak):
    bodies = [b"", b"{", b"[" * 100_000, b'{"data": 7}', bytes(1000), b'{"data": [' + b"1" * 10_000 + b"]}"]
    route = soak.random.choice(["queue/join", "call/cut", "component_server", "upload", "cancel", "mcp/"])
    async with Visitor(soak.server.address) as visitor:
        headers = {"content-type": soak.random.choice(["application/json", "text/plain", "multipart/form-data"])}
        answer = await visitor.http.post(f"gradio_api/{route}", content=soak.random.choice(bodies), headers=headers)
        return refusal(answer)


async def reads_the_server(soak):
    path = soak.random.choice(["/etc/passwd", "../../etc/passwd", "app.py", "/proc/self/environ"])
    async with Visitor(soak.server.address) as visitor:
        if soak.random.random() < 0.5:
            answer = await visitor.http.get(f"gradio_api/file={path}")
            return "wrong: a file of the server" if answer.status_code == 200 else refusal(answer)
        shown = await visitor.ask("look", {"path": path})
        return "refused in words" if shown.get("problem") else "wrong: a file of the server"


async def strange_host(soak):
    async with Visitor(soak.server.address) as visitor:
        answer = await visitor.http.get("config", headers={"host": "evil.example"})
        return refusal(answer) if answer.status_code != 200 else "wrong: answered"


async def no_photo(soak):
    data = soak.draw()[1]
    broken = soak.random.choice([b"", data[: len(data) // 2], b"<svg></svg>", bytes(50_000), data[::-1]])
    async with Visitor(soak.server.address) as visitor:
        shown = await visitor.ask("look", {"path": await visitor.upload("a.jpg", broken)})
        return "refused in words" if shown.get("problem") else "shown"


async def bomb(soak):
    async with Visitor(soak.server.address) as visitor:
        path = await visitor.upload("bomb.zip", soak.random.choice(soak.bombs))
        answer = await visitor.ask("many_unpack", {"key": visitor.key, "path": path, "taken": ["x"] * 490})
        await visitor.ask("many_forget", {"key": visitor.key})
        return "refused in words" if answer.get("problem") else "unpacked"


async def too_much(soak):
    async with Visitor(soak.server.address) as visitor:
        answer = await visitor.http.post("gradio_api/queue/join", content=bytes(46 * 2**20))
        return refusal(answer)


GOOD = [one_photo, one_photo, many_photos, program, about_the_model]
BAD = [leaves_while_waiting, leaves_a_batch, never_listens, breaks_off, drips, nonsense, reads_the_server]
BAD += [strange_host, no_photo, bomb, too_much]


def refusal(answer):
    known = answer.status_code in (200, 202, 405, 406, *EXPECTED_REFUSALS)
    leaks = "Traceback" in answer.text
    return (
        f"answered {answer.status_code}" if known and not leaks else f"wrong: {answer.status_code} {answer.text[:80]}"
    )


async def raw(soak, data, seconds=0.0):
    """Send bytes as they are, and hang up after a while."""
    place = urlsplit(soak.server.address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(data)
    await asyncio.sleep(seconds)
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.close()


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


async def go_on(soak, minutes, pause):
    tasks = [asyncio.create_task(soak.visitors()) for _ in range(AT_ONCE)]
    end = time.monotonic() + 60 * minutes
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(left, 60 * pause))
        if end - time.monotonic() > 60:
            await soak.restart()
    soak.over = True
    await asyncio.gather(*tasks)


async def warm_up(soak):
    """One of each good kind, so that what is kept on purpose is there."""
    for kind in GOOD:
        await kind(soak)


def run(minutes, seed, pause):
    """dict of what is printed."""
    with Server(kept=KEPT_SECONDS) as server:
        soak = Soak(server, seed)
        asyncio.run(warm_up(soak))
        soak.started_with.append(server.megabytes())
        start = {"memory, MB": server.megabytes(), "disk, MB": server.disk()}
        asyncio.run(go_on(soak, minutes, pause))
        peak, most = server.megabytes("VmHWM"), server.disk()
        time.sleep(KEPT_SECONDS + 30)
        end = {"memory, MB": server.megabytes(), "disk, MB": server.disk()}
    requests = sum(sum(counts.values()) for counts in soak.table.values())
    return {
        "minutes": minutes,
        "seed": seed,
        "visitors": requests,
        "restarts": soak.restarts,
        "wrong": soak.wrong,
        "start": start,
        "memory after each start, MB": soak.started_with,
        "highest": {"memory since the last start, MB": peak, "disk as the last visitor left, MB": most},
        "end": end,
        "what became of them": {kind: dict(counts) for kind, counts in sorted(soak.table.items())},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--restart", type=float, default=3, metavar="MINUTES")
    options = parser.parse_args()
    print(json.dumps(run(options.minutes, options.seed, options.restart), indent=2, ensure_ascii=False))
