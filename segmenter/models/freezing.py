"""What does not train: a pretrained encoder or its finest blocks, and the statistics of batch norm."""

import keras
from keras import layers


def freeze_blocks(model: keras.Model, count: int) -> None:
    """Keep the stem and the first blocks of the encoder as they are while the rest trains.

    What they see (edges, textures) is the same everywhere, so that there is little to learn, and
    their maps are the largest, so that much is saved.

    Args:
        model: a network of `unet.build_unet`.
        count: how many blocks, the finest first; 0: none, and not the stem.
    """
    frozen = ("encoder_stem", *(f"encoder_block{number}_" for number in range(count))) if count else ()
    for layer in model.layers:
        if layer.name.startswith(frozen):
            layer.trainable = False


def freeze_encoder(model: keras.Model) -> None:
    """Keep the whole encoder as it is, so that what started from its maps still fits.

    Args:
        model: a network of `unet.build_unet`.
    """
    for layer in model.layers:
        if layer.name.startswith("encoder_"):
            layer.trainable = False


def freeze_batch_norm(model: keras.Model, everywhere: bool = False) -> None:
    """Keep batch-norm statistics and scales as they are while the rest trains.

    With batches of 8 or 16 the encoder's running statistics of ImageNet are better than what a
    batch shows; in fine-tuning on few photos, so are those of the whole network.

    Args:
        model: a network of `unet.build_unet`.
        everywhere: in the decoder too, not in the encoder alone.
    """
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization) and (everywhere or layer.name.startswith("encoder_")):
            layer.trainable = False
