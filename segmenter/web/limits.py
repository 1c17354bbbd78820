"""How much a request may bring, and how slowly: looked at before anything of it is decoded.

Gradio bounds the files that are uploaded, and nothing else: a question of 200 MB would be read into memory,
and decoded there, whatever it says; and who sends a byte a minute would be waited for.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from segmenter.errors import FULL, PhotoError
from segmenter.web.disk import no_room
from segmenter.web.guard import answer

MAX_MEGABYTES = 45  # of a body that is no upload: a photo of 30 MB as a data URI is 40 MB
MAX_UPLOAD_MEGABYTES = 2048  # of all files of one upload; of a single one less is taken
UPLOADS = "/gradio_api/upload"  # whose files Gradio bounds one by one
# What Python's own readers raise on JSON and names that nobody means: nesting without end, lone surrogates.
UNREADABLE = (RecursionError, UnicodeError, OverflowError)
LOOKED_AT = 8 * 2**20  # bytes of an upload after which the room for it is looked at anew

log = logging.getLogger(__name__)


class Pace(NamedTuple):
    """How slow a visitor's line may be."""

    silence: float = 30.0  # seconds without anything of a request that has begun
    grace: float = 30.0  # seconds in which nothing is asked of the rate
    rate: float = 4096.0  # bytes a second of a request, after that, on average
    unread: float = 120.0  # seconds in which nothing of an answer is taken


PACE = Pace()


class Limits:
    """ASGI middleware that refuses in words: too large a request (413), one that nobody can read (400), that comes too
    slowly (408), or for whose files there is no room (507).

    Args:
        app: the ASGI application behind it.
        most_bytes: of a body that is no upload.
        most_upload: of one that is.
        pace: Pace.
        check_room: function (bytes that are about to come) that raises a PhotoError where there is no room for them.
    """

    def __init__(
        self,
        app: Any,
        most_bytes: int = MAX_MEGABYTES * 2**20,
        most_upload: int = MAX_UPLOAD_MEGABYTES * 2**20,
        pace: Pace = PACE,
        check_room: Callable[[int], None] = lambda coming: None,
    ) -> None:
        self.app, self.most_bytes, self.most_upload = app, most_bytes, most_upload
        self.pace, self.check_room = pace, check_room
        self.coming = 0  # bytes of uploads that have been let in and are not here yet

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = _Upload if scope.get("path", "").rstrip("/").endswith(UPLOADS) else _Request
        await request(self, scope, receive, send).run()


class _Refused(Exception):
    """The request is not read any further: the status and the words for it."""

    def __init__(self, status: int, words: str, **more: Any) -> None:
        super().__init__(words)
        self.status, self.words, self.more = status, words, more


class _Request:
    """One request that is passed on while it keeps to the limits."""

    def __init__(self, limits: Limits, scope: Any, receive: Any, send: Any) -> None:
        self.limits, self.scope, self._receive, self._send = limits, scope, receive, send
        self.most = limits.most_bytes
        self.stated = _stated_length(scope)
        self.received, self.started, self.whole, self.begun = 0, time.monotonic(), False, False
        self.refused: _Refused | None = None
        self.left = False  # before all of the request was here

    async def run(self) -> None:
        try:
            await self.enter()
            await self.limits.app(self.scope, self.receive, self.send)
        except _Refused as refusal:
            self.refused = refusal
        except UNREADABLE:
            if self.begun:
                raise
            log.info("a request to %s could not be read", self.scope["path"], exc_info=True)
            words = "This request cannot be read. Please send plain JSON that is not nested deeply."
            self.refused = _Refused(400, words)
        except Exception as error:  # whatever the application makes of a refusal, which it may have wrapped
            if getattr(error, "errno", None) in FULL and not self.begun:
                self.refused = _no_room()
            if self.left:
                log.info("who asked %s left before all of it was here", self.scope["path"])
            elif self.refused is None:
                raise
        finally:
            self.leave()
        if self.refused is not None and not self.begun:
            await answer(self._send, self.refused.status, self.refused.words, **self.refused.more)

    async def enter(self) -> None:
        """Refuse what is too large by its own word."""
        if self.stated > self.most:
            raise self.too_large()

    def leave(self) -> None:
        """The request is over, whatever became of it."""

    def too_large(self) -> _Refused:
        words = f"This request is larger than {self.most // 2**20} MB. Please upload the file, and name its path."
        return _Refused(413, words)

    async def receive(self) -> Any:
        """What the application reads instead of the server's own."""
        if self.refused:
            raise self.refused
        if self.whole:  # nothing more comes but the news that the visitor left
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self.limits.pace.silence)
            self.received += len(message.get("body", b""))
            self.left = message["type"] == "http.disconnect"
            self.whole = message["type"] != "http.request" or not message.get("more_body", False)
            await self.look(message.get("body", b""))
        except TimeoutError:
            self.refused = _too_slow()
            raise self.refused from None
        except _Refused as refusal:
            self.refused = refusal
            raise
        return message

    async def look(self, body: bytes) -> None:
        """Raise a _Refused where what has come breaks a limit."""
        if self.received > self.most:
            raise self.too_large()
        pace, seconds = self.limits.pace, time.monotonic() - self.started
        if not self.whole and seconds > pace.grace and self.received < pace.rate * (seconds - pace.grace):
            raise _too_slow()

    async def send(self, message: Any) -> None:
        """What the application answers by; what it says of a refused request is not the reason."""
        if self.refused and not self.begun:
            return
        self.begun = True
        try:
            await asyncio.wait_for(self._send(message), self.limits.pace.unread)
        except TimeoutError:
            raise ConnectionError("nobody reads the answer") from None


