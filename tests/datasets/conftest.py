"""What the tests of data sets share."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Ten photos of 30 × 20 with masks, grouped by a CSV in pairs: 0 and 1, 2 and 3, …"""
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    rows = ["file,group"]
    for number in range(10):
        name = f"photo{number}"
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).save(tmp_path / "images" / f"{name}.jpg")
        mask = np.zeros((20, 30), np.uint8)
        mask[5:15, 5 + number : 15 + number] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
        rows.append(f"{name}.jpg,{number // 2}")
    (tmp_path / "groups.csv").write_text("\n".join(rows))
    return tmp_path
