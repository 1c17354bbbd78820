"""The lines of a page that is served, of visitors and of programs: they take turns, and what nobody waits for is dropped."""

import asyncio
import threading
import time

import httpx
import pytest

import app
from segmenter.web import gradio_queue, sent_zip, turns
from tests.sent import zipped
from tests.standin import RedSegmenter, as_jpeg, red_disc
from tests.visitor import Refused, Visitor

SLOW_WIDTH = 77  # a photo of this width is worked on until it is let go
SLOW, QUICK = as_jpeg(red_disc(SLOW_WIDTH, 60)), as_jpeg(red_disc(80, 60))


class Slow(RedSegmenter):
    """Says when it has begun with a slow photo, and waits with it."""

    def __init__(self):
        self.begun, self.let_go = threading.Semaphore(0), threading.Event()
        self.worked = []

    def probabilities(self, photo):
        self.worked.append(photo.shape[1])
        if photo.shape[1] == SLOW_WIDTH:
            self.begun.release()
            self.let_go.wait(120)
        return super().probabilities(photo)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(address, the segmenter, the page) of a page of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        segmenter = Slow()
        page = app.build_page(segmenter)
        _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
        yield address, segmenter, page
        segmenter.let_go.set()
        page.close()


@pytest.fixture
def busy(served):
    """The page, at work with programs' two slow photos until `let_go` is set: (address, segmenter, page)."""
    address, segmenter, page = served
    segmenter.let_go.clear()
    segmenter.worked.clear()

    async def keep_busy():
        async with Visitor(address, "1.1.1.1") as visitor:
            path = await visitor.upload("slow.jpg", SLOW)
            await asyncio.gather(*(visitor.join("probability", path) for _ in range(app.AT_ONCE)))

    asyncio.run(keep_busy())
    for _ in range(app.AT_ONCE):
        assert segmenter.begun.acquire(timeout=60)
    yield address, segmenter, page
    segmenter.let_go.set()
    wait_until(lambda: not page._queue.event_ids_to_events)


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert true()


def waiting(page):
    return len(page._queue)


def ahead_of(page, session):
    """How many programs' questions come before the first that a session has waiting; None where it has none."""
    for line in page._queue.event_queue_per_concurrency_id.values():
        for index, event in enumerate(line.queue):
            if event.session_hash == session:
                return index + line.current_concurrency
    return None


async def look_slowly(visitor, segmenter):
    """Let a visitor take all places for single photos with slow ones: (the question, the tasks that wait for answers)."""
    slow = {"path": await visitor.upload("slow.jpg", SLOW)}
    asked = [asyncio.create_task(visitor.ask("look", slow)) for _ in range(app.AT_ONCE)]
    while len(segmenter.worked) < app.AT_ONCE:
        await asyncio.sleep(0.05)
    return slow, asked


def test_a_program_cannot_fill_the_queue(busy):
    address, segmenter, page = busy

    async def ask():
        async with Visitor(address, "8.8.8.8") as greedy, Visitor(address, "9.9.9.9") as other:
            path = await greedy.upload("a.jpg", QUICK)
            refusals = 0
            for _ in range(70):
                try:
                    await greedy.join("probability", path)
                except Refused as refusal:
                    assert refusal.args[0] == 503 and "waiting already" in refusal.args[1]
                    refusals += 1
            assert refusals == 70 - turns.SHARE
            own = await other.upload("b.jpg", QUICK)
            answer = asyncio.create_task(other.call("probability", own))
            while ahead_of(page, other.session) is None:
                await asyncio.sleep(0.05)
            ahead = ahead_of(page, other.session)
            segmenter.let_go.set()
            return ahead, await answer

    ahead, (file,) = asyncio.run(ask())
    assert ahead == 1 + app.AT_ONCE  # one of the greedy visitor's, and those that are being worked on
    assert file["orig_name"] == "b-probability.png"


def test_who_leaves_is_not_waited_for(busy):
    address, segmenter, page = busy

    async def leave(number):
        async with Visitor(address, f"8.8.4.{number}") as visitor:
            path = await visitor.upload("a.jpg", QUICK)
            task = asyncio.create_task(visitor.call("probability", path))
            while ahead_of(page, visitor.session) is None or not page._queue.hearing._open[visitor.session]:
                await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def all_leave():
        await asyncio.gather(*(leave(number) for number in range(6)))

    asyncio.run(all_leave())
    wait_until(lambda: waiting(page) == 0)
    segmenter.let_go.set()
    assert segmenter.worked.count(80) == 0


