"""Data sets that are broken, each in its own way, and the words that must be said about them."""

import shutil
import zipfile

import numpy as np
from PIL import Image

from tests import broken_exports
from tests.sound import COUNT, folder, only_images, photo


def missing(tmp_path):
    return tmp_path / "nowhere"


def empty(tmp_path):
    (tmp_path / "lamps").mkdir()
    return tmp_path / "lamps"


def no_images(tmp_path):
    place = folder(tmp_path)
    shutil.rmtree(place / "images")
    return place


def empty_masks_folder(tmp_path):
    place = only_images(tmp_path)
    (place / "masks").mkdir()
    return place


def nothing_matches(tmp_path):
    place = folder(tmp_path)
    for path in list((place / "masks").iterdir()):
        path.rename(path.with_name(path.name.replace("photo", "drawing")))
    return place


def every_photo(change):
    """Break the file of every photo by `change(path)`."""

    def build(tmp_path):
        place = folder(tmp_path)
        for path in list((place / "images").iterdir()):
            change(path)
        return place

    return build


def truncate(path):
    path.write_bytes(path.read_bytes()[:-300])


def blank(path):
    path.write_bytes(b"")


def to_text(path):
    path.unlink()
    path.with_suffix(".png").write_text("This is a shopping list: lamps, shades, bulbs.")


def two_masks(tmp_path):
    place = folder(tmp_path)
    for path in list((place / "masks").iterdir()):
        Image.open(path).save(path.with_name(f"{path.stem}_mask.png"))
    return place


def every_mask(picture_of):
    """Replace each mask by `picture_of(mask)`, both PIL images."""

    def build(tmp_path):
        place = folder(tmp_path)
        for path in (place / "masks").iterdir():
            picture_of(Image.open(path)).save(path)
        return place

    return build


def filled(value):
    return every_mask(lambda old: Image.new("L", old.size, value))


def green(old):
    return Image.fromarray(np.where(np.asarray(old)[..., None] > 0, (0, 200, 0), (200, 200, 0)).astype(np.uint8))


def exif_turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90°, while the mask was drawn on the file as it lies
    with Image.open(path) as picture:
        picture.load()
    picture.save(path, exif=exif)


def broken_mask_files(tmp_path):
    place = folder(tmp_path)
    for path in (place / "masks").iterdir():
        path.write_bytes(path.read_bytes()[:40])
    return place


def opaque_cutouts(tmp_path):
    place = tmp_path / "lamps"
    place.mkdir()
    for number in range(COUNT):
        photo(number).save(place / f"cutout{number}.png")
    return place


def cutouts_without_a_hole(tmp_path):
    place = tmp_path / "lamps"
    place.mkdir()
    for number in range(COUNT):
        photo(number).convert("RGBA").save(place / f"cutout{number}.png")
    return place


def too_few(tmp_path):
    return folder(tmp_path, 3)


def one_group(tmp_path):
    place = folder(tmp_path)
    rows = [f"photo{number}.jpg,the same lamp" for number in range(COUNT)]
    (place / "groups.csv").write_text("\n".join(["file,group", *rows]))
    return place


def ten_times_the_same(tmp_path):
    place = folder(tmp_path)
    for number in range(1, COUNT):
        photo(0).save(place / "images" / f"photo{number}.jpg", quality=90 - 5 * number)
    return place


def some_file(tmp_path):
    (tmp_path / "lamps.docx").write_bytes(b"a letter")
    return tmp_path / "lamps.docx"


def no_zip(tmp_path):
    (tmp_path / "lamps.zip").write_bytes(b"PK, but nothing more than that")
    return tmp_path / "lamps.zip"


def zipped(tmp_path, extra=None, data=b"x"):
    """A sound data set as a zip, with one more member, a name or a ZipInfo."""
    place = folder(tmp_path)
    with zipfile.ZipFile(tmp_path / "lamps.zip", "w") as archive:
        for path in sorted(place.rglob("*.*")):
            archive.write(path, path.relative_to(place.parent))
        if extra:
            archive.writestr(extra, data)
    shutil.rmtree(place)
    return tmp_path / "lamps.zip"


