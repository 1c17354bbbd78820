"""What is wrong with the files of a data set, and what to do about each."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is wrong with one file of a data set, and what to do about it.

    The level is "error" where the file is left out, "warning" where it is used all the same;
    the kind is the heading that findings are gathered under.
    """

    level: str
    kind: str
    name: str
    problem: str
    advice: str


def summarise(findings: Iterable[Finding], most: int = 4) -> str:
    """Findings as lines for a terminal: two for each kind, with how many, the first names, and what to do.

    Args:
        findings: in any order; errors are shown first, and of these the most frequent kinds.
        most: names to show of each kind.
    """
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.level, finding.kind), []).append(finding)
    lines = []
    for (level, kind), alike in sorted(kinds.items(), key=lambda item: (item[0][0], -len(item[1]))):
        names = ", ".join(finding.name for finding in alike[:most]) + (", …" if len(alike) > most else "")
        first = alike[0]
        fate = "left out" if level == "error" else "used"
        lines.append(f"{kind[0].upper()}{kind[1:]}: {len(alike)}, {fate} ({names})")
        lines.append(f"    {first.name}: {first.problem}; {first.advice}")
    return "\n".join(lines)
