"""The networks: the classic U-Net of any size, and the default one on a pretrained encoder.

Reference: Ronneberger, Fischer & Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", MICCAI 2015.
"""

from typing import Any

import keras
from keras import layers

from segmenter.models import registry
from segmenter.models.normalising import BatchNormalization
from segmenter.models.registry import Encoder

MOMENTUM = 0.9  # of batch norm: an epoch may be ten steps long, and the statistics must keep up
DECODER_WIDTHS = (160, 96, 48, 24, 8)  # at 1/16, 1/8, 1/4, 1/2 and the full size


def build_unet(architecture: str = registry.DEFAULT, size: int | None = None) -> keras.Model:
    """Build a network by name, with fresh random weights.

    Args:
        architecture: one of `registry.NETWORKS`.
        size: side of the input square in pixels; the architecture's own by default.
            A multiple of 2 ** depth: 32 is right for most.

    Shape:
        input batch × size × size × 3, float32, 0 … 1; output batch × size × size × 1, float32,
        0 … 1, the probability of furniture.

    Raises:
        ValueError: the name is not known, or the size does not suit the depth.
    """
    network = registry.find(architecture)
    size = size or network.size
    if network.encoder:
        return unet_on_encoder(size, network.encoder, network.light, network.context, name=architecture)
    return classic_unet(size, network.widths, network.centre, name=architecture)


def convolve(x: Any, width: int, times: int = 1, kernel: int = 3, strides: int = 1) -> Any:
    """`times` × (convolution of kernel × kernel, batch normalisation, ReLU)."""
    for _ in range(times):
        x = layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False)(x)
        x = BatchNormalization(momentum=MOMENTUM)(x)
        x = layers.ReLU()(x)
    return x


def _check_size(size: int, depth: int) -> None:
    if size < 2**depth or size % 2**depth:
        raise ValueError(f"size {size} must be a multiple of {2**depth}, as the network halves it {depth} times")


def classic_unet(size: int, widths: tuple[int, ...], centre: int, name: str = "unet") -> keras.Model:
    """The U-Net of the article: two convolutions on the way down, three on the way up.

    Args:
        size: side of the input square, a multiple of 2 ** len(widths).
        widths: channels at each resolution on the way down, finest first.
        centre: channels at the coarsest resolution.
    """
    _check_size(size, len(widths))
    photo = x = keras.Input((size, size, 3), name="photo")
    skips = []
    for width in widths:
        x = convolve(x, width, 2)  # batch × s × s × width
        skips.append(x)
        x = layers.MaxPooling2D()(x)  # batch × s/2 × s/2 × width
    x = convolve(x, centre, 2)
    for width, skip in zip(reversed(widths), reversed(skips)):
        x = layers.UpSampling2D()(x)  # batch × s × s × (width above)
        x = layers.Concatenate()([skip, x])
        x = convolve(x, width, 3)  # batch × s × s × width
    probability = layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="probability")(x)
    return keras.Model(photo, probability, name=name)


def look_around(x: Any, name: str) -> Any:
    """Let every place of the coarsest map know of its surroundings, and of the whole: a residual block.

    Which of the things in a photo is its piece of furniture, and whether an even surface belongs to it or
    to the wall, shows only from far around. The block starts as the identity, so that it can be put into a
    trained network.

    Reference: its branch of large kernels is that of Liu et al., "A ConvNet for the 2020s", CVPR 2022, its
    pooled one that of Liu, Rabinovich & Berg, "ParseNet: Looking Wider to See Better", ICLR 2016 workshop.

    Shape: batch × H × W × C, and so the result.
    """
    width = x.shape[-1]
    near = layers.DepthwiseConv2D(7, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    near = BatchNormalization(momentum=MOMENTUM, name=f"{name}_depthwise_norm")(near)
    near = layers.Conv2D(2 * width, 1, activation="relu", name=f"{name}_expand")(near)
    near = layers.Conv2D(width, 1, kernel_initializer="zeros", name=f"{name}_project")(near)
    whole = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(x)
    whole = layers.Conv2D(width // 4, 1, activation="relu", name=f"{name}_squeeze")(whole)
    whole = layers.Conv2D(width, 1, kernel_initializer="zeros", name=f"{name}_spread")(whole)
    return layers.Add(name=f"{name}_add")([x, near, whole])


def unet_on_encoder(
    size: int, encoder: Encoder, light: bool = False, context: int = 0, name: str = registry.DEFAULT
) -> keras.Model:
    """A pretrained encoder on the way down, a small decoder on the way up.

    The photo itself is the finest skip, so that edges are drawn at full resolution. A light decoder
    has narrower and fewer convolutions and ends at half of the size, so that the last step is
    left to bilinear enlargement.

    Args:
        size: side of the input square, a multiple of 32.
        encoder: halves the photo five times.
        light: whether the decoder is a light one.
        context: how often to `look_around` at the coarsest resolution.
        name: of the network.
    """
    _check_size(size, 5)
    photo = keras.Input((size, size, 3), name="photo")
    *skips, x = encoder.load().encode(photo, encoder.variant)  # x: batch × size/32 × size/32 × 320 or 352
    for number in range(context):
        x = look_around(x, f"context{number}")
    for width, skip in zip(DECODER_WIDTHS, [*reversed(skips), *([] if light else [photo])]):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.Concatenate()([skip, x])
        x = convolve(x, width, int(light), kernel=1)  # batch × s × s × width
        x = convolve(x, width, 1 if light else 2)
    if not light:
        probability = layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="probability")(x)
        return keras.Model(photo, probability, name=name)
    x = layers.Conv2D(1, 1, dtype="float32")(x)
    x = layers.UpSampling2D(interpolation="bilinear", dtype="float32")(x)
    return keras.Model(photo, layers.Activation("sigmoid", dtype="float32", name="probability")(x), name=name)
