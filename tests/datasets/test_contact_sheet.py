"""The contact sheet: what is on it, in which order, and how it is saved."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from segmenter.datasets import contact_sheet, load, validate
from segmenter.datasets.pairs import read_folder
from segmenter.datasets.validate import Findings
from segmenter.errors import DatasetError
from tests import broken, sound


@pytest.fixture
def place(tmp_path):
    return sound.folder(tmp_path)


def check(place):
    return validate.check(load.open_place(place), 32)


def test_the_contact_sheet_shows_suspicious_photos_first_with_a_frame(place, tmp_path):
    mask = place / "masks" / "photo4.png"
    ImageOps.invert(Image.open(mask)).save(mask)
    broken.blank(place / "images" / "photo6.jpg")
    findings = check(place)
    path = tmp_path / "new" / "sheet.png"
    contact_sheet.write_contact_sheet(path, findings)
    sheet = np.asarray(Image.open(path))
    np.testing.assert_array_equal(sheet, contact_sheet.contact_sheet(findings))
    framed = [(sheet == colour).all(axis=2) for colour in (contact_sheet.CAUTION, contact_sheet.ALARM)]
    first, second = (np.argwhere(found)[0] for found in framed)
    assert first[0] == second[0] < 60 and first[1] < second[1] < sheet.shape[1] / 3
    assert [path.name for path in path.parent.iterdir()] == ["sheet.png"]


def test_the_contact_sheet_tints_what_the_mask_covers(place):
    Image.new("RGB", (64, 48), "white").save(place / "images" / "photo0.jpg")
    pairs = read_folder(place)[:1]
    sheet = contact_sheet.contact_sheet(Findings([], pairs, pairs))
    scale = contact_sheet.TILE / 64
    left, top = (
        contact_sheet.MARGIN,
        2 * contact_sheet.MARGIN + contact_sheet.LINE + (contact_sheet.TILE - 48 * scale) / 2,
    )
    box = sheet[int(top + 14 * scale) : int(top + 30 * scale), int(left + 18 * scale) : int(left + 38 * scale)]
    assert (box[..., 2] > box[..., 0].astype(int) + 50).all()  # the mask of photo0 is x 16 … 40, y 12 … 32
    corner = sheet[int(top + 2 * scale) : int(top + 8 * scale), int(left + 2 * scale) : int(left + 10 * scale)]
    assert (corner > 240).all()


def test_a_large_data_set_is_shown_in_part(place):
    findings = check(place)
    few, all_of_them = (contact_sheet.contact_sheet(findings, most) for most in (4, 60))
    assert few.shape[1] < all_of_them.shape[1] and few.shape[0] < all_of_them.shape[0]


def test_a_contact_sheet_that_is_no_picture_is_refused(place, tmp_path):
    with pytest.raises(DatasetError, match="call it .jpg or .png"):
        contact_sheet.write_contact_sheet(tmp_path / "new" / "sheet.pdf", check(place))
    assert not (tmp_path / "new").exists()
