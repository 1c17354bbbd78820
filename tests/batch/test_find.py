"""Where photos are found, and what they are called in the results."""

import struct
import unicodedata
import zipfile
import zlib

import pytest
from PIL import Image

from segmenter.batch.find import Source, find, safe_name
from segmenter.errors import PhotoError
from segmenter.io import archives
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


def test_what_a_run_left_in_its_folder_is_no_source_of_the_next(tmp_path):
    for name in ("chair.jpg", "cutouts/chair.png", "masks/chair.png", "more/cutouts/chair.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(red_disc(40, 30)).save(tmp_path / name)
    (tmp_path / ".journal.jsonl").touch()
    expected = ["chair.jpg", "more/cutouts/chair.png"]  # the latter is a folder of that name, and no run's
    assert [source.name for source in find(tmp_path, recursive=True)] == expected
    assert len(find(str(tmp_path / "**" / "*.*"))) == 2
    assert len(find(tmp_path / "cutouts")) == 1  # as it was named itself


def test_links_to_folders_are_followed_once(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "disk").mkdir()
    Image.fromarray(red_disc(40, 30)).save(tmp_path / "disk" / "chair.jpg")
    (tmp_path / "shop" / "photos").symlink_to(tmp_path / "disk")
    (tmp_path / "shop" / "circle").symlink_to(tmp_path)
    assert [source.name for source in find(tmp_path / "shop", recursive=True)] == ["photos/chair.jpg"]


def test_long_names_of_any_script_fit_a_disk_and_stay_apart(tmp_path):
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for start in "春夏":
            archive.writestr(f"{start}{'椅' * 110}.jpg", as_jpeg(red_disc(40, 30)))
    names = [source.name for source in find(path)]
    assert len(set(names)) == 2 and all(name.endswith(".jpg") for name in names)
    assert max(len(name.encode()) for name in names) <= 255


def test_a_name_that_no_disk_has_is_reported_like_a_missing_file():
    (source,) = find("x" * 300 + ".jpg")
    with pytest.raises(PhotoError, match="cannot be opened"):
        source.read()


def test_a_folder_that_may_not_be_read_is_said_in_plain_words(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.listdir", refuse)
    monkeypatch.setattr("pathlib.Path.iterdir", refuse)
    for recursive in (False, True):
        with pytest.raises(PhotoError, match="cannot be read.*permissions") as error:
            find(tmp_path, recursive=recursive)
        assert error.value.code == "batch.unreadable"


def test_a_zip_with_a_password_is_said_to_have_one(tmp_path):
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("chair.jpg", b"photo")
    data = bytearray(path.read_bytes())
    for start, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the bit that says that the entry is encrypted
        data[data.index(start) + flags] |= 1
    path.write_bytes(data)
    with pytest.raises(PhotoError, match="password") as error:
        find(path)[0].read()
    assert error.value.code == "zip.password"


class RawName(zipfile.ZipInfo):
    """An entry whose name's bytes are written without the flag that calls them UTF-8."""

    raw = b""

    def _encodeFilenameFlags(self):
        return self.raw, self.flag_bits & ~0x800


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_in_a_zip_of_a_mac_are_read_as_utf_8(tmp_path, form):
    info = RawName("x.jpg")
    info.raw = unicodedata.normalize(form, "Stühle/grün 椅子.jpg").encode()
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr(info, b"photo")
    (source,) = find(tmp_path / "photos.zip")
    assert source.name == "Stühle/grün 椅子.jpg" and source.read() == b"photo"
    folder = archives.unpack(tmp_path / "photos.zip", tmp_path / "cache", [".jpg"])
    assert (folder / "Stühle" / "grün 椅子.jpg").read_bytes() == b"photo"


def test_the_unicode_name_beside_an_old_one_counts(tmp_path):
    info = RawName("x.jpg")
    info.raw = "椅表.jpg".encode("cp932")
    field = struct.pack("<BL", 1, zlib.crc32(info.raw)) + "椅表.jpg".encode()
    info.extra = struct.pack("<HH", 0x7075, len(field)) + field
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr(info, b"photo")
    (source,) = find(tmp_path / "photos.zip")
    assert source.name == "椅表.jpg" and source.read() == b"photo"
