"""Requests that are too large, or that nobody can read, get a refusal in words, before they are decoded."""

import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.middleware import Middleware

import app as page
from segmenter.web.limits import Limits

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


def test_recordings_are_not_taken(ask):
    answer, read = ask("/gradio_api/process_recording", b"x")
    assert answer.status_code == 404 and read == []


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
