"""Fetching what an address names, and refusing what no stranger should reach."""

import gzip
import http.server
import ipaddress
import threading

import pytest

from segmenter.io import download
from segmenter.io.images import PhotoError

FILE = b"a photo" * 100


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.encodings.append(self.headers["Accept-Encoding"])
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
        else:
            self.send_response(200 if self.path == "/chair.jpg" else 404)
        self.server.encode and self.send_header("Content-Encoding", self.server.encode)
        self.end_headers()
        if self.server.encode:
            self.wfile.write(self.server.data)
        elif self.path == "/chair.jpg":
            self.wfile.write(FILE)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    """A web server of this machine; `asked` lists the paths that somebody asked it for."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.encodings, server.encode, server.data = [], [], "", b""
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def public(monkeypatch):
    """Take this machine for the public internet, all but 127.0.0.2, as no test can have a public server."""

    class Address(ipaddress.IPv4Address):
        is_global = property(lambda self: str(self) != "127.0.0.2")

    monkeypatch.setattr(ipaddress, "ip_address", Address)


def address_of(server, path):
    return f"http://127.0.0.1:{server.server_port}{path}"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "224.0.0.1",
    ],
)
def test_nothing_of_this_machine_or_its_network_is_fetched(server, host):
    with pytest.raises(PhotoError):
        download.fetch(f"http://{host}:{server.server_port}/chair.jpg", 10_000)
    assert server.asked == []


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://example.org/a.jpg", "gopher://x", "/etc/passwd", "", "http://"]
)
def test_other_addresses_are_refused(address):
    with pytest.raises(PhotoError, match="begins with http"):
        download.fetch(address, 10_000)


def test_a_name_that_nobody_has_is_said_in_plain_words():
    with pytest.raises(PhotoError, match="send the file itself"):
        download.fetch("http://no-such-host.invalid/a.jpg", 10_000)


def test_a_public_file_is_fetched(server, public):
    assert download.fetch(address_of(server, "/chair.jpg"), 10_000) == FILE


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "GZIP", "zstd"])
def test_a_compressed_answer_is_refused_before_it_is_unpacked(server, public, encoding):
    server.encode, server.data = encoding, gzip.compress(FILE)
    with pytest.raises(PhotoError, match="compressed") as refused:
        download.fetch(address_of(server, "/chair.jpg"), 10_000)
    assert refused.value.code == "address.compressed"


def test_files_are_asked_for_as_they_are(server, public):
    download.fetch(address_of(server, "/chair.jpg"), 10_000)
    server.encode, server.data = "identity", FILE
    assert download.fetch(address_of(server, "/chair.jpg"), 10_000) == FILE
    assert server.encodings == ["identity", "identity"]


def test_a_redirect_is_followed(server, public):
    assert download.fetch(address_of(server, "/to//chair.jpg"), 10_000) == FILE


def test_a_redirect_does_not_lead_inside(server, public):
    inside = f"http://127.0.0.2:{server.server_port}/chair.jpg"
    with pytest.raises(PhotoError, match="not one of the public web"):
        download.fetch(address_of(server, f"/to/{inside}"), 10_000)
    assert "/chair.jpg" not in server.asked


def test_redirects_have_an_end(server, public):
    with pytest.raises(PhotoError, match="without end"):
        download.fetch(address_of(server, "/to/" * 9 + "/chair.jpg"), 10_000)


def test_a_file_that_is_too_large_is_refused(server, public):
    with pytest.raises(PhotoError, match="larger than"):
        download.fetch(address_of(server, "/chair.jpg"), len(FILE) - 1)


def test_an_answer_that_is_no_file_is_refused(server, public):
    with pytest.raises(PhotoError, match="404"):
        download.fetch(address_of(server, "/nothing.jpg"), 10_000)


def test_a_server_that_keeps_silent_is_left(server, public, monkeypatch):
    monkeypatch.setattr(download, "SECONDS", 0.2)
    silent = threading.Event()
    monkeypatch.setattr(Handler, "do_GET", lambda self: silent.wait(5))
    with pytest.raises(PhotoError, match="too long"):
        download.fetch(address_of(server, "/chair.jpg"), 10_000)
    silent.set()


def test_a_name_server_that_keeps_silent_is_left(monkeypatch):
    released, outlived = threading.Event(), []

    def slow_lookup(*arguments, **options):
        outlived.append(not released.wait(5))  # whether the lookup ended before the caller had its answer
        raise OSError("no such name")

    monkeypatch.setattr(download, "SECONDS", 0.2)
    monkeypatch.setattr(download.socket, "getaddrinfo", slow_lookup)
    with pytest.raises(PhotoError, match="too long"):
        download.fetch("http://slow.example/chair.jpg", 10_000)
    released.set()
    while not outlived:
        released.wait(0.01)
    assert outlived == [False]
