"""The picture of the house in CONTRIBUTING.md, made from the imports.

    python -m tests.architecture_picture            write it into CONTRIBUTING.md
    python -m tests.architecture_picture --print    print it

A room is a folder of segmenter/, or a file beside them; `tests/test_architecture.py` holds their order.
"""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- the house: made by `python -m tests.architecture_picture` -->", "<!-- end of the house -->"

# From the top of the house to its ground. A room may import what lies in a row below its own, nothing else.
ROWS = (
    ("app.py", "train.py", "cli"),
    ("web", "training"),
    ("evaluation", "batch", "hub"),
    ("datasets",),
    ("render", "models"),
    ("inference",),
    ("weights_format",),
    ("io",),
    ("errors", "memory"),
)
# The one import that runs upward: a name of the Hub is looked up where weights are asked for.
DOORWAY = ("segmenter.weights_format", "segmenter.hub.weights")


def modules():
    """Name of each module of the project → its file."""
    found = {"app": ROOT / "app.py", "train": ROOT / "train.py"}
    for path in sorted((ROOT / "segmenter").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def public_names():
    """Each name that `segmenter` exports → the module it comes from."""
    tree = ast.parse((ROOT / "segmenter" / "__init__.py").read_text(encoding="utf-8"))
    homes = next(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "_HOMES"
    )
    return {name: f"segmenter.{home}" for name, home in ast.literal_eval(homes).items()}


def read_imports(path):
    """What a file imports, on its first level and inside functions: full names, as far as the file tells."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}: imports are written in full here, not as `from .`")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph():
    """Module → the modules of the project that it imports.

    `segmenter` itself only forwards its public names, so whoever imports one imports its home.
    """
    known, homes = modules(), public_names()
    result = {}
    for module, path in known.items():
        targets = set()
        for name in read_imports(path) if module != "segmenter" else ():
            name = homes.get(name.removeprefix("segmenter."), name)
            target = name if name in known else name.rpartition(".")[0]
            if target in known and target not in ("segmenter", module):
                targets.add(target)
        result[module] = targets
    return result


def room_of(module):
    """The room of a module; every `__main__` is a way to the command line."""
    if module in ("app", "train"):
        return f"{module}.py"
    parts = module.split(".")
    return "cli" if parts[-1] == "__main__" else parts[1] if len(parts) > 1 else None


def room_graph():
    """Room → the rooms that it imports, without the doorway."""
    rooms = {room: set() for row in ROWS for room in row}
    for module, targets in graph().items():
        for target in targets:
            if (module, target) != DOORWAY and room_of(module) != room_of(target):
                rooms.setdefault(room_of(module), set()).add(room_of(target))
    return rooms


def reachable(start, edges):
    """All that is reached from some nodes along edges (node → nodes), themselves included."""
    found, waiting = set(), list(start)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(edges.get(node, ()))
    return found


def picture():
    """The rooms in rows as a Mermaid flowchart; an arrow that others imply is left out."""
    rooms = room_graph()
    lines = ["```mermaid", "flowchart TD"]
    for number, row in enumerate(ROWS):
        names = "; ".join(f"{_identifier(room)}[{room}]" for room in row)
        lines.append(f"    subgraph row{number}[ ]\n        direction LR\n        {names}\n    end")
    for room in (room for row in ROWS for room in row):
        for target in sorted(rooms[room]):
            others = rooms[room] - {target}
            if target not in reachable(others, rooms):
                lines.append(f"    {_identifier(room)} --> {_identifier(target)}")
    lines.append("    weights_format -. a name of the Hub, when one is asked for .-> hub")
    return "\n".join([*lines, "```"])


def _identifier(room):
    return room.replace(".", "_")


def replaced(text):
    """The text of CONTRIBUTING.md with the picture of today."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{picture()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(picture())
    else:
        CONTRIBUTING.write_text(replaced(CONTRIBUTING.read_text(encoding="utf-8")), encoding="utf-8")
