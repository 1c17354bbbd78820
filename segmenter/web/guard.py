"""Who is answered at all, and what every answer tells the browser: the page's door.

Only hosts that are served are answered, so that no other website can reach a page on somebody's own machine by giving
its own name that machine's address (DNS rebinding). Routes of Gradio's that this page has no use for are closed.
"""

import ipaddress
import json
import logging
import os
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

# Routes of Gradio's that this page has no use for: recordings and streams that leave files, questions that pass the
# queue by (run, api), fetching other websites for a visitor (proxy, file=http), development, monitoring, logins.
CLOSED = re.compile(
    r".*/gradio_api/(process_recording|stream/.*|proxy=.*|file=https?:.*|file/.*|reset|run/.*|api/.*|token|login_check"
    r"|(undo-)?vibe-.*|dev/.*|profiling/.*|custom_component/.*|runs|run-history/.*|deep_link|user)"
    r"|.*/(login|logout|monitoring(/.*)?|svelte/.*)"
)
FILES = re.compile(r".*/gradio_api/file=.*")  # what visitors sent, and what was made of it
FRAMED_BY = "'self' https://huggingface.co https://*.huggingface.co https://*.hf.space"  # where Spaces are shown
# Gradio's own script stands in its page and makes functions of text, and ours is made of blobs.
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": FRAMED_BY,
}
PAGE_POLICY = "; ".join(f"{name} {value}" for name, value in POLICY.items())
FILE_POLICY = "default-src 'none'; sandbox"  # a file of a stranger's is looked at, and runs nothing
NOT_FORWARDED = {b"x-gradio-server"}  # by which Gradio would let a visitor name the page's address

log = logging.getLogger(__name__)


def served_hosts(environment: Mapping[str, str] = os.environ) -> set[str]:
    """The names that a server's settings say it is reached by, in small letters.

    SEGMENTER_HOSTS names them with commas between; SPACE_HOST is set on Spaces; GRADIO_SERVER_NAME and
    GRADIO_ROOT_PATH are Gradio's own.
    """
    named = [name for key in ("SEGMENTER_HOSTS", "SPACE_HOST") for name in environment.get(key, "").split(",")]
    named += [environment.get("GRADIO_SERVER_NAME", ""), urlsplit(environment.get("GRADIO_ROOT_PATH", "")).netloc]
    return {name.strip().lower() for name in named if name.strip()}


def is_served(host: str, hosts: Collection[str]) -> bool:
    """Whether a Host header names this server: localhost, an address in numbers, or one of its names.

    Args:
        host: as it was sent, such as "localhost:7860" or "[::1]".
        hosts: names in small letters; "*.example.org" stands for all below it, "*" for all there are.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
        return True  # no name that could be made to lead here
    except ValueError:
        pass
    if name == "localhost" or name.endswith(".localhost"):
        return True
    known = {each.rpartition(":")[0] if re.search(r":\d+$", each) else each for each in hosts}
    return bool(name) and ("*" in known or name in known or any(_below(name, each) for each in known))


def _below(name: str, pattern: str) -> bool:
    return pattern.startswith("*.") and name.endswith(pattern[1:])


class Guard:
    """ASGI middleware that answers for hosts and routes that are served, with headers that keep the browser safe.

    Args:
        app: the ASGI application behind it.
        hosts: names that the server is reached by, beside those of its settings; see `is_served`.
    """

    def __init__(self, app: Any, hosts: Collection[str] = ()) -> None:
        self.app = app
        self.hosts = {host.lower() for host in hosts} | served_hosts()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # no WebSocket is ever opened here
            await send({"type": "websocket.close", "code": 1008})
            return
        path, headers = scope.get("path", ""), scope["headers"]
        policy = FILE_POLICY if FILES.fullmatch(path) else PAGE_POLICY
        guarded = _with_headers(send, policy)
        named = [value.decode("latin-1") for name, value in headers if name in (b"host", b"x-forwarded-host")]
        unknown = next((host for line in named for host in line.split(",") if not self._knows(host)), None)
        if unknown is not None:
            log.info("a request for the host %r was refused", unknown)
            words = "This server does not answer for that name. Whoever runs it can name it in SEGMENTER_HOSTS."
            await answer(guarded, 421, words)
        elif CLOSED.fullmatch(path.rstrip("/")):
            await answer(guarded, 404, "This page has no such place.")
        else:
            kept = [(name, value) for name, value in headers if name not in NOT_FORWARDED]
            await self.app({**scope, "headers": kept}, receive, guarded)

    def _knows(self, host: str) -> bool:
        return is_served(host.strip(), self.hosts)


def _with_headers(send: Any, policy: str) -> Any:
    added = [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
    ]
    ours = {name for name, _ in added}

    async def guarded(message: Any) -> None:
        if message["type"] == "http.response.start":
            kept = [header for header in message.get("headers", ()) if header[0].lower() not in ours]
            message = {**message, "headers": [*kept, *added]}
        await send(message)

    return guarded


async def answer(send: Any, status: int, words: str, **more: Any) -> None:
    """Send a refusal in the form of FastAPI's own. What is left of the request is not read: see `segmenter.web.lingering`."""
    body = json.dumps({"detail": words, **more}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
