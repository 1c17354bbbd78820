"""The second decoder: what the encoder saw of a photo, clicks, and the piece so far → the piece that is meant.

The photo passes the encoder once; each click then costs this decoder alone. Reference for clicks as channels
that are joined late, and for the mask so far among them: Sofiiuk, Petrov & Konushin, "Reviving Iterative
Training with Mask Guidance for Interactive Segmentation", ICIP 2022; for the split into a heavy encoder and a
light prompted decoder: Kirillov et al., "Segment Anything", ICCV 2023.
"""

from typing import Any

import keras
from keras import layers

from segmenter.models import registry
from segmenter.models.unet import MOMENTUM, look_around

PROMPTS = 3  # channels: discs of clicks on the piece, discs of clicks beside it, the piece so far
WIDTHS = (96, 64, 40, 24)  # at 1/16, 1/8, 1/4 and 1/2 of the size
PROMPT_WIDTHS = (8, 16, 32)  # of the clicks' own way down, at 1/4, 1/8 and 1/16
NAMES = ("map0", "map1", "map2", "map3", "map4", "furniture")  # of what it is given besides, as `split` gives it
PREFIX = "picker_"  # of the names of all its layers


def split(model: keras.Model) -> keras.Model:
    """A trained network that gives its encoder's maps as well.

    Args:
        model: a network of `unet.build_unet` with an encoder.

    Returns:
        keras.Model, photo → [five maps, finest first, at 1/2 … 1/32; probability], on the same weights.

    Raises:
        ValueError: the network has no encoder.
    """
    network = registry.find(model.name)
    if not network.encoder:
        raise ValueError(f"{model.name} has no encoder, so that it cannot be asked for single pieces")
    names = network.encoder.load().skip_names(network.encoder.variant)
    return keras.Model(model.input, [*(model.get_layer(name).output for name in names), model.output])


def _convolve(x: Any, width: int, kernel: int, name: str, strides: int = 1) -> Any:
    x = layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False, name=f"{PREFIX}{name}")(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{PREFIX}{name}_norm")(x)
    return layers.ReLU(name=f"{PREFIX}{name}_relu")(x)


def build_picker(model: keras.Model) -> keras.Model:
    """The decoder for clicks that fits a network, with fresh random weights.

    Args:
        model: as for `split`.

    Shape:
        inputs: the outputs of `split(model)`, and the prompts, batch × size/2 × size/2 × `PROMPTS`, 0 … 1;
        output batch × size × size × 1, float32, 0 … 1, the probability of being the piece.
    """
    *maps, furniture = [
        keras.Input(each.shape[1:], name=f"{PREFIX}input{n}") for n, each in enumerate(split(model).outputs)
    ]
    side = model.input_shape[1] // 2
    prompts = keras.Input((side, side, PROMPTS), name=f"{PREFIX}prompts")
    halved = layers.AveragePooling2D(2, name=f"{PREFIX}halved")(furniture)
    said = [layers.Concatenate(name=f"{PREFIX}said")([prompts, halved])]
    for width in PROMPT_WIDTHS:
        said.append(_convolve(said[-1], width, 3, f"said{width}", strides=2))
    *skips, deep = maps
    deep = layers.UpSampling2D(interpolation="bilinear", name=f"{PREFIX}deep_up")(_convolve(deep, WIDTHS[0], 1, "deep"))
    x = layers.Concatenate(name=f"{PREFIX}joined")([deep, _convolve(skips[-1], WIDTHS[0], 1, "near"), said[-1]])
    x = _compare(_convolve(x, WIDTHS[0], 1, "start"), prompts)
    for number in range(3):
        x = look_around(x, f"{PREFIX}context{number}")
    for level, width in enumerate(WIDTHS[1:], 1):
        x = layers.UpSampling2D(interpolation="bilinear", name=f"{PREFIX}up{level}")(x)
        x = layers.Concatenate(name=f"{PREFIX}skip{level}")([skips[-1 - level], x, said[-1 - level]])
        x = _convolve(_convolve(x, width, 1, f"narrow{level}"), width, 3, f"drawn{level}")
    x = layers.Conv2D(1, 1, dtype="float32", name=f"{PREFIX}logit")(x)
    x = layers.UpSampling2D(interpolation="bilinear", dtype="float32", name=f"{PREFIX}enlarged")(x)
    piece = layers.Activation("sigmoid", dtype="float32", name=f"{PREFIX}piece")(x)
    return keras.Model([*maps, furniture, prompts], piece, name=f"{model.name}_picker")


def _compare(x: Any, prompts: Any) -> Any:
    """How alike every place is to those that were clicked: what is there, times the strongest under the discs."""
    under = layers.MaxPooling2D(8, name=f"{PREFIX}under")(prompts)
    answers = [x]
    for number, name in enumerate(("yes", "no")):
        disc = under[..., number : number + 1]
        seen = layers.GlobalMaxPooling2D(keepdims=True, name=f"{PREFIX}{name}_seen")(
            layers.Multiply(name=f"{PREFIX}{name}")([x, disc])
        )
        answers.append(layers.Multiply(name=f"{PREFIX}{name}_alike")([x, seen]))
    return _convolve(layers.Concatenate(name=f"{PREFIX}answers")(answers), x.shape[-1], 1, "compared")
