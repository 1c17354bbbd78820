"""The page always has good weights: while the Hub is slow, gone, or holds something broken."""

import asyncio
import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file

import app
from segmenter.errors import WeightsError
from segmenter.hub import weights as hub
from segmenter.web.handlers import Handlers
from segmenter.web.live_weights import LiveWeights, open_weights
from segmenter.web.uploads import Uploads
from tests.hub.test_weights import NOWHERE, PLACE
from tests.standin import RedSegmenter, complete
from tests.visitor import Visitor

ROOT = Path(__file__).resolve().parents[2]
FOREVER = (1000,)
EXAMPLE = app.SHOWN[0]


@pytest.fixture
def start(tmp_path, tiny_weights, server):
    """Start as the page does, on a cache of this test's own."""

    def started(place=PLACE, endpoint=server.address, **options):
        options = {"spare": tiny_weights, "pauses": FOREVER, "cache": tmp_path / "cache", **options}
        return open_weights(place, endpoint=endpoint, **options)

    return started


def push(server, folder, **config):
    return hub.push(complete(folder, **config), PLACE, endpoint=server.address, token="writer")


def handlers_of(live):
    return Handlers(live, Uploads(get_upload_folder), sorted(app.EXAMPLES.glob("*.jpg")))


def wait_for(happened, seconds=120):  # a deadline for what hangs, not a measurement
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_on_an_empty_cache_the_wanted_weights_serve_from_the_start(server, weights, start):
    done = push(server, weights)
    live = start(f"{PLACE}@v1")
    assert live.notice is None
    assert live.now.origin == {
        "repository": PLACE,
        "revision": "v1",
        "commit": done.commit,
        "licence": "see-limits",
    }


def test_a_second_start_needs_no_network(server, weights, start):
    done = push(server, weights)
    start(f"{PLACE}@v1"), start()
    for place in (f"{PLACE}@v1", PLACE):
        assert start(place, endpoint=NOWHERE).now.name == done.commit


def test_a_new_revision_takes_over(server, weights, start):
    push(server, weights)
    start()
    new = push(server, weights, threshold=0.7)
    live = start()
    wait_for(lambda: live.now.name == new.commit)
    assert live.now.to_json()["threshold"] == 0.7


def test_a_hub_that_is_gone_leaves_the_bundled_weights_and_a_notice(start):
    live = start(endpoint=NOWHERE)
    assert live.now.name == ""
    assert live.notice["kind"] == "standIn" and live.notice["place"] == PLACE
    assert "cannot be reached" in live.notice["why"]


def test_what_arrives_late_takes_over(server, weights, start):
    done = push(server, weights, threshold=0.6)
    server.fault("slow", "/api/models", seconds=1)
    live = start(patience=0.1)
    assert not live.settled.is_set()  # the start did not wait for it
    assert live.now.name == "" and live.notice["why"] == "the Hub is slow"
    wait_for(lambda: live.now.name == done.commit)
    wait_for(lambda: live.notice is None)


# A branch that moves


def test_a_newer_revision_is_taken_over_while_the_page_runs(server, weights, start):
    push(server, weights)
    live = start(look_seconds=0.05)
    for threshold in (0.6, 0.7):
        new = push(server, weights, threshold=threshold)
        wait_for(lambda commit=new.commit: live.now.name == commit)
        assert live.now.segmenter.threshold == threshold and live.notice is None


def test_a_broken_newer_revision_is_refused_until_a_good_one_comes(server, weights, start):
    good = push(server, weights)
    live = start(look_seconds=0.05, pauses=(0.05,))
    spoil(server, "config.json", b'{"size": 1000000}')
    wait_for(lambda: live.notice)
    assert live.now.name == good.commit
    assert live.notice["kind"] == "older" and "config.json is refused" in live.notice["why"]
    better = push(server, weights, threshold=0.6)
    wait_for(lambda: live.now.name == better.commit and live.notice is None)


def test_looking_is_quiet_where_the_hub_cannot_be_asked(server, weights, start):
    good = push(server, weights)
    live = start(look_seconds=0.05)
    server.fault("500")
    asked = len(server.log)
    wait_for(lambda: len(server.log) > asked + 3)
    assert live.notice is None and live.now.name == good.commit
    server.faults.clear()
    new = push(server, weights, threshold=0.6)
    wait_for(lambda: live.now.name == new.commit)


def test_a_pinned_revision_is_not_looked_at_again(server, weights, start):
    push(server, weights)
    live = start(f"{PLACE}@v1", look_seconds=0.01)
    assert live.notice is None
    asked = len(server.log)
    time.sleep(0.2)  # twenty looks, if there were any
    assert len(server.log) == asked


def spoil(server, name, data):
    """Put other contents of a file into the newest revision, as somebody might by hand."""
    api = hub.HfApi(endpoint=server.address, token="writer")
    api.upload_file(path_or_fileobj=data, path_in_repo=name, repo_id=PLACE)


# A folder that is not there


def test_a_missing_folder_is_not_taken_for_a_repository(tmp_path, monkeypatch, server, start):
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(hub.WeightsError, match="no weights at 'run/chairs'.* run/chairs@main"):
        start("run/chairs")
    assert not server.log
    assert start("run/chairs@main").notice["why"].startswith("there is no repository run/chairs")


