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
from segmenter.models.unet import convolve, look_around

PROMPTS = 3  # channels: discs of clicks on the piece, discs of clicks beside it, the piece so far
WIDTHS = (96, 64, 40, 24)  # at 1/16, 1/8, 1/4 and 1/2 of the size
PROMPT_WIDTHS = (8, 16, 32)  # of the clicks' own way down, at 1/4, 1/8 and 1/16
NAMES = ("map0", "map1", "map2", "map3", "map4", "furniture")  # of what it is given besides, as `split` gives it


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


def build_picker(model: keras.Model) -> keras.Model:
    """The decoder for clicks that fits a network, with fresh random weights.

    Args:
        model: as for `split`.

    Shape:
        inputs: the outputs of `split(model)`, and the prompts, batch × size/2 × size/2 × `PROMPTS`, 0 … 1;
        output batch × size × size × 1, float32, 0 … 1, the probability of being the piece.
    """
    *maps, furniture = [keras.Input(each.shape[1:]) for each in split(model).outputs]
    side = model.input_shape[1] // 2
    prompts = keras.Input((side, side, PROMPTS))
    said = [layers.Concatenate()([prompts, layers.AveragePooling2D(2)(furniture)])]
    for width in PROMPT_WIDTHS:
        said.append(convolve(said[-1], width, strides=2))
    *skips, deep = maps
    deep = layers.UpSampling2D(interpolation="bilinear")(convolve(deep, WIDTHS[0], kernel=1))
    x = layers.Concatenate()([deep, convolve(skips[-1], WIDTHS[0], kernel=1), said[-1]])
    x = _compare(convolve(x, WIDTHS[0], kernel=1), prompts)
    for number in range(3):
        x = look_around(x, f"context{number}")
    for level, width in enumerate(WIDTHS[1:], 1):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.Concatenate()([skips[-1 - level], x, said[-1 - level]])
        x = convolve(convolve(x, width, kernel=1), width)
    x = layers.Conv2D(1, 1, dtype="float32")(x)
    x = layers.UpSampling2D(interpolation="bilinear", dtype="float32")(x)
    piece = layers.Activation("sigmoid", dtype="float32", name="piece")(x)
    return keras.Model([*maps, furniture, prompts], piece, name=f"{model.name}_picker")


def _compare(x: Any, prompts: Any) -> Any:
    """How alike every place is to those that were clicked: what is there, times the strongest under the discs."""
    under = layers.MaxPooling2D(8)(prompts)
    answers = [x]
    for disc in (under[..., :1], under[..., 1:2]):  # on the piece, and beside it
        seen = layers.GlobalMaxPooling2D(keepdims=True)(layers.Multiply()([x, disc]))
        answers.append(layers.Multiply()([x, seen]))
    return convolve(layers.Concatenate()(answers), x.shape[-1], kernel=1)
