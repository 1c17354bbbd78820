"""The networks: the classic U-Net of any size, and the default one on a pretrained encoder.

Reference: Ronneberger, Fischer & Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", MICCAI 2015.
"""

from typing import NamedTuple

import keras
from keras import layers

from segmenter.models import efficientnet_lite

DEFAULT = "unet_lite0"
FROM_IMAGENET = "unet_lite2"  # for few photos, where there are no weights to start from but the encoder's


class Encoded(NamedTuple):
    """A network on a pretrained encoder."""

    encoder: str  # one of efficientnet_lite.PUBLISHED
    size: int  # its own, in pixels
    light: bool  # whether its decoder is the light one, see unet_on_encoder


ENCODED = {
    "unet_lite0": Encoded("lite0", 256, light=False),
    # Few photos teach more when they are seen larger: what is lighter leaves the time for that.
    "unet_lite2": Encoded("lite2", 384, light=True),
}

# name → (size in pixels, widths on the way down, width of the centre)
CLASSIC = {
    "unet_128": (128, (64, 128, 256, 512), 1024),
    "unet_256": (256, (32, 64, 128, 256, 512), 1024),
    "unet_512": (512, (16, 32, 64, 128, 256, 512), 1024),
    "unet_1024": (1024, (8, 16, 32, 64, 128, 256, 512), 1024),
}
ARCHITECTURES = (*ENCODED, *CLASSIC)

MOMENTUM = 0.9  # of batch norm: an epoch may be ten steps long, and the statistics must keep up
DECODER_WIDTHS = (160, 96, 48, 24, 8)  # at 1/16, 1/8, 1/4, 1/2 and the full size


def build_unet(architecture=DEFAULT, size=None):
    """Build a network by name, with fresh random weights.

    Args:
        architecture: one of `ARCHITECTURES`.
        size: side of the input square in pixels; the architecture's own by default.
            A multiple of 2 ** depth: 32 is right for most.

    Shape:
        input batch × size × size × 3, float32, 0 … 1; output batch × size × size × 1, float32,
        0 … 1, the probability of furniture.

    Raises:
        ValueError: the name is not known, or the size does not suit the depth.
    """
    if architecture in ENCODED:
        encoded = ENCODED[architecture]
        return unet_on_encoder(size or encoded.size, encoded.encoder, encoded.light, name=architecture)
    if architecture not in CLASSIC:
        raise ValueError(f"no architecture {architecture!r}; there are {', '.join(ARCHITECTURES)}")
    own_size, widths, centre = CLASSIC[architecture]
    return classic_unet(size or own_size, widths, centre, name=architecture)


def _convolve(x, width, times, kernel=3):
    """`times` × (convolution of kernel × kernel, batch normalisation, ReLU)."""
    for _ in range(times):
        x = layers.Conv2D(width, kernel, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=MOMENTUM)(x)
        x = layers.ReLU()(x)
    return x


def _check_size(size, depth):
    if size < 2**depth or size % 2**depth:
        raise ValueError(f"size {size} must be a multiple of {2**depth}, as the network halves it {depth} times")


def classic_unet(size, widths, centre, name="unet"):
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
        x = _convolve(x, width, 2)  # batch × s × s × width
        skips.append(x)
        x = layers.MaxPooling2D()(x)  # batch × s/2 × s/2 × width
    x = _convolve(x, centre, 2)
    for width, skip in zip(reversed(widths), reversed(skips)):
        x = layers.UpSampling2D()(x)  # batch × s × s × (width above)
        x = layers.Concatenate()([skip, x])
        x = _convolve(x, width, 3)  # batch × s × s × width
    probability = layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="probability")(x)
    return keras.Model(photo, probability, name=name)


def own_size(architecture):
    """Side in pixels of the square that an architecture is made for."""
    return ENCODED[architecture].size if architecture in ENCODED else CLASSIC[architecture][0]


def unet_on_encoder(size, encoded="lite0", light=False, name=DEFAULT):
    """An EfficientNet-Lite on the way down, a small decoder on the way up.

    The photo itself is the finest skip, so that edges are drawn at full resolution. A light decoder
    has narrower and fewer convolutions and ends at half of the size, so that the last step is
    left to bilinear enlargement.

    Args:
        size: side of the input square, a multiple of 32.
        encoded: one of `efficientnet_lite.PUBLISHED`.
        light: whether the decoder is a light one.
        name: of the network.
    """
    _check_size(size, 5)
    photo = keras.Input((size, size, 3), name="photo")
    *skips, x = efficientnet_lite.efficientnet_lite(photo, encoded)  # x: batch × size/32 × size/32 × 320 or 352
    for width, skip in zip(DECODER_WIDTHS, [*reversed(skips), *([] if light else [photo])]):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.Concatenate()([skip, x])
        x = _convolve(x, width, int(light), kernel=1)  # batch × s × s × width
        x = _convolve(x, width, 1 if light else 2)
    if not light:
        probability = layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="probability")(x)
        return keras.Model(photo, probability, name=name)
    x = layers.Conv2D(1, 1, dtype="float32")(x)
    x = layers.UpSampling2D(interpolation="bilinear", dtype="float32")(x)
    return keras.Model(photo, layers.Activation("sigmoid", dtype="float32", name="probability")(x), name=name)
