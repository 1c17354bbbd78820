"""What a link to the page looks like in a chat: our title, words and picture, in the place of Gradio's."""

import html
import re
from importlib import resources
from typing import Any

from segmenter.web import viewer

PICTURE = "link_card.jpg"  # in the viewer's folder; `python -m tests.browser.screenshots --card` makes it
SIZE = 1200, 630  # its width and height in pixels, as chats show it
TITLE = "Chairlift: lift furniture out of any photo"
FOREIGN = re.compile(rb"\s*<meta\s+(?:property=\"og:|name=\"twitter:|name=\"description\")[^>]*>")


class LinkCard:
    """ASGI middleware that puts the page's own Open Graph tags into its html, and serves their picture.

    Gradio writes tags of its own, with its name and a picture from another host, before anything that an app adds.

    Args:
        app: the ASGI application behind it.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
        elif path == f"/{PICTURE}":
            await _send(send, 200, [(b"content-type", b"image/jpeg"), (b"cache-control", b"max-age=86400")], _picture())
        elif path == "/":
            await self._rewrite(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _rewrite(self, scope, receive, send):
        """Pass the request on, and its html back with other tags."""
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]  # to be read here
        start, body = {}, b""

        async def hold(message):
            nonlocal body
            if message["type"] == "http.response.start":
                start.update(message)
                if not _is_html(message):
                    await send(message)
            elif not _is_html(start):
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
                    await _send(send, start["status"], kept, with_card(body, _address(scope)))

        await self.app({**scope, "headers": headers}, receive, hold)


def with_card(page: bytes, address: str) -> bytes:
    """A page's html with our tags as its only ones.

    Args:
        page: UTF-8.
        address: of the page, with a slash at its end.
    """
    words = viewer.texts()["en"]
    said = {
        "og:type": "website",
        "og:site_name": "Chairlift",
        "og:title": TITLE,
        "og:description": words["lead"],
        "og:url": address,
        "og:image": f"{address}{PICTURE}",
        "og:image:width": SIZE[0],
        "og:image:height": SIZE[1],
        "og:image:alt": TITLE,
    }
    tags = "".join(f'<meta property="{name}" content="{html.escape(str(value))}">' for name, value in said.items())
    tags += f'<meta name="description" content="{html.escape(words["lead"])}">'
    tags += '<meta name="twitter:card" content="summary_large_image">'
    return FOREIGN.sub(b"", page).replace(b"</head>", tags.encode() + b"</head>", 1)


def _address(scope):
    """The page's own address, as whoever asked sees it."""
    found = {name: value.decode("latin-1") for name, value in scope["headers"]}
    scheme = found.get(b"x-forwarded-proto", scope.get("scheme", "http")).partition(",")[0].strip()
    host = found.get(b"x-forwarded-host") or found.get(b"host", "")
    return f"{scheme}://{host.partition(',')[0].strip()}{scope.get('root_path', '')}/"


def _is_html(start):
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in start["headers"])


def _picture():
    return (resources.files(viewer) / PICTURE).read_bytes()


async def _send(send, status, headers, body):
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
