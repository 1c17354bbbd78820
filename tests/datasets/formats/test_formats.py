"""The registry: another format is one module and one name."""

from types import SimpleNamespace

from segmenter.datasets import formats, load
from segmenter.datasets.formats.sources import files_under
from tests import sound


def test_another_format_is_one_module_in_the_registry(tmp_path, monkeypatch):
    place = sound.folder(tmp_path)
    for path in (place / "masks").iterdir():
        path.rename(place / "images" / f"{path.stem}.box")
    (place / "masks").rmdir()

    def find(sources):
        return files_under(sources.folder, (".box",))

    def read(found, sources, reading):
        for path in found:
            reading.take("box")
            reading.add(path.with_suffix(".jpg"), path, (48, 64), [(8, 8, 40, 8, 40, 30, 8, 30)])

    boxes = SimpleNamespace(NAME="boxes", SUFFIXES=(".box",), find=find, read=read)
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, boxes))
    found = load.open_place(place)
    assert (found.kind, len(found.pairs), found.classes) == ("boxes", sound.COUNT, {"box": sound.COUNT})


def test_every_format_says_what_it_is_and_which_files_it_has():
    assert formats.NAMES == ["COCO", "CVAT", "Label Studio", "labelme", "Supervisely", "VIA", "YOLO"]
    assert set(formats.SUFFIXES) == {".txt", ".yaml", ".yml", ".json", ".xml"} <= set(load.UNPACKED)
