"""How the default weights are judged: the main piece where one is asked for, every seat of a room, and empty pictures."""

import numpy as np
import pytest

from segmenter.datasets.pairs import Case
from segmenter.evaluation import furniture


def case(name, truth=(), height=40, width=60):
    """A photo whose red channel holds what the network below says of it, and its truth."""
    mask = np.zeros((height, width), bool)
    for rows, columns in truth:
        mask[rows, columns] = True
    photo = np.zeros((height, width, 3), np.uint8)
    return Case(name, photo, mask, np.ones_like(mask))


def painted(case, *boxes):
    for rows, columns in boxes:
        case.photo[rows, columns, 0] = 255
    return case


def look(photo):
    return photo[..., 0].astype(np.float32) / 255


CHAIR, SCRAP = (slice(5, 35), slice(5, 30)), (slice(5, 10), slice(50, 56))


def test_scraps_cost_nothing_where_one_piece_is_asked_for_and_something_in_whole_rooms():
    sources = {
        name: [painted(case("a.jpg", [CHAIR]), CHAIR, SCRAP)]
        for name in ("wild_duts", "wild_voc2012", "photos_cut", "rooms")
    }
    metrics, judged = furniture.judge(look, sources, 0.5)
    found = {name: figures["iou"] for name, figures in metrics["sources"].items()}
    both = round(25 * 30 / (25 * 30 + 5 * 6), 4)
    assert found == {"wild_duts": 1.0, "wild_voc2012": both, "photos_cut": 1.0, "rooms": both}
    assert [each[0].iou for each in judged] == sorted(each[0].iou for each in judged) and len(judged) == 4


def test_the_worst_tenth_is_of_both_hard_sources_together():
    half = (slice(5, 35), slice(5, 18))
    easy = [painted(case(f"{n}.jpg", [CHAIR]), CHAIR) for n in range(18)]
    hard = [painted(case(f"h{n}.jpg", [CHAIR]), half) for n in range(2)]
    metrics, _ = furniture.judge(look, {"wild_caltech101": easy + hard[:1], "wild_duts": hard[1:]}, 0.5)
    assert metrics["worst_tenth"] == pytest.approx(13 / 25, abs=1e-3)


def test_pictures_without_furniture_are_counted_where_over_a_hundredth_is_called_furniture():
    empty = [
        case("nothing.jpg"),
        painted(case("speck.jpg"), (slice(0, 2), slice(0, 10))),
        painted(case("cat.jpg"), CHAIR),
    ]
    metrics, _ = furniture.judge(look, {"wild_duts": [painted(case("a.jpg", [CHAIR]), CHAIR)], "empty": empty}, 0.5)
    assert "empty" not in metrics["sources"]
    assert metrics["empty"]["photos"] == 3 and metrics["empty"]["furnished"] == pytest.approx(1 / 3, abs=1e-3)
    assert [row["name"] for row in metrics["empty"]["worst"]] == ["cat.jpg"]
