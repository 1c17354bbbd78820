"""Whether a probability keeps what it says: of the pixels called 70 % furniture, 70 % should be it.

Reference: Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks", ICML 2017 (its
reliability diagram and expected calibration error).
"""

from typing import Any

import numpy as np

from segmenter.datasets.pairs import Case

BINS = 10


class Reliability:
    """Gathers probability maps beside their truth; every photo counts alike, whatever its size."""

    def __init__(self) -> None:
        self.sums = np.zeros((3, BINS))  # share of the photo's pixels; of that, the probabilities and the furniture

    def add(self, case: Case, probabilities: np.ndarray) -> None:
        """Take in one photo.

        Args:
            case: with its truth; unknown pixels do not count.
            probabilities: float32, H × W, 0 … 1.
        """
        found, truth = probabilities[case.known].astype(np.float64), case.truth[case.known]
        if not found.size:
            return
        bins = np.minimum((found * BINS).astype(int), BINS - 1)
        for row, weights in enumerate((None, found, truth)):
            self.sums[row] += np.bincount(bins, weights, BINS) / found.size

    def diagram(self) -> dict[str, Any]:
        """What metrics.json says: one entry a bin, and the expected calibration error.

        Returns:
            dict: `bins`, a list of {`from`, `to`, `share` of all pixels, `probability` (mean), `furniture`
            (share of the pixels that are it)}, the last two None where no pixel is; and `expected_error`, the mean
            distance of the two over all pixels, 0 … 1.
        """
        share, probability, furniture = self.sums
        total = max(share.sum(), 1e-12)
        bins = [
            {
                "from": number / BINS,
                "to": (number + 1) / BINS,
                "share": round(share[number] / total, 5),
                "probability": round(probability[number] / share[number], 4) if share[number] else None,
                "furniture": round(furniture[number] / share[number], 4) if share[number] else None,
            }
            for number in range(BINS)
        ]
        return {"bins": bins, "expected_error": round(float(np.abs(probability - furniture).sum() / total), 5)}
