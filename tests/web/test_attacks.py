"""An attacker over raw HTTP: nothing outside is read or written, nothing ends in a 500, and the next visitor is served."""

import json
import logging
import re
import socket
from urllib.parse import urlsplit

import pytest
from starlette.requests import ClientDisconnect

import app
from segmenter.web.limits import MAX_MEGABYTES
from tests.standin import RedSegmenter
from tests.web import attacks, broken_http
from tests.web.raw_http import as_json, file_part, request, send, upload

SECRET = "the-secret-of-this-machine"
GIVEN_AWAY = (SECRET.encode(), b"root:x:0:", b"Traceback (most recent", b"\0HOME=/", b'File "/')


class Problems(logging.Handler):
    """What the server itself says went wrong."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.found = []

    def emit(self, record):
        kind = record.exc_info[0] if record.exc_info else None
        words = f"{record.getMessage()} {kind} {record.exc_info and record.exc_info[1]}"
        # Somebody left; and how Gradio ends a stream of events that nobody knows.
        if kind is not ClientDisconnect and "response already started" not in words:
            self.found.append(words)


@pytest.fixture(scope="module")
def around(tmp_path_factory):
    """A folder with a secret in it, and beside that the folder of uploads."""
    around = tmp_path_factory.mktemp("server")
    (around / "secret.txt").write_text(SECRET)
    (around / "uploads").mkdir()
    return around


@pytest.fixture(scope="module")
def address(around):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(around / "uploads"))
        page = app.build_page(RedSegmenter())
        _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
        place = urlsplit(url)
        yield place.hostname, place.port
        page.close()


@pytest.fixture
def problems():
    handler, logger = Problems(), logging.getLogger("uvicorn.error")
    logger.addHandler(handler)
    yield handler.found
    logger.removeHandler(handler)


def unharmed(answer, around, problems, address):
    """Whether an attack got nothing, and left the server as it was."""
    assert not any(word in answer.head + answer.body for word in GIVEN_AWAY), answer.body[:500]
    assert answer.status < 500 and problems == [], (answer.head[:200], answer.body[:500], problems)
    assert {path.name for path in around.iterdir()} == {"secret.txt", "uploads"}
    assert not [
        path for path in around.rglob("*") if "escaped" in path.name and path.parent.parent != around / "uploads"
    ]
    assert send(address, request("/")).status == 200


PATHS = attacks.paths("SECRET", "FOLDER")
WHOLE = attacks.uploads() | attacks.bodies()
TRIES = WHOLE | attacks.routes() | broken_http.headers() | broken_http.lengths()


@pytest.mark.parametrize("name", PATHS)
def test_no_way_leads_to_a_file_that_is_not_the_visitors(name, address, around, problems):
    data = attacks.paths(str(around / "secret.txt"), str(around / "uploads"))[name]
    answer = send(address, data)
    elsewhere = re.search(rb"(?i)\r\nlocation: (?!http://127\.0\.0\.1[:/]|/[^/])", answer.head)
    assert 300 <= answer.status < 500 and not elsewhere, answer
    unharmed(answer, around, problems, address)


@pytest.mark.parametrize("name", TRIES)
def test_a_request_that_nobody_means_does_no_harm(name, address, around, problems):
    unharmed(send(address, TRIES[name], whole=name in WHOLE), around, problems, address)


@pytest.mark.parametrize("route", ["queue/join", "component_server", "call/cut", "run/cut", "mcp/"])
def test_who_sends_too_much_hears_that_it_is(route, address, around, problems):
    """A client that sends all of it before it listens, as most do."""
    body = bytes(MAX_MEGABYTES * 2**20 + 1)
    data = as_json(f"/gradio_api/{route}", body)
    with socket.create_connection(address) as line:
        line.sendall(data)  # no reset
        heard = b""
        while part := line.recv(65_536):
            heard += part
    status, sentence = (b"404", b"no such place") if route == "run/cut" else (b"413", b"larger than 45 MB")
    assert heard.startswith(b"HTTP/1.1 " + status) and sentence in heard
    assert problems == [] and send(address, request("/")).status == 200


def test_there_are_many_tries():
    assert len(PATHS) + len(TRIES) + len(SOURCES) >= 150


def asked(address, endpoint, data):
    """What an endpoint answers, as its stream of events."""
    started = send(address, as_json(f"/gradio_api/call/{endpoint}", {"data": data}))
    event = json.loads(started.body)["event_id"]
    return send(address, request(f"/gradio_api/call/{endpoint}/{event}"))


SOURCES = (
    *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/"),
    *("http://0x7f000001:{port}/", "http://0x7f.1:{port}/", "http://0177.0.0.1:{port}/", "http://0:{port}/"),
    *("http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[0:0:0:0:0:ffff:7f00:1]:{port}/"),
    *("http://127.0.0.1.:{port}/", "http://①②⑦.⓪.⓪.①:{port}/", "http://user:word@127.0.0.1:{port}/"),
    *("http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://10.0.0.1/"),
    *(
        "http://192.168.0.1/",
        "http://172.16.0.1/",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
    ),
    *("http://127.0.0.1:{port}/gradio_api/file=/etc/passwd", "http://127.0.0.1:22/", "http://127.0.0.1:99999/"),
    *("ftp://127.0.0.1/", "gopher://127.0.0.1:{port}/", "file:///etc/passwd", "FILE:///etc/passwd", "jar:file:///x!/"),
    *("http:///etc/passwd", "http://", "http://[", "http://\0/", "http://\ud800/", "//127.0.0.1/", "/etc/passwd"),
    *("data:image/png;base64,!!!", "data:,", "data:image/svg+xml,<svg onload='x'/>", "blob:http://127.0.0.1/x"),
)


@pytest.mark.parametrize("source", SOURCES)
def test_no_address_of_this_machine_or_its_network_is_fetched(source, address, around, problems):
    source = source.replace("{port}", str(address[1]))
    for endpoint, data in (
        ("cut", [{"path": source}]),
        ("batch", [[{"path": source, "meta": {"_type": "gradio.FileData"}}]]),
    ):
        answer = asked(address, endpoint, data)
        assert b"event: error\n" in answer.body and b"event: complete" not in answer.body, answer.body[:300]
        unharmed(answer, around, problems, address)


def test_what_is_sent_comes_back_and_no_more(address, around, problems):
    """The good visitor, after all that."""
    stored = json.loads(send(address, upload([(file_part(b"chair.jpg"), attacks.PHOTO)])).body)[0]
    assert str(around / "uploads") in stored
    assert send(address, request(f"/gradio_api/file={stored}")).body == attacks.PHOTO
    answer = asked(address, "cut", [{"path": stored, "meta": {"_type": "gradio.FileData"}}])
    (file,) = json.loads(re.search(rb"event: complete\ndata: (.*)", answer.body)[1])
    cutout = send(address, request(f"/gradio_api/file={file['path']}"))
    assert cutout.status == 200 and cutout.body.startswith(b"\x89PNG")
    unharmed(answer, around, problems, address)
