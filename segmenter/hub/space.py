"""The Space: this checkout's page, hosted by the Hugging Face Hub.

    chairlift space OWNER/NAME [--weights OWNER/NAME@revision]

Reference: https://huggingface.co/docs/hub/spaces-config-reference (the lines at the top of README.md)
"""

import os
import re
import subprocess
from pathlib import Path

from huggingface_hub import HfApi, SpaceCard

from segmenter.hub import client
from segmenter.hub.client import HubError, Token, explaining
from segmenter.hub.weights import FILES, Cache, pull

ROOT = Path(__file__).resolve().parents[2]
SERVED = ("app.py", "requirements.txt", "README.md", "LICENSE", "LICENCE", "segmenter/", "weights/")
NOT_SERVED = ("segmenter/data/chairs97/",)  # for training
TRAINING = "# training alone"  # marks lines of requirements.txt that the page does without, by far the largest
OWNED = ("segmenter/", "weights/")  # what is there and no longer here leaves the Space
VARIABLE = "SEGMENTER_WEIGHTS"


def put(
    repository: str,
    weights: str | None = None,
    private: bool = False,
    dry_run: bool = False,
    root: str | os.PathLike[str] = ROOT,
    cache: Cache = None,
    endpoint: str | None = None,
    token: Token = None,
) -> str:
    """Create a Gradio Space from a checkout, or bring it up to date, in one commit.

    It serves the weights that come with the checkout; or others of the Hub, pinned to the commit that
    they are at now, and fetched when the Space is built, so that its start needs no network.

    Args:
        repository: "OWNER/NAME".
        weights: "OWNER/NAME[@revision]"; they must pass every check of `weights.check`.
        private: create it so that only its owner sees it.
        dry_run: do all but send anything.
        root: the checkout.
        cache, endpoint, token: as for `weights.pull`.

    Returns:
        A sentence or two about what was done.

    Raises:
        HubError: it cannot be done; the message says why.
    """
    client.check_name(repository)
    pinned, hidden = pin(weights, cache, endpoint, token) if weights else (None, False)
    files = collect(Path(root), pinned, preload=not hidden)
    if dry_run:
        lines = [f"  {path}  {len(data):,} bytes" for path, data in files.items()]
        settings = [f"  {VARIABLE}={pinned}"] if pinned else []
        return "\n".join([f"to the Space {repository} would go, in one commit:", *lines, *settings])
    pushed = client.write(
        repository,
        files,
        "Bring the page up to date",
        "space",
        private=private,
        ours={"app.py", "segmenter/inference/predictor.py"}.issubset,
        stale=lambda path: path.startswith(OWNED),
        endpoint=endpoint,
        token=token,
    )
    changed = _set_weights(repository, pinned, endpoint, token) or pushed.changed
    serves = f"serving {pinned}" if pinned else "serving the weights that come with it"
    summary = f"Space {repository} {'updated' if changed else 'unchanged'} (commit {pushed.commit[:7]}), {serves}"
    advice = "\nThese weights are private: give the Space a secret HF_TOKEN that may read them"
    return summary + advice if hidden else summary


def pin(weights: str, cache: Cache = None, endpoint: str | None = None, token: Token = None) -> tuple[str, bool]:
    """("OWNER/NAME@commit", whether they are private) of weights that are good now."""
    repository, _ = client.split(weights)
    commit = pull(weights, cache, endpoint, token).name
    with explaining(repository, commit):
        return f"{repository}@{commit}", bool(HfApi(endpoint=endpoint, token=token).model_info(repository).private)


def collect(root: Path, pinned: str | None = None, preload: bool = True) -> dict[str, bytes]:
    """What the Space consists of: path → bytes.

    Args:
        root: a git checkout; of it go the files that git knows, as they are now.
        pinned: "OWNER/NAME@commit" of the weights to serve; the bundled ones by default.
        preload: whether they can be fetched when the Space is built, where there is no token.
    """
    tracked = _tracked(root)
    readme = (root / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"!\[[^\]]*\]\(([^):]+)\)", readme))
    paths = [path for path in tracked if (path.startswith(SERVED) or path in shown) and not path.startswith(NOT_SERVED)]
    files = {path: (root / path).read_bytes() for path in paths if (root / path).is_file()}
    lacking = [path for path in ("app.py", "requirements.txt", "weights/model.tflite") if path not in files]
    if lacking:
        raise HubError(f"{root} is not a whole checkout: it lacks {lacking[0]}")
    files["requirements.txt"] = slim(files["requirements.txt"].decode()).encode()
    files["README.md"] = front_matter(readme, pinned, preload).encode()
    return files


def _tracked(root: Path) -> list[str]:
    command = ["git", "-C", str(root), "ls-files", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError) as error:
        raise HubError(f"{root} is no git checkout, so it cannot be told which files belong to the project") from error
    return sorted(filter(None, listed.split("\0")))


def slim(requirements: str) -> str:
    """The lines of requirements.txt that the page needs: all but training's, which say so."""
    return "\n".join(line for line in requirements.splitlines() if TRAINING not in line) + "\n"


def front_matter(readme: str, pinned: str | None = None, preload: bool = True) -> str:
    """README.md with the Space's settings at its top: the weights to fetch when it is built."""
    card = SpaceCard(readme)
    if card.data.get("sdk") != "gradio":
        raise HubError("README.md lacks the lines at its top that make a Gradio Space of it (sdk: gradio)")
    if pinned:
        repository, commit = client.split(pinned)
        card.data["models"] = [repository]
        if preload:
            card.data["preload_from_hub"] = [f"{repository} {','.join(FILES)} {commit}"]
    return str(card) if pinned else readme


def _set_weights(repository: str, pinned: str | None, endpoint: str | None, token: Token) -> bool:
    """Let the Space's page know which weights to serve. Returns whether that is news to it."""
    api = HfApi(endpoint=endpoint, token=token)
    with explaining(repository, None, "space"):
        now = api.get_space_variables(repository).get(VARIABLE)
        if pinned and (not now or now.value != pinned):
            api.add_space_variable(repository, VARIABLE, pinned, description="The weights that the page serves")
        elif now and not pinned:
            api.delete_space_variable(repository, VARIABLE)
        else:
            return False
    return True
