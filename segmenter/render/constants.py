"""The numbers that rendering here and the page's script must agree on: both read constants.json.

What each of them means is said beside its Python name, in the module whose name its section has.
"""

import json
from importlib import resources
from typing import Any

CONSTANTS: dict[str, Any] = json.loads(
    resources.files("segmenter.render").joinpath("constants.json").read_text(encoding="utf-8")
)
