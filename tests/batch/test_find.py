"""Where photos are found, and what they are called in the results."""

import zipfile

import pytest
from PIL import Image

from segmenter.batch.find import Source, find, safe_name
from segmenter.errors import PhotoError
from tests.standin import as_jpeg, red_disc


def test_names_never_collide(tmp_path):
    for name in ("x/chair.jpg", "y/chair.jpg", "y/chair.png", "y/CHAIR.bmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(red_disc(40, 30)).save(tmp_path / name)
    sources = find([tmp_path / "x", tmp_path / "y"])
    assert len({source.stem.casefold() for source in sources}) == 4
    assert len(find(str(tmp_path / "?" / "*.jpg"))) == 2


@pytest.mark.parametrize(
    "name, safe",
    [
        ("../../chair.jpg", "chair.jpg"),
        ("/etc/chair.jpg", "etc/chair.jpg"),
        ("con.jpg", "con_.jpg"),
        ("a?b.jpg", "a_b.jpg"),
        ("", "photo"),
        ("x/y.png", "x/y.png"),
    ],
)
def test_a_name_is_possible_everywhere_and_leads_nowhere_else(name, safe):
    assert safe_name(name) == safe


def test_where_there_are_no_photos_it_says_what_was_looked_for(tmp_path):
    with pytest.raises(PhotoError, match="No photos.*[.]jpg") as error:
        find([tmp_path])
    assert error.value.code == "batch.empty"


def test_a_zip_that_is_none_is_said_in_plain_words(tmp_path):
    (tmp_path / "no.zip").write_bytes(b"PK not really")
    with pytest.raises(PhotoError, match="The ZIP 'no.zip' cannot be opened") as error:
        find(tmp_path / "no.zip")
    assert (error.value.code, error.value.values) == ("zip.damaged", {"name": "no.zip"})


def test_a_photo_that_is_damaged_inside_its_zip_has_its_own_words(tmp_path):
    path, data = tmp_path / "photos.zip", as_jpeg(red_disc(80, 60))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("chair.jpg", data)
    broken = bytearray(path.read_bytes())
    broken[40:60] = b"\xff" * 20
    path.write_bytes(broken)
    with pytest.raises(PhotoError) as error:
        Source("chair.jpg", path, "chair.jpg").read()
    assert error.value.code == "photo.damaged_in_zip"


@pytest.mark.parametrize("name", ["a.jfif", "b.JPE", "c.jif", "d.mpo", "e.hif", "f.pgm", "g.tga"])
def test_rarer_endings_are_found_in_folders_and_zips(tmp_path, name):
    (tmp_path / name).write_bytes(as_jpeg(red_disc(40, 30)))
    assert [source.name for source in find(tmp_path)] == [name]
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(tmp_path / name, name)
    assert [source.name for source in find(tmp_path / "photos.zip")] == [name]
