"""Loss and metric of training. Unknown pixels carry no loss.

A target is float32, batch × H × W × 2:
    [..., 0]  how much of the pixel is furniture, 0 … 1;
    [..., 1]  its weight: 0 where nobody could tell, 1 or more where the mask is trusted, and
              negative where an outline calls it furniture but may have painted over a gap
              ("doubtful"; the weight is then its absolute value).
"""

from typing import Any

import keras

ops: Any = keras.ops  # whose own annotations let every tensor be None

DOUBT = 0.5  # below this probability a doubtful pixel is taken for a gap, and left alone
SMOOTH = 1.0  # pixels added to both halves of the Dice quotient, so that empty masks count too


def _split(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Target and weight as the loss uses them, each batch × H × W × 1."""
    target, weight = y_true[..., :1], y_true[..., 1:]
    sure_gap = ops.stop_gradient(y_pred) < DOUBT
    doubtful = ops.where(sure_gap, ops.zeros_like(weight), -weight)
    return target, ops.where(weight < 0, doubtful, weight)


@keras.saving.register_keras_serializable("segmenter")
def cross_entropy_and_dice(y_true: Any, y_pred: Any) -> Any:
    """Weighted binary cross-entropy plus weighted soft Dice loss, as the article adds them.

    The network is not pushed to fill what it sees as a gap inside a doubtful outline
    (a pixel-wise form of bootstrapping: Reed et al., "Training Deep Neural Networks on Noisy
    Labels with Bootstrapping", ICLR 2015 workshop).

    Where nothing is furniture there is no overlap to speak of, and Dice's slope, one over the square
    of the area that is left, would drown all other photos of a batch: there only the entropy counts.

    Shape:
        y_true batch × H × W × 2 (see the module), y_pred batch × H × W × 1, 0 … 1;
        the result is one number per photo, batch.
    """
    target, weight = _split(y_true, y_pred)
    p = ops.clip(y_pred, 1e-6, 1 - 1e-6)
    entropy = -(target * ops.log(p) + (1 - target) * ops.log(1 - p))
    axes = (1, 2, 3)
    entropy = ops.sum(weight * entropy, axes) / (ops.sum(weight, axes) + SMOOTH)
    overlap = ops.sum(weight * target * y_pred, axes)
    total = ops.sum(weight * (target + y_pred), axes)
    something = ops.cast(ops.sum(weight * target, axes) > 0, y_pred.dtype)
    return entropy + something * (1 - (2 * overlap + SMOOTH) / (total + SMOOTH))


@keras.saving.register_keras_serializable("segmenter")
def dice(y_true: Any, y_pred: Any) -> Any:
    """Dice coefficient of the mask at threshold 0.5 over the known pixels, one number per photo.

    Shape: as `cross_entropy_and_dice`.
    """
    known = ops.cast(y_true[..., 1:] != 0, y_pred.dtype)
    target = known * ops.cast(y_true[..., :1] >= 0.5, y_pred.dtype)
    predicted = known * ops.cast(y_pred >= 0.5, y_pred.dtype)
    axes = (1, 2, 3)
    overlap = ops.sum(target * predicted, axes)
    return (2 * overlap + SMOOTH) / (ops.sum(target + predicted, axes) + SMOOTH)
