"""Lines in which nobody fills all places, and nobody waits for those who left."""

import asyncio
import threading
import time

import pytest

from segmenter.errors import PhotoError
from segmenter.web.turns import Asker, Hearing, Lane, LeftError, client_of, fair_place, has_share

ANN, BOB = Asker("8.8.8.8", "ann"), Asker("9.9.9.9", "bob")


async def stays():
    return False


async def left():
    return True


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("8.8.8.8", None, "8.8.8.8"),
        ("8.8.8.8", "9.9.9.9", "8.8.8.8"),  # who comes straight from the web may say what they like
        ("10.0.0.1", "9.9.9.9", "9.9.9.9"),  # behind a proxy
        ("10.0.0.1", "1.1.1.1, 9.9.9.9, 10.0.0.7", "9.9.9.9"),  # what the visitor wrote stands first
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("127.0.0.1", None, "session tab"),
        ("::1", "", "session tab"),
        (None, None, "session tab"),
    ],
)
def test_whose_share_a_question_takes(peer, forwarded, client):
    assert client_of(peer, forwarded, "tab") == client


def test_the_first_of_each_comes_before_the_second_of_any():
    line = []
    for newcomer in "aaaabbca":
        line.insert(fair_place(line, newcomer), newcomer)
    assert "".join(line) == "abcabaaa"


def test_a_share_is_used_up():
    assert has_share(["a", "b", "a"], "b", share=2) and not has_share(["a", "b", "a"], "a", share=2)


def test_one_visitor_does_not_keep_another_waiting():
    async def ask():
        lane, done, begin = Lane(), [], threading.Event()

        def work(name):
            return lambda stopped: begin.wait(30) and done.append(name)

        tasks = [asyncio.create_task(lane.run(ANN, stays, work("ann"))) for _ in range(4)]
        await asyncio.sleep(0.05)
        tasks.append(asyncio.create_task(lane.run(BOB, stays, work("bob"))))
        await asyncio.sleep(0.05)
        ahead = lane.ahead("ann"), lane.ahead("bob"), lane.ahead("nobody")
        begin.set()
        await asyncio.gather(*tasks)
        return done, ahead

    done, ahead = asyncio.run(ask())
    assert done.index("bob") == 2 and len(done) == 5  # one was begun, and Ann's next one was there first
    assert ahead == (0, 2, None)  # of others'


@pytest.mark.parametrize(("most", "share"), [(2, 9), (9, 2)])
def test_a_full_line_is_said_in_words(most, share):
    async def ask():
        lane, begin = Lane(most=most, share=share), threading.Event()
        tasks = [asyncio.create_task(lane.run(ANN, stays, lambda stopped: begin.wait(30))) for _ in range(3)]
        await asyncio.sleep(0.05)
        try:
            with pytest.raises(PhotoError, match="waiting already"):
                await lane.run(ANN, stays, lambda stopped: None)
        finally:
            begin.set()
        await asyncio.gather(*tasks)

    asyncio.run(ask())


def test_who_leaves_loses_their_place_and_no_work_is_done_for_them():
    async def ask():
        lane, begin, done = Lane(), threading.Event(), []
        first = asyncio.create_task(lane.run(ANN, stays, lambda stopped: begin.wait(30)))
        await asyncio.sleep(0.05)
        with pytest.raises(LeftError):
            await lane.run(BOB, left, lambda stopped: done.append("bob"))
        begin.set()
        await first
        assert await lane.run(ANN, stays, lambda stopped: 7) == 7
        return done

    assert asyncio.run(ask()) == []


def test_work_that_has_begun_is_told_that_its_asker_left():
    async def ask():
        return await Lane().run(ANN, left, lambda stopped: stopped.wait(30))

    assert asyncio.run(ask()) is True


def test_work_that_fails_makes_room_for_the_next():
    async def ask():
        lane = Lane()
        with pytest.raises(ZeroDivisionError):
            await lane.run(ANN, stays, lambda stopped: 1 / 0)
        return await lane.run(ANN, stays, lambda stopped: 7)

    assert asyncio.run(ask()) == 7


def test_a_lane_never_does_more_at_once_than_it_may():
    running, most = [], []

    def work(stopped):
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()

    async def ask():
        lane = Lane(2)
        await asyncio.gather(*(lane.run(Asker(str(n % 5), str(n)), stays, work) for n in range(20)))

    asyncio.run(ask())
    assert max(most) == 2 and len(most) == 20


def test_who_listens_is_not_silent():
    hearing, asked = Hearing(), time.monotonic() - 100
    assert hearing.silent_for("tab", asked) >= 100
    hearing.begin("tab")
    hearing.begin("tab")
    hearing.end("tab")
    assert hearing.silent_for("tab", asked) == 0
    hearing.end("tab")
    assert 0 <= hearing.silent_for("tab", asked) < 50
