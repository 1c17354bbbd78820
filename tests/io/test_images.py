"""Files of every kind → photos; what is no photo → a message that says what to do."""

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin, TiffImagePlugin

from segmenter.io import images
from segmenter.io.images import MAX_PIXELS, PhotoError, open_image, open_photo, size_notice


@pytest.fixture
def scene():
    """A smooth 40 × 60 picture whose four corners differ, so that turning it shows."""
    y, x = np.mgrid[0:40, 0:60]
    return np.dstack([4 * x, 6 * y, 255 - 2 * (x + y)]).astype(np.uint8)


def encode(picture, format="PNG", **options):
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def test_path_bytes_and_file_give_the_same_photo(scene, tmp_path):
    data = encode(scene)
    (tmp_path / "chair.png").write_bytes(data)
    path = tmp_path / "chair.png"
    for source in (data, bytearray(data), io.BytesIO(data), path, str(path)):
        photo = open_photo(source)
        assert photo.dtype == np.uint8 and photo.flags.writeable and photo.flags.c_contiguous
        np.testing.assert_array_equal(photo, scene)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(scene, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    # The eight orientations of the EXIF standard, as turns and flips of the stored rows and columns.
    upright = {
        1: scene,
        2: scene[:, ::-1],
        3: scene[::-1, ::-1],
        4: scene[::-1],
        5: scene.transpose(1, 0, 2),
        6: np.rot90(scene, -1),
        7: scene[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(scene),
    }[orientation]
    np.testing.assert_array_equal(open_photo(encode(scene, exif=exif)), upright)
    jpeg = open_photo(encode(scene, "JPEG", quality=100, subsampling=0, exif=exif))
    assert np.abs(jpeg.astype(int) - upright).mean() < 2


@pytest.mark.parametrize("format", ["JPEG", "MPO", "WEBP", "AVIF", "BMP", "TIFF", "PPM", "TGA", "JPEG2000", "GIF"])
def test_usual_formats_open(scene, format):
    photo = open_photo(encode(scene, format))
    assert photo.shape == scene.shape
    assert np.abs(photo.astype(int) - scene).mean() < 8


def test_transparency_is_laid_on_white(scene):
    alpha = np.linspace(0, 255, scene.shape[1]).astype(np.uint8) + np.zeros(scene.shape[:2], np.uint8)
    expected = scene * (alpha[..., None] / 255) + 255 * (1 - alpha[..., None] / 255)
    photo = open_photo(encode(np.dstack([scene, alpha])))
    assert np.abs(photo - expected).max() <= 1


def test_transparent_palette_colour_becomes_white():
    image = Image.new("P", (4, 2), 1)
    image.putpalette([0, 0, 255, 200, 10, 20])
    image.putpixel((0, 0), 0)
    photo = open_photo(encode(image, transparency=0))
    np.testing.assert_array_equal(photo[0, 0], (255, 255, 255))
    np.testing.assert_array_equal(photo[1, 3], (200, 10, 20))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK"])
def test_other_modes_become_rgb(scene, mode):
    image = Image.fromarray(scene).convert(mode)
    photo = open_photo(encode(image, "TIFF" if mode == "CMYK" else "PNG"))
    expected = np.asarray(image.convert("RGB"))
    assert photo.shape == scene.shape
    assert np.abs(photo.astype(int) - expected).max() <= 2


def test_sixteen_bit_grey_keeps_its_greys():
    grey = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    photo = open_photo(encode(Image.fromarray(grey)))
    np.testing.assert_array_equal(photo, np.dstack([np.arange(256).reshape(16, 16)] * 3))


def test_floating_point_tiff_is_taken_as_zero_to_one():
    grey = np.float32([[0, 0.5, 1.0, np.nan]])
    photo = open_photo(encode(Image.fromarray(grey), "TIFF"))
    np.testing.assert_array_equal(photo[0, :, 0], [0, 128, 255, 0])


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(open_photo(data), np.full((6, 8, 3), (255, 0, 0)))


def test_colour_profile_is_converted_to_srgb(scene):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.createProfile("sRGB")
    image = ImageCms.profileToProfile(Image.fromarray(scene), srgb, lab, outputMode="LAB")
    photo = open_photo(encode(image, "TIFF", icc_profile=lab.tobytes()))
    assert np.abs(photo.astype(int) - scene).mean() < 6  # LAB clips none of these, but rounds


def test_srgb_and_broken_profiles_change_nothing(scene):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"no profile at all"):
        np.testing.assert_array_equal(open_photo(encode(scene, icc_profile=profile)), scene)


def test_single_pixel():
    assert open_photo(encode(np.uint8([[[1, 2, 3]]]))).tolist() == [[[1, 2, 3]]]


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width, height):
    """A PNG of a few bytes that claims to be huge."""

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data, advice",
    [
        (b"", "empty"),
        (b"hello, I am a text file", "JPEG, PNG or WebP"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "export it as PNG"),
        (b"  <svg width='3'></svg>", "export it as PNG"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "damaged"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(40), "raw file"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(40), "raw file"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp41" + bytes(40), "video"),
        (b"\xff\xd8\xff\xe0", "damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (bomb(10_000, MAX_PIXELS // 10_000 + 1), "megapixels"),
        (bomb(100_000, 100_000), "megapixels"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_photo_says_what_to_do(data, advice):
    with pytest.raises(PhotoError, match=advice):
        open_photo(data)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_a_file_cut_short_is_refused(format):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encode(noise, format)
    with pytest.raises(PhotoError, match="damaged|not a picture"):
        open_photo(data[: len(data) // 2])


def test_an_icon_is_refused_before_anything_of_it_is_decoded(scene, monkeypatch):
    data = encode(scene, "ICO")
    monkeypatch.setattr(Image.Image, "load", lambda image: pytest.fail("it was decoded"))
    with pytest.raises(PhotoError, match="export it as PNG") as refused:
        open_photo(data)
    assert refused.value.code == "photo.icon"


def test_missing_file_and_wrong_kinds(tmp_path):
    for source in (tmp_path / "nowhere.jpg", tmp_path, "a\0b", None, 7, io.StringIO("text")):
        with pytest.raises(PhotoError):
            open_photo(source)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "TGA", "JPEG2000"])
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_never_raise_anything_else(scene, format):
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if format in ("JPEG", "PNG", "WEBP", "TIFF") else {}
    data = np.frombuffer(encode(scene, format, **options), np.uint8)
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = data.copy()
        places = rng.integers(0, min(len(data), 400), rng.integers(1, 8))
        damaged[places] = rng.integers(0, 256, len(places))
        try:
            photo = open_photo(damaged.tobytes())
        except PhotoError:
            continue
        assert photo.dtype == np.uint8 and photo.ndim == 3 and photo.shape[2] == 3


def with_chunk(data, extra):
    """A PNG with one more chunk, right after its header."""
    return data[:33] + extra + data[33:]


LONG = bytes(3_000_000)
UNNEEDED = {
    "a long compressed note": chunk(b"zTXt", b"Note\0\0" + zlib.compress(LONG)),
    "a long international text": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(LONG)),
    "a large profile": chunk(b"iCCP", b"printer\0\0" + zlib.compress(LONG)),
    "a text of a wrong checksum": chunk(b"tEXt", b"Title\0chair")[:-4] + b"oops",
    "a date of a wrong checksum": chunk(b"tIME", bytes(7))[:-4] + b"oops",
    "a resolution cut short": chunk(b"pHYs", b"\0"),
}


@pytest.mark.parametrize("name", UNNEEDED)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_chunks_of_a_png_that_its_pixels_do_not_need_are_passed_over(scene, name):
    data = with_chunk(encode(scene), UNNEEDED[name])
    np.testing.assert_array_equal(open_photo(data), scene)
    assert open_image(data).size == (60, 40)


def test_beside_oversized_texts_the_orientation_and_the_profile_of_a_png_still_count(scene):
    exif = Image.Exif()
    exif[0x0112] = 3
    grey = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    plain = encode(scene, exif=exif, icc_profile=grey)
    noted = with_chunk(plain, UNNEEDED["a long compressed note"])
    np.testing.assert_array_equal(open_photo(noted), open_photo(plain))
    np.testing.assert_array_equal(open_photo(noted), scene[::-1, ::-1])


def test_with_oversized_texts_a_png_that_is_cut_short_is_still_refused(scene):
    data = with_chunk(encode(scene), UNNEEDED["a long compressed note"])
    with pytest.raises(PhotoError, match="damaged"):
        open_photo(data[:-60])


def test_what_phones_call_50_megapixels_fits():
    assert 8192 * 6144 <= MAX_PIXELS
    with pytest.raises(PhotoError, match="damaged"):  # and is not called too large
        open_photo(bomb(8192, 6144))


@pytest.fixture
def small_limits(monkeypatch):
    """Limits that small pictures reach: 2400 pixels, as the scene has, and four times as many in a JPEG."""
    monkeypatch.setattr(images, "MAX_PIXELS", 2400)
    monkeypatch.setattr(images, "MAX_JPEG_PIXELS", 9600)
    monkeypatch.setattr(images, "MAX_SIDE", 300)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("side", [2, 1.2])
def test_a_jpeg_of_more_pixels_than_fit_is_opened_at_half_its_sides_and_that_is_said(
    scene, small_limits, orientation, side
):
    exif = Image.Exif()
    exif[0x0112] = orientation
    large = Image.fromarray(scene).resize((round(60 * side), round(40 * side)), Image.Resampling.BICUBIC)
    data = encode(large, "JPEG", quality=95, exif=exif)
    photo = open_photo(data)
    expected = np.asarray(large.resize((large.width // 2, large.height // 2), Image.Resampling.BOX))
    expected = np.rot90(expected, -1) if orientation == 6 else expected
    assert photo.shape == expected.shape and np.abs(photo.astype(int) - expected).mean() < 4
    notice = size_notice(data, photo)
    assert notice.code == "photo.reduced" and f"{large.width} × {large.height} pixels" in str(notice)
    assert f"result is of {photo.shape[1]} × {photo.shape[0]}" in str(notice)
    assert max(open_photo(data, reduce_to=10).shape) <= 20


def test_a_photo_that_fits_has_no_notice(scene, small_limits):
    for format in ("JPEG", "PNG"):
        data = encode(scene, format)
        assert size_notice(data, open_photo(data)) is None


def test_what_cannot_be_decoded_at_half_is_refused(scene, small_limits):
    large = Image.fromarray(scene).resize((120, 80))
    huge = Image.fromarray(scene).resize((122, 80))
    for data in (encode(large), encode(large, "JPEG", progressive=True), encode(huge, "JPEG")):
        with pytest.raises(PhotoError, match="pixels; at most") as error:
            open_photo(data)
        assert error.value.code == "photo.too_many_pixels"


def test_phones_of_108_and_200_megapixels_are_not_called_too_large(monkeypatch):
    def load(image):
        assert image.width * image.height <= MAX_PIXELS
        raise OSError("there is nothing of all those pixels")

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", load)
    for width, height in ((12_000, 9_000), (16_384, 12_288)):
        start = encode(np.zeros((8, 8, 3), np.uint8), "JPEG")
        frame = start.index(b"\xff\xc0") + 5  # where a JPEG says how large it is
        data = start[:frame] + struct.pack(">HH", height, width) + start[frame + 4 :]
        with pytest.raises(PhotoError, match="damaged"):
            open_photo(data)
        assert open_image(data).size == (width, height)


def test_photos_of_iphones_open(scene):
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(scene)).save(file, quality=95)
    photo = open_photo(file.getvalue())
    assert photo.shape == scene.shape
    assert np.abs(photo.astype(int) - scene).mean() < 8


def test_a_turned_photo_of_an_iphone_is_upright(scene):
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    pillow_heif.from_pillow(Image.fromarray(scene)).save(file, quality=95, exif=exif.tobytes())
    photo = open_photo(file.getvalue())
    assert np.abs(photo.astype(int) - np.rot90(scene, -1)).mean() < 8


@pytest.mark.parametrize("tags", [{50706: b"\1\4\0\0"}, {254: 1, 330: 8}], ids=["DNG", "NEF"])
def test_a_raw_file_is_refused_rather_than_read_by_its_preview(scene, tags):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        info[tag] = value
    with pytest.raises(PhotoError, match="raw file") as error:
        open_photo(encode(scene, "TIFF", tiffinfo=info))
    assert error.value.code == "photo.raw"


def test_large_jpeg_keeps_its_size():
    photo = np.zeros((1500, 2000, 3), np.uint8)
    assert open_photo(encode(photo, "JPEG")).shape == photo.shape


def test_oracle_pillow_agrees_on_an_upright_jpeg(scene):
    data = encode(scene, "JPEG")
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    np.testing.assert_array_equal(open_photo(data), np.asarray(expected))


@pytest.mark.parametrize("at_once", [1, 1000, 4321])
def test_a_photo_is_the_same_however_few_rows_are_copied_at_a_time(scene, at_once, monkeypatch):
    data = encode(scene, "PNG")
    monkeypatch.setattr(images, "AT_ONCE", at_once)
    photo = open_photo(data)
    np.testing.assert_array_equal(photo, scene)
    assert photo.flags.writeable and photo.flags.c_contiguous