def test_what_nobody_listens_for_makes_room_when_the_line_is_full(busy, monkeypatch):
    address, segmenter, page = busy
    monkeypatch.setattr(gradio_queue, "UNHEARD_IN_A_FULL_LINE", 0.0)

    async def ask():
        for number in range(4):
            async with Visitor(address, f"8.8.5.{number}") as visitor:
                path = await visitor.upload("a.jpg", QUICK)
                for _ in range(turns.SHARE):
                    await visitor.join("probability", path)
        assert waiting(page) == turns.MOST_WAITING
        async with Visitor(address, "9.9.9.9") as visitor:
            path = await visitor.upload("a.jpg", QUICK)
            answer = asyncio.create_task(visitor.call("probability", path))
            await asyncio.sleep(0.3)
            segmenter.let_go.set()
            return await answer

    assert asyncio.run(ask())[0]["orig_name"] == "a-probability.png"


def test_what_nobody_has_listened_for_for_long_is_dropped(busy, monkeypatch):
    address, segmenter, page = busy
    monkeypatch.setattr(gradio_queue, "UNHEARD", 0.2)
    monkeypatch.setattr(gradio_queue, "LOOK_SECONDS", 0.1)

    async def ask():
        async with Visitor(address, "8.8.8.8") as visitor:
            path = await visitor.upload("a.jpg", QUICK)
            await visitor.join("probability", path)

    asyncio.run(ask())
    wait_until(lambda: waiting(page) == 0)


def test_a_program_that_asks_late_hears_that_it_was_dropped(busy, monkeypatch):
    address, _, page = busy
    monkeypatch.setattr(gradio_queue, "UNHEARD", 0.0)
    monkeypatch.setattr(gradio_queue, "LOOK_SECONDS", 0.1)

    async def ask():
        async with Visitor(address, "8.8.8.8") as visitor:
            path = await visitor.upload("a.jpg", QUICK)
            file = {"path": path, "meta": {"_type": "gradio.FileData"}}
            asked = await visitor.http.post("gradio_api/call/probability", json={"data": [file]})
            event = asked.json()["event_id"]
            while waiting(page):
                await asyncio.sleep(0.05)
            return (await visitor.http.get(f"gradio_api/call/probability/{event}")).text

    answer = asyncio.run(ask())
    assert answer.startswith("event: error") and "ask again" in answer


def test_visitors_take_turns_and_one_cannot_fill_the_line(served):
    address, segmenter, _ = served
    segmenter.let_go.clear()
    segmenter.worked.clear()

    async def ask():
        async with Visitor(address, "8.8.8.8") as greedy, Visitor(address, "9.9.9.9") as other:
            slow, asked = await look_slowly(greedy, segmenter)
            asked += [asyncio.create_task(greedy.ask("save", slow)) for _ in range(turns.SHARE + 3)]
            refused, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            while len(refused) < 3:
                await asyncio.sleep(0.05)
                refused = [task for task in asked if task.done()]
            own = {"path": await other.upload("b.jpg", QUICK)}
            answer = asyncio.create_task(other.ask("look", own))
            while (ahead := (await other.ask("line", {"of": "look"}))["ahead"]) == 0:
                await asyncio.sleep(0.05)
            segmenter.let_go.set()
            shown = await answer
            finished = sum(task.done() for task in asked) - len(refused)
            await asyncio.gather(*asked)
            return [task.result()["problem"]["en"] for task in refused], ahead, shown, finished

    refusals, ahead, shown, finished = asyncio.run(ask())
    assert len(refusals) == 3 and all("waiting already" in words for words in refusals)
    assert ahead == 1 + app.AT_ONCE  # one of the greedy visitor's, and those that are being worked on
    assert shown["width"] == 80 and finished < turns.SHARE


