"""The report: every figure on it is in metrics.json."""

import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from segmenter.datasets import pairs
from segmenter.evaluation import report
from segmenter.evaluation.evaluate import evaluate
from segmenter.evaluation.report import summary
from tests.evaluation.reports import CONFIG, NASTY, judge, make_history, write


class Reader(HTMLParser):
    """Takes a page apart: its figures with their places, all other visible text, tags and addresses."""

    SILENT = ("style", "script", "title")

    def __init__(self, text):
        super().__init__()
        self.figures, self.loose, self.ticks, self.tags, self.addresses = [], [], [], [], []
        self._open = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.addresses += [attributes[key] for key in ("src", "href", "srcset", "action") if key in attributes]
        if tag in ("meta", "img", "input", "path", "link", "br"):
            return
        place, tick = attributes.get("data-from"), "tick" in (attributes.get("class") or "").split()
        self._open.append((tag, place, tick))
        if place is not None:
            self.figures.append([place, ""])

    def handle_endtag(self, tag):
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_data(self, data):
        if any(place is not None for _, place, _ in self._open):
            self.figures[-1][1] += data
        elif any(tick for _, _, tick in self._open):
            self.ticks.append(data)
        elif not any(tag in self.SILENT for tag, _, _ in self._open):
            self.loose.append(data)


def look_up(metrics, pointer):
    """A JSON pointer (RFC 6901), resolved."""
    assert pointer.startswith("/")
    for key in pointer[1:].split("/"):
        key = key.replace("~1", "/").replace("~0", "~")
        metrics = metrics[int(key)] if isinstance(metrics, list) else metrics[key]
    return metrics


def agrees(shown, value):
    """Whether a text of the page is this value, rounded to the digits that are shown."""
    shown = shown.strip().replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", "")
    if value is None:
        return shown == "–"
    if isinstance(value, bool):
        return shown == ("yes" if value else "no")
    if not isinstance(value, (int, float)):
        return shown == str(value).strip().replace("\N{NO-BREAK SPACE}", "")
    number = float(shown.rstrip("%")) / (100 if shown.endswith("%") else 1)
    mantissa, _, exponent = shown.rstrip("%").partition("e")
    step = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])) / (100 if shown.endswith("%") else 1)
    return abs(number - value) <= step / 2 + 1e-9


