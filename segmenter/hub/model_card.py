"""The model card of a weights folder: README.md, made of its config.json and metrics.json."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from segmenter.datasets import provenance
from segmenter.models import registry
from segmenter.weights_format import PICKER

CARD = "README.md"
STARTS = {"imagenet": "the pretrained encoder", "scratch": "nothing"}  # of a training step, as the card says it
SOURCES = {  # of metrics.json, as the card says them
    "wild_caltech101": "chairs photographed by strangers, from a source that never trained",
    "wild_duts": "single pieces of furniture indoors and outdoors, from another such source",
    "wild_voc2012": "snapshots with people and pets on and beside seats, every seat marked, from a third",
    "rooms": "snapshots of whole rooms, every seat marked",
    "scenes": "rendered rooms and terraces whose furniture models never trained; exact masks",
    "photos_cut": "real product photos on white, cut by their background; exact masks",
    "photos_others": "other real photos of single pieces, outlined by hand",
    "photos_outline": "other real photos outlined by hand, whose masks often paint over the gaps inside",
    "photos_outline+unknown": "real photos outlined by hand; doubtful gaps are marked and left out",
    "validation": "photos held out from training",
}
PIECES = {  # of the sets of pieces in metrics.json, where the card says them otherwise
    "scenes_seats": "seats in rendered rooms and terraces whose furniture models never trained",
    "scenes_others": "other furniture in them",
    "scenes_touching": "pieces in them that touch another",
    "validation": "pieces in photos held out from training",
}

# Data of a training step → rows of (what it is, its licence). `datasets.provenance` gives these names by what
# photos are.
DATA = {
    provenance.COLLECTION_NAME: (
        (
            "a public collection of furniture photos",
            'marked "public domain" by its uploader, but gathered from the web as it seems, so that their true copyright '
            "is unknown",
        ),
        (
            "photos of other things and 80 of cabinets, cribs and benches: DUTS-TR, salient objects marked by people, "
            "pictures from ImageNet",
            "its authors state no licence",
        ),
        (
            "snapshots of rooms, people and pets: NYU Depth v2, PASCAL VOC 2012, COCO",
            "NYU Depth v2 (a research data set) and VOC (photos of Flickr's users) give none with these pictures; the "
            "COCO pictures are CC BY, CC BY-SA or free of known restrictions",
        ),
        (
            "rooms and furniture rendered for this purpose, and places without furniture",
            "3D models under CC0 and CC-BY, see the credits; panoramas under CC0",
        ),
    ),
    provenance.CHAIRS97_NAME: (
        (
            "97 rendered pictures of chairs, which come with the project",
            "made for it, of 3D models under CC0 and CC-BY; see the credits",
        ),
    ),
}
OTHER = (("photos of whoever trained this", "not stated here; ask them"),)

INTENDED = """## What it is for

- Cutting furniture out of product and room photos, for catalogues, listings and collages, where a
  person looks at the result.
- A start for training on your own photos, be they of furniture or of something else.

Not for measuring, and not for any decision about people.
"""
LIMITS = """- Glass, chrome, mirrors, very thin wires and things cut by the frame are hard. People, pets and
  objects lying on a seat may be taken for part of it.
- What else stands in the room (tables, plants, cupboards beside a chair) may be taken along, as the
  worst samples show.
