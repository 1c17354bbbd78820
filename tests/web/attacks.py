"""What attackers try, by its name: raw requests, and what the page's endpoints are asked. None may get through."""

import json

from tests.standin import as_jpeg, red_disc
from tests.web.raw_http import as_json, file_part, request, upload

API = "/gradio_api"
PHOTO = as_jpeg(red_disc(80, 60))
LONG = "a" * 100_000
NESTED = b"[" * 100_000
HUGE = b"1" + b"0" * 400


def paths(secret: str, folder: str) -> dict[str, bytes]:
    """Ways to a file that is not of the page. `secret` lies beside the upload folder `folder`."""
    targets = {
        "a file beside": f"{API}/file={secret}",
        "up from the folder": f"{API}/file={folder}/../secret.txt",
        "up, encoded": f"{API}/file={folder}/%2e%2e/secret.txt",
        "up, encoded whole": f"{API}/file={folder}%2f%2e%2e%2fsecret.txt",
        "up, encoded twice": f"{API}/file={folder}/%252e%252e/secret.txt",
        "up, doubled": f"{API}/file={folder}/....//secret.txt",
        "up, by backslashes": f"{API}/file={folder}\\..\\secret.txt",
        "up, overlong": f"{API}/file={folder}/%c0%ae%c0%ae/secret.txt",
        "a zero behind": f"{API}/file={secret}%00.png",
        "a zero before": f"{API}/file=%00{secret}",
        "relative": f"{API}/file=../../../../../../../../../../etc/passwd",
        "passwords": f"{API}/file=/etc/passwd",
        "the surroundings": f"{API}/file=/proc/self/environ",
        "the program": f"{API}/file=app.py",
        "the folder itself": f"{API}/file={folder}",
        "by scheme": f"{API}/file=file://{secret}",
        "twice": f"{API}/file={API}/file={secret}",
        "by the old route": f"/file={secret}",
        "in the query": f"{API}/file?path={secret}",
        "as a static file": f"/static/../../../../../../../../..{secret}",
        "as a static file, encoded": f"/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e{secret}",
        "as an asset": f"/assets/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..{secret}",
        "as a component": f"/custom_component/x/client/..%2f..%2f..{secret}",
        "as a theme": f"/theme.css/../..{secret}",
        "by parameters": f"{API}/file;x=1={secret}",
        "another user's home": f"{API}/file=~root/.bashrc",
        "a share": f"{API}/file=//127.0.0.1/share/secret.txt",
        "a long name": f"{API}/file={folder}/{'a/' * 3000}",
    }
    return {f"path: {name}": request(target) for name, target in targets.items()}


def uploads() -> dict[str, bytes]:
    """Files whose names or wrappings lead elsewhere."""
    names = {
        "up": b"../../escaped.png",
        "absolute": b"/tmp/chairlift-escaped.png",
        "windows": b"..\\..\\escaped.png",
        "encoded": b"%2e%2e%2fescaped.png",
        "a zero": b"chair.png\0.exe",
        "a lone surrogate": "chair\ud800.png".encode("utf-8", "surrogatepass"),
        "no utf-8": b"\xff\xfe\xfd.png",
        "long": b"a" * 5000 + b".png",
        "nothing": b"",
        "dots": b"..",
        "line ends": b"chair\r\nX-Evil: 1.png",
    }
    made = {f"upload: named {name}": upload([(file_part(data), PHOTO)]) for name, data in names.items()}
    made["upload: an id that is a path"] = upload([(file_part(b"a.png"), PHOTO)], "?upload_id=../../escaped")
    made["upload: 2000 parts"] = upload([(file_part(b"a.png"), b"x")] * 2000)
    made["upload: a field instead of a file"] = upload(
        [(b'Content-Disposition: form-data; name="files"', b"/etc/passwd")]
    )
    made["upload: no disposition"] = upload([(b"X-Nothing: 1", PHOTO)])
    made["upload: no boundary"] = request(f"{API}/upload", "POST", PHOTO, (b"Content-Type: multipart/form-data",))
    made["upload: no end"] = upload([(file_part(b"a.png"), PHOTO)]).replace(b"--x--", b"--y--")
    made["upload: json"] = as_json(f"{API}/upload", {"files": ["/etc/passwd"]})
    made["upload: progress of nothing"] = request(f"{API}/upload_progress?upload_id=../../etc/passwd")
    return made


