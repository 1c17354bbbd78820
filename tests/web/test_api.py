"""The same photo and settings give the same bytes, whoever asks: the page, programs, tools, the command line."""

import asyncio
import base64
import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

import app
from segmenter import Choices, Segmenter, open_photo, produce
from segmenter.web.handlers import Handlers
from segmenter.web.uploads import Uploads

CHAIR = app.EXAMPLES / "06_thin_legged_chair.jpg"
STROKES = [
    {"do": "erase", "radius": 0.02, "points": [[0.3, 0.3], [0.5, 0.6]]},
    {"do": "keep", "radius": 0.01, "points": [[0.1, 0.9]]},
]
SETTINGS = {
    "as it comes": ({}, []),
    "for a shop": (
        {"threshold": 0.4, "background": "#ffffff", "trim": True, "canvas": "square", "shadow": 0.6, "format": "jpeg"},
        [],
    ),
    "in a room": ({"background": "room:loft", "shadow": 1.0, "format": "webp", "quality": 80}, []),
    "corrected": ({"threshold": 0.55, "softness": 1.5, "shift": -2.0, "background": "blur"}, STROKES),
    "all pieces": ({"threshold": 0.2, "pieces": "all"}, []),
    "picked": ({}, [{"do": "only", "points": [[0.45, 0.6], [0.05, 0.1]], "labels": [1, 0]}, *STROKES]),
    "the mask": ({"what": "mask", "shift": 3.0}, STROKES),
}


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter.load()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("uploads")
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def address(segmenter, folder):
    page = app.build_page(segmenter)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    yield url
    page.close()


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


@pytest.fixture
def tools(address):
    """A function that uses the page's tools as a client of the Model Context Protocol."""

    def use(deed):
        async def talk():
            async with streamable_http_client(f"{address}gradio_api/mcp/") as (read, write, _):
                async with ClientSession(read, write) as session:
                    await session.initialize()
                    return await deed(session)

        return asyncio.run(talk())

    return use


def sent(address, path=CHAIR):
    """Send a file as plain HTTP does; its path on the server."""
    with open(path, "rb") as file:
        return httpx.post(f"{address}gradio_api/upload", files={"files": (Path(path).name, file)}).json()[0]


def by_page(segmenter, folder, choices, edits):
    """As the page's own download does, whose bytes the browser's tests compare with `produce` again."""
    path = folder / "ab" / CHAIR.name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(CHAIR.read_bytes())
    answer = Handlers(segmenter, Uploads(lambda: folder)).save({"path": str(path), "choices": choices, "edits": edits})
    return Path(answer["file"]["path"]).read_bytes()


def by_client(client, choices, edits):
    result = client.predict(handle_file(CHAIR), edits=json.dumps(edits), **choices, api_name="/cut")
    return Path(result).read_bytes()


def by_http(address, choices, edits):
    body = {"photo": {"path": sent(address)}, "edits": json.dumps(edits), **choices}
    event = httpx.post(f"{address}gradio_api/call/v2/cut", json=body).json()["event_id"]
    answer = httpx.get(f"{address}gradio_api/call/cut/{event}", timeout=60).text
    (file,) = json.loads(re.search(r"event: complete\ndata: (.*)", answer).group(1))
    return httpx.get(file["url"]).content


def by_tool(tools, photo, choices, edits):
    answer = tools(lambda session: session.call_tool("cut", {"photo": photo, "edits": json.dumps(edits), **choices}))
    assert not answer.isError, answer.content
    answer_text = next(part.text for part in answer.content if part.type == "text")
    return httpx.get(re.search(r"https?://\S+", answer_text).group()).content