- It is no measuring instrument: a probability of 0.9 is not a promise.
"""


def write_card(folder: str | os.PathLike[str], credits: Sequence[str] = ()) -> None:
    """Write README.md into a weights folder.

    Args:
        folder: a weights folder with config.json and metrics.json.
        credits: lines that name the makers of the training data whose licences ask for it.
    """
    folder = Path(folder)
    config, metrics = (
        json.loads((folder / name).read_text(encoding="utf-8")) for name in ("config.json", "metrics.json")
    )
    parts = [f"---\n{_front_matter(config, metrics)}\n---\n", f"# {config['name']}\n", _use(config)]
    parts += [
        INTENDED,
        _results(metrics),
        *_picking(metrics),
        _training(config),
        f"## Limits\n\n{LIMITS}",
        _origins(config),
    ]
    if credits:
        parts.append("## Credits\n\n" + "\n".join(f"- {line}" for line in credits) + "\n")
    (folder / CARD).write_text("\n".join(parts), encoding="utf-8")


def read_credits(folder: str | os.PathLike[str]) -> list[str]:
    """The credits of a weights folder's card, for those who train on from it; none where it has no card."""
    card = Path(folder) / CARD
    text = card.read_text(encoding="utf-8") if card.exists() else ""
    credits = text.split("## Credits\n\n")[1] if "## Credits\n\n" in text else ""
    return [line.removeprefix("- ") for line in credits.splitlines() if line.startswith("- ")]


def _front_matter(config: dict[str, Any], metrics: dict[str, Any]) -> str:
    results = [
        EvalResult(
            "image-segmentation",
            "held-out",
            f"{metrics.get('data', 'validation')}: {name}",
            kind,
            figures[key],
            dataset_config=name,
        )
        for name, figures in metrics["sources"].items()
        for kind, key in (("mean_iou", "iou"), ("dice", "dice"), ("boundary_f", "boundary_f"))
    ]
    data = ModelCardData(
        license="other",
        license_name="see-limits",
        library_name="keras",
        pipeline_tag="image-segmentation",
        tags=["furniture", "u-net", "background-removal", "litert"],
        model_name=config["name"],
        eval_results=results,
    )
    return data.to_yaml().strip()


def _use(config: dict[str, Any]) -> str:
    return f"""A U-Net ({config["architecture"]}) that gives every pixel of a photo the probability of being
furniture. It looks at {config["size"]} × {config["size"]} pixels; the map is then brought to the photo's own.

![Photos, and what it finds in them: the worst, the median and the best cases](samples.png)

Beside the project's code, on two processor cores, without TensorFlow:

```python
from segmenter import Segmenter, cut, open_photo

photo = open_photo("chair.jpg")
segmenter = Segmenter.load("weights")  # this folder; or this repository, as "OWNER/NAME@v1"
probabilities = segmenter.probabilities(photo)  # float32, height × width, 0 … 1
cutout = cut(photo, probabilities, threshold={config["threshold"]})  # uint8, RGBA
```

What it calls furniture: chairs, armchairs, stools, benches and sofas wherever they stand in the
picture, and whatever single piece of furniture (a table, a bed, a cabinet) is the photo's subject.
"""


def _results(metrics: dict[str, Any]) -> str:
    peers = metrics.get("peers", {})
    names = [name for peer in peers for name in (f"{peer}: IoU", "boundary F", "gaps")]
    lines = [
        "## Results\n",
        f"On photos that never trained, at threshold {metrics['threshold']}, as the page shows them "
        "(`metrics.json` has every photo's figures):\n",
        f"| {' | '.join(['photos', 'what they are', 'IoU', 'Dice', 'boundary F', 'gaps left open', *names])} |",
        "|---" * (6 + len(names)) + "|",
    ]
    for name, figures in metrics["sources"].items():
        cells = [figures["photos"], SOURCES.get(name, name), f"{figures['iou']:.3f}", f"{figures['dice']:.3f}"]
        cells += [f"{figures['boundary_f']:.3f}", _share(figures["gap_accuracy"])]
        for peer in peers.values():
            other = peer[name]
            cells += [f"{other['iou']:.3f}", f"{other['boundary_f']:.3f}", _share(other["gap_accuracy"])]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    if "empty" in metrics:
        lines.append(f"\n{_empty(metrics)}")
    if "samples" in metrics:  # what the pictures show
        lines.append(f"\n{metrics['samples']}")
    return "\n".join(lines) + "\n"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _empty(metrics: dict[str, Any]) -> str:
    """In how many pictures without furniture some is seen all the same."""
    empty = metrics["empty"]
    others = [f"; {name}: {peer['empty']['furnished']:.1%}" for name, peer in metrics.get("peers", {}).items()]
    return (
        f"Of {empty['photos']} pictures without furniture, {empty['furnished']:.1%} have more than 1 % of their area "
        f"called furniture{''.join(others)}."
    )


