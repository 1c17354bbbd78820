"""requirements.lock is what requirements.txt comes to, each file with its hash; what is known of it is looked up."""

import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import audit

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENTRIES = re.findall(
    r"^([a-z0-9][^ \n]*==[^ \n]+)( ; [^\\\n]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", LOCK, re.M
)
HOLE = {"id": "PYSEC-2030-1", "fix_versions": ["2.0"], "aliases": ["CVE-2030-7"]}


def report(**vulns):
    return json.dumps(
        {"dependencies": [{"name": name, "version": "1.0", "vulns": each} for name, each in vulns.items()]}
    )


def test_every_package_is_locked_with_hashes_and_no_address():
    assert len(ENTRIES) == len(re.findall("^[a-z]", LOCK, re.M))
    assert "://" not in LOCK and len(ENTRIES) > 80


def test_what_is_pinned_is_locked_in_the_same_version():
    locked = {canonicalize_name(Requirement(pin).name): Requirement(pin) for pin, _, _ in ENTRIES}
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            pinned = Requirement(line.split("#")[0])
            assert locked[canonicalize_name(pinned.name)].specifier == pinned.specifier, "`make lock` writes it anew"


@pytest.mark.parametrize(
    "text, status, words",
    [
        ("", 0, "cannot be reached"),
        ('{"dependencies": [{"name": "pillow", "skip_reason": "not found"}]}', 0, "cannot be reached"),
        (report(pillow=[], numpy=[]), 0, "2 packages audited: no holes"),
        (report(pillow=[HOLE]), 1, "pillow 1.0: PYSEC-2030-1, mended in 2.0"),
        (report(pillow=[{**HOLE, "id": "GHSA-aa-bb"}, {**HOLE, "aliases": []}]), 1, "1 holes"),
    ],
)
def test_a_report_is_judged(text, status, words):
    found = audit.verdict(text, ["CVE-2030-7"] if "GHSA" in text else [])
    assert found[0] == status and words in found[1]


def test_an_exception_needs_its_reason():
    text = "- `CVE-2030-7`: the page never opens such files.\n- `PYSEC-2030-2`:\nSee `GHSA-1-2`: no.\n"
    assert audit.exceptions(text) == ["CVE-2030-7"]
    assert isinstance(audit.exceptions((ROOT / "SECURITY.md").read_text(encoding="utf-8")), list)
