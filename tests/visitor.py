"""A visitor without a browser: asks what the page's script asks, over HTTP; and a server of one's own to visit.

with Server() as server:
    async with Visitor(server.address) as visitor:
        path = await visitor.upload("chair.jpg", data)
        shown = await visitor.ask("look", {"path": path})
"""

import asyncio
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 300.0  # seconds for an answer; the machine may be busy


class Refused(Exception):
    """The server answers, but not with what was asked for. The status comes first."""


class Visitor:
    """One tab of a browser.

    Args:
        address: of the page, such as "http://127.0.0.1:7860/".
        client: the visitor's address, as a proxy before the server would say it; none by default.
    """

    def __init__(self, address, client=None):
        headers = {"x-forwarded-for": client} if client else {}
        # Without TLS no certificates are needed; to load them is work of this process that no browser has at each visit.
        self.http = httpx.AsyncClient(base_url=address, timeout=PATIENCE, headers=headers, verify=False)
        self.session = secrets.token_hex(6)
        self.key = secrets.token_hex(16)
        self.functions, self.endpoints = {}, {}

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.http.aclose()

    async def open(self):
        """Learn what the page can be asked."""
        config = (await self._checked("GET", "config")).json()
        self.endpoints = {each["api_name"]: each["id"] for each in config["dependencies"]}
        for component in config["components"]:
            for name in component["props"].get("server_fns", []):
                self.functions[name] = component["id"]
        return self

    async def upload(self, name, data):
        """Send a file. Returns its path on the server."""
        answer = await self._checked("POST", "gradio_api/upload", files={"files": (name, data)})
        return answer.json()[0]

    async def ask(self, name, question):
        """What the page is answered to one of its questions: a dict."""
        if not self.functions:
            await self.open()
        asked = {"component_id": self.functions[name], "fn_name": name, "session_hash": self.session, "data": question}
        return (await self._checked("POST", "gradio_api/component_server", json=asked)).json()

    async def join(self, endpoint, *paths):
        """Put a program's question about files into the queue without listening for the answer. Returns the event's id."""
        if not self.endpoints:
            await self.open()
        files = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]
        body = {"data": files, "fn_index": self.endpoints[endpoint], "session_hash": self.session}
        return (await self._checked("POST", "gradio_api/queue/join", json=body)).json()["event_id"]

    async def call(self, endpoint, *paths):
        """What a program is answered: a list."""
        wanted = await self.join(endpoint, *paths)
        address = f"gradio_api/queue/data?session_hash={self.session}"
        async with self.http.stream("GET", address) as stream:
            async for line in stream.aiter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed" and message["event_id"] == wanted:
                    if not message["success"]:
                        raise Refused("event", message["output"])
                    return message["output"]["data"]
                if message.get("msg") in ("unexpected_error", "close_stream"):
                    break
        raise Refused("stream", "it ended without an answer")

    async def download(self, file):
        """The bytes of a file that an answer names."""
        return (await self._checked("GET", f"gradio_api/file={file['path']}")).content

    async def _checked(self, method, address, **options):
        answer = await self.http.request(method, address, **options)
        if answer.status_code != 200:
            raise Refused(answer.status_code, answer.text[:300])
        return answer


class Server:
    """The page as `python app.py` serves it, in a process of its own, on the bundled weights.

    Args:
        folder: for visitors' files; one that is deleted in the end by default.
        kept: seconds for which files are kept; as long as the page says by default.
        environment: variables beside those of this process.
    """

    def __init__(self, folder=None, kept=None, **environment):
        self._own = None if folder else tempfile.mkdtemp(prefix="visited-")
        self.folder = Path(folder or self._own) / "uploads"
        self.environment = environment
        shorter = f"app.KEPT_SECONDS, app.SWEEP_SECONDS = {kept}, 10; " if kept else ""
        self._program = f"import app; {shorter}app.main()"
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self._own:
            shutil.rmtree(self._own, ignore_errors=True)

    def start(self):
        """Serve, and return when the page answers."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/"
        environment = {**os.environ, "GRADIO_TEMP_DIR": str(self.folder), **self.environment}
        command = [sys.executable, "-c", self._program, "--host", "127.0.0.1", "--port", str(port)]
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(self.address, timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise OSError("the page does not answer")

    def stop(self, kill=False):
        """End it; `kill`: as a power cut does."""
        if self._process and self._process.poll() is None:
            self._process.kill() if kill else self._process.terminate()
            self._process.wait()

    def megabytes(self, what="VmRSS"):
        """The process's memory now (VmRSS) or at its highest (VmHWM)."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return round(int(line.split()[1]) / 1024)
        return None

    def forget_peak(self):
        """Let VmHWM be counted from now on."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def disk(self):
        """Megabytes of all files of visitors."""
        return round(sum(path.lstat().st_size for path in self.folder.rglob("*") if path.is_file()) / 2**20, 1)


def at_once(*coroutines):
    """Run coroutines at once: their results, or the exceptions that ended them."""

    async def gather():
        return await asyncio.gather(*coroutines, return_exceptions=True)

    return asyncio.run(gather())
