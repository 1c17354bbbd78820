"""What is installed: the requirements hold together, and the weights are found wherever they lie."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import segmenter
from segmenter.cli import main, make_parser
from segmenter.hub import space
from tests import architecture_picture as house

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pinned():
    """name → Requirement of every line of requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def required(*groups):
    """name → Requirement of lists of requirements."""
    return {canonicalize_name(Requirement(line).name): Requirement(line) for group in groups for line in group}


def test_requirements_txt_pins_what_the_package_asks_for():
    pins, asked = pinned(), required(PROJECT["dependencies"], *EXTRAS.values())
    assert pins.keys() == asked.keys()
    for name, requirement in asked.items():
        (pin,) = pins[name].specifier
        assert pin.operator == "==" and requirement.specifier.contains(pin.version), name
        assert requirement.extras == pins[name].extras


def test_the_page_gets_all_but_what_training_alone_needs():
    slim = space.slim((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    kept = {canonicalize_name(Requirement(line.split("#")[0]).name) for line in slim.splitlines() if line[:1].isalpha()}
    assert kept == required(PROJECT["dependencies"], EXTRAS["serve"]).keys()


@pytest.mark.parametrize("name", ["pyyaml", "httpx2"])
def test_what_serving_imports_is_pinned_and_not_called_trainings(name):
    (line,) = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith(f"{name}==")]
    assert "training alone" not in line


def test_what_the_package_imports_is_in_its_requirements():
    """Top-level names that segmenter/ imports, beside Python's own, belong to a requirement."""
    homes = {
        "cv2": "opencv-python-headless",
        "PIL": "pillow",
        "yaml": "pyyaml",
        "markupsafe": "jinja2",
        "markdown_it": "markdown-it-py",
    }
    asked = required(PROJECT["dependencies"], *EXTRAS.values()).keys()
    paths = house.modules().values()
    names = {name.split(".")[0] for path in paths for name in house.read_imports(path)} - sys.stdlib_module_names
    optional = {"jax"}  # for several GPUs; whoever has them installs it
    assert {canonicalize_name(homes.get(name, name)) for name in names} - optional - {"segmenter"} <= asked


def test_installed_weights_are_found_within_the_package(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(ROOT / "segmenter", tmp_path / "segmenter", ignore=ignored)
    shutil.copytree(ROOT / "weights", tmp_path / "segmenter" / "weights")
    program = "from segmenter import Segmenter; print(Segmenter.load().folder)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert Path(done.stdout.strip()) == tmp_path / "segmenter" / "weights", done.stderr


def test_a_command_whose_extra_is_not_installed_says_which():
    program = "import sys; sys.modules['pycocotools'] = None\nfrom segmenter.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "data", "info", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr == "error: this needs pycocotools: pip install 'chairlift[train]'\n"


def test_the_version_is_one(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    version = capsys.readouterr().out.split()[1]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {version}" in changelog


def test_the_script_is_the_command_line():
    assert PROJECT["scripts"] == {"chairlift": f"{main.__module__}:{main.__name__}"}
    assert make_parser().prog == "chairlift"


def test_the_public_face_is_whole():
    assert sorted(segmenter.__all__) == sorted(segmenter._HOMES)
    assert all(getattr(segmenter, name).__name__ == name for name in segmenter.__all__)
    assert issubclass(segmenter.HubError, segmenter.WeightsError)
    with pytest.raises(AttributeError, match="no attribute 'cutout'"):
        _ = segmenter.cutout