def test_a_visitor_who_leaves_is_not_waited_for(served):
    address, segmenter, _ = served
    segmenter.let_go.clear()
    segmenter.worked.clear()

    async def ask():
        async with Visitor(address, "8.8.8.8") as first, Visitor(address, "9.9.9.9") as second:
            _, working = await look_slowly(first, segmenter)
            leaves = asyncio.create_task(second.ask("look", {"path": await second.upload("b.jpg", QUICK)}))
            while (await second.ask("line", {}))["ahead"] != app.AT_ONCE:
                await asyncio.sleep(0.05)
            leaves.cancel()
            await asyncio.gather(leaves, return_exceptions=True)
            while (await second.ask("line", {}))["ahead"] != 0:
                await asyncio.sleep(0.05)
            segmenter.let_go.set()
            await asyncio.gather(*working)

    asyncio.run(ask())
    assert segmenter.worked == [SLOW_WIDTH] * app.AT_ONCE


def test_the_queue_cannot_be_passed_by(served):
    address, *_ = served
    for route in ("run", "api"):
        for name in ("cut", "predict", "probability/"):
            assert httpx.post(f"{address}gradio_api/{route}/{name}", json={"data": []}).status_code == 404


def test_a_batch_that_nobody_waits_for_ends(served):
    address, segmenter, page = served
    segmenter.let_go.clear()
    segmenter.worked.clear()

    async def leave():
        async with Visitor(address, "8.8.8.8") as visitor:
            names = {f"{number}.jpg": as_jpeg(red_disc(SLOW_WIDTH, 60 + number)) for number in range(9)}
            path = await visitor.upload("photos.zip", zipped(**names))
            file = {"path": path, "meta": {"_type": "gradio.FileData"}}
            event = (await visitor.http.post("gradio_api/call/batch", json={"data": [[file]]})).json()["event_id"]
            listening = asyncio.create_task(visitor.http.get(f"gradio_api/call/batch/{event}"))
            while not segmenter.worked:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(leave())
    wait_until(lambda: not any(event.alive for event in page._queue.event_ids_to_events.values()))
    segmenter.let_go.set()
    wait_until(lambda: not page._queue.event_ids_to_events)
    assert len(segmenter.worked) <= 3  # what had begun is finished


def test_a_photo_of_many_whose_visitor_left_is_not_worked_on(served):
    address, segmenter, _ = served
    segmenter.let_go.clear()
    segmenter.worked.clear()

    async def ask():
        async with Visitor(address, "8.8.8.8") as first, Visitor(address, "9.9.9.9") as second:
            question = {"key": first.key, "name": "a.jpg", "path": await first.upload("a.jpg", SLOW), "choices": {}}
            working = asyncio.create_task(first.ask("many_cut", question))
            while not segmenter.worked:
                await asyncio.sleep(0.05)
            other = {"key": second.key, "name": "b.jpg", "path": await second.upload("b.jpg", QUICK), "choices": {}}
            waits = asyncio.create_task(second.ask("many_cut", other))
            while (await second.ask("line", {"of": "many_cut"}))["ahead"] != 1:
                await asyncio.sleep(0.05)
            others = [await second.ask("line", question) for question in ({"of": "many_zip"}, {"of": ["many_cut"]}, 7)]
            assert [answer["ahead"] for answer in others] == [0, 1, 1]  # in another line; in the longest
            waits.cancel()
            await asyncio.gather(waits, return_exceptions=True)
            while (await second.ask("line", {}))["ahead"] != 0:
                await asyncio.sleep(0.05)
            segmenter.let_go.set()
            return await working

    assert asyncio.run(ask())["problem"] is None
    assert 80 not in segmenter.worked


def test_the_model_is_told_of_while_zips_are_unpacked(served, monkeypatch):
    address, *_ = served
    begun, end = threading.Event(), threading.Event()

    def stall(path):
        begun.set()
        end.wait(60)

    monkeypatch.setattr(sent_zip, "check_entries", stall)

    async def ask():
        async with Visitor(address, "8.8.8.8") as first, Visitor(address, "9.9.9.9") as second:
            path = await first.upload("photos.zip", zipped(**{"a.jpg": QUICK}))
            unpacking = [
                asyncio.create_task(first.ask("many_unpack", {"key": first.key, "path": path})) for _ in range(3)
            ]
            while not begun.is_set():
                await asyncio.sleep(0.05)
            about = await second.ask("about", {})
            own = await second.upload("b.jpg", QUICK)
            made = await second.ask("many_cut", {"key": second.key, "name": "b.jpg", "path": own, "choices": {}})
            end.set()
            await asyncio.gather(*unpacking)
            return about, made

    about, made = asyncio.run(ask())
    assert "weights" in about and made["problem"] is None
