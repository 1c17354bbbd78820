"""Requests byte by byte, as no well-behaved client would send them."""

import contextlib
import json
import socket
import time
from typing import NamedTuple

SECONDS = 60  # for an answer to a whole request; a server that needs longer fails the test
SILENCE = 1  # second, after which nothing more is expected where a request may not be whole


class Answer(NamedTuple):
    """What came back. Where the connection was closed without a word, the status is 0."""

    status: int
    head: bytes
    body: bytes


def send(address: tuple[str, int], data: bytes, whole: bool = True) -> Answer:
    """Send bytes and nothing more, and read until the server closes the connection.

    Args:
        address: host and port.
        data: of one request, or something like it.
        whole: whether the server must have an answer; else silence is one.
    """
    received = bytearray()
    with socket.create_connection(address, SECONDS) as connection:
        with contextlib.suppress(ConnectionError):  # it has heard enough already, and may have answered
            connection.sendall(data)
        connection.settimeout(SECONDS if whole else SILENCE)
        with contextlib.suppress(ConnectionError, *(() if whole else (TimeoutError,))):
            ends = time.monotonic() + SECONDS  # some streams have no end
            while time.monotonic() < ends and (part := connection.recv(65_536)):
                received += part
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return Answer(int(words[1]) if len(words) > 1 and words[1].isdigit() else 0, head, body)


def request(
    target: str | bytes,
    method: str = "GET",
    body: bytes = b"",
    headers: tuple[bytes, ...] = (),
    host: bytes = b"127.0.0.1",
) -> bytes:
    """A request that is right but for what is given. The connection is closed after it."""
    target = target.encode("latin-1") if isinstance(target, str) else target
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *headers]
    if body or method == "POST":
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def as_json(target: str, value: object | bytes, headers: tuple[bytes, ...] = ()) -> bytes:
    """A POST of JSON; bytes are sent as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return request(target, "POST", body, (b"Content-Type: application/json", *headers))


def upload(parts: list[tuple[bytes, bytes]], query: str = "", boundary: bytes = b"x") -> bytes:
    """An upload of (the headers of a part, its data)."""
    lines = b"".join(b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n" for head, data in parts)
    body = lines + b"--" + boundary + b"--\r\n"
    kind = b"Content-Type: multipart/form-data; boundary=" + boundary
    return request(f"/gradio_api/upload{query}", "POST", body, (kind,))


def file_part(name: bytes) -> bytes:
    """The headers of a part that is a file of this name."""
    return b'Content-Disposition: form-data; name="files"; filename="' + name + b'"\r\nContent-Type: image/png'
