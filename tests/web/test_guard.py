"""Which names and routes are answered, and what every answer tells the browser."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

import app as page
from segmenter.web.guard import Guard, is_served, served_hosts


@pytest.fixture
def ask():
    """Ask an application behind the guard for a path, with headers."""
    inner = FastAPI()

    @inner.get("/{path:path}")
    async def answer(path: str):
        return path

    async def get(path, **headers):
        transport = httpx.ASGITransport(Guard(inner, ["Chairs.example.org", "*.shop.example"]))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:7860") as client:
            return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return lambda path="/", **headers: asyncio.run(get(path, **headers))


@pytest.mark.parametrize(
    "host",
    [
        *(
            "localhost",
            "localhost:7860",
            "LOCALHOST.",
            "127.0.0.1:80",
            "[::1]:7860",
            "192.168.1.5",
            "chairs.example.org",
        ),
        *("CHAIRS.example.org:443", "a.shop.example", "a.b.shop.example:8080"),
    ],
)
def test_hosts_that_are_served(ask, host):
    assert ask(host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "chairs.example.org.evil.example", "xchairs.example.org", "", "["),
        *("shop.example", "127.0.0.1.evil.example", "evil.example:7860", "chairs.example.org@evil.example"),
    ],
)
def test_hosts_that_are_not(ask, host):
    for headers in ({"host": host}, {"x_forwarded_host": host}, {"x_forwarded_host": f"localhost, {host}"}):
        answer = ask(**headers)
        assert answer.status_code == 421 and "SEGMENTER_HOSTS" in answer.json()["detail"]


def test_a_server_that_is_to_answer_for_any_name(ask):
    assert is_served("any.example:80", {"*"})
    assert not is_served("any.example:80", set())


def test_the_settings_name_hosts():
    environment = {"SEGMENTER_HOSTS": "a.example, B.example:8080", "SPACE_HOST": "me-chairs.hf.space"}
    hosts = served_hosts(
        {**environment, "GRADIO_ROOT_PATH": "https://c.example/chairs", "GRADIO_SERVER_NAME": "d.example"}
    )
    for name in ("a.example", "b.example", "me-chairs.hf.space", "c.example", "d.example:7860"):
        assert is_served(name, hosts)


@pytest.mark.parametrize(
    "path",
    [
        *("process_recording", "stream/x", "stream/a/b/c/playlist.m3u8", "proxy=https://a.hf.space/x", "reset"),
        *(
            "file=https://example.org/a.jpg",
            "file/etc/passwd",
            "run/cut",
            "api/cut/",
            "token",
            "vibe-code",
            "vibe-edit/",
        ),
        *("undo-vibe-edit", "dev/reload", "custom_component/a/b/c/d.js", "runs", "run-history/records", "deep_link"),
    ],
)
def test_routes_that_the_page_does_not_use_are_closed(ask, path):
    assert ask(f"/gradio_api/{path}").status_code == 404
    assert ask(f"/below/gradio_api/{path}").status_code == 404


@pytest.mark.parametrize("path", ["/monitoring", "/monitoring/summary", "/login", "/logout"])
def test_so_are_those_for_whoever_runs_it(ask, path):
    assert ask(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        *(
            "queue/join",
            "queue/data",
            "upload",
            "upload_progress",
            "call/cut",
            "component_server",
            "info",
            "heartbeat/x",
        ),
        *("file=/tmp/chairlift/ab/chair.jpg", "mcp/", "startup-events", "cancel", "app_id"),
    ],
)
def test_those_that_it_uses_are_open(ask, path):
    assert ask(f"/gradio_api/{path}").status_code == 200


def test_every_answer_keeps_the_browser_safe(ask):
    for answer in (ask(), ask(host="evil.example"), ask("/gradio_api/run/cut"), ask("/gradio_api/file=/a.svg")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "default-src" in answer.headers["content-security-policy"]
    policy = dict(part.split(" ", 1) for part in ask().headers["content-security-policy"].split("; "))
    assert "https://huggingface.co" in policy["frame-ancestors"]
    assert "http:" not in str(policy) and "*;" not in str(policy) and policy["object-src"] == "'none'"
    assert "sandbox" in ask("/gradio_api/file=/a.svg").headers["content-security-policy"]


def test_a_websocket_is_refused():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(None)({"type": "websocket", "path": "/", "headers": []}, None, send))
    assert sent[0]["type"] == "websocket.close"


def test_the_page_stands_behind_it_and_is_not_monitored():
    options = page.launch_options(["chairs.example.org"])
    (given,) = [each[2] for each in options["app_kwargs"]["middleware"] if each[0] is Guard]
    assert given["hosts"] == ["chairs.example.org"] and options["enable_monitoring"] is False
