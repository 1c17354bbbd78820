"""Weights travel: the real Hub client against a local Hub, with everything that can go wrong."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import HfApi, ModelCard

from segmenter import Segmenter, WeightsError
from segmenter.cli import main
from segmenter.hub import weights as hub
from tests.standin import complete

ROOT = Path(__file__).resolve().parents[2]
PLACE = "writer/chairs"
NOWHERE = "http://127.0.0.1:9"  # nobody listens there


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def push(server, folder, token="writer", **options):
    return hub.push(folder, options.pop("place", PLACE), endpoint=server.address, token=token, **options)


def pull(server, cache, place=PLACE, token=False):
    return hub.pull(place, cache, endpoint=getattr(server, "address", server), token=token)


# Push


def test_a_push_is_one_commit_of_exactly_the_weights_folder(server, weights):
    (weights / "history.csv").write_text("stays at home")
    done = push(server, weights)
    assert (done.tag, done.changed) == ("v1", True)
    files = server.files(PLACE)
    assert files.keys() - {".gitattributes"} == hub.FILES.keys()
    assert all(files[name] == (weights / name).read_bytes() for name in hub.FILES)
    repository = server.store.repositories["models", PLACE]
    assert len(repository.commits) == 2  # the empty one and ours
    assert repository.tags == {"v1": done.commit} and not repository.private


def test_the_same_weights_again_change_nothing_and_others_get_a_new_tag(server, weights):
    first = push(server, weights)
    again = push(server, weights)
    assert again == (first.commit, "v1", False)
    second = push(server, complete(weights, threshold=0.6))
    assert second.tag == "v2" and second.changed and second.commit != first.commit
    assert push(server, complete(weights, threshold=0.7), tag="best").tag == "best"


def test_a_taken_tag_is_refused_before_anything_is_written(server, weights):
    first = push(server, weights)
    with pytest.raises(hub.HubError, match="another version as v1 already"):
        push(server, complete(weights, threshold=0.6), tag="v1")
    assert server.store.repositories["models", PLACE].branches["main"] == first.commit


def test_a_private_repository_is_seen_by_its_owner_alone(server, weights, cache):
    push(server, weights, private=True)
    assert pull(server, cache, token="writer").is_dir()
    for token in (False, "other"):
        with pytest.raises(hub.HubError, match="no repository writer/chairs, or it is private"):
            pull(server, cache, "writer/chairs@v1x", token)


def test_a_public_repository_is_not_taken_for_a_private_one(server, weights):
    push(server, weights)
    with pytest.raises(hub.HubError, match="is public"):
        push(server, weights, private=True)


def test_a_dry_run_lists_what_would_go_and_sends_nothing(server, weights, monkeypatch, capsys):
    assert main(["push", str(weights), PLACE, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in hub.FILES)
    assert not server.log


def test_a_push_that_broke_off_goes_on_where_it_was(server, weights):
    server.fault("400", "POST /api/models/writer/chairs/commit", times=1)
    with pytest.raises(hub.HubError, match="refuses a file"):
        push(server, weights)
    sent = len([line for line in server.log if line.startswith("PUT")])
    assert sent == 3
    assert push(server, weights).tag == "v1"
    assert len([line for line in server.log if line.startswith("PUT")]) == sent  # nothing was sent twice


def test_a_push_whose_tag_failed_gets_it_the_next_time(server, weights):
    server.fault("500", "/tag/", times=1)
    with pytest.raises(hub.UnreachableError, match="in trouble"):
        push(server, weights)
    assert push(server, weights) == (server.store.repositories["models", PLACE].branches["main"], "v1", False)


@pytest.mark.parametrize(
    "token, words",
    [
        ("reader", "no right to write"),
        ("other", "no right to write"),
        ("expired", "wrong or expired"),
    ],
)
def test_who_may_not_write_is_told_so(server, weights, token, words):
    with pytest.raises(hub.HubError, match=words):
        push(server, weights, token=token)
    assert not server.store.repositories


def test_without_a_token_a_push_says_where_to_get_one(server, weights, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no token"))
    with pytest.raises(hub.HubError, match="set HF_TOKEN, or run `hf auth login`"):
        push(server, weights, token=None)


def test_a_name_that_is_taken_by_something_else(server, weights):
    api = HfApi(endpoint=server.address, token="writer")
    api.create_repo(PLACE)
    api.upload_file(path_or_fileobj=b"a,b\n", path_in_repo="table.csv", repo_id=PLACE)
    with pytest.raises(hub.HubError, match="holds something else"):
        push(server, weights)


def test_a_push_without_a_network_says_so_at_once(weights):
    with pytest.raises(hub.UnreachableError, match="cannot be reached"):
        hub.push(weights, PLACE, endpoint=NOWHERE, token="writer")


def test_a_card_that_the_hub_refuses(server, weights):
    text = (weights / "README.md").read_text().replace("license: other", "license: My Own")
    (weights / "README.md").write_text(text)
    with pytest.raises(hub.HubError, match='"license" must be one of'):
        push(server, weights)


def test_the_generated_card_passes_the_hubs_own_check(server, weights):
    push(server, weights)
    assert "POST /api/validate-yaml" in server.log
    assert ModelCard((weights / "README.md").read_text()).data.eval_results[0].metric_value == 0.9


@pytest.mark.parametrize("place", ["chairs", "a/b/c", "a b/c", "../chairs", "a/b@../../x", "a/b@", ""])
def test_what_is_no_address(place, weights):
    with pytest.raises(hub.HubError):
        hub.pull(place)
    with pytest.raises(hub.HubError):
        hub.push(weights, place)


# Pull


def test_what_was_pushed_is_what_serves(server, weights, cache):
    done = push(server, weights)
    folder = pull(server, cache)
    assert folder.name == done.commit
    assert all((folder / name).read_bytes() == (weights / name).read_bytes() for name in hub.FILES)
    photo = np.full((40, 50, 3), (250, 20, 20), np.uint8)
    assert Segmenter(folder).probabilities(photo).min() > 0.9
    assert hub.licence(folder) == "see-limits"


def test_back_to_an_earlier_version_by_its_tag(server, weights, cache):
    first, second = push(server, weights), push(server, complete(weights, threshold=0.6))
    assert pull(server, cache).name == pull(server, cache, f"{PLACE}@v2").name == second.commit
    rolled_back = pull(server, cache, f"{PLACE}@v1")
    assert rolled_back.name == first.commit and Segmenter(rolled_back).threshold == 0.5
    assert pull(server, cache, f"{PLACE}@{first.commit}") == rolled_back


def test_a_pinned_revision_that_was_pulled_asks_for_nothing(server, weights, cache):
    done = push(server, weights)
    pull(server, cache, f"{PLACE}@v1")
    server.log.clear()
    assert pull(server, cache, f"{PLACE}@v1") == pull(server, cache, f"{PLACE}@{done.commit}")
    assert pull(NOWHERE, cache, f"{PLACE}@v1").name == done.commit
    assert not server.log


def test_without_a_network_a_branch_is_what_it_last_was(server, weights, cache):
    done = push(server, weights)
    pull(server, cache)
    assert pull(NOWHERE, cache).name == done.commit


def test_without_a_network_and_never_pulled(cache):
    with pytest.raises(hub.UnreachableError, match="cannot be reached"):
        pull(NOWHERE, cache)


def test_offline_mode(server, weights, cache, monkeypatch):
    push(server, weights)
    pull(server, cache)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert pull(server, cache).is_dir()
    with pytest.raises(hub.UnreachableError, match="unset HF_HUB_OFFLINE"):
        pull(server, cache, "writer/another")


@pytest.mark.parametrize(
    "place, words",
    [
        ("writer/nothing", "no repository writer/nothing"),
        (f"{PLACE}@v9", "no revision 'v9'"),
        (f"{PLACE}@{'0' * 40}", "no revision"),
    ],
)
def test_what_is_not_there(server, weights, cache, place, words):
    push(server, weights)
    with pytest.raises(hub.HubError, match=words):
        pull(server, cache, place)


def test_an_expired_token_is_told_and_what_is_here_still_serves(server, weights, cache):
    push(server, weights)
    with pytest.raises(hub.HubError, match="wrong or expired"):
        pull(server, cache, token="expired")
    pull(server, cache, f"{PLACE}@v1")
    assert pull(server, cache, f"{PLACE}@v1", token="expired").is_dir()


def test_a_line_that_breaks_off_is_taken_up_again(server, weights, cache):
    push(server, weights)
    server.fault("broken_off", "model.weights.h5", times=1)
    folder = pull(server, cache)
    assert (folder / "model.weights.h5").read_bytes() == (weights / "model.weights.h5").read_bytes()
    asked = [line.split()[0] for line in server.log if line.endswith("model.weights.h5")]
    assert asked == ["HEAD", "GET", "GET"]


def test_a_hub_that_dies_in_mid_download_leaves_nothing_that_serves(server, weights, cache):
    push(server, weights)
    server.fault("dies", "GET /storage", times=1)
    with pytest.raises(hub.UnreachableError, match="in trouble"):
        pull(server, cache)
    assert hub.cached(PLACE, cache) is None
    server.faults.clear()
    assert pull(server, cache).is_dir()


@pytest.mark.parametrize(
    "fault, file",
    [
        ("truncated", "model.tflite"),
        ("wrong_bytes", "model.tflite"),
        ("wrong_bytes", "config.json"),
    ],
)
def test_what_arrives_damaged_is_thrown_away_and_fetched_again(server, weights, cache, fault, file):
    push(server, weights)
    server.fault(fault, f"/{file}", times=1)
    with pytest.raises(hub.UnreachableError, match="not arrive whole|arrived damaged"):
        pull(server, cache)
    assert hub.cached(PLACE, cache) is None
    assert pull(server, cache).is_dir()


def test_what_rots_in_the_cache_is_fetched_again(server, weights, cache):
    push(server, weights)
    file = pull(server, cache, f"{PLACE}@v1") / "model.tflite"
    file.write_bytes(file.read_bytes()[:-1] + b"\0\0")
    assert pull(server, cache, f"{PLACE}@v1") / "model.tflite" == file
    assert file.read_bytes() == (weights / "model.tflite").read_bytes()


def test_a_broken_new_revision_is_refused_and_the_last_good_one_stays(server, weights, cache):
    good = push(server, weights)
    pull(server, cache)
    api = HfApi(endpoint=server.address, token="writer")
    api.upload_file(path_or_fileobj=b'{"size": 1000000}', path_in_repo="config.json", repo_id=PLACE)
    with pytest.raises(hub.HubError, match="config.json is refused"):
        pull(server, cache)
    assert hub.cached(PLACE, cache).name == good.commit
    assert pull(NOWHERE, cache).name == good.commit


def test_absurd_sizes_are_refused_before_they_are_fetched(server, weights, cache, monkeypatch):
    push(server, weights)
    server.log.clear()
    monkeypatch.setitem(hub.FILES, "model.weights.h5", (1000, b""))
    with pytest.raises(hub.HubError, match="absurd"):
        pull(server, cache)
    assert len(server.log) == 1


@pytest.mark.parametrize("text", ["../../../../evil", "/tmp/evil-of-a-mirror", '"../evil"', "..", "a/b", "a\\b"])
@pytest.mark.parametrize("what", ["ETag", "X-Linked-Etag", "X-Repo-Commit", "sha"])
def test_a_mirror_that_names_paths_writes_nothing_outside_the_cache(server, weights, tmp_path, what, text):
    push(server, weights)
    server.misname(what, text)
    cache = tmp_path / "deep" / "er" / "cache"
    before = sorted(path for path in tmp_path.rglob("*") if cache not in path.parents)
    with pytest.raises(hub.HubError, match="the Hub that you mean"):
        pull(server, cache)
    after = sorted(path for path in tmp_path.rglob("*") if cache not in path.parents)
    assert set(after) - set(before) <= {tmp_path / "deep", tmp_path / "deep" / "er", cache}
    assert not any("evil" in path.name for path in cache.rglob("*"))


def test_a_full_disk_is_told(server, weights, cache, monkeypatch):
    push(server, weights)
    real = hub.hf_hub_download

    def full(repository, name, **options):
        if name == "model.tflite":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(repository, name, **options)

    monkeypatch.setattr(hub, "hf_hub_download", full)
    with pytest.raises(hub.UnreachableError, match="disk is full"):
        pull(server, cache)
    assert hub.cached(PLACE, cache) is None


def test_two_processes_pull_at_once(server, weights, cache):
    done = push(server, weights)
    program = f"from segmenter.hub import weights; print(weights.pull({PLACE!r}, {str(cache)!r}))"
    environment = {**os.environ, "HF_ENDPOINT": server.address}
    both = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=60)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert printed[0] == printed[1] == str(hub.cached(PLACE, cache)) and printed[0].endswith(done.commit)


# What must not serve


def test_a_whole_folder_is_accepted(weights):
    hub.check(weights)


def put(name, data):
    return lambda folder: (folder / name).write_bytes(data)


def put_config(**values):
    return lambda folder: (folder / "config.json").write_text(
        json.dumps(json.loads((folder / "config.json").read_text()) | values)
    )


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda folder: (folder / "samples.png").unlink(), "lacks samples.png"),
        (put("model.tflite", b""), "0 bytes"),
        (put("model.tflite", b"\0\0\0\0TFL3 and then nothing"), "another network"),
        (put("model.weights.h5", b"\x80\x04 a pickle"), "model.weights.h5 is not what its name says"),
        (put("model.tflite", b"PK\3\4 a .keras file"), "model.tflite is not what its name says"),
        (put("extra.pkl", b"\x80\x04"), "extra.pkl is of a format that could run code"),
        (put("model.keras", b"PK\3\4"), "model.keras is of a format that could run code"),
        (put("config.json", b"{"), "not valid JSON"),
        (put("config.json", b"[1]"), "not what it should be"),
        (put("README.md", b"---\n{:\n---\n"), "lines at its top"),
        (put("metrics.json", b"{}"), "another network"),
        (put("metrics.json", b"[" * 100_000), "metrics.json is not valid JSON"),
        (put("metrics.json", b'{"sources": []}'), "sources"),
        (put("metrics.json", b'{"sources": {"a": {"iou": "high"}}}'), "sources: a"),
        (put("metrics.json", b'{"sources": {"a": {"iou_by_threshold": [NaN]}}}'), "sources: a"),
        (put("metrics.json", b'{"threshold": [0.5]}'), "threshold"),
        (put("metrics.json", b'{"thresholds": {}}'), "thresholds"),
        (put("metrics.json", b'{"samples": 7}'), "samples"),
        (put("samples.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff"), "65535 × 65535"),
        (put("samples.png", b"\x89PNG\r\n\x1a\n and then nothing of the kind"), "no PNG picture"),
        (put("README.md", b"\xff\xfe"), "UTF-8"),
        (put_config(size=10**9), "size of 1000000000"),
        (put_config(size=-64), "size of -64"),
        (put_config(size=True), "size of True"),
        (put_config(size="64"), "size of '64'"),
        (put_config(size=128), "does not fit config.json"),
        (put_config(threshold=1.5), "threshold of 1.5"),
        (put_config(threshold=float("nan")), "threshold of nan"),
        (put_config(threshold=None), "threshold of None"),
        (put_config(architecture="resnet"), "architecture is 'resnet'"),
        (put_config(architecture=["unet_128"]), "architecture is"),
    ],
)
def test_what_must_not_serve_is_refused(weights, spoil, words):
    spoil(weights)
    with pytest.raises(hub.HubError, match=words):
        hub.check(weights)


def test_a_network_that_answers_with_no_numbers_is_refused(tmp_path):
    import keras

    from tests.conftest import write_weights

    photo = keras.Input((64, 64, 3))
    layer = keras.layers.Conv2D(1, 1)
    model = keras.Model(photo, layer(photo))
    layer.set_weights([np.full((1, 1, 3, 1), np.nan, np.float32), np.float32([0])])
    folder = complete(write_weights(tmp_path, model, 64, name="broken"))
    with pytest.raises(hub.HubError, match="does not answer with probabilities"):
        hub.check(folder)


# From outside


def test_segmenter_load_takes_an_address(server, weights, cache, tmp_path):
    push(server, weights)
    program = (
        "import sys, segmenter\n"
        f"print(segmenter.Segmenter.load('{PLACE}@v1').folder)\n"
        "assert not {'tensorflow', 'keras', 'gradio'} & set(sys.modules)\n"
    )
    environment = {**os.environ, "HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "home") in done.stdout


def test_a_folder_comes_before_a_repository_of_its_name(weights, monkeypatch):
    monkeypatch.chdir(weights.parent.parent)
    assert Segmenter.load(f"{weights.parent.name}/weights").threshold == 0.5
    assert issubclass(hub.HubError, WeightsError)


def test_the_command_line_pushes_pulls_and_says_what_is_wrong(server, weights, tmp_path):
    home = str(tmp_path / "home")
    environment = {**os.environ, "HF_ENDPOINT": server.address, "HF_HOME": home, "HF_TOKEN": "writer"}

    def run(*arguments):
        command = [sys.executable, "-m", "segmenter.hub", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    pushed = run("push", str(weights), PLACE)
    assert f"published as {PLACE}@v1" in pushed.stdout, pushed.stderr
    assert Path(run("pull", f"{PLACE}@v1").stdout.strip()).is_dir()
    failed = run("pull", "writer/nothing")
    assert failed.returncode == 1 and failed.stderr.count("\n") == 1 and "no repository" in failed.stderr
