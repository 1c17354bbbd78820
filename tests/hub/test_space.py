"""The Space holds what the page needs, no more, and starts on its pinned weights without a network."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi, SpaceCard, hf_hub_download

from segmenter.hub import space, weights as hub
from tests.hub.test_weights import NOWHERE, PLACE, ROOT
from tests.hub_cards import faults_of
from tests.standin import complete
from tests.web.test_live_weights import cut_red, running

SPACE = "writer/chairlift"
# A stand-in for an environment in which only the Space's requirements.txt is installed.
WITHOUT_TRAINING = "import runpy, sys\nfor name in ('tensorflow', 'keras', 'h5py'): sys.modules[name] = None\n"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A git checkout of the project as it is, with files in it that git does not know."""
    place = tmp_path_factory.mktemp("checkout")
    known = [
        "app.py",
        "README.md",
        "requirements.txt",
        "train.py",
        "tests/conftest.py",
        "docs/screenshot.png",
        "segmenter/data/chairs97/scenes.csv",
    ]
    for name in known:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    for name in ("weights", "segmenter"):
        ignored = shutil.ignore_patterns("__pycache__", "chairs97")
        shutil.copytree(ROOT / name, place / name, ignore=ignored, dirs_exist_ok=True)
    subprocess.run("git init -q . && git add .", shell=True, cwd=place, check=True)
    (place / "segmenter" / "notes.txt").write_text("mine")
    return place


@pytest.fixture
def put(server, checkout, tmp_path):
    def done(weights=None, token="writer", **options):
        options = {"root": checkout, "cache": tmp_path / "cache", **options}
        return space.put(SPACE, weights, endpoint=server.address, token=token, **options)

    return done


def variables(server):
    return HfApi(endpoint=server.address, token="writer").get_space_variables(SPACE)


def test_it_holds_what_the_page_needs_and_nothing_else(checkout):
    files = space.collect(checkout)
    assert {
        "app.py",
        "README.md",
        "requirements.txt",
        "docs/screenshot.png",
        "segmenter/web/viewer/script/viewer.js",
        "segmenter/data/examples/images/01_wooden_chair_corner.jpg",
        "weights/model.tflite",
    } <= files.keys()
    assert not [path for path in files if path.startswith(("tests/", "segmenter/data/chairs97/", ".git"))]
    assert not {"train.py", "segmenter/notes.txt"} & files.keys()
    names = [re.split(r"[\[=]", line)[0] for line in files["requirements.txt"].decode().splitlines() if "==" in line]
    assert {"gradio", "huggingface_hub", "ai-edge-litert"} <= set(names)
    assert not {"tensorflow", "keras"} & set(names)


def test_it_is_one_commit_and_the_same_again_changes_nothing(server, put):
    assert "updated" in put()
    repository = server.store.repositories["spaces", SPACE]
    assert len(repository.commits) == 2 and not repository.tags
    assert "unchanged" in put() and len(repository.commits) == 2
    assert not variables(server)


def test_weights_are_pinned_and_fetched_when_it_is_built(server, put, weights):
    done = hub.push(weights, PLACE, endpoint=server.address, token="writer")
    put(f"{PLACE}@v1")
    card = SpaceCard(server.files(SPACE, kind="spaces")["README.md"].decode())
    assert card.data.models == [PLACE]
    assert card.data.preload_from_hub == [f"{PLACE} {','.join(hub.FILES)} {done.commit}"]
    assert card.data.title == "Chairlift" and card.data.sdk == "gradio"
    assert variables(server)["SEGMENTER_WEIGHTS"].value == f"{PLACE}@{done.commit}"
    assert "unchanged" in put(PLACE)
    new = hub.push(complete(weights, threshold=0.6), PLACE, endpoint=server.address, token="writer")
    assert f"{PLACE}@{new.commit}" in put(PLACE)
    assert variables(server)["SEGMENTER_WEIGHTS"].value.endswith(new.commit)
    assert "bundled" not in put() and not variables(server)  # back to the weights that come with it


def test_private_weights_are_left_to_the_start_and_a_secret(server, put, weights):
    hub.push(weights, PLACE, private=True, endpoint=server.address, token="writer")
    assert "HF_TOKEN" in put(PLACE, private=True)
    assert "preload_from_hub" not in SpaceCard(server.files(SPACE, kind="spaces")["README.md"].decode()).data
    assert server.store.repositories["spaces", SPACE].private


