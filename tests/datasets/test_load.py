"""Places: every layout gives the same pairs, and every broken one its own message."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmenter.datasets import augment, load, validate
from segmenter.datasets.batches import ValidationBatches, augmented, load_square
from segmenter.datasets.pairs import cases, read_folder, read_mask
from segmenter.errors import DatasetError
from tests import broken, exports, sound

CHAIRS97 = Path(load.__file__).parents[1] / "data" / "chairs97"


def look_over(place, cache):
    """What the command line does before it trains; returns the usable pairs."""
    findings = validate.check(load.open_place(place, cache=cache), size=32)
    findings.insist()
    return findings.pairs


@pytest.fixture(scope="module")
def message(tmp_path_factory):
    """What is said about a broken data set, by its name; each is built once."""
    said = {}

    def of(name):
        if name not in said:
            place = tmp_path_factory.mktemp("broken")
            with pytest.raises(DatasetError) as failure:
                look_over(broken.BROKEN[name][0](place), place / "cache")
            said[name] = str(failure.value).replace(str(place), "")
            assert not list(place.parent.rglob("escaped*"))
        return said[name]

    return of


@pytest.mark.parametrize("name", broken.IDS)
def test_the_message_about_a_broken_data_set_says_what_is_wrong_and_what_to_do(name, message):
    assert all(word in message(name) for word in broken.BROKEN[name][1]), message(name)


def test_no_two_broken_data_sets_have_the_same_message(message):
    assert len({message(name) for name in broken.IDS}) == len(broken.IDS) >= 15


def test_the_sound_data_set_that_they_were_broken_from_passes(tmp_path):
    assert len(look_over(sound.folder(tmp_path), tmp_path / "cache")) == sound.COUNT


EXACT = (exports.folder, exports.zipped, exports.cutouts, exports.coco_compressed, exports.coco_plain)
TRACED = (exports.coco_polygons, exports.labelme, exports.labelme_embedded, exports.yolo, exports.yolo_split_first)


@pytest.fixture(scope="module")
def chairs():
    return read_folder(CHAIRS97)


@pytest.mark.parametrize("export", EXACT + TRACED, ids=lambda export: export.__name__)
def test_chairs97_through_every_format_has_the_same_masks(export, chairs, tmp_path):
    chairs = chairs if export in EXACT else chairs[::4]  # to trace and to draw outlines takes its time
    found = load.open_place(export(chairs, tmp_path / "export"), cache=tmp_path / "cache")
    assert not found.found and len(found.pairs) == len(chairs)
    masks = {pair.photo.stem: read_mask(pair) for pair in found.pairs}
    for pair in chairs:
        truth, (mask, known) = exports.read(pair), masks[pair.photo.stem]
        assert known.mean() > 0.995 and mask.shape == truth.shape  # a smooth edge may hit the unknown's 128
        overlap = (mask & truth).sum() / (mask | truth).sum()
        assert overlap == 1 if export in EXACT else overlap >= 0.98, f"{pair.name}: {overlap:.4f}"


def test_a_zip_is_unpacked_once_whole_and_only_below_its_folder(tmp_path):
    archive = broken.zipped(tmp_path)
    first = load.open_place(archive, cache=tmp_path / "cache")
    second = load.open_place(archive, cache=tmp_path / "cache")
    assert first.folder == second.folder and first.folder.is_relative_to(tmp_path / "cache")
    assert first.name == "lamps" and len(list((tmp_path / "cache").iterdir())) == 1


def test_a_refused_zip_leaves_nothing_behind(tmp_path):
    with pytest.raises(DatasetError):
        load.open_place(broken.damaged_zip(tmp_path), cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_what_cannot_be_used_is_left_out_and_the_rest_is_kept(tmp_path):
    place = sound.folder(tmp_path)
    (place / "masks" / "photo3.png").unlink()
    (place / "masks" / "stray.png").write_bytes((place / "masks" / "photo4.png").read_bytes())
    broken.truncate(place / "images" / "photo5.jpg")
    sound.mask(0).resize((20, 48)).save(place / "masks" / "photo6.png")
    findings = validate.check(load.open_place(place), size=32)
    assert [pair.photo.stem for pair in findings.pairs] == [f"photo{number}" for number in (0, 1, 2, 4, 7, 8, 9)]
    left_out = {finding.name for finding in findings.found if finding.level == "error"}
    assert left_out == {"photo3.jpg", "stray.png", "photo5.jpg", "photo6.jpg"}
    assert findings.as_json()["photos"] == 10 and findings.as_json()["usable"] == 7


@pytest.mark.parametrize("suffix, kind", [(".jfif", "JPEG"), (".jpe", "JPEG"), (".avif", "AVIF"), (".gif", "GIF")])
def test_photos_and_masks_of_rarer_endings_are_taken_as_the_usual_ones(tmp_path, suffix, kind):
    place = sound.folder(tmp_path)
    for path in list((place / "images").iterdir()):
        with Image.open(path) as photo:
            photo.save(path.with_suffix(suffix), format=kind)
        path.unlink()
    found = load.open_place(place)
    assert len(found.pairs) == sound.COUNT and not found.found
    assert validate.check(found, size=32).found == []


@pytest.mark.parametrize(
    "photos, masks", [("Images", "Masks"), ("image", "mask"), ("train", "train_masks"), ("im", "gt")]
)
def test_folders_of_photos_and_masks_may_be_called_as_in_well_known_data_sets(tmp_path, photos, masks):
    place = sound.folder(tmp_path)
    (place / "images").rename(place / photos)
    (place / "masks").rename(place / masks)
    found = load.open_place(place)
    assert (found.kind, len(found.pairs), found.found) == ("masks", sound.COUNT, [])


def test_cutouts_never_show_the_colours_under_their_transparency(chairs, tmp_path):
    """The exporter paints transparent parts magenta, which no plain room is."""
    place = load.open_place(exports.cutouts(chairs[:8], tmp_path / "cutouts"))
    squares = [load_square(pair, 96) for pair in place.pairs]
    draw = augmented(squares, 64, augment.Strength(colour=0, damage=0))
    trained = [draw(index, np.random.default_rng(index))[0] for index in range(16)]
    batches = ValidationBatches(squares, 64, 8)
    watched = list((batches[0][0] * 255).astype(np.uint8))
    judged = [case.photo for case in cases(place.pairs)]
    for picture in trained + watched + judged:
        red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
        assert not ((red > green + 100) & (blue > green + 100)).any()
        assert (picture.min(axis=2) > 250).mean() < 0.9
    assert (trained[0] != trained[8]).mean() > 0.3  # another room
    again = next(cases(place.pairs))
    assert (again.photo == judged[0]).all() and again.truth.sum() == exports.read(chairs[0]).sum()


@pytest.mark.parametrize(
    "address", ["hf://lamps", "hf://datasets/lamps", "hf:/datasets/me/lamps", "https://example.org/lamps.zip"]
)
def test_addresses_that_are_none_are_answered_with_how_they_read(address):
    with pytest.raises(DatasetError, match="hf://datasets/OWNER/NAME"):
        load.open_place(address)


def test_an_address_of_the_hub_is_fetched_by_the_function_that_is_handed_over(tmp_path):
    asked, folder = [], sound.folder(tmp_path)
    place = load.open_place("hf://datasets/me/lamps@v2", pull=lambda address: asked.append(address) or folder)
    assert asked == ["hf://datasets/me/lamps@v2"]
    assert place.name == "lamps" and len(place.pairs) == sound.COUNT


def test_without_such_a_function_an_address_is_answered_with_what_to_do():
    with pytest.raises(DatasetError, match="pull it, and give the folder"):
        load.open_place("hf://datasets/me/lamps")