class _Upload(_Request):
    """One upload: a form with files and nothing else, for which there must be room."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.most = self.limits.most_upload
        self.form = _files_alone(self.scope)
        self.looked = 0

    async def enter(self) -> None:
        await super().enter()
        self.limits.coming += self.stated
        await self.check_room()

    def leave(self) -> None:
        self.limits.coming -= self.stated

    def too_large(self) -> _Refused:
        return _Refused(413, f"These files are larger than {self.most // 2**20} MB in all. Please divide them.")

    async def look(self, body: bytes) -> None:
        await super().look(body)
        if self.form and body:
            try:
                self.form.write(body)
            except MultipartParseError:
                self.form = None  # Gradio says so
        if self.received - self.looked > LOOKED_AT:
            self.looked = self.received
            await self.check_room()

    async def check_room(self) -> None:
        coming = max(self.limits.coming, 0 if self.stated else self.received)
        try:
            await asyncio.to_thread(self.limits.check_room, coming)
        except PhotoError as error:
            raise _Refused(507, str(error), code=error.code) from error
        except OSError as error:  # the folder is not to be had
            raise _no_room() from error


def _files_alone(scope: Any) -> MultipartParser | None:
    """A reader of the upload's form that raises a _Refused where a part is no file.

    Gradio keeps such parts in memory, however large they are. None: it is no form.
    """
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    boundary = parse_options_header(kind)[1].get(b"boundary")
    if not boundary:
        return None
    name, value = bytearray(), bytearray()
    is_file = [False]

    def begin() -> None:
        is_file[0] = False

    def end_of_header() -> None:
        if name.lower() == b"content-disposition":
            is_file[0] = b"filename" in parse_options_header(bytes(value))[1]
        name.clear()
        value.clear()

    def end_of_headers() -> None:
        if not is_file[0]:
            raise _Refused(400, "An upload has files alone. Please give each part of the form a filename.")

    def adder(text: bytearray) -> Callable[[bytes, int, int], None]:
        def add(data: bytes, start: int, end: int) -> None:
            text.extend(data[start:end])
            if len(text) > 8192:
                raise _Refused(400, "A part of this form has headers without end.")

        return add

    callbacks: Any = {
        "on_part_begin": begin,
        "on_header_field": adder(name),
        "on_header_value": adder(value),
        "on_header_end": end_of_header,
        "on_headers_finished": end_of_headers,
    }
    return MultipartParser(boundary, callbacks)


def _too_slow() -> _Refused:
    return _Refused(408, "This request took too long to arrive. Please check the connection and send it again.")


def _no_room() -> _Refused:
    error = no_room()
    return _Refused(507, str(error), code=error.code)


def _stated_length(scope: Any) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0
