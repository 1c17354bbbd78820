"""A file behind a web address, fetched so that no stranger reaches into this machine's own network.

Whoever sends an address makes this server open a connection for them. So it opens none but to public
addresses: the name is resolved once, the connection goes to the very address that was checked, and
every redirect is checked again.
"""

import asyncio
import contextlib
import ipaddress
import socket
import threading

import httpx
import safehttpx

from segmenter.errors import PhotoError

SECONDS = 20  # for the whole of it, so that a slow server occupies nobody's place for long
# A few bytes of a compressed answer may become gigabytes, so files are taken only as they are.
PLAIN = {"Accept-Encoding": "identity"}
HOPS = 5  # redirects that are followed


def fetch(address: str, most_bytes: int) -> bytes:
    """Fetch a file.

    Args:
        address: "http://…" or "https://…".
        most_bytes: it may not be larger than this.

    Returns:
        The file's bytes.

    Raises:
        PhotoError: the address is not one of the public web, nothing answers there within
            `SECONDS`, or the file is too large.
    """
    try:
        return asyncio.run(asyncio.wait_for(_fetch(address, most_bytes), SECONDS))
    except TimeoutError as error:
        raise PhotoError(
            "This address took too long to answer. Please send the file itself.", "address.slow"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        message = "Nothing can be fetched from this address. Please send the file itself."
        raise PhotoError(message, "address.unreachable") from error


async def _fetch(address: str, most_bytes: int) -> bytes:
    url = httpx.URL(address)
    for _ in range(HOPS + 1):
        transport = safehttpx.AsyncSecureTransport(await _public_address(url))
        async with httpx.AsyncClient(transport=transport) as client, client.stream("GET", url, headers=PLAIN) as answer:
            if answer.has_redirect_location:
                url = url.join(answer.headers["Location"])
                continue
            if answer.status_code != 200:
                message = "This address answers with status {status} instead of a file."
                raise PhotoError(message, "address.status", status=answer.status_code)
            if answer.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
                message = "This address answers with a compressed file. Please send the file itself."
                raise PhotoError(message, "address.compressed")
            return await _read(answer, most_bytes)
    message = "This address leads from one to the next without end. Please send the file itself."
    raise PhotoError(message, "address.endless")


async def _public_address(url: httpx.URL) -> str:
    """The IPv4 address of a URL's host, if it is one of the public internet."""
    if url.scheme not in ("http", "https") or not url.host:
        raise PhotoError("A web address begins with http:// or https://.", "address.scheme")
    for *_, (name, _) in await _look_up(url.host, url.port):
        address = ipaddress.ip_address(name)
        if address.is_global and not address.is_multicast:
            return str(address)
    raise PhotoError("This address is not one of the public web. Please send the file itself.", "address.private")


async def _look_up(host: str, port: int | None) -> list:
    """The IPv4 addresses of a name, as `socket.getaddrinfo` lists them.

    The question cannot be broken off, and asyncio waits for its own threads before it ends: so it is
    asked in a thread that nobody waits for.
    """
    loop = asyncio.get_running_loop()
    answer = loop.create_future()

    def tell(found: list, error: Exception | None) -> None:
        if not answer.done():  # else the time is over
            answer.set_result(found) if error is None else answer.set_exception(error)

    def ask() -> None:
        found, error = [], None
        try:
            found = socket.getaddrinfo(host, port, family=socket.AF_INET)
        except (OSError, UnicodeError) as problem:
            error = problem
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, found, error)

    threading.Thread(target=ask, daemon=True).start()
    return await answer


async def _read(answer: httpx.Response, most_bytes: int) -> bytes:
    data = bytearray()
    async for part in answer.aiter_raw():
        data += part
        if len(data) > most_bytes:
            message = "This file is larger than {limit} MB. Please make it smaller and try again."
            raise PhotoError(message, "photo.too_large", limit=most_bytes // 2**20)
    return bytes(data)
