"""The page always has good weights: while the Hub is slow, gone, or holds something broken."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file

import app
from segmenter import hub
from segmenter.supply import Supply, open_supply
from tests.standin import RedSegmenter, complete
from tests.test_app import Event
from tests.test_hub import NOWHERE, PLACE

ROOT = Path(__file__).resolve().parent.parent
FOREVER = (1000,)


@pytest.fixture
def start(tmp_path, tiny_weights, server):
    """Start as the page does, on a cache of this test's own."""

    def started(place=PLACE, endpoint=server.address, **options):
        options = {"spare": tiny_weights, "pauses": FOREVER, "cache": tmp_path / "cache", **options}
        return open_supply(place, endpoint=endpoint, **options)

    return started


def push(server, folder, **config):
    return hub.push(complete(folder, **config), PLACE, endpoint=server.address, token="writer")


def wait_for(happened, seconds=20):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_on_an_empty_cache_the_wanted_weights_serve_from_the_start(server, weights, start):
    done = push(server, weights)
    supply = start(f"{PLACE}@v1")
    assert supply.notice is None
    assert supply.now.origin == {
        "repository": PLACE, "revision": "v1", "commit": done.commit, "licence": "see-limits",
    }  # fmt: skip


def test_a_second_start_needs_no_network(server, weights, start):
    done = push(server, weights)
    start(f"{PLACE}@v1"), start()
    for place in (f"{PLACE}@v1", PLACE):
        began = time.monotonic()
        assert start(place, endpoint=NOWHERE).now.name == done.commit
        assert time.monotonic() - began < 2


def test_a_new_revision_takes_over(server, weights, start):
    push(server, weights)
    start()
    new = push(server, weights, threshold=0.7)
    supply = start()
    wait_for(lambda: supply.now.name == new.commit)
    assert supply.now.told()["threshold"] == 0.7


def test_a_hub_that_is_gone_leaves_the_bundled_weights_and_a_notice(start):
    began = time.monotonic()
    supply = start(endpoint=NOWHERE)
    assert time.monotonic() - began < 3
    assert supply.now.name == ""
    assert supply.notice["kind"] == "standIn" and supply.notice["place"] == PLACE
    assert "cannot be reached" in supply.notice["why"]


def test_what_arrives_late_takes_over(server, weights, start):
    done = push(server, weights, threshold=0.6)
    server.fault("slow", "/api/models", times=1, seconds=0.5)
    supply = start(patience=0.1)
    assert supply.now.name == "" and supply.notice["why"] == "the Hub is slow"
    wait_for(lambda: supply.now.name == done.commit)
    wait_for(lambda: supply.notice is None)


@pytest.mark.parametrize("fault", ["wrong_bytes", "truncated", "500"])
def test_faults_that_pass_are_tried_again(server, weights, start, fault):
    done = push(server, weights)
    server.fault(fault, "GET /storage", times=1)
    supply = start(pauses=(0.01,))
    wait_for(lambda: supply.now.name == done.commit)
    wait_for(lambda: supply.notice is None)


def test_a_broken_revision_is_refused_and_the_last_good_one_serves(server, weights, start):
    good = push(server, weights)
    start()
    entries = server.store.repositories["models", PLACE]
    oid = "0" * 39 + "1"
    server.store.put(oid, json.dumps({"size": 10**6}).encode())
    entries.commit("main", {"config.json": {"oid": oid, "size": 17, "lfs": False}}, "break it")
    supply = start()
    wait_for(supply.settled.is_set)
    assert supply.now.name == good.commit
    assert supply.notice["kind"] == "older" and supply.notice["why"]


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
    supply = Supply(RedSegmenter())
    desk = app.Desk(supply)
    name = next(iter(desk.examples))
    seen = desk.look(Event(token=1, example=name))
    before = desk.save(Event(token=2, example=name, threshold=0.3, weights=seen["weights"]["name"]))
    supply.take(Pale(), {"repository": PLACE, "revision": "v1", "commit": "c0ffee", "licence": "mit"})
    after = desk.save(Event(token=3, example=name, threshold=0.3, weights=seen["weights"]["name"]))
    assert Path(before["file"]["path"]).read_bytes() == Path(after["file"]["path"]).read_bytes()
    now = desk.look(Event(token=4, example=name))
    assert now["map"] != seen["map"]
    assert now["weights"]["repository"] == PLACE and now["weights"]["threshold"] == 0.4


def test_the_page_is_told_why_a_stand_in_serves(tmp_path, monkeypatch):
    supply = Supply(RedSegmenter())
    supply.notice = {"kind": "standIn", "place": PLACE, "why": "the Hub cannot be reached"}
    desk = app.Desk(supply)
    answer = desk.look(Event(token=1, example=next(iter(desk.examples))))
    assert answer["notice"]["place"] == PLACE and answer["weights"] == {"name": "", "threshold": 0.5}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_fresh_app_pulls_what_was_pushed_and_serves_it(server, weights, tmp_path):
    push(server, weights)
    port = free_port()
    environment = {
        **os.environ, "HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "home"),
        "SEGMENTER_WEIGHTS": f"{PLACE}@v1", "GRADIO_TEMP_DIR": str(tmp_path / "uploads"),
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "app.py", "--port", str(port)], cwd=ROOT, env=environment)
    try:
        url = f"http://127.0.0.1:{port}/"
        wait_for(lambda: process.poll() is None and _answers(url), 90)
        photo = np.zeros((60, 80, 3), np.uint8)
        photo[20:40, 20:60, 2] = 255  # OpenCV's red
        cv2.imwrite(str(tmp_path / "red.png"), photo)
        client = Client(url, verbose=False, download_files=tmp_path / "down")
        cutout = client.predict(photo=handle_file(tmp_path / "red.png"), threshold=0.5, api_name="/cut")
        alpha = cv2.imread(cutout, cv2.IMREAD_UNCHANGED)[..., 3]
        assert alpha[30, 40] == 255 and alpha[5, 5] == 0
    finally:
        process.terminate()
        process.wait(20)


def _answers(url):
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False