def bodies() -> dict[str, bytes]:
    """JSON that nobody means, and questions about what is not there."""
    join, call = f"{API}/queue/join", f"{API}/call/cut"
    asked = {
        "no json": b"{",
        "nothing": b"",
        "no utf-8": b'{"data": ["\xff\xfe"]}',
        "a list": b"[]",
        "null": b"null",
        "not a number": b'{"data": [NaN], "fn_index": NaN}',
        "nested lists": b'{"data": ' + NESTED + b"}",
        "nested objects": b'{"data": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        "a number without end": b'{"data": [' + HUGE + b"]}",
        "a float without end": b'{"data": [1e400]}',
        "a lone surrogate": b'{"data": [{"path": "\\ud800.png"}]}',
        "a zero in a path": b'{"data": [{"path": "/tmp/\\u0000.png"}]}',
        "a key of 1 MB": b'{"' + b"k" * 1_000_000 + b'": 1}',
        "keys twice": b'{"data": [1], "data": {"data": []}}',
    }
    made = {f"body: {name}": as_json(call, body) for name, body in asked.items()}
    made |= {f"body: {name}, queued": as_json(join, body) for name, body in asked.items()}
    for number in (-1, 10**9, HUGE.decode(), "x", None, [], {"a": 1}):
        body = b'{"data": [], "session_hash": "s", "fn_index": %s}' % (
            number.encode() if number == HUGE.decode() else json.dumps(number).encode()
        )
        made[f"body: function {str(number)[:12]}"] = as_json(join, body)
    for name, target in {
        "an endpoint that is none": f"{API}/call/__class__",
        "a private endpoint": f"{API}/call/look",
        "an endpoint that is a path": f"{API}/call/..%2f..%2fetc",
        "predict": f"{API}/run/predict",
        "an event that is none": f"{API}/call/cut/..%2f..%2fetc%2fpasswd",
    }.items():
        made[f"body: {name}"] = as_json(target, {"data": ["/etc/passwd"]})
    return made


def routes() -> dict[str, bytes]:
    """Routes of the server that the page has no use for, or that were holes elsewhere."""
    posts = {
        "process_recording": b"x",
        "component_server": {"session_hash": "s", "component_id": 1, "fn_name": "__init__", "data": "/etc/passwd"},
        "reset": {"event_id": "../../etc"},
        "cancel": {"session_hash": "s", "fn_index": 0, "event_id": "x"},
        "stream/../../etc": {},
        "login": b"username=admin&password=admin",
        "mcp/": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "__import__", "arguments": {}}},
    }
    gets = (
        f"{API}/proxy=http://127.0.0.1:1/",
        f"{API}/proxy=http://169.254.169.254/latest/meta-data",
        f"{API}/file=http://127.0.0.1:1/",
        f"{API}/stream/s/0/0/playlist.m3u8",
        f"{API}/stream/..%2f..%2f/0/0/playlist-file",
        f"{API}/dev/reload",
        f"{API}/vibe-code/",
        f"{API}/deep_link?session_hash=../../etc",
        f"{API}/queue/data?session_hash=x%00",
        "/monitoring",
        f"{API}/monitoring/summary",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/.git/config",
        "/.env",
        "/server-status",
        "/?deep_link=../../etc/passwd",
        "/?__theme=<script>alert(1)</script>",
        "//evil.example/%2f..",
        "/logout",
    )
    made = {f"route: {name}": as_json(f"{API}/{name}", value) for name, value in posts.items()}
    return made | {f"route: {target[:60]}": request(target) for target in gets}
