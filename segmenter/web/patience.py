"""How long a connection may take to say what it wants.

uvicorn waits for the head of a request without end once a first byte has come, or none: thousands of such connections
cost nothing to hold, and take the place of visitors (slowloris).
"""

import asyncio
from typing import Any

SECONDS = 15.0  # for the head of a request, and before the first one


class Patience:
    """Put before one of uvicorn's protocol classes: closes connections on which the head of a request does not arrive.

    After an answer uvicorn itself closes those on which nothing comes.
    """

    seconds = SECONDS
    transport: Any
    cycle: Any  # of the request that is answered, or was last
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)  # type: ignore[misc]
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)  # type: ignore[misc]

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


def patient(protocol: type, seconds: float = SECONDS) -> type:
    """A protocol class of uvicorn's with the patience of so many seconds."""
    return type(f"Patient{protocol.__name__}", (Patience, protocol), {"seconds": seconds})