def zip_that_climbs_out(tmp_path):
    return zipped(tmp_path, "../../escaped.png")


def zip_with_a_link(tmp_path):
    link = zipfile.ZipInfo("images/link.png")
    link.external_attr = 0o120777 << 16
    return zipped(tmp_path, link, b"/etc/passwd")


def zip_with_password(tmp_path):
    """Sets the flag of every member that says it is encrypted, as Python cannot write such zips."""
    path = zipped(tmp_path)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = data.find(signature)
        while start >= 0:
            data[start + offset] |= 1
            start = data.find(signature, start + 4)
    path.write_bytes(data)
    return path


def damaged_zip(tmp_path):
    path = zipped(tmp_path)
    data = bytearray(path.read_bytes())
    data[200:1200] = bytes(1000)
    path.write_bytes(data)
    return path


def zip_bomb(tmp_path):
    path = tmp_path / "lamps.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("images/photo0.bmp", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(1_000_000))
    return path


def zip_of_letters(tmp_path):
    with zipfile.ZipFile(tmp_path / "lamps.zip", "w") as archive:
        archive.writestr("letter.docx", b"Dear all")
    return tmp_path / "lamps.zip"


def address(text):
    return lambda tmp_path: text


# name → (what builds it below tmp_path and returns the PLACE, the words its message must contain)
BROKEN = {
    "missing folder": (missing, ("nowhere is missing", "put the photos in images/")),
    "empty folder": (empty, ("holds no photos", "images/ and their masks in masks/")),
    "images without masks": (only_images, ("masks is missing", "masks in masks/")),
    "masks without images": (no_images, ("images is missing", "put the photos in images/")),
    "masks folder empty": (
        empty_masks_folder,
        ("Photos without a mask: 10, left out", "photo0.jpg", "add photo0.png to masks/"),
    ),
    "no pair matches": (
        nothing_matches,
        ("Photos without a mask: 10, left out", "drawing0.png", "add the photo, or remove"),
    ),
    "two masks each": (two_masks, ("Photos with two masks: 10", "photo0_mask.png", "keep the right one")),
    "truncated JPEGs": (every_photo(truncate), ("photo0.jpg", "damaged or cut short", "save or send it again")),
    "files of zero bytes": (every_photo(blank), ("photo0.jpg", "the file is empty (0 bytes)", "copy it again")),
    "text files named .png": (every_photo(to_text), ("photo0.png", "not a picture we can read", "choose a JPEG")),
    "broken mask files": (broken_mask_files, ("photo0.png cannot be read as a mask", "save it again as PNG")),
    "masks of another shape": (
        every_mask(lambda old: old.resize((64, 20))),
        ("photo0.jpg", "the photo is 64 × 48, its mask 64 × 20", "the same frame"),
    ),
    "EXIF turns the photos only": (
        every_photo(exif_turned),
        ("turned by its EXIF, the mask is not", "photo0.jpg", "turn the mask by 90°"),
    ),
    "masks all empty": (filled(0), ("Masks that are empty: 10", "photo0.jpg", "paint the object white")),
    "masks all full": (filled(255), ("Masks that are full: 10", "photo0.jpg", "paint the surroundings black")),
    "masks all unknown": (filled(128), ("every pixel is unknown", "photo0.jpg")),
    "masks of class numbers": (
        every_mask(lambda old: old.point(lambda level: level // 255)),
        ("brightest level is 1", "photo0.jpg", "save the object's as 255"),
    ),
    "masks in unknown colours": (every_mask(green), ("colour-coded", "photo0.png", "red on blue")),
    "cutouts that are opaque": (opaque_cutouts, ("neither masks nor a transparent background",)),
    "cutouts without a hole": (
        cutouts_without_a_hole,
        ("cutout0.png", "save the cutout with a transparent background"),
    ),
    "too few photos": (too_few, ("only 3 of 3 photos", "at least 8", "add photos")),
    "everything one group": (one_group, ("all 10 photos are one group", "correct the groups")),
    "ten times the same photo": (ten_times_the_same, ("all 10 photos are one group", "they look alike; add photos")),
    "a letter": (some_file, ("lamps.docx is neither a folder nor a zip",)),
    "no zip": (no_zip, ("lamps.zip is not a zip we can read", "zip the folder again")),
    "zip that climbs out": (zip_that_climbs_out, ("lamps.zip", "../../escaped.png", "leads out of it")),
    "zip with a link": (zip_with_a_link, ("lamps.zip", "images/link.png", "a link")),
    "zip with a password": (zip_with_password, ("lamps.zip has a password", "without one")),
    "zip damaged": (damaged_zip, ("lamps.zip is not a zip we can read", "zip the folder again")),
    "zip bomb": (zip_bomb, ("lamps.zip would unpack to 0.3 GB", "give the folder")),
    "zip without pictures": (zip_of_letters, ("lamps.zip holds no pictures", "images/ and masks/")),
    "COCO cut short": (broken_exports.broken_coco, ("annotations.json is broken JSON", "export it again")),
    "COCO without ids": (
        broken_exports.coco_without_ids,
        ("annotations.json is not COCO", "image_id", "export it again"),
    ),
    "COCO of missing photos": (
        broken_exports.coco_of_missing_photos,
        ("Photos that are missing: 10", "lost0.jpg", "beside the JSON"),
    ),
    "COCO with boxes only": (
        broken_exports.coco_boxes,
        ("Photos with boxes instead of outlines", "photo0.jpg", "masks are needed"),
    ),
    "COCO of nonsense": (
        broken_exports.coco_of_nonsense,
        ("photo0.jpg", "an annotation of it makes no sense", "correct the outline"),
    ),
    "COCO run lengths damaged": (
        broken_exports.coco_damaged_run_lengths,
        ("photo0.jpg", "run-length code is damaged", "export again"),
    ),
    "COCO run lengths too short": (
        broken_exports.coco_wrong_run_lengths,
        ("photo0.jpg", "do not add up", "export again"),
    ),
    "labelme outside the photo": (
        broken_exports.labelme_outside,
        ("photo0.jpg", "x = 900, outside the 64 × 48", "correct the outline"),
    ),
    "labelme without area": (
        broken_exports.labelme_degenerate,
        ("photo0.jpg", "outlines nothing", "outline the object"),
    ),
    "labelme lines": (
        broken_exports.labelme_line,
        ("photo0.jpg", "has a line, which encloses nothing", "draw a polygon"),
    ),
    "labelme incomplete": (
        broken_exports.labelme_incomplete,
        ("photo0.jpg", "incomplete", "'points'", "correct the outline"),
    ),
    "YOLO with words": (
        broken_exports.yolo("0 0.1 0.1 nought 0.1 0.6 0.6\n"),
        ("photo0.txt", "line 1", "not a class number followed"),
    ),
    "YOLO beyond the frame": (
        broken_exports.yolo("0 10 10 60 10 60 60\n"),
        ("photo0.txt", "outside 0 … 1", "shares of the photo's"),
    ),
    "YOLO of an odd count": (
        broken_exports.yolo("0 0.1 0.1 0.6 0.1 0.6 0.6 0.2\n"),
        ("photo0.txt", "7 coordinates", "even count"),
    ),
    "YOLO with boxes only": (
        broken_exports.yolo("0 0.5 0.5 0.2 0.2\n"),
        ("photo0.jpg", "a box but no outline", "masks are needed"),
    ),
    "YOLO names broken": (broken_exports.yolo_broken_names, ("data.yaml cannot be read", "export it again")),
    "a weights address": (
        address("hf://lamps/unet"),
        ("hf://lamps/unet is no data set's address", "hf://datasets/OWNER"),
    ),
}
IDS = list(BROKEN)
