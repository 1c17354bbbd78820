"""Which recipe suits which start: every number that training is begun with, in one place."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Recipe:
    """How to train. The defaults are the article's; `cosine` is for long runs of known length."""

    epochs: int = 100
    samples: int | None = None  # in an epoch, at least; None: every photo once
    batch_size: int = 8
    learning_rate: float = 1e-3
    cosine: bool = False  # warm up, then fall over all epochs, instead of on plateaus
    floor: float = 0.0  # share of the learning rate that the cosine ends at; above 0 where others go on from here
    weight_decay: float = 1e-4
    border: float = 0.0  # see batches.emphasise_border
    ema: float = 0.0  # share of the past in the moving average of the weights that is judged; 0: none
    keep_statistics: bool = False  # of batch norm, everywhere: for fine-tuning on few photos
    encoder: float = 1.0  # learning rate of the encoder, as a share of the decoder's; 0: it stays as it is
    frozen: int = 0  # blocks of the encoder that do not train, see freezing.freeze_blocks
    pasted: float = 0.0  # see copy_paste.Varied
    mosaics: float = 0.0
    seed: int = 0
    stop_patience: int = 8
    stop_delta: float = 1e-4
    plateau_patience: int = 4
    plateau_factor: float = 0.1


class _Start(Protocol):
    """What of `starts.Start` decides the recipe."""

    @property
    def name(self) -> str: ...
    @property
    def folder(self) -> Path | None: ...


SCRATCH = Recipe()  # the article's
# A few photos and an encoder that knows the world: the decoder learns quickly, the encoder hardly moves
# and its finest blocks not at all, and pasted objects and mosaics make many pictures of few. Small batches
# give more steps in the minutes that people wait.
PRETRAINED = Recipe(
    epochs=20,
    samples=260,
    batch_size=4,
    learning_rate=2e-3,
    encoder=0.1,
    frozen=7,
    cosine=True,
    ema=0.98,
    weight_decay=0.01,
    pasted=0.4,
    mosaics=0.15,
)
# Weights that do nearly the same already.
FINE_TUNING = replace(
    PRETRAINED, epochs=10, samples=320, batch_size=8, learning_rate=5e-4, frozen=0, keep_statistics=True
)
# Weights that were made for other things: they see well, but must learn anew what to look for.
LEARNING_ANEW = replace(PRETRAINED, samples=320, frozen=5)
KNOWN = 0.75  # mean Dice on the photos to train on, from which weights count as made for such things
# Very many pictures of all kinds: the finest blocks of the encoder see edges as well as they ever will, and
# the time that they would take shows the rest more pictures.
COLLECTION = Recipe(samples=4000, batch_size=16, cosine=True, border=4.0, frozen=6, encoder=0.5, ema=0.98)


def choose(start: _Start, collection: bool = False, known: bool = True, **given: Any) -> Recipe:
    """The recipe for a starting point.

    Args:
        start: `starts.Start`.
        collection: whether the data is a collection, see `segmenter.datasets.collection`.
        known: whether the weights to start from are good at such photos before they train on them.
        given: fields of Recipe that somebody asks for; None leaves them as they are.

    Returns:
        Recipe.
    """
    if collection:
        recipe = COLLECTION
    elif start.folder:
        recipe = FINE_TUNING if known else LEARNING_ANEW
    else:
        recipe = PRETRAINED if start.name == "imagenet" else SCRATCH
    return replace(recipe, **{name: value for name, value in given.items() if value is not None})


def describe(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain JSON, for config.json."""
    return asdict(recipe)
