"""Chairlift: lifts furniture out of photos.

In Python:

    from segmenter import Segmenter, open_photo, cut

    photo = open_photo("chair.jpg")
    probabilities = Segmenter.load().probabilities(photo)
    cutout = cut(photo, probabilities, threshold=0.5)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what the names below are, for editors and type checkers
    from segmenter.errors import ChairliftError, DatasetError, HubError, PhotoError, WeightsError
    from segmenter.inference.predictor import Segmenter
    from segmenter.io.images import open_photo
    from segmenter.render.cutout import cut
    from segmenter.render.options import Choices
    from segmenter.render.render import produce

__version__ = "0.1.0"

# Public name → the module that has it. Loaded on first use, so that training does not pay for
# serving's imports, nor the other way round.
_HOMES = {
    "Segmenter": "inference.predictor",
    "open_photo": "io.images",
    "cut": "render.cutout",
    "Choices": "render.options",
    "produce": "render.render",
    "ChairliftError": "errors",
    "DatasetError": "errors",
    "HubError": "errors",
    "PhotoError": "errors",
    "WeightsError": "errors",
}
__all__ = [
    "ChairliftError",
    "Choices",
    "DatasetError",
    "HubError",
    "PhotoError",
    "Segmenter",
    "WeightsError",
    "cut",
    "open_photo",
    "produce",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
