"""Where fuzzing begins: small good files of every kind that a target takes."""

import base64
import functools
import io
import json
import zlib

import numpy as np
import pillow_heif
from PIL import Image

from segmenter.render.options import Choices
from tests.fuzz import targets

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "TGA", "MPO")
OUTLINE = [2.0, 2.0, 20.0, 2.0, 20.0, 20.0, 2.0, 20.0]


@functools.cache
def seeds(target: str) -> tuple[bytes, ...]:
    """The seeds of one of `targets.TARGETS`, the same every time."""
    made = {
        "photo": _photos,
        "archive": _archives,
        "annotations": _annotations,
        "mask": _masks,
        "settings": _settings,
    }
    return tuple(made[target]())


def _photos():
    y, x = np.mgrid[0:24, 0:32]
    scene = Image.fromarray(np.dstack([8 * x, 10 * y, 255 - 4 * (x + y)]).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    made = [_encoded(scene, name) for name in FORMATS]
    made += [_encoded(scene, name, exif=exif) for name in ("JPEG", "PNG", "WEBP", "TIFF")]
    made += [_encoded(scene.convert(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGBA")]
    made += [_encoded(scene.convert(mode), "TIFF") for mode in ("1", "L", "F", "CMYK", "LAB")]
    made += [_encoded(scene, "TIFF", compression=name) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits")]
    made.append(_encoded(scene, "JPEG", progressive=True))
    made.append(_encoded(scene.convert("P"), "PNG", transparency=3))
    made.append(_encoded(scene.convert("P"), "GIF", save_all=True, append_images=[scene.convert("P").rotate(9)]))
    heif = io.BytesIO()
    pillow_heif.from_pillow(scene).save(heif)
    return [*made, heif.getvalue(), b"<svg></svg>", b"%PDF-1.7", b"FUJIFILMCCD-RAW 0201"]


def _encoded(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _archives():
    picture = _encoded(Image.new("RGB", targets.SIDES, "red"), "PNG")
    return [
        targets.zipped({"images/a.png": picture, "masks/a.png": picture}),
        targets.zipped({"a.png": picture, "a.jpg": b"no photo", ".hidden.png": picture}),
        targets.zipped({"../a.png": picture}),
        targets.zipped({"椅子.png": picture, "d/e/f/" + "g" * 250 + ".png": picture}),
        targets.zipped({}),
    ]


def _annotations():
    image = {"id": 1, "file_name": "chair.png", "width": targets.SIDES[0], "height": targets.SIDES[1]}
    outlined = {"id": 1, "image_id": 1, "category_id": 3, "segmentation": [OUTLINE]}
    codes = [
        {"size": [24, 32], "counts": [100, 500, 168]},
        {"size": [24, 32], "counts": "T3d?d3"},
    ]
    coco = [
        {"images": [image], "annotations": [outlined], "categories": [{"id": 3, "name": "chair"}]},
        *({"images": [image], "annotations": [{**outlined, "segmentation": code}], "categories": []} for code in codes),
    ]
    shapes = [
        {"label": "chair", "shape_type": "polygon", "points": np.reshape(OUTLINE, (-1, 2)).tolist()},
        {"label": "chair", "shape_type": "rectangle", "points": [[2, 2], [20, 20]]},
        {"label": "chair", "shape_type": "circle", "points": [[10, 10], [15, 10]]},
        {
            "label": "chair",
            "shape_type": "mask",
            "points": [[3, 4], [11, 12]],
            "mask": _in_base64(Image.new("L", (9, 9), 255)),
        },
        {"label": "__ignore__", "shape_type": "line", "points": [[10, 10], [15, 10]]},
    ]
    labelme = {"shapes": shapes, "imagePath": "chair.png", "imageData": None, "imageHeight": 24, "imageWidth": 32}
    return [
        *_of_other_tools(),
        *(b"coco\n" + json.dumps(each).encode() for each in coco),
        b"labelme\n" + json.dumps(labelme).encode(),
        b"yolo\n0 0.1 0.1 0.8 0.1 0.8 0.8\n1 0.1 0.1 0.8 0.1 0.8 0.8 0.5 0.9\n",
        b"yolo-names\nnames: [chair, sofa]\nnc: 2\n",
        b"yolo-names\nnames:\n  0: chair\n  1: sofa\n",
        b"groups\nfile,group\nchair.png,a;b\n",
        *(b"mask\n" + _encoded(Image.new(mode, targets.SIDES), "PNG") for mode in ("1", "L", "P", "RGBA", "I;16")),
    ]


def _in_base64(picture):
    return base64.b64encode(_encoded(picture, "PNG")).decode()


def _of_other_tools():
    xs, ys = OUTLINE[0::2], OUTLINE[1::2]
    regions = [
        {
            "shape_attributes": {"name": "polygon", "all_points_x": xs, "all_points_y": ys},
            "region_attributes": {"a": "b"},
        },
        {
            "shape_attributes": {"name": "ellipse", "cx": 9, "cy": 9, "rx": 5, "ry": 4, "theta": 1},
            "region_attributes": {},
        },
    ]
    via = {"chair.png1": {"filename": "chair.png", "size": 1, "regions": regions, "file_attributes": {}}}
    points = np.reshape(OUTLINE, (-1, 2)).tolist()
    region = {"value": {"points": points, "polygonlabels": ["chair"]}, "type": "polygonlabels", "original_width": 32}
    bits = f"{4 * 32 * 24:032b}" + "00111" + "0010001101111111" + "111" + f"{4 * 32 * 24 - 1:016b}" + 8 * "1"
    packed = list((int(bits, 2) << -len(bits) % 8).to_bytes(-(-len(bits) // 8), "big"))
    painted = {"value": {"rle": packed, "brushlabels": ["chair"]}, "type": "brushlabels", "original_width": 32}
    task = {"data": {"image": "/data/upload/1/abcdefgh-chair.png"}, "annotations": [{"result": [region, painted]}]}
    brushed = base64.b64encode(zlib.compress(_encoded(Image.new("L", (9, 9), 255), "PNG"))).decode()
    drawn = [
        {
            "classTitle": "chair",
            "geometryType": "polygon",
            "points": {"exterior": points, "interior": [[[4, 4], [8, 4], [8, 8]]]},
        },
        {"classTitle": "chair", "geometryType": "bitmap", "bitmap": {"data": brushed, "origin": [3, 4]}},
    ]
    supervisely = {"size": {"height": 24, "width": 32}, "objects": drawn, "tags": []}
    cvat = (
        '<annotations><image id="0" name="chair.png" width="32" height="24">'
        '<polygon label="chair" points="2,2;20,2;20,20"/><ellipse label="chair" cx="9" cy="9" rx="5" ry="4"/>'
        '<mask label="chair" rle="3, 5, 1" left="3" top="4" width="3" height="3"/></image></annotations>'
    )
    written = {"via": via, "label-studio": [task], "supervisely": supervisely}
    return [*(f"{kind}\n{json.dumps(each)}".encode() for kind, each in written.items()), b"cvat\n" + cvat.encode()]


def _masks():
    rng = np.random.default_rng(0)
    return [bytes((9, 8, channels, 1)) + rng.bytes(9 * 8 * channels) for channels in (1, 3, 4)] + [
        b"\5\6\0\0" + bytes(30)
    ]


def _settings():
    edits = [
        {"do": "erase", "radius": 0.02, "points": [[0.3, 0.3], [0.5, 0.6]]},
        {"do": "keep", "at": [0.1, 0.9]},
    ]
    choices = [Choices(), Choices(0.4, background="room:loft", canvas="4:5", trim=True, format="jpeg")]
    return [*(json.dumps(each.to_json()).encode() for each in choices), json.dumps(edits).encode()]
