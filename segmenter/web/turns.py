"""Whose turn it is: nobody waits for those who left, and nobody fills the line alone.

Gradio's queue is one line for all, in which whoever asks most is served most, and in which questions stay whose askers
are gone. Here each client has a share of the line, their questions take turns with others', and what nobody waits for
is dropped.
"""

import asyncio
import ipaddress
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from segmenter.errors import PhotoError

MOST_WAITING = 64  # questions in a line
SHARE = 16  # of them, of one client: a whole office may share an address
LOOK_SECONDS = 0.5  # how often it is seen whether the asker is still there

Answer = TypeVar("Answer")


class Asker(NamedTuple):
    """Who asks."""

    client: str  # whose share it takes: see `client_of`
    session: str  # the tab of a browser, or a program


def client_of(peer: str | None, forwarded: str | None, session: str) -> str:
    """Whom a question is counted to.

    Args:
        peer: the address that the connection comes from.
        forwarded: the header X-Forwarded-For. It counts where the peer is none of the public web, so a proxy of
            ours; and of it the last public address, which that proxy or one before it has seen itself.
        session: what the client calls itself; it counts where no address tells clients apart.
    """
    if _is_public(peer):
        return str(peer)
    hops = [hop.strip() for hop in (forwarded or "").split(",")]
    public = [hop for hop in hops if _is_public(hop)]
    if public:
        return public[-1]
    return peer if peer and not _is_loopback(peer) else f"session {session}"


def asker_of(request: Any, session: str) -> Asker:
    """Who sent a request.

    Args:
        request: starlette's, or Gradio's view of it.
        session: what the client calls itself.
    """
    peer = request.client.host if request.client else None
    return Asker(client_of(peer, request.headers.get("x-forwarded-for"), session), session)


def _is_public(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_global
    except ValueError:
        return False


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def fair_place(clients: Sequence[str], newcomer: str) -> int:
    """Where in a line a newcomer stands: the first question of each client comes before the second of any.

    Args:
        clients: of the line's questions, in their order.
        newcomer: a client.

    Returns:
        index in the line.
    """
    rounds, place = Counter(), 0
    own = 1 + sum(client == newcomer for client in clients)
    for index, client in enumerate(clients, 1):
        rounds[client] += 1
        if rounds[client] <= own:
            place = index
    return place


def has_share(clients: Sequence[str], newcomer: str, share: int = SHARE) -> bool:
    """Whether a client has not used their share of a line up."""
    return sum(client == newcomer for client in clients) < share


def busy() -> PhotoError:
    """What a visitor reads whose question the line has no room for."""
    return PhotoError("Too many questions are waiting already. Please try again in a moment.", "server.busy")


class LeftError(Exception):
    """Nobody waits for the answer any more."""


class _Place:
    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.turn = asyncio.Event()


class Lane:
    """A line of its own for one kind of work, which runs in threads of its own.

    Args:
        at_once: how much of it runs at the same time.
        most: how many may wait.
        share: how many of them may be one client's.
    """

    def __init__(self, at_once: int = 1, most: int = MOST_WAITING, share: int = SHARE) -> None:
        self.at_once, self.most, self.share = at_once, most, share
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="lane")
        self._line: list[_Place] = []
        self._running: list[Asker] = []

    def ahead(self, session: str) -> int | None:
        """How many questions of others come before the first that a session has waiting; None where it has none."""
        for index, place in enumerate(self._line):
            if place.asker.session == session:
                return index + sum(asker.session != session for asker in self._running)
        return None

    async def run(
        self, asker: Asker, gone: Callable[[], Awaitable[bool]], work: Callable[[threading.Event], Answer]
    ) -> Answer:
        """Do work in its turn.

        Args:
            asker: Asker.
            gone: whether the asker is no longer there. They then lose their place; work that has begun is told.
            work: function of a threading.Event, which is set when nobody waits for the work any more.

        Returns:
            what the work returns.

        Raises:
            PhotoError: the line is full, or this client's share of it.
            LeftError: the asker left before the work began.
        """
        await self._wait(asker, gone)
        stopped = threading.Event()
        task = asyncio.get_running_loop().run_in_executor(self._threads, work, stopped)
        try:
            while not (await asyncio.wait([task], timeout=LOOK_SECONDS))[0]:
                if not stopped.is_set() and await gone():
                    stopped.set()
            return task.result()
        except asyncio.CancelledError:
            stopped.set()
            raise
        finally:
            if task.done():
                self._leave(asker)
            else:  # it goes on to where it looks at `stopped`, and keeps its place until then
                task.add_done_callback(lambda done: self._leave(asker, done))

    async def _wait(self, asker: Asker, gone: Callable[[], Awaitable[bool]]) -> None:
        clients = [place.asker.client for place in self._line]
        if len(clients) >= self.most or not has_share(clients, asker.client, self.share):
            raise busy()
        place = _Place(asker)
        self._line.insert(fair_place(clients, asker.client), place)
        self._call_next()
        try:
            while not place.turn.is_set():
                try:
                    await asyncio.wait_for(place.turn.wait(), LOOK_SECONDS)
                except TimeoutError:
                    if await gone():
                        raise LeftError from None
            self._running.append(asker)
        finally:
            if place in self._line:
                self._line.remove(place)
            self._call_next()

    def _call_next(self) -> None:
        called = sum(place.turn.is_set() for place in self._line)
        for place in self._line:
            if called + len(self._running) >= self.at_once:
                return
            if not place.turn.is_set():
                place.turn.set()
                called += 1

    def _leave(self, asker: Asker, done: asyncio.Future | None = None) -> None:
        if done is not None and not done.cancelled():
            done.exception()  # it was looked at
        self._running.remove(asker)
        self._call_next()


class Hearing:
    """Which sessions listen for their answers, and since when the others do not."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._left: dict[str, float] = {}

    def begin(self, session: str) -> None:
        """A stream of answers to this session is open."""
        self._open[session] += 1

    def end(self, session: str) -> None:
        """One is closed."""
        self._open[session] -= 1
        if self._open[session] <= 0:
            del self._open[session]
            self._left = {name: left for name, left in self._left.items() if time.monotonic() - left < 600}
            self._left[session] = time.monotonic()

    def silent_for(self, session: str, asked: float) -> float:
        """Seconds for which nobody has listened for an answer to what was asked at a time (of `time.monotonic`)."""
        return 0.0 if self._open[session] > 0 else time.monotonic() - max(asked, self._left.get(session, asked))
