"""A request that makes Gradio's server stumble is answered in words, and a fault of our own is not hidden by that."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from segmenter.web.nonsense import Nonsense


@pytest.fixture
def ask():
    """Ask an application that raises this error, or one that stumbles in the middle of its answer."""

    def asked(path, error, after=None):
        async def inner(scope, receive, send):
            if after:
                await send({"type": "http.response.start", "status": 200, "headers": []})
            raise error

        async def post():
            transport = httpx.ASGITransport(Nonsense(inner))
            async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
                return await client.post(path)

        return asyncio.run(post())

    return asked


@pytest.mark.parametrize("path", ["queue/join", "call/cut", "call/v2/cut", "run/predict", "api/look/", "upload"])
@pytest.mark.parametrize("error", [KeyError(-1), TypeError("no file"), ValueError("nan")])
def test_what_makes_no_sense_is_said(ask, path, error):
    answer = ask(f"/gradio_api/{path}", error)
    assert answer.status_code == 400 and "makes no sense" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path, error, after",
    [
        ("/", KeyError(1), False),
        ("/gradio_api/call/cut", OSError("a full disk"), False),
        ("/gradio_api/upload", KeyError(1), True),
    ],
)
def test_anything_else_is_raised(ask, path, error, after):
    with pytest.raises(type(error)):
        ask(path, error, after)


def test_what_makes_sense_passes():
    inner = FastAPI()

    @inner.post("/gradio_api/call/cut")
    def cut():
        return "done"

    async def post():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Nonsense(inner)), base_url="http://page") as client:
            return await client.post("/gradio_api/call/cut")

    assert asyncio.run(post()).json() == "done"