def test_it_starts_on_the_pinned_weights_without_a_network(server, put, weights, tmp_path):
    hub.push(weights, PLACE, endpoint=server.address, token="writer")
    put(PLACE)
    files, home = server.files(SPACE, kind="spaces"), tmp_path / "home"
    for path, data in files.items():
        (tmp_path / "space" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "space" / path).write_bytes(data)
    for line in SpaceCard(files["README.md"].decode()).data.preload_from_hub:  # as the Hub does when it builds it
        repository, names, revision = line.split()
        for name in names.split(","):
            hf_hub_download(repository, name, revision=revision, cache_dir=home / "hub", endpoint=server.address)
    environment = {
        "HF_ENDPOINT": NOWHERE,
        "HF_HOME": str(home),
        "GRADIO_TEMP_DIR": str(tmp_path / "uploads"),
        "PYTHONPATH": "",
        **{key: value.value for key, value in variables(server).items()},
    }
    command = ["-c", f"{WITHOUT_TRAINING}runpy.run_path('app.py', run_name='__main__')"]
    with running(tmp_path / "space", command, **environment) as (_, url):
        assert cut_red(url, tmp_path)


def test_a_file_that_is_gone_leaves_and_what_is_not_ours_stays(server, put, checkout, tmp_path):
    other = shutil.copytree(checkout, tmp_path / "other")
    (other / "segmenter" / "old.py").write_text("")
    subprocess.run("git add .", shell=True, cwd=other, check=True)
    put(root=other)
    api = HfApi(endpoint=server.address, token="writer")
    api.upload_file(path_or_fileobj=b"mine", path_in_repo="notes.md", repo_id=SPACE, repo_type="space")
    put()
    files = server.files(SPACE, kind="spaces")
    assert "segmenter/old.py" not in files and files["notes.md"] == b"mine"


def test_another_space_of_that_name_is_left_alone(server, put):
    api = HfApi(endpoint=server.address, token="writer")
    api.create_repo(SPACE, repo_type="space", space_sdk="static")
    api.upload_file(path_or_fileobj=b"<html>", path_in_repo="index.html", repo_id=SPACE, repo_type="space")
    with pytest.raises(hub.HubError, match="holds something else"):
        put()


@pytest.mark.parametrize("fault, words", [("402", "paid plan"), ("403", "no right to write")])
def test_a_space_that_may_not_be_created(server, put, fault, words):
    server.fault(fault, "POST /api/repos/create")
    with pytest.raises(hub.HubError, match=words):
        put()


def test_what_is_no_checkout(server, put, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(hub.HubError, match="no git checkout"):
        put(root=tmp_path / "empty")
    assert not server.log


def test_a_dry_run_from_the_command_line_sends_nothing(server, checkout):
    environment = {**os.environ, "HF_ENDPOINT": server.address, "HF_TOKEN": "writer"}
    command = [sys.executable, "-m", "segmenter.hub", "space", SPACE, "--dry-run"]
    told = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert "weights/model.tflite" in told.stdout, told.stderr
    assert not server.log


def test_the_readmes_settings_are_what_the_hub_accepts():
    assert faults_of((Path(ROOT) / "README.md").read_text(encoding="utf-8"), "space") == []
    requirements = (Path(ROOT) / "requirements.txt").read_text()
    settings = SpaceCard.load(Path(ROOT) / "README.md").data
    assert f"gradio[mcp]=={settings.sdk_version} " in requirements


@pytest.mark.parametrize(
    "lines, words",
    [
        ("sdk: notebook", '"sdk"'),
        ("sdk: gradio\ncolorFrom: teal", '"colorFrom"'),
        ("sdk: gradio\nlicense: Mine", '"license"'),
        (f"sdk: gradio\nshort_description: {'x' * 61}", "60 characters"),
        ("sdk: gradio\npreload_from_hub:\n- a/b, c", "preload"),
        ("sdk: gradio\npreload_from_hub:\n- a/b c.txt v1", "preload"),
    ],
)
def test_the_tests_hub_refuses_what_the_real_one_does(lines, words):
    assert words in " ".join(faults_of(f"---\n{lines}\n---\n", "space"))