def numbers_in(value):
    """All numbers of a JSON value, those inside texts left out."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for one in value for number in numbers_in(one)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def test_every_figure_of_the_page_is_the_one_in_metrics_json(whole):
    metrics, page = whole
    figures = Reader(page).figures
    assert len(figures) > 20 * 11 + 12 * 6 + 19 * 2
    wrong = [(place, shown) for place, shown in figures if not agrees(shown, look_up(metrics, place))]
    assert wrong == []


def test_there_is_no_other_figure_on_the_page(whole):
    loose = [text for text in Reader(whole[1]).loose if re.search(r"\d", text)]
    assert [text for text in loose if "SHA-256" not in text] == []  # its name


def test_figures_within_sentences_are_figures_of_metrics_json_too(whole):
    metrics, _ = whole
    stated = metrics["verdict"]
    assert len(stated["reasons"]) >= 4
    for words, figures in [(stated["sentence"], stated["figures"])] + [
        (reason["text"], reason["figures"]) for reason in stated["reasons"]
    ]:
        for name in [row["name"] for row in metrics["sources"]["validation"]["worst_first"]]:
            words = words.replace(name, "")
        words = words.replace("--folds 5", "").replace("\N{NO-BREAK SPACE}", "")
        there = numbers_in(figures) + numbers_in(metrics["comparison"])
        for shown in re.findall(r"[+-]?\d+(?:\.\d+)?%?", words):
            assert any(agrees(shown, value) for value in there), (shown, words)


def test_charts_draw_the_figures_of_metrics_json(whole):
    metrics, page = whole
    drawn = [a["d"] for tag, a in Reader(page).tags if tag == "path" and a.get("class") == "validation"]
    assert len(drawn) == 3  # loss, Dice, IoU by threshold
    heights = [[float(y) for y in re.findall(r"[ML][\d.e+-]+ ([\d.e+-]+)", path)] for path in drawn]
    wanted = [[row[key] for row in metrics["history"]["epochs"]] for key in ("val_loss", "val_dice")]
    wanted.append(metrics["sources"]["validation"]["iou_by_threshold"])
    for found, values in zip(heights, wanted):
        assert len(found) == len(values)
        assert np.corrcoef(found, values)[0, 1] < -0.999 or np.ptp(values) == 0  # y grows downwards


def test_the_page_is_whole_by_itself_and_escapes_what_names_hold(whole):
    page = Reader(whole[1])
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert "//" not in re.sub(r"(?s)<script>.*?</script>|data:[^\"]*|xmlns=\S+", "", whole[1].replace(NASTY, ""))
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert sum(text == NASTY for _, text in page.figures) == 2  # under the picture and in the table


def test_photos_that_must_not_be_shown_are_not(tmp_path):
    metrics, judged = judge(12)
    _, page = write(tmp_path, metrics, judged, show_photos=False)
    assert "data:image" not in page and "not to be published" in page
    assert "data:image" in write(tmp_path, metrics, judged)[1]


@pytest.mark.parametrize("count", [1, 3, 200])
def test_few_and_many_photos(count, tmp_path):
    metrics, judged = judge(count)
    stored, page = write(tmp_path, metrics, judged)
    shown = sum(a.get("class") == "photo" for tag, a in Reader(page).tags if tag == "img")
    assert shown == min(count, 48)
    for title in ("The worst", "In the middle", "The best"):
        assert (f"<h3>{title}</h3>" in page) == (count == 200)
    assert ("few" in [reason["kind"] for reason in stored["verdict"]["reasons"]]) == (count < 10)
    assert all(agrees(text, look_up(stored, place)) for place, text in Reader(page).figures)


def test_the_page_stays_within_its_bounds(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (900, 1200, 3), np.uint8)
    truth = np.zeros(noise.shape[:2], bool)
    truth[100:800, 100:1000] = True
    case = pairs.Case("noise.jpg", noise, truth, np.ones_like(truth))  # the worst for JPEG
    metrics, judged = evaluate(lambda photo: truth.astype(np.float32), {"all": [case]}, longest=1024)
    row = metrics["sources"]["all"]["worst_first"][0]
    metrics["sources"]["all"] |= {"worst_first": [row] * 48, "photos": 48}
    _, page = write(tmp_path, metrics, judged * 48)
    assert page.count('class="photo"') == 48
    assert 5_000_000 < len(page.encode()) < 15_000_000


def test_a_report_without_anything_but_figures(tmp_path):
    metrics, judged = judge(5)
    stored, page = write(tmp_path, metrics, judged)
    assert not {"comparison", "history", "recipe", "folds", "findings", "facts"} & stored.keys()
    assert "How it learnt" not in page and "was " not in "".join(Reader(page).loose)


def test_losses_that_are_no_numbers_are_gaps_and_are_told(tmp_path):
    metrics, judged = judge(12)
    path = tmp_path / "history.csv"
    rows = make_history(8, val_loss=["nan", 0.9, "inf", "", 0.7, 0.8, "nan", "nan"])
    with open(path, "w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    stored, page = write(tmp_path, metrics, judged, history=path)
    assert stored["history"]["not_finite"] == 5 and stored["history"]["best_epoch"] == 5
    assert "lower --learning-rate" in stored["verdict"]["sentence"]
    nothing = make_history(3, val_loss=["nan"] * 3, loss=["nan"] * 3, val_dice=["nan"] * 3, dice=["nan"] * 3)
    stored, page = write(tmp_path, metrics, judged, history=nothing)
    assert stored["history"]["best_epoch"] is None and "lower --learning-rate" in page


@pytest.mark.parametrize("text", ["", "epoch,loss,val_loss\n", "nonsense\n\0\n", "loss\n1\n"])
def test_a_history_that_says_nothing_is_left_out(text, tmp_path):
    (tmp_path / "history.csv").write_text(text)
    assert summary.read_history(tmp_path / "history.csv") == []
    assert summary.read_history(tmp_path / "missing.csv") == []


def test_one_epoch(tmp_path):
    metrics, judged = judge(12)
    stored, page = write(
        tmp_path, metrics, judged, history=make_history(1), config={**CONFIG, "steps": [{"epochs": 1}]}
    )
    assert stored["history"]["best_epoch"] == 1 and stored["history"]["unfinished"]
    assert "--epochs" in stored["verdict"]["sentence"]


def test_metrics_without_a_verdict_are_refused(tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(ValueError, match="no verdict"):
        report.write_page(tmp_path)


def test_how_single_pieces_are_picked_is_a_table_of_its_own(whole):
    metrics, page = whole
    shown = dict(Reader(page).figures)
    assert shown["/pick/sources/seats/iou/0"] == "0.812" and shown["/pick/sources/seats/clicks/0.9"] == "2.9"
    assert shown["/pick/sources/seats/pieces"] == "150" and shown["/pick/sources/seats/gaps"] == "–"
    assert shown["/pick/recipe/steps"] == "2000" and "/pick/recipe/rounds" not in shown
    assert metrics["recipe"]["epochs"] == 30  # the network's own


def test_without_a_picker_nothing_is_said_of_one(tmp_path):
    stored, page = write(tmp_path, *judge(5), config=CONFIG)
    assert "pick" not in stored and "Picking" not in page


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    metrics, judged = judge(3)
    write(tmp_path, metrics, judged)
    old = (tmp_path / "report.html").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        report.write_page(tmp_path, judged)
    assert (tmp_path / "report.html").read_bytes() == old
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "metrics.json", "samples.png"}


def test_the_terminal_says_what_the_page_says(whole):
    metrics, page = whole
    lines = report.verdict_lines(metrics).splitlines()
    assert lines[0] == metrics["verdict"]["sentence"]
    assert [line[2:] for line in lines[1:]] == [reason["text"] for reason in metrics["verdict"]["reasons"]]
