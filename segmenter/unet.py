"""The networks: the classic U-Net of any size, and the default one on a pretrained encoder.

Reference: Ronneberger, Fischer & Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", MICCAI 2015.
"""

import keras
from keras import layers

from segmenter import encoder

DEFAULT = "unet_lite0"
FROM_IMAGENET = "unet_lite2"  # for few photos, where there are no weights to start from but the encoder's

# name → (its encoder, whether the decoder narrows what comes in before it looks around)
ENCODED = {
    "unet_lite0": ("lite0", False),
    "unet_lite2": ("lite2", True),
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
        size: side of the input square in pixels; the architecture's own by default
            (256 for those on a pretrained encoder). A multiple of 2 ** depth: 32 is right for most.

    Shape:
        input batch × size × size × 3, float32, 0 … 1; output batch × size × size × 1, float32,
        0 … 1, the probability of furniture.

    Raises:
        ValueError: the name is not known, or the size does not suit the depth.
    """
    if architecture in ENCODED:
        return unet_on_encoder(size or 256, *ENCODED[architecture], name=architecture)
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


def unet_on_encoder(size, encoded="lite0", narrows=False, name=DEFAULT):
    """An EfficientNet-Lite on the way down, a light decoder on the way up.

    The photo itself is the finest skip, so that edges are drawn at full resolution.

    Args:
        size: side of the input square, a multiple of 32.
        encoded: one of `encoder.PUBLISHED`.
        narrows: bring skip and what comes from below to the decoder's width by a 1×1 convolution
            first, so that the 3×3 convolutions have fewer channels to read.
        name: of the network.
    """
    _check_size(size, 5)
    photo = keras.Input((size, size, 3), name="photo")
    *skips, x = encoder.efficientnet_lite(photo, encoded)  # x: batch × size/32 × size/32 × 320 or 352
    for width, skip in zip(DECODER_WIDTHS, [*reversed(skips), photo]):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.Concatenate()([skip, x])
        x = _convolve(x, width, int(narrows), kernel=1)  # batch × s × s × width
        x = _convolve(x, width, 2)
    probability = layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="probability")(x)
    return keras.Model(photo, probability, name=name)
