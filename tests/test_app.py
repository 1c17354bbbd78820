"""The page's handlers, and its endpoints as gradio_client sees them."""

import io
import os
import re
import time
from dataclasses import fields

import cv2
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from segmenter.io.images import PhotoError, open_photo
from segmenter.render.cutout import cut
from segmenter.render.encode import to_png
from segmenter.render.options import Choices
from segmenter.web import viewer
from tests.standin import RedSegmenter, as_jpeg, red_disc


@pytest.fixture
def upload_folder(tmp_path, monkeypatch):
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


@pytest.fixture(scope="module")
def address():
    page = app.build_page(RedSegmenter())
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    yield url
    page.close()


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


def expected_cutout(file, threshold):
    photo = open_photo(file)
    return cut(photo, RedSegmenter().probabilities(photo), threshold)


def pixels(path):
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)


# The endpoints


def test_cut_gives_the_upright_cutout_in_full_size(client, tmp_path):
    path = tmp_path / "my chair.jpg"
    path.write_bytes(as_jpeg(red_disc(300, 200), turned=True))
    result = client.predict(photo=handle_file(path), threshold=0.35, api_name="/cut")
    assert os.path.basename(result) == "my chair-cutout.png"
    found = pixels(result)
    assert found.shape == (200, 300, 4)
    np.testing.assert_array_equal(found, expected_cutout(path, 0.35))


def test_probability_gives_the_map_with_16_bits(client, tmp_path):
    path = tmp_path / "chair.png"
    path.write_bytes(to_png(red_disc(120, 80)))
    found = cv2.imread(client.predict(photo=handle_file(path), api_name="/probability"), cv2.IMREAD_UNCHANGED)
    assert found.dtype == np.uint16
    np.testing.assert_allclose(found / 65535, RedSegmenter().probabilities(red_disc(120, 80)), atol=1e-5)


def test_a_file_that_is_no_photo_is_answered_in_plain_words(client, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a photo")
    with pytest.raises(AppError, match="not a picture we can read"):
        client.predict(photo=handle_file(path), threshold=0.5, api_name="/cut")


@pytest.mark.parametrize("endpoint", ["cut", "probability"])
@pytest.mark.parametrize("payload", [{"path": "/etc/passwd"}, {"path": __file__}, "/etc/passwd", None, {}])
def test_a_raw_request_cannot_read_the_server(address, endpoint, payload):
    data = [payload, 0.5] if endpoint == "cut" else [payload]
    url = f"{address}gradio_api/call/{endpoint}"
    event = httpx.post(url, json={"data": data}).json()["event_id"]
    answer = httpx.get(f"{url}/{event}").text
    assert answer.startswith("event: error")
    assert "not a photo that was sent" in answer


def test_only_the_documented_endpoints_are_public(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/cut", "/probability", "/batch"}
    names = [part["parameter_name"] for part in endpoints["/cut"]["parameters"]]
    added = ["edits", "background_picture", "points", "labels"]
    assert names == ["photo", *(choice.name for choice in fields(Choices)), *added]
    assert names[:2] == ["photo", "threshold"]  # as it always was, for those who do not name them
    assert not client.view_api(return_format="dict")["unnamed_endpoints"]


def test_the_page_itself_does_not_tell_where_it_lies(address):
    assert str(app.EXAMPLES) not in httpx.get(address).text


def test_photos_are_not_kept(upload_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(app, "SWEEP_SECONDS", 1)
    monkeypatch.setattr(app, "KEPT_SECONDS", 1)
    page = app.build_page(RedSegmenter())
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    try:
        (tmp_path / "chair.jpg").write_bytes(as_jpeg(red_disc(120, 80)))
        Client(url, verbose=False, download_files=False).predict(
            photo=handle_file(tmp_path / "chair.jpg"), threshold=0.5, api_name="/cut"
        )
        assert {path.name for path in upload_folder.rglob("*.*")} == {"chair.jpg", "chair-cutout.png"}
        deadline = time.monotonic() + 30
        while list(upload_folder.rglob("*.*")) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not list(upload_folder.rglob("*.*"))
    finally:
        page.close()


# The words


def test_both_languages_say_the_same_things():
    english, chinese = viewer.texts()["en"], viewer.texts()["zh"]
    assert english.keys() == chinese.keys()
    assert english["exampleNames"].keys() == chinese["exampleNames"].keys() == set(app.SHOWN)
    for key, text in english.items():
        if isinstance(text, str):
            assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", chinese[key])), key


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 9,
        b"<svg></svg>",
        b"%PDF-1.7",
        b"\xff\xd8\xff junk",
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x18ftypmp42",
        as_jpeg(red_disc())[:4000],
    ],
)
def test_every_refusal_of_a_photo_has_chinese_words(data):
    with pytest.raises(PhotoError) as refusal:
        open_photo(io.BytesIO(data))
    assert "zh" in viewer.problem(refusal.value)


def test_the_template_survives_being_filled_in():
    html = viewer.page()
    assert not re.search(r"`|\$\{|\{\{|\\|<script", html)  # it goes through Handlebars and a template literal


def test_what_is_sent_to_the_browser_is_bounded():
    shown = viewer.show(red_disc(4000, 3000), np.zeros((3000, 4000), np.float32))
    assert (shown["width"], shown["height"]) == (4000, 3000)
    assert len(shown["photo"]) + len(shown["map"]) < 600_000


# The command line


def test_missing_weights_are_said_in_plain_words(capsys, tmp_path):
    with pytest.raises(SystemExit):
        app.main(["--weights", str(tmp_path)])
    assert "config.json" in capsys.readouterr().err
