"""How photos come in, and how pictures go out: folders, several at once, zips, web addresses, HEIC; copied and shared."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from segmenter.web import handlers
from segmenter.web.uploads import Uploads
from tests.browser.test_page import CHAIR, expected
from tests.standin import as_jpeg, red_disc

SMALL = as_jpeg(red_disc(320, 240))


@pytest.fixture
def visitor(visit):
    visitor = visit(permissions=["clipboard-read", "clipboard-write"])
    yield visitor
    assert visitor.complaints == []


def drop(visitor, files, folder=None, kind="drop"):
    """Drop (or paste) files, a dict of name → bytes; `folder`: they lie in one."""
    visitor.tab.evaluate(
        """([files, folder, kind]) => {
            const made = files.map(([name, bytes]) => new File([new Uint8Array(bytes)], name, { type: /zip$/.test(name) ? 'application/zip' : /jpg$/.test(name) ? 'image/jpeg' : '' }));
            const entries = made.map((file) => ({ isFile: true, file: (done) => done(file) }));
            const batches = [entries, []];
            const directory = { isDirectory: true, createReader: () => ({ readEntries: (done) => done(batches.shift()) }) };
            const data = { files: folder ? [] : made, items: folder ? [{ webkitGetAsEntry: () => directory }] : [], getData: () => '' };
            const event = new Event(kind, { bubbles: true, cancelable: true });
            Object.defineProperty(event, kind === 'paste' ? 'clipboardData' : 'dataTransfer', { value: data });
            document.dispatchEvent(event);
        }""",
        [[[name, list(data)] for name, data in files.items()], folder, kind],
    )


def paste_text(visitor, text, target="document"):
    visitor.tab.evaluate(
        """([text, target]) => {
            const data = new DataTransfer();
            data.setData('text/plain', text);
            const node = target === 'document' ? document : document.querySelector(target);
            node.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: data }));
        }""",
        [text, target],
    )


def names(visitor):
    visitor.tab.wait_for_selector('.chairlift[data-place="many"] .many-start:not([hidden])')
    return visitor.tab.locator(".many-list b").all_inner_texts()


def test_three_photos_in_the_studio_lead_to_many(visitor):
    drop(visitor, {"a.jpg": SMALL, "b.jpg": CHAIR, "notes.txt": b"no photo", "c.heic": b"x"})
    assert names(visitor) == ["a.jpg", "b.jpg", "c.heic"]
    assert visitor.tab.evaluate("location.hash") == "#many"


def test_several_chosen_at_once_lead_to_many(visitor):
    files = [{"name": name, "mimeType": "image/jpeg", "buffer": SMALL} for name in ("a.jpg", "b.jpg")]
    visitor.tab.set_input_files(".own .file", files)
    assert names(visitor) == ["a.jpg", "b.jpg"]


def test_a_folder_leads_to_many(visitor):
    drop(visitor, {"a.jpg": SMALL, "b.jpg": CHAIR, "Thumbs.db": b"x", ".hidden.jpg": b"x"}, folder="shop")
    assert names(visitor) == ["a.jpg", "b.jpg"]


def test_a_folder_of_one_photo_is_that_photo(visitor):
    drop(visitor, {"only.jpg": SMALL, "Thumbs.db": b"x"}, folder="shop")
    visitor.tab.wait_for_function("document.querySelector('.photo').getAttribute('aria-label').startsWith('only.jpg')")
    visitor.ready()


def test_a_zip_in_the_studio_leads_to_many(visitor):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("one.jpg", SMALL)
    drop(visitor, {"shop.zip": file.getvalue()})
    assert names(visitor) == ["one.jpg"]


def test_a_pasted_web_address_is_fetched(visitor, monkeypatch):
    def receive(self, address, most_bytes):
        assert (
            address == "https://shop.example/chairs/red%20chair.jpg?size=2"
            and most_bytes == handlers.MAX_MEGABYTES * 2**20
        )
        return self.store(CHAIR, "red chair.jpg")

    monkeypatch.setattr(Uploads, "receive", receive)
    paste_text(visitor, " https://shop.example/chairs/red%20chair.jpg?size=2\n")
    visitor.tab.wait_for_function(
        "document.querySelector('.photo').getAttribute('aria-label').startsWith('red chair.jpg')"
    )
    visitor.ready()
    with visitor.tab.expect_download() as caught:
        visitor.tab.click(".download")
    with Image.open(caught.value.path()) as picture:
        np.testing.assert_array_equal(np.array(picture), expected(CHAIR, 0.5))


def test_an_address_that_may_not_be_fetched_is_refused_in_words(visitor):
    paste_text(visitor, "http://127.0.0.1/secret.jpg")
    visitor.tab.wait_for_selector('.chairlift[data-state="problem"]')
    assert "address" in visitor.tab.inner_text(".problem")


def test_text_that_is_pasted_elsewhere_is_no_photo(visitor):
    before = visitor.tab.get_attribute(".photo", "data-token")
    paste_text(visitor, "a chair, please")
    visitor.tab.click(".places [data-place=many]")
    paste_text(visitor, "https://shop.example/a.jpg", ".many-names")
    visitor.tab.wait_for_timeout(300)
    assert visitor.tab.get_attribute(".photo", "data-token") == before


def test_a_photo_of_an_iphone_is_shown_though_the_browser_cannot_read_it(visitor):
    import pillow_heif

    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(red_disc(320, 240))).save(file, quality=90)
    assert ".heic" in visitor.tab.get_attribute(".own .file", "accept")
    visitor.give("IMG_0001.HEIC", file.getvalue(), "")
    visitor.ready()
    assert visitor.canvas(".photo")[120, 128, 0] > 180  # the disc's red
    assert visitor.words().startswith("One piece")


# Out


def test_the_picture_is_copied(visitor):
    visitor.give("chair.jpg", SMALL)
    visitor.ready()
    visitor.tab.click("[data-do=copyPicture]")
    visitor.tab.wait_for_function("document.querySelector('.size').textContent.includes('clipboard')")
    data = visitor.tab.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            return [...new Uint8Array(await (await item.getType('image/png')).arrayBuffer())];
        }"""
    )
    with Image.open(io.BytesIO(bytes(data))) as picture:
        copied = np.array(picture.convert("RGBA"))
    wanted = expected(SMALL, 0.5)
    assert copied.shape == wanted.shape
    np.testing.assert_array_equal(copied[..., 3], wanted[..., 3])


def test_the_picture_is_shared_where_the_device_can(visit):
    visitor = visit()
    assert not visitor.tab.is_visible("[data-do=share]")  # this browser cannot
    visitor.tab.add_init_script(
        """navigator.canShare = () => true; window.shared = [];
           navigator.share = async ({ files }) => { window.shared.push([files[0].name, files[0].type, files[0].size]); };"""
    )
    visitor.open()
    visitor.give("chair.jpg", SMALL)
    visitor.ready()
    visitor.tab.click("[data-do=share]")
    visitor.tab.wait_for_function("window.shared.length === 1")
    name, kind, size = visitor.tab.evaluate("window.shared[0]")
    assert name == "chair-cutout.png" and kind == "image/png" and size > 500
