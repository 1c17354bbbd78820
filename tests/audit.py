"""What is known of the versions in requirements.lock, asked of PyPI's list of vulnerabilities by pip-audit.

    python -m tests.audit

ends with 1 where one of them has a known hole that SECURITY.md does not explain. Where the list cannot be reached,
it says so and ends with 0: nothing was looked at then.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXCEPTION = re.compile(r"^- `((?:GHSA|CVE|PYSEC)-[\w-]+)`: \S", re.M)  # a line of SECURITY.md, with its reason
SECONDS = 600


def exceptions(text: str) -> list[str]:
    """The names of the holes that a text explains."""
    return EXCEPTION.findall(text)


def verdict(report: str, explained: Sequence[str]) -> tuple[int, str]:
    """(exit status, what to say) of pip-audit's report in JSON, which is empty where it could not make one."""
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        packages = []
    looked_at = [each for each in packages if "vulns" in each]
    if not looked_at:
        return 0, "The list of known vulnerabilities cannot be reached from here: nothing was audited."
    open_holes = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version'}"
        for each in looked_at
        for hole in each["vulns"]
        if not {hole["id"], *hole["aliases"]}.intersection(explained)
    ]
    unknown = f" ({len(packages) - len(looked_at)} are not on the list)" if len(looked_at) < len(packages) else ""
    summary = f"{len(looked_at)} packages audited{unknown}: {len(open_holes) or 'no'} holes that are not explained."
    return bool(open_holes), "\n".join([*open_holes, summary])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / "requirements.lock")]
        command += ["--require-hashes", "--disable-pip", "--format", "json", "--output", str(report)]
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            pass  # no report, then
        text = report.read_text(encoding="utf-8") if report.is_file() else ""
    status, words = verdict(text, exceptions((ROOT / "SECURITY.md").read_text(encoding="utf-8")))
    print(words)
    return status


if __name__ == "__main__":
    sys.exit(main())
