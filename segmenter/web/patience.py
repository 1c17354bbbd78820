"""How long a connection may take to say what it wants.

uvicorn waits for the head of a request without end once a first byte has come, or none: thousands of such connections
cost nothing to hold, and take the place of visitors (slowloris). How long one is kept whose request was answered before
all of it was here, `segmenter.web.lingering` says.
"""

import asyncio
from typing import Any

from segmenter.web.lingering import LINGER, Linger, LingeringTransport

SECONDS = 15.0  # for the head of a request, and before the first one


class Patience:
    """Put before one of uvicorn's protocol classes: closes connections on which the head of a request does not arrive.

    After an answer uvicorn itself closes those on which nothing comes.
    """

    seconds = SECONDS
    linger = LINGER
    transport: Any
    cycle: Any  # of the request that is answered, or was last
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(LingeringTransport(transport, self._is_coming, self.linger))  # type: ignore[misc]
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self.transport.lingers:
            self.transport.drop(data)
            return
        super().data_received(data)  # type: ignore[misc]
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self.transport.end()
        super().connection_lost(exc)  # type: ignore[misc]

    def shutdown(self) -> None:
        self.transport.end()
        super().shutdown()  # type: ignore[misc]

    def _is_coming(self) -> bool:
        return self.cycle is not None and self.cycle.more_body

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.seconds, self._give_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering and not self.transport.is_closing():
            self.transport.abort()


def patient(protocol: type, seconds: float = SECONDS, linger: Linger = LINGER) -> type:
    """A protocol class of uvicorn's with the patience of so many seconds, which lingers as long as is said."""
    return type(f"Patient{protocol.__name__}", (Patience, protocol), {"seconds": seconds, "linger": linger})
