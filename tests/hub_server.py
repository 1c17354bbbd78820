"""A Hub of one's own: the part of the Hugging Face Hub's HTTP protocol that the real client speaks.

    python -m tests.hub_server --port 8111 --folder DIR

serves one that keeps what it is given in DIR; the token `writer` may write to its own name space and to
`chairlift`, `reader` may only read. Programs find it with

    HF_ENDPOINT=http://127.0.0.1:8111 HF_TOKEN=writer HF_HUB_DISABLE_XET=1

(the last one because it knows Git LFS, not the newer Xet transfer). Tests start one in their own
process with `HubServer()`, and make it fail with `HubServer.fault`.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from tests.hub_cards import faults_of

# token → (name, may write)
USERS = {"writer": ("writer", True), "reader": ("reader", False), "other": ("other", True)}
ORGANISATION = "chairlift"  # `writer` may write to it
LFS_SUFFIXES = (".h5", ".tflite", ".png", ".jpg", ".parquet", ".zip", ".bin")
LFS_SIZE = 10 * 1024 * 1024
CHUNK = 16 * 1024
DAMAGES = ("broken_off", "dies", "truncated", "wrong_bytes")


class Refusal(Exception):
    """An answer that is not what was asked for."""

    def __init__(self, status, message, code=None):
        self.status, self.message, self.code = status, message, code


@dataclass
class Repository:
    """Commits and what points to them. A commit is {"files": {path: {"oid", "size", "lfs"}}, …}."""

    private: bool
    commits: dict = field(default_factory=dict)
    branches: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)
    variables: dict = field(default_factory=dict)  # of a Space

    def resolve(self, revision):
        """The full commit id of a branch, a tag, or a commit id of at least 7 digits."""
        named = self.branches.get(revision) or self.tags.get(revision)
        abbreviated = re.fullmatch(r"[0-9a-f]{7,40}", revision)
        short = [sha for sha in self.commits if abbreviated and sha.startswith(revision)]
        if not named and len(short) != 1:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return named or short[0]

    def commit(self, branch, changes, title):
        """Add a commit with `changes`: path → entry, or None where the file goes."""
        parent = self.branches.get(branch)
        files = {**self.commits[parent]["files"], **changes} if parent else dict(changes)
        commit = {
            "files": {path: entry for path, entry in sorted(files.items()) if entry},
            "parent": parent,
            "title": title,
            "date": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        }
        sha = hashlib.sha1(json.dumps([commit, secrets.token_hex(8)]).encode()).hexdigest()
        self.commits[sha] = commit
        self.branches[branch] = sha
        return sha


class Store:
    """Everything that is on the Hub, in memory or in a folder."""

    def __init__(self, folder=None):
        self.folder = Path(folder) if folder else None
        self.blobs, self.repositories, self.lock = {}, {}, threading.RLock()
        if self.folder:
            (self.folder / "blobs").mkdir(parents=True, exist_ok=True)
            if (self.folder / "repositories.json").exists():
                kept = json.loads((self.folder / "repositories.json").read_text(encoding="utf-8"))
                self.repositories = {tuple(key.split(":")): Repository(**kept[key]) for key in kept}

    def put(self, oid, data):
        if self.folder:
            (self.folder / "blobs" / oid).write_bytes(data)
        else:
            self.blobs[oid] = data

    def get(self, oid):
        """The bytes of an object, or None."""
        if not self.folder:
            return self.blobs.get(oid)
        path = self.folder / "blobs" / oid
        return path.read_bytes() if re.fullmatch(r"[0-9a-f]+", oid) and path.is_file() else None

    def keep(self):
        """Write down what is not in the blobs."""
        if self.folder:
            kept = {":".join(key): vars(value) for key, value in self.repositories.items()}
            (self.folder / "repositories.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")


def regular_oid(data):
    """The id that git gives a file's contents."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Fault:
    """What goes wrong, with which requests, and how often."""

    kind: str  # slow; one of DAMAGES, which happen to the contents of files; an HTTP status as text
    match: str = ""  # a part of "METHOD /path" of the requests it happens to
    times: float = float("inf")
    seconds: float = 5.0  # of `slow`