def test_what_is_neither_folder_nor_repository_is_reported_as_both(start, caplog):
    assert (
        "there is no folder rum/chairs here, and on the Hub there is no repository" in start("rum/chairs").notice["why"]
    )
    start("rum/chairs", endpoint=NOWHERE)
    assert "there is no folder rum/chairs here" in caplog.text


# Faults


@pytest.mark.parametrize("fault", ["wrong_bytes", "truncated", "500"])
def test_faults_that_pass_are_tried_again(server, weights, start, fault):
    done = push(server, weights)
    server.fault(fault, "GET /storage", times=1)
    live = start(pauses=(0.01,))
    wait_for(lambda: live.now.name == done.commit)
    wait_for(lambda: live.notice is None)


def of_another_network(server):
    network = server.files(PLACE)["model.tflite"]
    spoil(server, "model.tflite", network.replace(np.float32(20).tobytes(), np.float32(25).tobytes()))


FAULTS = {  # what goes wrong → (how, the words that say so)
    "the server is down": (lambda server: server.stop(), "cannot be reached|in trouble"),
    "it dies in mid-download": (lambda server: server.fault("dies", "GET /storage"), "in trouble|not arrive whole"),
    "a file is cut short": (lambda server: server.fault("truncated", "GET /storage"), "not arrive whole"),
    "wrong bytes, right size": (lambda server: server.fault("wrong_bytes", "/config.json"), "arrived damaged"),
    "an absurd configuration": (lambda server: spoil(server, "config.json", b'{"size": 1000000}'), "refused"),
    "another network": (of_another_network, "measured with another network"),
    "a file is missing": (
        lambda server: hub.HfApi(endpoint=server.address, token="writer").delete_file("model.tflite", PLACE),
        "lacks model.tflite",
    ),
    "an expired token": (lambda server: os.environ.update(HF_TOKEN="expired"), "wrong or expired"),
}


@pytest.mark.parametrize("before", [False, True], ids=["nothing was pulled", "good ones were pulled"])
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_goes_wrong_the_page_serves_and_says_what(server, weights, start, monkeypatch, fault, before):
    monkeypatch.setenv("HF_TOKEN", "writer")  # and back to what it was
    good = push(server, weights)
    if before:
        start()
        push(server, weights, threshold=0.6)  # newer ones, with which it goes wrong
    spoils, words = FAULTS[fault]
    spoils(server)
    live = start()
    wait_for(live.settled.is_set)
    handlers = handlers_of(live)
    answer = handlers.look(dict(example=next(iter(handlers.examples))))
    assert answer["map"] and answer["weights"]["name"] == (good.commit if before else "")
    assert answer["weights"]["threshold"] == 0.5
    assert answer["notice"]["kind"] == ("older" if before else "standIn")
    assert re.search(words, answer["notice"]["why"])


def test_without_anything_to_start_on_it_says_so(start, tmp_path):
    with pytest.raises(hub.WeightsError, match="no weights at"):
        start(endpoint=NOWHERE, spare=tmp_path)


# The page


class Pale(RedSegmenter):
    """Half as sure."""

    threshold = 0.4

    def probabilities(self, photo):
        return super().probabilities(photo) / 2


def test_a_visitor_at_work_keeps_the_weights_whose_map_he_sees(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    live = LiveWeights(RedSegmenter())
    handlers = handlers_of(live)
    name = next(iter(handlers.examples))
    seen = handlers.look(dict(example=name))
    before = handlers.save(dict(example=name, choices={"threshold": 0.3}, weights=seen["weights"]["name"]))
    live.take(Pale(), {"repository": PLACE, "revision": "v1", "commit": "c0ffee", "licence": "mit"})
    after = handlers.save(dict(example=name, choices={"threshold": 0.3}, weights=seen["weights"]["name"]))
    assert Path(before["file"]["path"]).read_bytes() == Path(after["file"]["path"]).read_bytes()
    now = handlers.look(dict(example=name))
    assert now["map"] != seen["map"]
    assert now["weights"]["repository"] == PLACE and now["weights"]["threshold"] == 0.4


def test_the_page_says_why_a_stand_in_serves(tmp_path, monkeypatch):
    live = LiveWeights(RedSegmenter())
    live.notice = {"kind": "standIn", "place": PLACE, "why": "the Hub cannot be reached"}
    handlers = handlers_of(live)
    answer = handlers.look(dict(example=next(iter(handlers.examples))))
    assert answer["notice"]["place"] == PLACE and answer["weights"] == {"name": "", "threshold": 0.5}


# From training to the page


def test_what_was_trained_is_pushed_pulled_shown_replaced_and_rolled_back(server, start, tmp_path, monkeypatch):
    import train
    from tests import tiny_training

    files = f"{server.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.address)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setenv("HF_TOKEN", "writer")
    data, out = tiny_training.boxes(tmp_path / "boxes"), tmp_path / "out"
    arguments = ["--data", str(data), "--size", "32", "--start", "scratch", "--epochs", "1", "--validation", "2"]
    assert train.main([*arguments, "--out", str(out), "--push-to-hub", PLACE]) == 0

    start = partial(start, patience=120)  # for slow machines
    live = start()
    first = live.now.origin
    assert (first["repository"], first["revision"], first["licence"]) == (PLACE, "main", "see-limits")
    answer = handlers_of(live).look(dict(example=EXAMPLE))
    assert answer["map"] and answer["weights"]["commit"] == first["commit"] and answer["notice"] is None

    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps({**config, "threshold": 0.6}))
    second = hub.push(out, PLACE)
    assert (second.tag, start(f"{PLACE}@v2").now.segmenter.threshold) == ("v2", 0.6)
    back = start(f"{PLACE}@v1").now
    assert back.name == first["commit"] and back.segmenter.threshold == 0.5


