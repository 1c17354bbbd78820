"""What a judgement leaves in a folder."""

import csv
import json

import pytest
from PIL import Image

from segmenter.errors import ReportError
from segmenter.evaluation import results, samples
from tests.evaluation.cases import judge_four


@pytest.fixture
def judged():
    return judge_four()


def test_the_report_can_be_read_back_and_looked_at(judged, tmp_path):
    metrics, cases = judged
    (tmp_path / "model.tflite").write_bytes(b"weights")
    results.write_results(tmp_path, metrics, cases, tmp_path)
    results.write_overlays(tmp_path / "overlays", cases, 0.5)
    stored = json.loads((tmp_path / "metrics.json").read_text())
    assert stored["sources"] == json.loads(json.dumps(metrics["sources"]))
    assert len(stored["weights_sha256"]) == 64
    assert Image.open(tmp_path / "samples.png").width == 6 * samples.TILE
    assert sorted(path.name for path in (tmp_path / "overlays").iterdir())[0] == "001-case2.jpg"


def test_the_table_has_a_row_a_photo(judged, tmp_path):
    metrics, _ = judged
    results.write_csv(metrics, tmp_path / "figures.csv")
    with open(tmp_path / "figures.csv", newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 and {row["source"] for row in rows} == {"all", "two"}
    for row, wanted in zip(rows, metrics["sources"]["all"]["worst_first"]):
        assert row["name"] == wanted["name"] and float(row["iou"]) == wanted["iou"]
        assert row["gaps"] == ("" if wanted["gaps"] is None else str(wanted["gaps"]))
    with pytest.raises(ReportError, match="in a folder that is there"):
        results.write_csv(metrics, tmp_path / "nowhere" / "figures.csv")
