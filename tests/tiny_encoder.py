"""An encoder of few weights, and a network on it, for trainings that take seconds. It knows nothing of the world."""

import sys
from typing import Any

from keras import layers

from segmenter.models import registry

NAME = "unet_tiny_encoder"
SIZE = 32
MAPS = (4, 6, 8, 8, 12)  # channels, at 1/2 … 1/32


class TinyEncoder(registry.Encoder):
    """An entry of the registry whose module is this one."""

    def load(self):
        return sys.modules[__name__]


NETWORK = registry.Network(SIZE, TinyEncoder("tiny_encoder", "tiny", "a tiny encoder"), light=True)


def encode(x: Any, variant: str) -> list[Any]:
    """Feature maps of a photo, finest first."""
    maps = []
    for name, width in zip(skip_names(variant), MAPS):
        x = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu", name=name)(x)
        maps.append(x)
    return maps


def skip_names(variant: str) -> list[str]:
    """Names of the layers whose results `encode` gives."""
    return [f"encoder_block{number}_convolution" for number in range(len(MAPS))]