# Real processes


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(place, command=("app.py",), **environment):
    """A page in a process of its own; gives (process, address) once it answers."""
    port = free_port()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), **environment}
    process = subprocess.Popen([sys.executable, *command], cwd=place, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: process.poll() is None and answers(url))
        yield process, url
    finally:
        process.terminate()
        process.wait(20)


def answers(url):
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def look(url, **question):
    """What the page is answered when it asks about a photo, over HTTP as the browser asks."""

    async def ask():
        async with Visitor(url) as visitor:
            return await visitor.ask("look", question)

    return asyncio.run(ask())


def cut_red(url, folder):
    """Whether the page cuts what is red, as the tests' weights do, and nothing else."""
    photo = np.zeros((60, 80, 3), np.uint8)
    photo[20:40, 20:60, 2] = 255  # OpenCV's red
    cv2.imwrite(str(folder / "red.png"), photo)
    client = Client(url, verbose=False, download_files=folder / "down")
    cutout = client.predict(photo=handle_file(folder / "red.png"), threshold=0.5, api_name="/cut")
    alpha = cv2.imread(cutout, cv2.IMREAD_UNCHANGED)[..., 3]
    return alpha[30, 40] == 255 and alpha[5, 5] == 0


def test_two_fresh_apps_at_once_pull_what_was_pushed_serve_it_and_show_whose_it_is(server, weights, tmp_path):
    done = push(server, weights)
    environment = {
        "HF_ENDPOINT": server.address,
        "HF_HOME": str(tmp_path / "home"),
        "SEGMENTER_WEIGHTS": f"{PLACE}@v1",
        "GRADIO_TEMP_DIR": str(tmp_path / "uploads"),
    }
    with running(ROOT, **environment) as (_, one), running(ROOT, **environment) as (_, other):
        for url in (one, other):
            wait_for(lambda url=url: look(url, example=EXAMPLE)["weights"]["name"])
            shown = look(url, example=EXAMPLE)
            assert shown["weights"] == {
                "name": done.commit,
                "threshold": 0.5,
                "repository": PLACE,
                "revision": "v1",
                "commit": done.commit,
                "licence": "see-limits",
            }
            assert shown["notice"] is None
        assert cut_red(one, tmp_path)


@contextmanager
def small_disk(folder, size):
    """A disk that is full soon; gives (what a child process is to do first, how to make room for it)."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode == 0:
        try:
            room = ["mount", "-o", "remount,size=50m", str(folder)]
            yield "", lambda pid: subprocess.run(room, check=True)
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    else:  # no right to mount: the system's limit for files gives way at the same place
        no_limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))\n"
        yield limit, lambda pid: resource.prlimit(pid, resource.RLIMIT_FSIZE, no_limit)


def test_a_full_disk_is_reported_and_once_there_is_room_the_wanted_weights_take_over(server, weights, tmp_path):
    done = push(server, weights)
    with small_disk(tmp_path / "disk", 100_000) as (first, make_room):
        command = ["-c", f"{first}import runpy; runpy.run_path('app.py', run_name='__main__')"]
        environment = {
            "HF_ENDPOINT": server.address,
            "HF_HUB_CACHE": str(tmp_path / "disk"),
            "SEGMENTER_WEIGHTS": PLACE,
            "GRADIO_TEMP_DIR": str(tmp_path / "uploads"),
        }
        with running(ROOT, command, **environment) as (process, url):
            shown = look(url, example=EXAMPLE)
            assert shown["map"] and shown["weights"]["name"] == ""
            assert shown["notice"]["kind"] == "standIn" and "the disk is full" in shown["notice"]["why"]
            make_room(process.pid)
            wait_for(lambda: look(url, example=EXAMPLE)["weights"]["name"] == done.commit)
            assert look(url, example=EXAMPLE)["notice"] is None


# A folder of this machine


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("metrics.json", b"[]"),
        ("metrics.json", b'{"sources": {"a": 7}}'),
        ("samples.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0"),
        ("README.md", b"\xff"),
    ],
)
def test_what_cannot_be_shown_is_refused_at_the_start(weights, name, data):
    (weights / name).write_bytes(data)
    with pytest.raises(WeightsError, match=name):
        open_weights(weights)


def test_a_folder_without_what_is_told_serves(tiny_weights):
    assert open_weights(tiny_weights).now.segmenter.size == 64
