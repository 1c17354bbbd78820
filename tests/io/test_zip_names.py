"""Names in zips of every country's Windows, of Macs and of old programs."""

import unicodedata
import zipfile

import pytest

from segmenter.io.zip_names import names_of

WORDS = {
    "cp932": "椅子の写真.jpg ソファ表.jpg 写真/木製の椅子.jpg 机.jpg ﾃｰﾌﾞﾙ.jpg IMG椅子A.jpg 予約表.png リビング.jpg 構造/図面.jpg",
    "gbk": "椅子.jpg 沙发.jpg 照片/餐桌.jpg 新建文件夹/红色沙发.jpg 家具图片/办公椅.jpg 微信图片_2024.jpg 茶几.jpg 衣柜.jpg",
    "big5": "椅子.jpg 沙發.jpg 照片/餐桌.jpg 新資料夾/紅色沙發.jpg 家具圖片/辦公椅.jpg",
    "cp949": "의자_사진모음.jpg 식탁/거실소파모음집.jpg 새폴더/안락의자사진.jpg",
    "cp866": "стул.jpg СТУЛ.JPG фото/диван.jpg Кресло_красное№5.jpg ОКНО.jpg шкаф.jpg Стол2.jpg",
    "cp437": "Stühle_grün.jpg Möbel.jpg café.jpg déjà.jpg größe.jpg sillón.jpg Übersicht.jpg Ärmel.jpg mañana.jpg",
    "cp850": "São.jpg Møbler.jpg Ágil.jpg",
}
CASES = [(page, word) for page, words in WORDS.items() for word in words.split()]


def entry(raw, flag=0, extra=b""):
    """A zip's entry as `zipfile` reads a name of these bytes."""
    info = zipfile.ZipInfo(raw.decode("utf-8" if flag else "cp437"))
    info.flag_bits, info.extra = flag, extra
    return info


@pytest.mark.parametrize("page, word", CASES, ids=[f"{page}-{number}" for number, (page, _) in enumerate(CASES)])
def test_one_name_is_enough_to_guess_its_code_page(page, word):
    assert names_of([entry(word.encode(page))]) == [word]


@pytest.mark.parametrize("page", WORDS)
def test_all_names_of_a_zip_are_read_by_one_code_page(page):
    words = [*WORDS[page].split(), "plain.jpg"]
    assert names_of([entry(word.encode(page)) for word in words]) == words


def test_the_backslash_in_a_character_is_none_and_one_of_windows_stays():
    assert "\\" not in names_of([entry("表ソ能.jpg".encode("cp932"))])[0]
    assert names_of([entry(rb"photos\chair.jpg")]) == [r"photos\chair.jpg"]


@pytest.mark.parametrize("flag", [0, 0x800])
def test_utf8_is_utf8_whether_it_is_said_or_not_and_letters_are_composed(flag):
    names = ["Stühle grün.jpg", "椅子.jpg"]
    raws = [unicodedata.normalize("NFD", name).encode() for name in names]
    assert names_of([entry(raw, flag) for raw in raws]) == names


def test_utf8_among_others_does_not_spoil_the_guess():
    names = names_of([entry("椅子.jpg".encode()), entry("ソファの写真.jpg".encode("cp932")), entry(b"a.jpg")])
    assert names == ["椅子.jpg", "ソファの写真.jpg", "a.jpg"]


def test_what_fits_no_code_page_stays_as_it_is_read():
    info = entry(b"\xb0\xb1\xff\xff.jpg")
    assert names_of([info]) == [info.filename]
    assert names_of([]) == []