def _picking(metrics: dict[str, Any]) -> list[str]:
    """How single pieces are picked by clicks, where that was measured."""
    if "pick" not in metrics:
        return []
    pick = metrics["pick"]
    bars = [f"clicks to IoU {bar}" for bar in pick["bars"]]
    columns = ["pieces", "of what", "IoU after 1 click", "after 2", "after 3", "after 1 anywhere", *bars]
    columns += ["second clicks that cost over 0.05", "thin parts found", "gaps left open"]
    lines = [
        "## Picking single pieces\n",
        "By clicks that follow a rule: the first into the middle of the piece, each further one into the middle of the "
        f"largest mistake, at most {pick['most_clicks']}. None of these pieces trained; at most {pick['most_pieces']} of "
        'each kind are tried, drawn by a seed. "Anywhere" is one click on any place of the piece, drawn by a seed, as '
        "people do not aim. Thin parts and gaps are those after one click in the middle.\n",
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
    ]
    for name, figures in pick["sources"].items():
        cells = [f"{figures['pieces']} of {figures['of']}", PIECES.get(name) or SOURCES.get(name, name)]
        cells += [f"{iou:.3f}" for iou in figures["iou"]]
        cells += [f"{figures['anywhere']:.3f}" if "anywhere" in figures else "–"]  # of weights that are older
        cells += [f"{figures['clicks'][str(bar)]:.1f}" for bar in pick["bars"]]
        cells += [_share(figures[key]) for key in ("worse", "thin", "gaps")]
        lines.append(f"| {' | '.join(cells)} |")
    return ["\n".join(lines) + "\n"]


def _training(config: dict[str, Any]) -> str:
    lines = [
        "## Training\n",
        "| step | data | size | started from | epochs | batch | learning rate |",
        "|---|---|---|---|---|---|---|",
    ]
    last: dict[str | None, int] = {}  # number of the last step that trained the network, or its picker
    for number, step in enumerate(config.get("steps", []), 1):
        trained = step.get("trains")
        before = f"step {last[trained]}" if trained in last else step["started_from"]
        before = STARTS.get(step["started_from"]) or before
        if step.get("averaged_with"):
            before = f"the mean of {before} and {', '.join(step['averaged_with'])}"
        taught = f", beside the masks what {', '.join(step['taught_by'])} made of it" if step.get("taught_by") else ""
        length = f"picker: {step['steps']} steps" if trained == PICKER else f"at most {step['epochs']}"
        lines.append(
            f"| {number} | {step['data']}{taught} | {step['size']} | {before} | "
            f"{length} | {step['batch_size']} | {step['learning_rate']} |"
        )
        last[trained] = number
    return "\n".join(lines) + "\n"


def _origins(config: dict[str, Any]) -> str:
    """What trained these weights, and under which licence each part of it came."""
    steps = config.get("steps", [])
    names = dict.fromkeys(step["data"] for step in steps)
    rows = [row for name in names for row in DATA.get(name, OTHER)]
    network = registry.NETWORKS.get(config["architecture"])
    encoder = network.encoder if network else None
    if encoder and any(step["started_from"] == "imagenet" for step in steps):
        rows.append((f"the pretrained encoder: {encoder.origin}", encoder.licence))
    lines = ["## Data and licences\n", "| trained on | licence |", "|---|---|"]
    lines += [f"| {what} | {licence} |" for what, licence in dict.fromkeys(rows or OTHER)]
    if provenance.COLLECTION_NAME in {step["data"] for step in steps}:
        lines.append(
            "\nNo photo of the collection is published here. Whoever needs weights of a clean origin "
            "trains on photos of their own, from the encoder or from scratch."
        )
    return "\n".join(lines) + "\n"
