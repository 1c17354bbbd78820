"""Data sets travel: the real Hub client against a local Hub."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import DatasetCard, HfApi
from PIL import Image

from segmenter.cli import main
from segmenter.datasets import pieces
from segmenter.datasets.pairs import read_folder
from segmenter.hub import datasets
from segmenter.hub.client import HubError, UnreachableError
from tests.hub.test_weights import NOWHERE

ROOT = Path(__file__).resolve().parents[2]
PLACE = "writer/stools"
ADDRESS = f"hf://datasets/{PLACE}"


@pytest.fixture
def folder(tmp_path):
    """Five photos of 40 × 30 and one upright, a quarter of each foreground, two of them of one stool."""
    rng = np.random.default_rng(0)
    place = tmp_path / "stools"
    (place / "images").mkdir(parents=True), (place / "masks").mkdir()
    for number in range(6):
        width, height = (40, 30) if number else (60, 80)
        photo = rng.integers(0, 255, (height, width, 3), np.uint8)
        mask = np.zeros((height, width), np.uint8)
        mask[: height // 2, : width // 2] = 255
        if number == 1:
            mask[-1] = 128  # nobody knows
        Image.fromarray(photo).save(place / "images" / f"{number}.jpg")
        picture = Image.fromarray(mask)
        if number == 2:
            painted = np.zeros((height, width, 3), np.uint8)
            painted[mask > 0, 0], painted[mask == 0, 2] = 200, 200
            picture = Image.fromarray(painted)
        picture.save(place / "masks" / f"{number}.png")
    (place / "list.csv").write_text("file,group\n0.jpg,three-legged\n1.jpg,three-legged\n")
    (place / "ATTRIBUTION.md").write_text("# Thanks\n\nPhotos by Somebody, CC-BY-4.0\n")
    (place / "LICENSE").write_text("Do as you like.\n")
    return place


def push(server, folder, token="writer", **options):
    return datasets.push_dataset(folder, PLACE, endpoint=server.address, token=token, **options)


@pytest.fixture
def pull(server, tmp_path):
    def pulled(address=ADDRESS, endpoint=server.address, token=False):
        return datasets.pull_dataset(address, tmp_path / "cache", endpoint, token)

    return pulled


def test_what_was_pushed_is_what_trains(server, folder, pull):
    (folder / "stools.zip").write_bytes(b"PK")  # what else lies about stays at home
    (folder / "overview.jpg").write_bytes(b"")
    (folder / "prepare.py").write_text("")
    done = push(server, folder)
    assert (done.tag, done.changed) == ("v1", True)
    assert len(server.store.repositories["datasets", PLACE].commits) == 2  # the empty one and ours
    found = pull()
    assert found.name == done.commit
    for before, after in zip(read_folder(folder), read_folder(found), strict=True):
        assert before.groups == after.groups
        assert before.photo.read_bytes() == after.photo.read_bytes()
        assert before.mask.read_bytes() == after.mask.read_bytes()
    assert (found / "LICENSE").read_text() == "Do as you like.\n"
    beside = {path.name for path in found.iterdir()}
    assert beside == {"images", "masks", "list.csv", "ATTRIBUTION.md", "LICENSE", "README.md"}


def test_numbers_of_pieces_travel_with_their_photos_and_are_told_on_the_card(server, folder, pull):
    (folder / "pieces").mkdir()
    numbers = np.zeros((80, 60), np.uint8)
    numbers[:40, :15], numbers[:40, 15:30] = 1, 2
    Image.fromarray(numbers).save(folder / "pieces/0.png")
    push(server, folder)
    found = pull()
    assert [case.truth.sum() for case in pieces.of_pairs(read_folder(found)[:1])] == [600, 600]
    assert "- `pieces/`: a PNG of the photo's name" in (found / "README.md").read_text()


def test_gif_masks_travel_with_their_photos(server, folder, pull):
    for path in list((folder / "masks").iterdir()):
        Image.open(path).convert("L").save(path.with_suffix(".gif"))
        path.unlink()
    push(server, folder)
    before, after = read_folder(folder), read_folder(pull())
    assert [pair.mask.name for pair in after] == [f"{number}.gif" for number in range(6)]
    assert [pair.mask.read_bytes() for pair in after] == [pair.mask.read_bytes() for pair in before]


def test_what_is_in_one(folder):
    found = datasets.info(folder)
    assert (found.pairs, found.groups, found.unknown, found.empty) == (6, 5, 1, 0)
    assert found.sizes == ((40, 30), (40, 30), (60, 80))
    assert found.masks == {"white on black": 5, "red on blue": 1}
    with_known = 300 / (30 * 40 - 40)  # the photo with a row that nobody knows
    assert found.foreground == pytest.approx((5 * 0.25 + with_known) / 6)
    assert found.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_what_is_in_one_of_the_hub(server, folder, tmp_path):
    done = push(server, folder, licence="cc-by-4.0")
    found = datasets.info(ADDRESS, tmp_path / "cache", server.address)
    assert found.revision == done.commit and found.licence == "cc-by-4.0"
    assert found[:7] == datasets.info(folder)[:7]


def test_the_card_says_what_is_in_it_whose_it_is_and_how_to_train(server, folder, monkeypatch):
    push(server, folder, licence="cc-by-4.0")
    card = DatasetCard(server.files(PLACE, kind="datasets")["README.md"].decode())
    assert card.data.license == "cc-by-4.0" and card.data.task_categories == ["image-segmentation"]
    assert card.data.size_categories == ["n<1K"]
    for words in ("6 photos", "5 groups", f"--data {ADDRESS}", "Photos by Somebody", "1 red on blue"):
        assert words in card.text
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.address)
    card.validate()


def test_a_card_of_the_owners_own_stays(server, folder):
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# My stools\n")
    push(server, folder)
    assert server.files(PLACE, kind="datasets")["README.md"] == (folder / "README.md").read_bytes()


def test_the_same_again_changes_nothing_and_a_photo_that_is_gone_leaves(server, folder, pull):
    first = push(server, folder)
    assert push(server, folder) == (first.commit, "v1", False)
    assert push(server, pull()) == (first.commit, "v1", False)  # its own card is written anew, alike
    for part in ("images/5.jpg", "masks/5.png"):
        (folder / part).unlink()
    second = push(server, folder)
    assert second.tag == "v2" and len(read_folder(pull())) == 5
    assert len(read_folder(pull(f"{ADDRESS}@v1"))) == 6


def test_a_push_that_broke_off_goes_on_where_it_was(server, folder):
    server.fault("500", "POST /api/datasets/writer/stools/commit", times=1)
    with pytest.raises(UnreachableError, match="in trouble"):
        push(server, folder)
    sent = sum(line.startswith("PUT") for line in server.log)
    assert sent == 12
    assert push(server, folder).tag == "v1"
    assert sum(line.startswith("PUT") for line in server.log) == sent


def test_a_pinned_revision_and_an_unreachable_hub_need_no_network(server, folder, pull):
    done = push(server, folder)
    found = pull()
    pull(f"{ADDRESS}@v1")
    server.log.clear()
    for address in (ADDRESS, f"{ADDRESS}@v1", f"{ADDRESS}@{done.commit}"):
        assert pull(address, endpoint=NOWHERE) == found
    assert pull(f"{ADDRESS}@v1") == found and not server.log


@pytest.mark.parametrize(
    "fault, words",
    [
        ("wrong_bytes", "arrived damaged"),
        ("truncated", "not arrive whole"),
        ("dies", "in trouble|not arrive"),
    ],
)
def test_what_did_not_arrive_whole_is_never_used(server, folder, pull, fault, words):
    push(server, folder)
    server.fault(fault, "GET /storage", times=1)
    with pytest.raises(UnreachableError, match=words):
        pull(f"{ADDRESS}@v1")
    with pytest.raises(UnreachableError):
        pull(f"{ADDRESS}@v1", endpoint=NOWHERE)
    server.faults.clear()
    assert len(read_folder(pull(f"{ADDRESS}@v1"))) == 6


def test_no_program_is_fetched(server, folder, pull):
    push(server, folder)
    api = HfApi(endpoint=server.address, token="writer")
    for name in ("stools.py", "images/run.sh", "weights.pkl", "LICENSE.py", ".hidden"):
        api.upload_file(path_or_fileobj=b"print(1)", path_in_repo=name, repo_id=PLACE, repo_type="dataset")
    api.upload_file(path_or_fileobj=b"PK", path_in_repo="more.ZIP", repo_id=PLACE, repo_type="dataset")
    names = {path.name for path in pull().rglob("*")}
    assert not names & {"stools.py", "run.sh", "weights.pkl", "LICENSE.py", ".hidden"}
    assert {"more.ZIP", "LICENSE", "0.jpg"} <= names


@pytest.mark.parametrize(
    "address, words",
    [
        ("hf://datasets/writer/nothing", "no data set writer/nothing"),
        (f"{ADDRESS}@v9", "no revision 'v9'"),
        ("hf://datasets/stools", "does not name a repository"),
        ("writer/stools", "names no data set"),
        ("hf://datasets/writer/stools/images", "does not name a repository"),
    ],
)
def test_what_is_not_there(server, folder, pull, address, words):
    push(server, folder)
    with pytest.raises(HubError, match=words):
        pull(address)


@pytest.mark.parametrize("token, words", [("reader", "no right to write"), ("expired", "wrong or expired")])
def test_who_may_not_write_is_told_so(server, folder, token, words):
    with pytest.raises(HubError, match=words):
        push(server, folder, token=token)
    assert not server.store.repositories


def test_a_licence_that_the_hub_does_not_know(server, folder):
    with pytest.raises(HubError, match='"license" must be one of'):
        push(server, folder, licence="my own")


def test_a_private_one_is_seen_by_its_owner_alone(server, folder, pull):
    push(server, folder, private=True)
    assert pull(token="writer").is_dir()
    with pytest.raises(HubError, match="or it is private"):
        pull(f"{ADDRESS}@v1x")


def test_a_name_that_is_taken_by_something_else(server, folder):
    api = HfApi(endpoint=server.address, token="writer")
    api.create_repo(PLACE, repo_type="dataset")
    api.upload_file(path_or_fileobj=b"a,b\n", path_in_repo="table.csv", repo_id=PLACE, repo_type="dataset")
    with pytest.raises(HubError, match="holds something else"):
        push(server, folder)


def test_a_dry_run_lists_what_would_go_and_sends_nothing(server, folder, capsys):
    assert main(["data", "push", str(folder), PLACE, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("images/0.jpg", "masks/0.png", "README.md", "LICENSE", "list.csv"))
    assert not server.log


def test_pulling_does_without_keras():
    program = "import sys, segmenter.hub.datasets; assert not {'keras', 'tensorflow', 'gradio'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def test_the_command_line(server, folder, tmp_path):
    environment = {**os.environ, "HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": "writer"}

    def run(*arguments):
        command = [sys.executable, "-m", "segmenter.datasets", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    pushed = run("push", str(folder), PLACE, "--licence", "cc-by-4.0")
    assert f"published as {ADDRESS}@v1" in pushed.stdout, pushed.stderr
    summary = run("info", f"{ADDRESS}@v1").stdout
    assert "6 photos with masks" in summary and "licence: cc-by-4.0" in summary
    failed = run("pull", "hf://datasets/writer/nothing")
    assert failed.returncode == 1 and failed.stderr.strip().splitlines()[-1].startswith("dataset: there is no data set")


@pytest.mark.parametrize("parts", [("train/images", "train/masks"), ("images", "gt")])
def test_photos_and_masks_in_other_folders_are_refused_rather_than_left_behind(server, folder, parts):
    (folder / "train").mkdir()
    for name, part in zip(("images", "masks"), parts):
        (folder / name).rename(folder / part)
    with pytest.raises(HubError, match="would not be published: put all photos in images/ and all masks in masks/"):
        push(server, folder)
