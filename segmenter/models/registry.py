"""Every network by name. Plain data: to ask for a name or a size costs no import of Keras.

A new network is one entry of `NETWORKS`. A new encoder is one file beside this one, which offers what
`Encoder` says, and one entry.
"""

import importlib
from types import ModuleType
from typing import NamedTuple


class Encoder(NamedTuple):
    """A pretrained encoder: the module that builds it, and what it is called there.

    The module offers `encode(x, variant)` → feature maps, finest first; `imagenet_checkpoint(variant)`,
    which gets the published weights or raises an EncoderWeightsError; and
    `load_imagenet(model, variant)`, which puts them into a network. Its layers are called
    "encoder_…", those of its blocks "encoder_block0_…" and so on, the finest first.
    """

    module: str  # in segmenter.models
    variant: str
    origin: str = "not stated here"  # what it is and what it saw, for model cards
    licence: str = "not stated here"  # of its published weights

    def load(self) -> ModuleType:
        """The module, which imports Keras."""
        return importlib.import_module(f"segmenter.models.{self.module}")


class Network(NamedTuple):
    """What `unet.build_unet` builds. A network has either an encoder or widths of its own."""

    size: int  # side in pixels of the square that it is made for
    encoder: Encoder | None = None
    light: bool = False  # whether its decoder is the light one, see unet.unet_on_encoder
    context: int = 0  # blocks that look at the whole photo, see unet.unet_on_encoder
    widths: tuple[int, ...] = ()  # channels at each resolution on the way down, finest first
    centre: int = 0  # channels at the coarsest resolution


LITE0 = Encoder("efficientnet_lite", "lite0", "EfficientNet-Lite0, trained on ImageNet", "Apache-2.0")
LITE2 = Encoder("efficientnet_lite", "lite2", "EfficientNet-Lite2, trained on ImageNet", "Apache-2.0")
NETWORKS = {
    "unet_lite0": Network(256, LITE0),
    # Few photos teach more when they are seen larger: what is lighter leaves the time for that.
    "unet_lite2": Network(384, LITE2, light=True),
    "unet_lite2_context": Network(384, LITE2, light=True, context=2),
    "unet_128": Network(128, widths=(64, 128, 256, 512), centre=1024),
    "unet_256": Network(256, widths=(32, 64, 128, 256, 512), centre=1024),
    "unet_512": Network(512, widths=(16, 32, 64, 128, 256, 512), centre=1024),
    "unet_1024": Network(1024, widths=(8, 16, 32, 64, 128, 256, 512), centre=1024),
}
DEFAULT = "unet_lite2_context"  # of the default weights
PRETRAINED = "unet_lite2"  # of what starts from an encoder alone: few photos do not teach what lies around


def find(name: str) -> Network:
    """The network of a name.

    Raises:
        ValueError: the name is not known.
    """
    if name not in NETWORKS:
        raise ValueError(f"no architecture {name!r}; there are {', '.join(NETWORKS)}")
    return NETWORKS[name]


def encoded() -> tuple[str, ...]:
    """Names of the networks on a pretrained encoder."""
    return tuple(name for name, network in NETWORKS.items() if network.encoder)
