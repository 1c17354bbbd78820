"""Learning, beside the masks, from what finished weights make of the same pictures.

Reference: Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", NIPS 2014 workshop; that the
teachers may be several looks of one network at the picture changed, and their student that network itself:
Radosavovic et al., "Data Distillation: Towards Omni-Supervised Learning", CVPR 2018.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from segmenter import weights_format
from segmenter.datasets.augment import Draw, Sample
from segmenter.inference import preprocessing
from segmenter.inference.network import Network

SHARE = 0.5  # of a target that the teachers have; the rest is the mask's

Teacher = Callable[[np.ndarray], np.ndarray]  # float32, 1 × size × size × 3 → size × size, each 0 … 1


def load(folders: Sequence[Path], size: int) -> list[Teacher]:
    """The networks of weights folders as they serve.

    Args:
        folders: weights folders.
        size: side in pixels of the square that the student looks at.

    Raises:
        ValueError: a folder's network looks at squares of another size; WeightsError: it cannot serve.
    """
    for folder in folders:
        own = weights_format.read_config(folder)["size"]
        if own != size:
            raise ValueError(
                f"{folder} looks at {own} pixels and cannot teach a network that looks at {size}; add --size {own}, "
                "or leave it out of --teachers"
            )
    return [Network(folder / weights_format.LITERT, size).furniture for folder in folders]


class Taught:
    """The `draw` of `TrainingBatches` with targets that are half the mask's and half the teachers'.

    A teacher is asked for the picture and for its mirror image, and the mean of all is what they say. Where a mask
    is doubtful (see `segmenter.models.losses`) they alone decide; where it is unknown it stays so, and that there is
    nothing in a picture is believed to the mask alone.

    Args:
        draw: another `draw`.
        teachers: at least one.
    """

    def __init__(self, draw: Draw, teachers: Sequence[Teacher]) -> None:
        self.draw, self.teachers = draw, teachers

    def __call__(self, index: int, rng: np.random.Generator) -> Sample:
        photo, target, weight = self.draw(index, rng)
        if not target.any():
            return photo, target, weight
        said = look(self.teachers, preprocessing.normalise(photo[np.newaxis]))
        mixed = np.where(weight < 0, said, (1 - SHARE) * target + SHARE * said)
        return photo, mixed.astype(np.float32), np.abs(weight)


def look(teachers: Sequence[Teacher], square: np.ndarray) -> np.ndarray:
    """What teachers make of a picture and of its mirror image, on the mean.

    Shape: `square` float32, 1 × size × size × 3, 0 … 1; the result float32, size × size, 0 … 1.
    """
    mirrored = square[:, :, ::-1]
    return np.mean([each for ask in teachers for each in (ask(square), ask(mirrored)[:, ::-1])], axis=0)
