"""What labelling tools export, broken or with annotations of a test's own."""

import json

from tests.sound import COUNT, SIDE, only_images


def export(tmp_path, parts=("images",)):
    """The photos alone, to which an annotation file is to be added."""
    place = only_images(tmp_path)
    for part in parts:
        (place / part).mkdir(exist_ok=True)
    return place


def coco(tmp_path, names=None, **fields):
    """A COCO export of `folder`'s photos whose annotations have these fields."""
    place = export(tmp_path)
    names = names or [f"photo{number}.jpg" for number in range(COUNT)]
    data = {
        "images": [{"id": i, "file_name": name, "height": SIDE, "width": 64} for i, name in enumerate(names)],
        "annotations": [{"id": i, "image_id": i, **{"category_id": 1, **fields}} for i in range(len(names))],
        "categories": [{"id": 1, "name": "lamp"}],
    }
    (place / "annotations.json").write_text(json.dumps(data))
    return place


def broken_coco(tmp_path):
    place = coco(tmp_path, segmentation=[[10, 10, 40, 10, 40, 30]])
    path = place / "annotations.json"
    path.write_text(path.read_text()[:-30])
    return place


def coco_without_ids(tmp_path):
    place = coco(tmp_path)
    data = json.loads((place / "annotations.json").read_text())
    for annotation in data["annotations"]:
        del annotation["image_id"]
    (place / "annotations.json").write_text(json.dumps(data))
    return place


def coco_of_missing_photos(tmp_path):
    return coco(tmp_path, [f"lost{number}.jpg" for number in range(COUNT)], segmentation=[[10, 10, 40, 10, 40, 30]])


def coco_boxes(tmp_path):
    return coco(tmp_path, bbox=[10, 10, 30, 20], segmentation=[])


def coco_damaged_run_lengths(tmp_path):
    return coco(tmp_path, segmentation={"size": [SIDE, 64], "counts": "c26>0000`"})


def coco_of_nonsense(tmp_path):
    return coco(tmp_path, category_id=["lamp"], segmentation=[[10, 10, 40, 10, 40, 30]])


def coco_wrong_run_lengths(tmp_path):
    return coco(tmp_path, segmentation={"size": [SIDE, 64], "counts": [10, 20, 30]})


def labelme(tmp_path, **shape):
    """A labelme export of `folder`'s photos whose one shape has these fields."""
    place = export(tmp_path)
    for number in range(COUNT):
        data = {
            "imagePath": f"photo{number}.jpg",
            "imageHeight": SIDE,
            "imageWidth": 64,
            "shapes": [{"label": "lamp", "shape_type": "polygon", **shape}],
        }
        (place / "images" / f"photo{number}.json").write_text(json.dumps(data))
    return place


def labelme_outside(tmp_path):
    return labelme(tmp_path, points=[[10, 10], [900, 10], [900, 700]])


def labelme_degenerate(tmp_path):
    return labelme(tmp_path, points=[[10, 10], [30, 30]])


def labelme_line(tmp_path):
    return labelme(tmp_path, points=[[10, 10], [30, 30]], shape_type="line")


def labelme_incomplete(tmp_path):
    return labelme(tmp_path)


def yolo(line):
    """A YOLO export of `folder`'s photos, each with this label."""

    def build(tmp_path):
        place = export(tmp_path, ("labels",))
        for number in range(COUNT):
            (place / "labels" / f"photo{number}.txt").write_text(line)
        (place / "data.yaml").write_text("names: [lamp]\n")
        return place

    return build


def yolo_broken_names(tmp_path):
    place = yolo("0 0.1 0.1 0.6 0.1 0.6 0.6\n")(tmp_path)
    (place / "data.yaml").write_text("names: [lamp, shade\nnc: 2\n")
    return place
