"""Connections on which the head of a request does not arrive are closed; others are not."""

import socket
import time

import pytest

from tests.web.bare_server import served

SECONDS = 0.5
ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def slow_answer(scope, receive, send):
    """Answers after longer than the patience for a head."""
    import asyncio

    await asyncio.sleep(2 * SECONDS)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def address():
    with served(slow_answer, SECONDS) as address:
        yield address


def heard(line):
    """What comes until the other side closes the connection."""
    line.settimeout(60)
    data = b""
    try:
        while part := line.recv(4096):
            data += part
    except ConnectionResetError:
        pass
    return data


@pytest.mark.parametrize("head", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "])
def test_a_head_that_does_not_arrive_is_not_waited_for(address, head):
    with socket.create_connection(address) as line:
        line.sendall(head)
        assert heard(line) == b""


def test_nor_is_one_that_drips(address):
    with socket.create_connection(address) as line:
        with pytest.raises(OSError):
            for letter in ASK * 100:
                line.sendall(bytes([letter]))
                time.sleep(SECONDS / 5)


def test_an_answer_may_take_longer_and_another_question_may_follow(address):
    with socket.create_connection(address) as line:
        for _ in range(2):
            line.sendall(ASK)
            data = b""
            while not data.endswith(b"ok"):
                part = line.recv(4096)
                assert part, "the connection was closed"
                data += part
            assert data.startswith(b"HTTP/1.1 200")


def test_a_second_head_has_no_more_time_than_the_first(address):
    with socket.create_connection(address) as line:
        line.sendall(ASK)
        while not line.recv(4096).endswith(b"ok"):
            pass
        line.sendall(b"GET / HTTP/1.1\r\nHos")
        assert heard(line) == b""