def by_command(tmp_path, choices, edits):
    options = [f"--{name}{'' if value is True else f'={value}'}" for name, value in choices.items()]
    corrections = tmp_path / "edits.json"
    corrections.write_text(json.dumps({CHAIR.name: edits}))
    command = [
        sys.executable,
        "-m",
        "segmenter",
        "cut",
        CHAIR,
        "--out",
        tmp_path / "out",
        "--edits",
        corrections,
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(app.__file__).parent)
    assert done.returncode == 0, done.stderr
    kind = "masks" if choices.get("what") == "mask" else "cutouts"
    (file,) = (tmp_path / "out" / kind).iterdir()
    return file.read_bytes()


@pytest.mark.parametrize("name", SETTINGS)
def test_everybody_gets_the_same_bytes(name, segmenter, folder, address, client, tools, tmp_path):
    choices, edits = SETTINGS[name]
    wanted = produce(open_photo(CHAIR), segmenter, Choices(**choices), edits).data
    assert by_page(segmenter, folder, choices, edits) == wanted
    assert by_client(client, choices, edits) == wanted
    assert by_http(address, choices, edits) == wanted
    assert by_tool(tools, f"{address}gradio_api/file={sent(address)}", choices, edits) == wanted
    assert by_command(tmp_path, choices, edits) == wanted


def test_photo_and_threshold_are_enough_as_ever(address, client, segmenter):
    photo = open_photo(CHAIR)
    wanted = produce(photo, segmenter.probabilities(photo), Choices(threshold=0.3)).data
    assert Path(client.predict(handle_file(CHAIR), 0.3, api_name="/cut")).read_bytes() == wanted
    event = httpx.post(f"{address}gradio_api/call/cut", json={"data": [{"path": sent(address)}, 0.3]}).json()[
        "event_id"
    ]
    answer = httpx.get(f"{address}gradio_api/call/cut/{event}", timeout=60).text
    (file,) = json.loads(re.search(r"event: complete\ndata: (.*)", answer).group(1))
    assert httpx.get(file["url"]).content == wanted


# Tools