class Protocol:
    """The answers. Each method whose name is in `ROUTES` is one kind of request.

    Args:
        store: Store.
        faults: list of Fault; it may change while it serves.
    """

    def __init__(self, store, faults):
        self.store, self.faults = store, faults
        self.address = None  # known when it was bound
        self.secret = secrets.token_hex(8)  # signs the addresses at which contents lie
        self.misnamed = {}  # what a malicious mirror says instead: "sha", or a header's name → text

    # Who may what

    def user_of(self, request):
        """(name, may write) of who asks; (None, False) for anybody."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if token and token not in USERS:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return USERS.get(token, (None, False))

    def may_write(self, request, owner):
        name, writes = self.user_of(request)
        return writes and (owner == name or (owner, name) == (ORGANISATION, "writer"))

    def find(self, request, write=False):
        """The repository that a request's path names, if who asks may see it (and write to it)."""
        path = request.path_params
        kind, owner = path.get("kind", "models"), path["owner"]
        repository = self.store.repositories.get((kind, f"{owner}/{path['name']}"))
        user = self.user_of(request)[0]
        if not repository or (repository.private and not self.may_write(request, owner)):
            raise Refusal(404 if user else 401, "Repository not found", "RepoNotFound")
        if write and not self.may_write(request, owner):
            raise Refusal(403, f"You don't have the rights to write to {owner}/{path['name']}")
        return repository

    def signed(self, path):
        """An address under another host name, as the real Hub's storage has, that needs no token."""
        return f"{self.address.replace('127.0.0.1', 'localhost')}{path}?signature={self.secret}"

    def check_signature(self, request):
        if request.query_params.get("signature") != self.secret:
            raise Refusal(403, "SignatureDoesNotMatch")

    # Accounts

    async def whoami(self, request: Request):
        name, writes = self.user_of(request)
        if not name:
            raise Refusal(401, "Invalid username or password.")
        role = "write" if writes else "read"
        return {"type": "user", "name": name, "orgs": [], "auth": {"accessToken": {"role": role}}}

    async def validate(self, request: Request):
        asked = await request.json()
        faults = faults_of(asked["content"], asked["repoType"])
        status = 400 if faults else 200
        if request.headers.get("accept") == "text/plain":
            return Response("\n".join(faults), status, media_type="text/plain")
        return JSONResponse({"errors": [{"message": fault} for fault in faults], "warnings": []}, status)

    async def create(self, request: Request):
        asked = await request.json()
        owner = asked.get("organization") or self.user_of(request)[0]
        if not owner:
            raise Refusal(401, "Invalid username or password.")
        kind, place = f"{asked.get('type') or 'model'}s", f"{owner}/{asked['name']}"
        url = f"{self.address}/{'' if kind == 'models' else kind + '/'}{place}"
        if (kind, place) in self.store.repositories:
            return JSONResponse({"error": "You already created this repo", "url": url}, 409)
        if not self.may_write(request, owner):
            raise Refusal(403, f"You don't have the rights to create a {kind[:-1]} for {owner!r}")
        first = {".gitattributes": b"*.h5 filter=lfs diff=lfs merge=lfs -text\n"}
        if kind == "spaces":
            if asked.get("sdk") not in ("gradio", "docker", "static"):
                raise Refusal(400, '"sdk" must be one of [gradio, docker, static]')
            first["README.md"] = f"---\ntitle: {asked['name']}\nsdk: {asked['sdk']}\n---\n".encode()
        with self.store.lock:
            repository = Repository(asked.get("visibility") == "private" or bool(asked.get("private")))
            repository.commit("main", {path: self._regular(data) for path, data in first.items()}, "initial commit")
            self.store.repositories[kind, place] = repository
            self.store.keep()
        return {"url": url}

    # Reading

    async def info(self, request: Request):
        repository = self.find(request)
        sha = repository.resolve(request.path_params.get("revision", "main"))
        siblings = []
        for path, entry in repository.commits[sha]["files"].items():
            siblings.append({"rfilename": path, "size": entry["size"], "blobId": git_oid(entry)})
            if entry["lfs"]:
                siblings[-1]["lfs"] = {"sha256": entry["oid"], "size": entry["size"], "pointerSize": 134}
        place = "{owner}/{name}".format(**request.path_params)
        return {
            "_id": "0",
            "id": place,
            "modelId": place,
            "author": request.path_params["owner"],
            "sha": self.misnamed.get("sha", sha),
            "private": repository.private,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "siblings": siblings,
        }

    async def refs(self, request: Request):
        repository = self.find(request)

        def listed(named, where):
            return [{"name": key, "ref": f"{where}/{key}", "targetCommit": sha} for key, sha in named.items()]

        branches, tags = listed(repository.branches, "refs/heads"), listed(repository.tags, "refs/tags")
        return {"branches": branches, "tags": tags, "converts": []}

    async def tree(self, request: Request):
        repository = self.find(request)
        listed = []
        for path, entry in repository.commits[self._sha(request, repository)]["files"].items():
            listed.append({"type": "file", "path": path, "size": entry["size"], "oid": git_oid(entry)})
            if entry["lfs"]:
                listed[-1]["lfs"] = {"oid": entry["oid"], "size": entry["size"], "pointerSize": 134}
        return listed

    async def resolve(self, request: Request):
        repository = self.find(request)
        sha, path = self._sha(request, repository), request.path_params["path"]
        entry = repository.commits[sha]["files"].get(path)
        if not entry:
            raise Refusal(404, "Entry not found", "EntryNotFound")
        headers = {"X-Repo-Commit": sha, "ETag": f'"{entry["oid"]}"', "Accept-Ranges": "bytes"}
        if entry["lfs"]:
            headers |= {"X-Linked-Etag": f'"{entry["oid"]}"', "X-Linked-Size": str(entry["size"])}
            headers["Location"] = self.signed(f"/storage/{entry['oid']}/{path}")
        headers |= {name: value for name, value in self.misnamed.items() if name in headers}
        if entry["lfs"]:
            return Response(status_code=302, headers=headers)
        return self._send(request, self.store.get(entry["oid"]), headers)

    async def storage(self, request: Request):
        self.check_signature(request)
        oid = request.path_params["oid"]
        return self._send(request, self.store.get(oid), {"ETag": f'"{oid}"'})

    def _sha(self, request, repository):
        return repository.resolve(request.path_params["revision"])

    def _send(self, request, data, headers):
        """A file's contents, or the part of them that is asked for; damaged where a fault says so."""
        broken = self._damage(request) if request.method == "GET" else set()
        if "wrong_bytes" in broken:
            data = bytes(byte ^ 0x55 for byte in data[:64]) + data[64:]
        if "truncated" in broken:
            data = data[: len(data) // 2]
        start, status = 0, 200
        if wanted := re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", "")):
            start, status = int(wanted[1]), 206
            headers = {**headers, "Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        data = data[start:]
        headers = {**headers, "Content-Length": str(len(data)), "Content-Type": "application/octet-stream"}
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        return StreamingResponse(in_chunks(data, bool({"broken_off", "dies"} & broken)), status, headers)

    def _damage(self, request):
        """Kinds of damage that the answer to a request is to have."""
        line, kinds = f"{request.method} {request.url.path}", set()
        for fault in self.faults:
            if fault.match in line and fault.times > 0 and fault.kind in DAMAGES:
                fault.times -= 1
                kinds.add(fault.kind)
        if "dies" in kinds:  # this answer breaks off, and there is none to any other
            self.faults.append(Fault("500"))
        return kinds

    # Writing

    async def preupload(self, request: Request):
        repository = self.find(request, write=True)
        there = repository.commits[self._sha(request, repository)]["files"]
        answer = []
        for file in (await request.json())["files"]:
            large = file["path"].endswith(LFS_SUFFIXES) or file["size"] > LFS_SIZE
            mode, oid = "lfs" if large else "regular", there.get(file["path"], {}).get("oid")
            answer.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return {"files": answer}

    async def batch(self, request: Request):
        self.find(request, write=True)
        objects, verify = [], {"href": f"{self.address}/verify"}
        for wanted in (await request.json())["objects"]:
            objects.append(dict(wanted))
            if self.store.get(wanted["oid"]) is None:  # what is stored need not be sent again
                upload = {"href": self.signed(f"/upload/{wanted['oid']}")}
                objects[-1]["actions"] = {"upload": upload, "verify": verify}
        return {"transfer": "basic", "objects": objects}

    async def upload(self, request: Request):
        self.check_signature(request)
        data = await request.body()
        if hashlib.sha256(data).hexdigest() != request.path_params["oid"]:
            raise Refusal(400, "The contents do not have this SHA-256")
        self.store.put(request.path_params["oid"], data)
        return {}

    async def verify(self, request: Request):
        asked = await request.json()
        data = self.store.get(asked["oid"])
        if data is None or len(data) != asked["size"]:
            raise Refusal(404, "This object was not uploaded")
        return {}

    async def commit(self, request: Request):
        repository, branch = self.find(request, write=True), request.path_params["revision"]
        parts = [json.loads(line) for line in (await request.body()).splitlines()]
        header = parts[0]["value"]
        if header.get("parentCommit") not in (None, repository.resolve(branch)):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        changes = {part["value"]["path"]: self._entry(part["key"], part["value"]) for part in parts[1:]}
        with self.store.lock:
            sha = repository.commit(branch, changes, header["summary"])
            self.store.keep()
        place = "{owner}/{name}".format(**request.path_params)
        return {"success": True, "commitOid": sha, "commitUrl": f"{self.address}/{place}/commit/{sha}"}

    def _entry(self, key, value):
        """One line of a commit as an entry of its files; None where a file goes."""
        if key == "deletedFile":
            return None
        if key == "file":
            return self._regular(base64.b64decode(value["content"]))
        data = self.store.get(value["oid"])
        if data is None:
            raise Refusal(400, f"The contents of {value['path']} were not uploaded")
        return {"oid": value["oid"], "size": len(data), "lfs": True}

    def _regular(self, data):
        """The entry of a small file, whose contents are kept from now on."""
        self.store.put(regular_oid(data), data)
        return {"oid": regular_oid(data), "size": len(data), "lfs": False}

    async def variables(self, request: Request):
        repository = self.find(request, write=True)  # the real Hub shows them to nobody else either
        asked = {} if request.method == "GET" else await request.json()
        with self.store.lock:
            if request.method == "POST":
                repository.variables[asked["key"]] = {key: asked[key] for key in asked if key != "key"}
            elif request.method == "DELETE":
                repository.variables.pop(asked["key"], None)
            self.store.keep()
        return repository.variables

    async def tag(self, request: Request):
        repository = self.find(request, write=True)
        wanted = (await request.json())["tag"]
        if wanted in repository.tags:
            raise Refusal(409, f"The tag {wanted!r} is there already")
        with self.store.lock:
            repository.tags[wanted] = self._sha(request, repository)
            self.store.keep()
        return {}


ROUTES = [
    ("GET", "/api/whoami-v2", "whoami"),
    ("POST", "/api/validate-yaml", "validate"),
    ("POST", "/api/repos/create", "create"),
    ("GET", "/api/{kind}/{owner}/{name}", "info"),
    ("GET", "/api/{kind}/{owner}/{name}/revision/{revision}", "info"),
    ("GET", "/api/{kind}/{owner}/{name}/refs", "refs"),
    ("GET", "/api/{kind}/{owner}/{name}/tree/{revision}", "tree"),
    ("POST", "/api/{kind}/{owner}/{name}/preupload/{revision}", "preupload"),
    ("POST", "/api/{kind}/{owner}/{name}/commit/{revision}", "commit"),
    ("POST", "/api/{kind}/{owner}/{name}/tag/{revision}", "tag"),
    ("GET POST DELETE", "/api/{kind}/{owner}/{name}/variables", "variables"),
    ("POST", "/{owner}/{name}.git/info/lfs/objects/batch", "batch"),
    ("POST", "/{kind}/{owner}/{name}.git/info/lfs/objects/batch", "batch"),
    ("PUT", "/upload/{oid}", "upload"),
    ("POST", "/verify", "verify"),
    ("GET", "/storage/{oid}/{path:path}", "storage"),
    ("GET HEAD", "/{owner}/{name}/resolve/{revision}/{path:path}", "resolve"),
    ("GET HEAD", "/{kind}/{owner}/{name}/resolve/{revision}/{path:path}", "resolve"),
]


def build_app(protocol, log):
    """The Hub as a FastAPI application; "METHOD /path" of every request is added to `log`."""
    app = FastAPI(openapi_url=None)

    def refused(_, refusal):
        code = {"X-Error-Code": refusal.code} if refusal.code else {}
        headers = {"X-Error-Message": refusal.message, **code}
        return JSONResponse({"error": refusal.message}, refusal.status, headers)

    @app.middleware("http")
    async def misbehave(request, answer):
        line = f"{request.method} {request.url.path}"
        log.append(line)
        for fault in [fault for fault in protocol.faults if fault.match in line and fault.times > 0]:
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            elif fault.kind.isdigit():
                fault.times -= 1
                return refused(request, Refusal(int(fault.kind), "This was asked for"))
        return await answer(request)

    app.add_exception_handler(Refusal, refused)
    for methods, path, name in ROUTES:
        app.add_api_route(path, getattr(protocol, name), methods=methods.split())
    return app


def in_chunks(data, breaks_off):
    for start in range(0, len(data), CHUNK):
        if breaks_off and start >= len(data) // 2:
            raise ConnectionAbortedError("the line was to break off here")
        yield data[start : start + CHUNK]


def git_oid(entry):
    """What git itself stores of a file: itself, or LFS's pointer to it."""
    if not entry["lfs"]:
        return entry["oid"]
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{entry['oid']}\nsize {entry['size']}\n"
    return regular_oid(pointer.encode())


class HubServer:
    """A Hub that runs in a thread of this process until `stop()`.

    Args:
        folder: where it keeps everything; in memory by default.
        port: any free one by default.
    """

    def __init__(self, folder=None, port=0):
        self.store, self.faults, self.log = Store(folder), [], []
        self._protocol = Protocol(self.store, self.faults)
        app = build_app(self._protocol, self.log)
        # No log configuration: it would close the handlers of everybody else in this process.
        settings = uvicorn.Config(app, "127.0.0.1", port, log_level="critical", log_config=None)
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OSError("the Hub could not be started; is the port taken?")
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = self._protocol.address = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Go away, in the middle of whatever it is doing."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    def fault(self, kind, match="", times=float("inf"), seconds=5.0):
        """Let something go wrong from now on; see `Fault`."""
        self.faults.append(Fault(kind, match, times, seconds))

    def misname(self, what, text):
        """Be a malicious mirror: say `text` for a header of files' answers, or for the "sha" of a repository."""
        self._protocol.misnamed[what] = text

    def files(self, place, revision="main", kind="models"):
        """path → contents of a repository's files at a revision."""
        repository = self.store.repositories[kind, place]
        entries = repository.commits[repository.resolve(revision)]["files"]
        return {path: self.store.get(entry["oid"]) for path, entry in entries.items()}


def main():
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--port", type=int, default=8111)
    parser.add_argument("--folder", default=".hub", help="where everything is kept (default: .hub)")
    options = parser.parse_args()
    with HubServer(options.folder, options.port) as hub:
        print(f"A Hub is at {hub.address}. For programs that should use it:\n")
        home = Path(options.folder).resolve() / "home"
        print(f"    export HF_ENDPOINT={hub.address} HF_TOKEN=writer HF_HUB_DISABLE_XET=1 HF_HOME={home}\n")
        print("Names that start with writer/ are yours to push to. Ctrl-C stops it.", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
