"""How much a request may bring: looked at before anything of it is decoded.

Gradio bounds the files that are uploaded, and nothing else: a question of 200 MB would be read into memory,
and decoded there, whatever it says.
"""

import json
import logging
from typing import Any

MAX_MEGABYTES = 45  # of a body that is no upload: a photo of 30 MB as a data URI is 40 MB
UPLOADS = "/gradio_api/upload"  # bounded by Gradio itself, file by file
CLOSED = ("/gradio_api/process_recording",)  # routes of Gradio's that this page has no use for, and that leave files
# What Python's own readers raise on JSON and names that nobody means: nesting without end, lone surrogates.
UNREADABLE = (RecursionError, UnicodeError, OverflowError)

log = logging.getLogger(__name__)


class Limits:
    """ASGI middleware that answers too large a request in words (413), and one that cannot be read (400).

    Args:
        app: the ASGI application behind it.
        most_bytes: of a body that is no upload.
    """

    def __init__(self, app: Any, most_bytes: int = MAX_MEGABYTES * 2**20) -> None:
        self.app, self.most_bytes = app, most_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "").rstrip("/")
        if scope["type"] != "http" or path.endswith(UPLOADS):
            await self.app(scope, receive, send)
        elif path.endswith(CLOSED):
            await answer(send, 404, "This page has no use for recordings.")
        elif _stated_length(scope) > self.most_bytes:
            await self._refuse(send)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope, receive, send):
        """Pass a request on that does not say how long it is, or may not be as long as it says."""
        received, begun = 0, False

        async def counted():
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.most_bytes:
                raise _TooMuch
            return message

        async def watched(message):
            nonlocal begun
            if received <= self.most_bytes:  # else what the application says of it is not the reason
                begun = True
                await send(message)

        try:
            await self.app(scope, counted, watched)
        except UNREADABLE:
            if begun:
                raise
            log.info("a request to %s could not be read", scope["path"], exc_info=True)
            await answer(send, 400, "This request cannot be read. Please send plain JSON that is not nested deeply.")
        except (
            Exception
        ):  # whatever the application makes of `_TooMuch`, which it may have wrapped in an error of its own
            if received <= self.most_bytes:
                raise
        if received > self.most_bytes and not begun:
            await self._refuse(send)

    async def _refuse(self, send):
        limit = self.most_bytes // 2**20
        await answer(send, 413, f"This request is larger than {limit} MB. Please upload the file, and name its path.")


class _TooMuch(Exception):
    """More has arrived than may."""


def _stated_length(scope):
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


async def answer(send: Any, status: int, words: str) -> None:
    """The words in the form of FastAPI's own refusals. What is left of the request is not read."""
    body = json.dumps({"detail": words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
