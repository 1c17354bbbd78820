"""Inputs as strangers make them: nearly right, and wrong in one place."""

import io

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from segmenter.render import backgrounds
from segmenter.render.options import FORMATS, KINDS, PIECES
from tests.fuzz import seeds

JSON_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([10**400, -(10**400), 1e308, float("nan"), "1e400", "\ud800", "../x", ""])
)
ANY_JSON = st.recursive(
    JSON_LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SHARES = st.floats(0, 1)


@st.composite
def changed_files(draw, target):
    """A file of `tests.fuzz.seeds` with a part cut out, overwritten or doubled."""
    data = draw(st.sampled_from(seeds.seeds(target)))
    start, length = draw(st.integers(0, len(data))), draw(st.integers(0, 64))
    inside = draw(st.binary(max_size=64) | st.just(data[start : start + 200]))
    return data[:start] + inside + data[start + length :]


@st.composite
def photos(draw):
    """uint8, H × W × 3."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def png(photo, **options):
    """A photo as the bytes of a PNG."""
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG", **options)
    return file.getvalue()


ROOMS = [f"room:{name}" for name in backgrounds.NAMES]
SETTINGS = {
    "threshold": st.none() | SHARES,
    "softness": st.floats(0, 10),
    "shift": st.floats(-20, 20),
    "background": st.sampled_from(["transparent", "#ffffff", " #A0b1C2", "blur", "own", *ROOMS]),
    "shadow": SHARES,
    "trim": st.booleans(),
    "margin": st.floats(0, 0.5),
    "canvas": st.sampled_from(["photo", "square", "4:5", "2000x1500", "16×80"]),
    "format": st.sampled_from(FORMATS),
    "quality": st.integers(1, 100),
    "what": st.sampled_from(KINDS),
    "pieces": st.sampled_from(PIECES),
}
GOOD_CHOICES = st.fixed_dictionaries({}, optional=SETTINGS)
POINTS = st.lists(SHARES, min_size=2, max_size=2)
STROKES = st.fixed_dictionaries(
    {
        "do": st.sampled_from(["keep", "erase"]),
        "radius": st.floats(0.001, 0.2),
        "points": st.lists(POINTS, min_size=1, max_size=6),
    }
)
PIECES_CHOSEN = st.fixed_dictionaries({"do": st.sampled_from(["keep", "drop"]), "at": POINTS})
GOOD_EDITS = st.lists(STROKES | PIECES_CHOSEN, max_size=4)
