"""Does the doubtfulness of a result tell how wrong it is? Without the truth, it should sort as 1 − IoU does.

    python -m tests.benchmarks.doubts [FOLDER …]

For each data set (images/ and masks/; by default the validation photos of chairs97, as train.py splits
them, and all of its photos) the rank correlation (Spearman's) between doubtfulness and 1 − IoU is
taken, and how many of the worst quarter are found in the most doubtful half. The result is written to
doubts.json beside this file.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from segmenter import Segmenter
from segmenter.datasets.pairs import load_case, read_folder
from segmenter.datasets.splits import split
from segmenter.render import alpha, uncertainty

HERE = Path(__file__).resolve().parent
CHAIRS = HERE.parents[1] / "segmenter/data/chairs97"
VALIDATION, SEED = 20, 0  # train.py's own


def ranks(values):
    """Ranks from 0; equal values share their mean rank."""
    values = np.asarray(values)
    return np.array([(values < value).sum() + ((values == value).sum() - 1) / 2 for value in values])


def correlation(first, second):
    """Spearman's rank correlation, -1 … 1."""
    return float(np.corrcoef(ranks(first), ranks(second))[0, 1])


def judge(segmenter, pairs):
    """Doubtfulness against error on some photos: dict of figures."""
    doubtful, wrong = [], []
    for pair in pairs:
        photo, truth, known = load_case(pair)
        probabilities = segmenter.probabilities(photo)
        found = alpha.mask(probabilities, segmenter.threshold)
        union = ((found | truth) & known).sum()
        wrong.append(1 - ((found & truth & known).sum() / union if union else 1.0))
        doubtful.append(uncertainty.doubtfulness(probabilities, segmenter.threshold))
    worst = np.argsort(wrong)[::-1][: max(1, len(wrong) // 4)]
    first_half = set(np.argsort(doubtful)[::-1][: -(-len(doubtful) // 2)].tolist())
    return {
        "photos": len(wrong),
        "rank_correlation": round(correlation(doubtful, wrong), 3),
        "worst_quarter_in_doubtful_half": round(float(np.mean([i in first_half for i in worst.tolist()])), 3),
        "mean_doubtfulness": round(float(np.mean(doubtful)), 4),
        "mean_error": round(float(np.mean(wrong)), 4),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    folders = parser.parse_args().folders
    segmenter = Segmenter.load()
    chairs = read_folder(CHAIRS)
    sets = {"chairs97, validation": split(chairs, VALIDATION, SEED)[1], "chairs97": chairs}
    sets |= {folder.name: read_folder(folder) for folder in folders}
    found = {name: judge(segmenter, pairs) for name, pairs in sets.items()}
    (HERE / "doubts.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