def test_points_are_a_pick_in_pixels(client, tools, address, segmenter, tmp_path):
    photo = open_photo(CHAIR)
    points, labels = [[photo.shape[1] // 2, photo.shape[0] // 2], [3, 5]], [1, 0]
    probabilities = segmenter.probabilities(photo, points=points, labels=labels)
    wanted = produce(photo, probabilities, Choices(pieces="all").at(segmenter.threshold)).data
    asked = {"points": json.dumps(points), "labels": json.dumps(labels)}
    assert Path(client.predict(handle_file(CHAIR), **asked, api_name="/cut")).read_bytes() == wanted
    assert by_tool(tools, f"{address}gradio_api/file={sent(address)}", asked, []) == wanted
    single = tmp_path / CHAIR.name
    single.write_bytes(CHAIR.read_bytes())
    command = [sys.executable, "-m", "segmenter", "cut", single, f"--point={points[0][0]},{points[0][1]}", "--not=3,5"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(app.__file__).parent)
    assert done.returncode == 0, done.stderr
    assert single.with_name(f"{CHAIR.stem}-cutout.png").read_bytes() == wanted


@pytest.mark.parametrize(
    "points, labels, words",
    [
        ("[[1, 2]", "", "is not valid JSON"),
        ("[[9999, 2]]", "", "does not lie on the photo"),
        ("[[1, 2]]", "[0]", "at least one"),
    ],
)
def test_points_that_are_none_are_refused_in_plain_words(client, points, labels, words):
    with pytest.raises(Exception, match=words):
        client.predict(handle_file(CHAIR), points=points, labels=labels, api_name="/cut")


def test_the_tools_explain_themselves(tools):
    found = {tool.name: tool for tool in tools(lambda session: session.list_tools()).tools}
    assert found.keys() == {"cut", "probability", "batch"}
    assert found["cut"].description.startswith("Cut the furniture, or the piece at some points, out of a photo")
    for tool in found.values():
        for name, part in tool.inputSchema["properties"].items():
            assert part.get("description"), (tool.name, name)
    properties = found["cut"].inputSchema["properties"]
    assert "room:loft" in properties["background"]["description"]
    assert properties["format"]["enum"] == ["png", "webp", "jpeg"] and properties["pieces"]["enum"] == ["main", "all"]
    assert found["cut"].inputSchema["required"] == ["photo"] and found["batch"].inputSchema["required"] == ["photos"]


def test_a_tool_takes_a_data_uri(tools, client):
    uri = "data:image/jpeg;base64," + base64.b64encode(CHAIR.read_bytes()).decode()
    assert by_tool(tools, uri, {}, []) == by_client(client, {}, [])


@pytest.mark.parametrize(
    "photo",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1:1/a.jpg",
        "http://169.254.169.254/latest/meta-data",
        "{address}gradio_api/file=/etc/passwd",
        "{address}config",
        "",
    ],
)
def test_a_tool_reaches_nothing_of_the_server(tools, address, photo):
    given = photo.replace("{address}", address)
    for name, arguments in (
        ("cut", {"photo": given}),
        ("probability", {"photo": given}),
        ("batch", {"photos": [given]}),
    ):
        answer = tools(lambda session, name=name, arguments=arguments: session.call_tool(name, arguments))
        assert answer.isError
        assert "root:" not in str(answer.content)


# Many


def unzipped(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return members, list(csv.DictReader(io.StringIO(members["results.csv"].decode())))


def test_a_batch_is_what_single_photos_are(client, tools, address, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"this is no photo")
    choices = {"background": "#ffffff", "format": "jpeg"}
    files = [handle_file(CHAIR), handle_file(tmp_path / "bad.jpg")]
    members, rows = unzipped(Path(client.predict(files, **choices, api_name="/batch")).read_bytes())
    assert members["cutouts/06_thin_legged_chair.jpg"] == by_client(client, choices, [])
    assert [bool(row["error"]) for row in rows] == [False, True]
    given = [
        f"{address}gradio_api/file={sent(address)}",
        "data:image/jpeg;base64," + base64.b64encode(b"no photo").decode(),
    ]
    answer = tools(lambda session: session.call_tool("batch", {"photos": given, **choices}))
    assert not answer.isError, answer.content
    again, _ = unzipped(httpx.get(re.search(r"https?://\S+", answer.content[0].text).group()).content)
    assert again["cutouts/06_thin_legged_chair.jpg"] == members["cutouts/06_thin_legged_chair.jpg"]


@pytest.mark.parametrize("photos", [[{"path": "/etc/passwd"}], ["/etc/passwd"], "/etc/passwd", None, {}, [None], [[]]])
def test_a_batch_reads_nothing_of_the_server(address, photos):
    event = httpx.post(f"{address}gradio_api/call/batch", json={"data": [photos]}).json()["event_id"]
    answer = httpx.get(f"{address}gradio_api/call/batch/{event}").text
    assert answer.startswith("event: error") and "root:" not in answer


def test_bad_settings_are_said_in_plain_words(client):
    with pytest.raises(Exception, match="The setting 'canvas' must be"):
        client.predict(handle_file(CHAIR), canvas="round", api_name="/cut")
    with pytest.raises(Exception, match="not valid JSON"):
        client.predict(handle_file(CHAIR), edits="[", api_name="/cut")
    with pytest.raises(Exception, match="own background needs a picture"):
        client.predict(handle_file(CHAIR), background="own", api_name="/cut")


def test_an_own_background_is_taken(client, segmenter):
    wall = app.EXAMPLES / "08_room_without_chair.jpg"
    result = client.predict(handle_file(CHAIR), background="own", background_picture=handle_file(wall), api_name="/cut")
    photo = open_photo(CHAIR)
    wanted = produce(photo, segmenter.probabilities(photo), Choices(0.5, background="own"), (), open_photo(wall))
    assert Path(result).read_bytes() == wanted.data


def test_the_page_explains_every_parameter(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert endpoints.keys() == {"/cut", "/probability", "/batch"}
    for endpoint in endpoints.values():
        for part in endpoint["parameters"]:
            assert part["label"] == part["parameter_name"] and part["python_type"]["description"]
