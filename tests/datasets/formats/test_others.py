"""Annotations that are not read are named, with what to do."""

import pytest

from segmenter.datasets import load
from segmenter.errors import DatasetError
from tests import sound
from tests.datasets.formats import boxes

VOC = "<annotation><filename>photo0.jpg</filename><object><bndbox><xmin>1</xmin></bndbox></object></annotation>"
FILES = {
    "_annotations.createml.json": (
        [{"image": "photo0.jpg", "annotations": [{"label": "a"}]}],
        "CreateML, which has boxes alone",
    ),
    "export.json": ({"name": "v1", "dataset": {"samples": []}}, "Segments.ai"),
    "labelbox.json": ([{"data_row": {"id": 1}, "projects": {}}], "Labelbox"),
    "darwin.json": ({"version": "2.0", "item": {}, "annotations": []}, "V7 Darwin"),
    "via3.json": ({"project": {}, "view": {}, "metadata": {}}, "VIA 3"),
    "photo0.xml": (VOC, "PASCAL VOC, which has boxes alone"),
    "old.xml": ("<annotation><object><polygon><pt><x>1</x></pt></polygon></object></annotation>", "LabelMe of the web"),
    "via.csv": ("filename,file_size,region_shape_attributes\n", "VIA"),
    "track.xml": ("<annotations><track/></annotations>", None),
    "export.ndjson": ("{}", None),
    "mine.json": ({"chairs": []}, None),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("beside", [True, False])
def test_what_lies_there_is_named_with_its_tool_and_what_to_do(tmp_path, name, beside):
    place = sound.only_images(tmp_path)
    data, tool = FILES[name]
    if not beside:
        (place / "images").rename(place / "shop")
    boxes.write(place / "annotations" / name, data)
    expected = f"{name} ({tool}) cannot be read" if tool else f"{name} cannot be read"
    with pytest.raises(DatasetError) as error:
        load.open_place(place)
    assert expected in str(error.value) and "export them as COCO" in str(error.value)
    assert ("masks is missing" if beside else "neither masks nor") in str(error.value)


def test_of_many_files_some_are_named(tmp_path):
    place = sound.only_images(tmp_path)
    for number in range(6):
        boxes.write(place / f"photo{number}.xml", VOC)
    with pytest.raises(DatasetError, match=r"photo2.xml \(PASCAL VOC.*\) and 3 more cannot be read"):
        load.open_place(place)


def test_folders_that_nobody_knows_are_named_with_what_to_call_them(tmp_path):
    place = sound.folder(tmp_path)
    (place / "images").rename(place / "shop")
    (place / "masks").rename(place / "drawn")
    with pytest.raises(DatasetError, match="Seen were drawn/, shop/: call the one of the photos images/"):
        load.open_place(place)
