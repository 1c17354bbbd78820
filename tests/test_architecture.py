"""The house stands: imports run downwards, in no circle; serving does without TensorFlow, training without Gradio."""

import ast

import pytest

from tests import architecture_picture as house

GRAPH = house.graph()
RANK = {room: number for number, row in enumerate(house.ROWS) for room in row}
SERVING = ("web", "batch", "render", "inference", "weights_format", "io", "errors", "memory")


def test_every_module_has_a_room():
    assert {house.room_of(module) for module in GRAPH if module != "segmenter"} == RANK.keys()


@pytest.mark.parametrize("room", RANK)
def test_a_room_imports_only_what_lies_below_it(room):
    upward = [
        f"{module} imports {target}"
        for module, targets in GRAPH.items()
        for target in targets
        if house.room_of(module) == room != house.room_of(target)
        and RANK[house.room_of(target)] <= RANK[room]
        and (module, target) != house.DOORWAY
    ]
    assert upward == []


def test_no_modules_import_each_other_in_a_circle():
    edges = {
        module: {target for target in targets if (module, target) != house.DOORWAY} for module, targets in GRAPH.items()
    }
    assert [module for module, targets in edges.items() if module in house.reachable(targets, edges)] == []


def outside(start):
    """What some modules bring along from outside, wherever below them it is imported: name → by which module."""
    paths = house.modules()
    return {
        name.split(".")[0]: module
        for module in house.reachable(start, GRAPH)
        for name in house.read_imports(paths[module])
    }


def test_serving_does_without_training():
    rooms = [module for module in GRAPH if house.room_of(module) in SERVING]
    found = outside(["app", "segmenter.cli", *rooms])
    assert {name: found[name] for name in ("tensorflow", "keras", "jax") if name in found} == {}


def test_training_does_without_the_page():
    found = outside(["train", *(module for module in GRAPH if house.room_of(module) in ("training", "evaluation"))])
    assert {name: found[name] for name in ("gradio", "gradio_client") if name in found} == {}


def test_the_doorway_is_the_only_import_that_runs_upward():
    module, target = house.DOORWAY
    assert target in GRAPH[module]


def test_an_import_inside_a_function_counts(tmp_path):
    (tmp_path / "late.py").write_text("def ask():\n    from segmenter.hub import weights\n    import keras\n")
    assert set(house.read_imports(tmp_path / "late.py")) == {"segmenter.hub.weights", "keras"}


def test_the_picture_is_of_todays_imports():
    written = house.CONTRIBUTING.read_text(encoding="utf-8")
    assert written == house.replaced(written), "python -m tests.architecture_picture draws it anew"


@pytest.mark.parametrize("path", [*house.modules().values()], ids=lambda path: str(path.relative_to(house.ROOT)))
def test_a_file_and_its_functions_can_be_taken_in(path):
    text = path.read_text(encoding="utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if node.end_lineno - node.lineno >= 60]
    assert len(text.splitlines()) <= 350 and not long, long
