"""The page's script as it is written: modules that import what they use, and texts that exist."""

import graphlib
import json
import re

import pytest

from segmenter.web import viewer
from tests.web.script_names import read_names

# What the browser gives. Names such as find, stop and status, which windows have too, are left out on purpose.
BROWSER = {
    "AbortController",
    "AbortSignal",
    "Array",
    "Blob",
    "ClipboardItem",
    "Boolean",
    "CSS",
    "Date",
    "Error",
    "File",
    "EventSource",
    "Float32Array",
    "Float64Array",
    "FormData",
    "Image",
    "ImageData",
    "Infinity",
    "Int16Array",
    "Int32Array",
    "JSON",
    "Map",
    "Math",
    "Number",
    "Object",
    "OffscreenCanvas",
    "Path2D",
    "Promise",
    "ResizeObserver",
    "Set",
    "String",
    "URL",
    "URLSearchParams",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
    "WeakMap",
    "Worker",
    "XMLHttpRequest",
    "atob",
    "clearInterval",
    "clearTimeout",
    "createImageBitmap",
    "crypto",
    "document",
    "encodeURI",
    "fetch",
    "history",
    "indexedDB",
    "localStorage",
    "location",
    "navigator",
    "performance",
    "requestAnimationFrame",
    "setInterval",
    "self",
    "setTimeout",
    "undefined",
    "window",
}
MODULES = viewer.modules()
NAMES = {name: read_names(text) for name, text in MODULES.items()}


def test_the_reader_of_names_finds_what_is_wrong():
    names = read_names(
        "import { a, b as c } from './other.js';\n"
        "export let shared = 1;\n"
        "let state = 0;\n"
        "export function start({ d, e: [f] = missing }, g = a) { for (const h of g) use(h, d, f); return { c, state: q.state }; }\n"
        "const late = () => h;\n"
    )
    assert names.imported == {"other": {"a", "b"}}
    assert names.undeclared == {"missing", "use", "q", "h"}
    assert names.unused == {"state", "late"}
    assert names.exported == {"shared", "start"} and names.reassigned == {"shared"}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_uses_only_what_it_declares_or_imports(name):
    assert NAMES[name].undeclared <= BROWSER
    assert not NAMES[name].unused


@pytest.mark.parametrize("name", MODULES)
def test_no_module_shares_a_variable_that_changes(name):
    assert not NAMES[name].reassigned


def test_what_is_exported_is_imported_somewhere():
    imported = {
        (module, name) for names in NAMES.values() for module, found in names.imported.items() for name in found
    }
    exported = {(module, name) for module, names in NAMES.items() for name in names.exported}
    assert imported <= exported
    assert exported - imported == {("viewer", "start")}  # which the page's loader calls


def test_modules_come_after_what_they_import():
    seen = set()
    for name, text in MODULES.items():
        assert set(viewer.IMPORT.findall(text)) == NAMES[name].imported.keys() <= seen
        seen.add(name)
    assert name == "viewer"


def test_a_circle_of_imports_is_refused(monkeypatch, tmp_path):
    (tmp_path / "script").mkdir()
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / "script" / f"{one}.js").write_text(f"import {{ x }} from './{other}.js';\nexport const x = 1;\n")
    monkeypatch.setattr(viewer.resources, "files", lambda package: tmp_path)
    with pytest.raises(graphlib.CycleError):
        viewer.modules()


# The texts


def used_keys():
    """The keys of texts that the page and its script name."""
    keys = set(re.findall(r'data-(?:text|label|tip|alt)="(\w+)"', viewer.page()))
    for text in MODULES.values():
        keys |= set(re.findall(r"'(\w+)'", text)) | set(re.findall(r"texts\(\)\.(\w+)", text))
    return keys


def test_every_text_that_is_asked_for_exists():
    asked = set(re.findall(r'data-(?:text|label|tip|alt)="(\w+)"', viewer.page()))
    for text in MODULES.values():
        asked |= set(re.findall(r"(?:translate|translateCount|fail|setMessage|endRun)\('(\w+)'[,)]", text))
    for words in viewer.texts().values():
        assert asked <= words.keys()


def test_every_text_is_used():
    built = (
        {f"step{n}" for n in range(1, 6)}
        | {kind + part for kind in ("island", "gap") for part in ("Keep", "Drop", "Mark")}
        | {"areaMark"}
    )
    counted = {key for key in viewer.texts()["en"] if key.endswith("One")}
    from_server = {"standIn", "older"}  # the kinds of a notice
    assert viewer.texts()["en"].keys() - used_keys() - built - counted - from_server == set()


@pytest.mark.parametrize("word", ["‰", "Everything", "Farther", "Training pair", "千分", "训练对"])
def test_the_words_are_plain(word):
    assert word not in json.dumps(viewer.texts(), ensure_ascii=False) + viewer.page()


def test_no_style_is_for_what_is_not_there():
    styles = "".join(viewer.read(f"{name}.css") for name in (*viewer.STYLES, *viewer.PLACES))
    selectors = re.sub(r"/\*.*?\*/|\{[^{}]*\}", "", styles, flags=re.DOTALL)
    written = viewer.page() + "".join(MODULES.values())
    gradio = {"dark", "gradio-container", "main", "wrap", "fillable", "column", "html-container", "toast-wrap"}
    classes = set(re.findall(r"\.([a-z][\w-]*)", selectors)) - gradio
    assert len(classes) > 100
    assert [name for name in classes if not re.search(rf"(?<![\w-]){name}(?![\w-])", written)] == []
