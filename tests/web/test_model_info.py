"""What the page tells of weights is what their folder says, and harmless whoever wrote it."""

import json
import re

import pytest

from segmenter.inference.predictor import WEIGHTS, Segmenter
from segmenter.web import model_info
from segmenter.web.live_weights import Weights
from tests.standin import NUMBERS, RedSegmenter


def test_the_bundled_weights_are_described_as_their_folder_has_them():
    described = model_info.describe(Weights(Segmenter(WEIGHTS)))
    metrics = json.loads((WEIGHTS / "metrics.json").read_text())
    assert described["sha256"] == metrics["weights_sha256"]
    assert [source["name"] for source in described["sources"]] == list(metrics["sources"])
    for source in described["sources"]:
        measured = metrics["sources"][source["name"]]
        assert source["curve"] == measured["iou_by_threshold"] and len(source["curve"]) == len(described["thresholds"])
        assert {key: source[key] for key in model_info.FIGURES} == {key: measured[key] for key in model_info.FIGURES}
    assert "<h2>Chairlift furniture</h2>" in described["card"] and "<table>" in described["card"]
    assert "model-index" not in described["card"]
    assert described["samples"].startswith("data:image/webp;base64,")
    assert len(json.dumps(described)) < 600_000


def test_weights_from_the_hub_say_where_they_are_from(weights):
    origin = {"repository": "acme/chairs", "revision": "v2", "commit": "c0ffee", "licence": "mit"}
    described = model_info.describe(Weights(Segmenter(weights), origin))
    assert origin.items() <= described["weights"].items()
    assert described["sources"][0] == {"name": "validation", "curve": [], **NUMBERS}


def test_a_folder_that_lacks_its_papers_is_no_error(tiny_weights):
    described = model_info.describe(Weights(Segmenter(tiny_weights)))
    assert (described["card"], described["samples"], described["sources"]) == (None, None, [])
    assert model_info.describe(Weights(RedSegmenter()))["name"] is None
    json.dumps(described)


@pytest.mark.parametrize("metrics", [b"", b"{", b"\xff"])
def test_broken_figures_are_no_error(weights, metrics):
    (weights / "metrics.json").write_bytes(metrics)
    (weights / "samples.png").write_bytes(b"no picture")
    described = model_info.describe(Weights(Segmenter(weights)))
    assert described["sources"] == [] and described["samples"] is None and described["card"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://example.org/a.png)",
        "<a href='data:text/html,x'>x</a>",
        "[x](data:text/html;base64,AAAA)",
        "<svg/onload=alert(1)>",
        "`<b>`",
        "    <i>",
    ],
)
def test_a_card_cannot_do_anything_but_say(text):
    html = model_info.to_html(f"# Title\n\n{text}\n")
    assert not re.search(r"<(script|img|svg|b|i)\b|<[^>]*(href=\"(javascript|data):|src=|\bon\w+=)", html)


def test_a_card_keeps_its_tables_lists_and_links():
    html = model_info.to_html(
        "---\nlicense: mit\n---\n# T\n\n## U\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x](https://example.org)\n"
    )
    assert "license" not in html
    assert "<h2>T</h2>" in html and "<h3>U</h3>" in html and "<td>2</td>" in html
    link = re.search("<a [^>]*>", html).group()
    assert 'href="https://example.org"' in link and "noopener" in link


def test_a_cards_pictures_leave_nothing_behind():
    html = model_info.to_html(
        "# T\n\n![the worst](samples.png)\n\nBefore ![a](b.png) and after.\n\n[![x](y.png)](https://example.org)\n"
    )
    assert html == model_info.to_html("# T\n\nBefore  and after.\n\n[](https://example.org)\n")
    assert "worst" not in html and "!" not in html and html.count("<p>") == 2
