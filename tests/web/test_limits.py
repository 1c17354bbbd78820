"""Requests that are too large, or that nobody can read, get a refusal in words, before they are decoded."""

import asyncio
import errno
import json

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.middleware import Middleware

import app as page
from segmenter.web.disk import no_room
from segmenter.web.limits import Limits, Pace

MOST = 1000


@pytest.fixture
def ask():
    """Post a body to an application behind the limits; the answer, and how often the application read one whole."""
    inner, read = FastAPI(), []

    @inner.post("/{path:path}")
    async def answer(request: Request):
        data = await request.body()
        read.append(len(data))
        return json.loads(data) if data.startswith(b"[") else len(data)

    async def post(path, content):
        transport = httpx.ASGITransport(Limits(inner, MOST))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.post(path, content=content), list(read)

    return lambda path, content: asyncio.run(post(path, content))


async def in_parts(count):
    for _ in range(count):
        yield bytes(100)


def test_what_is_within_the_limit_passes(ask):
    assert ask("/gradio_api/queue/join", bytes(MOST))[0].json() == MOST
    assert ask("/gradio_api/queue/join", in_parts(10))[0].json() == MOST


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/mcp/", "/gradio_api/call/cut", "/upload"])
@pytest.mark.parametrize("content", [bytes(MOST + 1), 11], ids=["its length stated", "in parts"])
def test_what_is_larger_is_refused_before_it_is_read(ask, path, content):
    answer, read = ask(path, content if isinstance(content, bytes) else in_parts(content))
    assert answer.status_code == 413 and "larger than" in answer.json()["detail"]
    assert read == []


def test_uploads_have_a_limit_of_their_own(ask):
    for path in ("/gradio_api/upload", "/below/gradio_api/upload", "/gradio_api/upload/"):
        assert ask(path, bytes(5 * MOST))[0].json() == 5 * MOST


def test_nesting_without_end_is_refused_in_words():
    inner = FastAPI(middleware=[Middleware(Limits)])  # as Gradio's server has it

    @inner.post("/")
    async def stumble(request: Request):
        raise RecursionError("maximum recursion depth exceeded")

    async def post():
        transport = httpx.ASGITransport(inner)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.post("/", content=b"x")

    answer = asyncio.run(post())
    assert answer.status_code == 400 and "nested deeply" in answer.json()["detail"]


def test_the_page_stands_behind_the_limits():
    assert Limits in [each[0] for each in page.launch_options()["app_kwargs"]["middleware"]]


# Uploads


def form(*parts):
    """A form of (headers, data) as bytes, and its content type."""
    body = b"".join(b"--x\r\n" + headers + b"\r\n\r\n" + data + b"\r\n" for headers, data in parts) + b"--x--\r\n"
    return body, {"content-type": "multipart/form-data; boundary=x"}


def upload(content, headers=(), **options):
    """Upload to an application behind the limits: the answer, and how much the application read."""
    inner, read = FastAPI(), []

    @inner.post("/{path:path}")
    async def answer(request: Request):
        async for part in request.stream():
            read.append(len(part))

    async def post():
        transport = httpx.ASGITransport(Limits(inner, MOST, **options))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.post("/gradio_api/upload", content=content, headers=dict(headers))

    return asyncio.run(post()), sum(read)


FILE = b'Content-Disposition: form-data; name="files"; filename="a.jpg"'
FIELD = b'Content-Disposition: form-data; name="files"'


def test_an_upload_of_files_alone_passes():
    body, headers = form((FILE, bytes(5 * MOST)), (FILE, b"more"))
    assert upload(body, headers)[0].status_code == 200
    assert upload(b"no form at all", {"content-type": "text/plain"})[0].status_code == 200  # Gradio refuses it


@pytest.mark.parametrize("before", [(), ((FILE, b"a"),)], ids=["first", "after a file"])
def test_a_part_without_a_filename_is_not_read(before):
    body, headers = form(*before, (FIELD, bytes(100_000)))

    async def in_small_parts():
        for start in range(0, len(body), 50):
            yield body[start : start + 50]

    answer, read = upload(in_small_parts(), headers)
    assert answer.status_code == 400 and "filename" in answer.json()["detail"]
    assert read < 1000


def test_an_upload_has_an_end():
    body, headers = form((FILE, bytes(5 * MOST)))
    assert upload(body, headers, most_upload=MOST)[0].status_code == 413
    assert upload(in_parts(20), headers, most_upload=MOST)[0].status_code == 413


def test_an_upload_for_which_there_is_no_room_is_refused_in_words():
    asked = []

    def check_room(coming):
        asked.append(coming)
        raise no_room()

    body, headers = form((FILE, bytes(100)))
    answer, read = upload(body, headers, check_room=check_room)
    assert answer.status_code == 507 and "no room" in answer.json()["detail"] and answer.json()["code"] == "server.full"
    assert asked == [len(body)] and read == 0


def test_a_disk_that_fills_up_meanwhile_is_said_in_words():
    async def full(scope, receive, send):
        raise OSError(errno.ENOSPC, "No space left on device")

    async def post():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Limits(full)), base_url="http://page") as client:
            return await client.post("/gradio_api/upload", content=b"x")

    answer = asyncio.run(post())
    assert answer.status_code == 507 and "no room" in answer.json()["detail"]


# Slow lines


def ask_slowly(parts, pace):
    """What is answered to a request whose parts come after so many seconds each: status, words."""
    sent, left = [], list(parts)

    async def receive():
        seconds, body = left.pop(0)
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    async def read(scope, receive, send):
        await Request(scope, receive).body()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    scope = {"type": "http", "method": "POST", "path": "/gradio_api/queue/join", "headers": []}
    asyncio.run(Limits(read, pace=pace)(scope, receive, send))
    return sent[0]["status"]


def test_a_body_that_stops_coming_is_not_waited_for():
    assert ask_slowly([(0, b"a"), (0.5, b"b")], Pace(silence=10)) == 200
    assert ask_slowly([(0, b"a"), (60, b"b")], Pace(silence=0.1)) == 408


def test_a_body_that_drips_is_not_waited_for():
    drops = [(0.05, b"a")] * 10
    assert ask_slowly(drops, Pace(grace=0.2, rate=1000)) == 408
    assert ask_slowly([(0.05, bytes(1000))] * 10, Pace(grace=0.2, rate=1000)) == 200


def test_who_leaves_in_the_middle_of_an_upload_is_no_fault_of_the_servers():
    async def read(scope, receive, send):
        async for _ in Request(scope, receive).stream():
            pass

    messages = iter([{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": []}
    asyncio.run(Limits(read)(scope, receive, None))


def test_who_does_not_read_the_answer_is_not_waited_for():
    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def never(message):
        await asyncio.sleep(60)

    async def receive():
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(ConnectionError):
        asyncio.run(Limits(answer, pace=Pace(unread=0.1))(scope, receive, never))
