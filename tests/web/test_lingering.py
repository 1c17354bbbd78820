"""Who is refused before all of a request has come hears why; and nobody is listened to without end."""

import socket
import time
from typing import NamedTuple

import pytest

from segmenter.web.lingering import Linger
from tests.web.bare_server import served

MEGABYTE = bytes(2**20)
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
BRIEF = Linger(silence=0.5, longest=2.0, most=40 * 2**20)


async def refuse(scope, receive, send):
    """Answers every request at once, unread."""
    headers = [(b"content-length", b"2"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": b"no"})


@pytest.fixture(scope="module")
def address():
    with served(refuse, linger=BRIEF) as address:
        yield address


class Heard(NamedTuple):
    """What came back, and whether it ended as it should: not with a reset."""

    data: bytes
    in_order: bool


def hear(line):
    line.settimeout(60)
    data = b""
    try:
        while part := line.recv(65_536):
            data += part
    except ConnectionError:
        return Heard(data, False)
    return Heard(data, True)


def test_who_sends_all_of_it_first_hears_the_refusal(address):
    with socket.create_connection(address) as line:
        line.sendall(HEAD % (30 * len(MEGABYTE)))
        for _ in range(30):
            line.sendall(MEGABYTE)
        heard = hear(line)
    assert heard.in_order and heard.data.startswith(b"HTTP/1.1 413") and heard.data.endswith(b"\r\n\r\nno")


def test_who_stops_sending_is_not_waited_for(address):
    with socket.create_connection(address) as line:
        line.sendall(HEAD % len(MEGABYTE) + b"a")
        assert hear(line).data.endswith(b"no")
        assert is_closed(line, every=1.5, times=40)


def is_closed(line, every, times=600, data=b""):
    """Whether the other side takes nothing any more: our own side is not closed."""
    for _ in range(times):
        try:
            line.sendall(data or b"a")
        except ConnectionError:
            return True
        time.sleep(every)
    return False


def test_who_drips_is_not_listened_to_for_long(address):
    with socket.create_connection(address) as line:
        line.sendall(HEAD % len(MEGABYTE))
        assert is_closed(line, every=0.1)


def test_nor_who_sends_without_end(address):
    with socket.create_connection(address) as line:
        line.sendall(HEAD % 2**40)
        assert is_closed(line, every=0.0, times=2000, data=MEGABYTE)


def test_a_server_that_ends_does_not_wait_for_them():
    with served(refuse, linger=Linger(silence=600.0, longest=600.0)) as address:
        line = socket.create_connection(address)
        line.sendall(HEAD % len(MEGABYTE))
        assert hear(line).data.endswith(b"no")
    assert is_closed(line, every=0.1, times=20)
    line.close()
