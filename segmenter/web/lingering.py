"""How a connection is closed on which a request that was answered already is still coming in.

Were it closed at once, the system would answer what comes then with a reset, and a client that sends all it has before
it reads would never hear why it was refused. So only our own side is closed behind the answer, and what comes is thrown
away for a while.

Method: RFC 9112, section 9.6, https://www.rfc-editor.org/rfc/rfc9112#section-9.6
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple


class Linger(NamedTuple):
    """How long a connection is kept behind its last answer, while more of the request comes."""

    silence: float = 5.0  # seconds without anything
    longest: float = 30.0  # seconds in all
    most: int = 512 * 2**20  # bytes


LINGER = Linger()


class LingeringTransport:
    """A transport of asyncio's whose `close` lingers.

    Args:
        transport: asyncio.Transport.
        is_coming: whether a request is still coming in, so that there is something to wait for.
        linger: Linger.
    """

    def __init__(self, transport: Any, is_coming: Callable[[], bool], linger: Linger) -> None:
        self._transport, self._is_coming, self._linger = transport, is_coming, linger
        self.lingers = False
        self._dropped, self._ends = 0, 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing more can be answered."""
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        """Close our side now, and the whole connection once the other side has closed its own, or the time is over."""
        if self.lingers:
            return
        if self._transport.is_closing() or not self._is_coming() or not self._transport.can_write_eof():
            self._transport.close()
            return
        self.lingers = True
        self._transport.write_eof()
        self._transport.resume_reading()
        self._ends = asyncio.get_running_loop().time() + self._linger.longest
        self._wait(dropped=-1)

    def drop(self, data: bytes) -> None:
        """Throw away what has come meanwhile."""
        self._dropped += len(data)
        if self._dropped > self._linger.most:
            self.end()

    def end(self) -> None:
        """Linger no longer, now and later."""
        self._is_coming = lambda: False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.lingers:
            self._transport.abort()

    def _wait(self, dropped: int) -> None:
        """Look again after a while, and end where nothing has come since `dropped` bytes, or it took too long."""
        loop = asyncio.get_running_loop()
        left = self._ends - loop.time()
        if left <= 0 or dropped == self._dropped:
            self.end()
        else:
            self._timer = loop.call_later(min(left, self._linger.silence), self._wait, self._dropped)
