"""Requests that are not quite HTTP, or are two at once. Gradio's server may refuse them or take the part that is right."""

from tests.web.attacks import API
from tests.web.raw_http import request

GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
POST = f"POST {API}/call/cut HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n".encode()
SMUGGLED = b"GET /gradio_api/file=/etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def headers() -> dict[str, bytes]:
    """Lines at the top that are wrong, or too many."""
    return {
        "head: nothing": b"",
        "head: line ends": b"\r\n" * 1000,
        "head: zeros": bytes(5000),
        "head: TLS": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(200),
        "head: HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(30),
        "head: HTTP/0.9": b"GET /\r\n",
        "head: HTTP/9.9": GET.replace(b"HTTP/1.1", b"HTTP/9.9") + b"\r\n",
        "head: no version": b"GET /gradio_api/file=/etc/passwd\r\n\r\n",
        "head: line feeds alone": (GET + b"\r\n").replace(b"\r\n", b"\n"),
        "head: a method of nobody": request("/", "CHAIR"),
        "head: TRACE": request("/", "TRACE"),
        "head: CONNECT": request("169.254.169.254:80", "CONNECT"),
        "head: OPTIONS of all": request("*", "OPTIONS"),
        "head: another host's target": request("http://169.254.169.254/latest/meta-data"),
        "head: a target of 100 kB": request("/" + "a" * 100_000),
        "head: a target with a zero": request(b"/\0"),
        "head: a target beyond ASCII": request(b"/\xff\xfe\xe6\xa4\x85"),
        "head: a target with a space": request("/a b"),
        "head: a target without a slash": request("gradio_api/file=/etc/passwd"),
        "head: a line of 200 kB": GET + b"X-Long: " + b"a" * 200_000 + b"\r\n\r\n",
        "head: 5000 lines": GET + b"".join(b"X-%d: 1\r\n" % number for number in range(5000)) + b"\r\n",
        "head: a name with a space": GET + b"X Name: 1\r\n\r\n",
        "head: a name of nothing": GET + b": 1\r\n\r\n",
        "head: a value with a zero": GET + b"X-Zero: a\0b\r\n\r\n",
        "head: a folded line": GET + b"X-Folded: a\r\n b\r\n\r\n",
        "head: no end": GET,
        "head: no host": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        "head: two hosts": GET + b"Host: evil.example\r\n\r\n",
        "head: a host with a path": request("/", host=b"127.0.0.1/evil"),
        "head: a host of nonsense": request("/", host=b"\xff\0<script>"),
        "head: a foreign host": request("/", host=b"evil.example"),
        "head: a forwarded host": request(
            "/", headers=(b"X-Forwarded-Host: evil.example", b"X-Forwarded-Proto: gopher")
        ),
        "head: a cookie of 50 kB": request("/", headers=(b"Cookie: " + b"a=b; " * 10_000,)),
        "head: ranges without end": request("/", headers=(b"Range: bytes=" + b",".join([b"0-"] * 2000),)),
        "head: an encoding of nobody": request("/", headers=(b"Accept-Encoding: " + b"gzip;q=nan, " * 500,)),
        "head: a foreign origin": request(f"{API}/info", headers=(b"Origin: http://evil.example",)),
        "head: a websocket": GET.replace(b"close", b"Upgrade")
        + b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        "head: a websocket to the queue": request(f"{API}/queue/join")
        .replace(b"close", b"Upgrade")
        .replace(
            b"\r\n\r\n",
            b"\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        ),
        "head: a websocket without a key": GET.replace(b"close", b"Upgrade") + b"Upgrade: websocket\r\n\r\n",
        "head: HTTP/2 by upgrade": GET.replace(b"close", b"Upgrade, HTTP2-Settings")
        + b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n",
        "head: waits to be asked": POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    }


def lengths() -> dict[str, bytes]:
    """Bodies that are not as long as they say, or are another request for those who read them otherwise."""
    return {
        "length: negative": POST + b"Content-Length: -1\r\n\r\n{}",
        "length: a word": POST + b"Content-Length: two\r\n\r\n{}",
        "length: a float": POST + b"Content-Length: 2.0\r\n\r\n{}",
        "length: with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
        "length: of other digits": POST + "Content-Length: ２\r\n\r\n{}".encode(),
        "length: of 400 digits": POST + b"Content-Length: 1" + b"0" * 400 + b"\r\n\r\n{}",
        "length: two that differ": POST + b"Content-Length: 2\r\nContent-Length: 200\r\n\r\n{}",
        "length: a list": POST + b"Content-Length: 2, 200\r\n\r\n{}",
        "length: too long": POST + b"Content-Length: 500\r\n\r\n{}",
        "length: too short": POST + b"Content-Length: 2\r\n\r\n{}" + SMUGGLED,
        "length: none": POST + b"\r\n{}" + SMUGGLED,
        "length: zero, with a body": POST + b"Content-Length: 0\r\n\r\n" + SMUGGLED,
        "length: 50 MB, of which 2 bytes come": POST + b"Content-Length: 52428800\r\n\r\n{}",
        "chunks: and a length": POST + CHUNKED + b"Content-Length: 4\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
        "chunks: and a length before": POST + b"Content-Length: 300\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
        "chunks: of a size that is none": POST + CHUNKED + b"\r\nzz\r\n{}\r\n0\r\n\r\n",
        "chunks: of a negative size": POST + CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
        "chunks: of a vast size": POST + CHUNKED + b"\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "chunks: with a long extension": POST + CHUNKED + b"\r\n2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n",
        "chunks: with a trailer": POST + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nHost: evil.example\r\n\r\n",
        "chunks: cut short": POST + CHUNKED + b"\r\n200\r\n{}",
        "chunks: without line ends": POST + CHUNKED + b"\r\n2{}0",
        "chunks: of line feeds alone": POST + CHUNKED + b"\r\n2\n{}\n0\n\n" + SMUGGLED,
        "chunks: of 20,000 bytes, each alone": POST + CHUNKED + b"\r\n" + b"1\r\n[\r\n" * 20_000 + b"0\r\n\r\n",
        "chunks: coded by nobody": POST + b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "chunks: coded twice": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "chunks: named with a tab": POST + b"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        "chunks: in a folded line": POST + b"X: 1\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        "packed: gzip of nothing": POST + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    }
