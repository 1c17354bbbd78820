"""What a chat finds at a link to the page."""

import io
import re

import pytest
from PIL import Image
from starlette.testclient import TestClient

import app
from segmenter.web import link_card
from tests.standin import RedSegmenter


@pytest.fixture(scope="module")
def address():
    page = app.build_page(RedSegmenter())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMENTER_HOSTS", "chairs.example")
        _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    yield url
    page.close()


def tags(html):
    return re.findall(r'<meta (?:property|name)="((?:og|twitter):[\w:]+|description)" content="([^"]*)"', html)


def test_a_link_shows_our_title_words_and_picture(address):
    import httpx

    answer = httpx.get(address, headers={"accept-encoding": "br, gzip"})
    found = tags(answer.text)
    assert len(dict(found)) == len(found)  # none of Gradio's beside them
    found = dict(found)
    assert found["og:title"].startswith("Chairlift") and "furniture" in found["og:description"]
    assert found["og:url"] == address and "Gradio" not in str(found) and "gradio" not in str(found)
    picture = httpx.get(found["og:image"])
    assert picture.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(picture.content)) as opened:
        assert opened.size == link_card.SIZE and len(picture.content) < 300_000


def test_behind_a_proxy_the_address_is_the_proxys(address):
    import httpx

    forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "chairs.example"}
    found = dict(tags(httpx.get(address, headers=forwarded).text))
    assert found["og:image"] == f"https://chairs.example/{link_card.PICTURE}"


def test_what_is_no_page_of_html_passes_through():
    async def plain(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send(
            {"type": "http.response.body", "body": b'<meta property="og:title" content="x" />', "more_body": True}
        )
        await send({"type": "http.response.body", "body": b" end"})

    answer = TestClient(link_card.LinkCard(plain)).get("/")
    assert answer.text == '<meta property="og:title" content="x" /> end'
