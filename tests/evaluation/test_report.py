"""The report: what it says follows from the figures, and every figure on it is in metrics.json."""

import csv
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from segmenter.datasets import pairs
from segmenter.evaluation import report, results
from segmenter.evaluation.evaluate import evaluate, evaluate_at_best
from segmenter.evaluation.report import charts, summary, verdict

SHAPE = 48, 64
NASTY = '<script>alert("1")</script> & \'x\' ' + 150 * "long" + ".jpg"


def make_case(number, name=None, side=20):
    """A box on noise."""
    rng = np.random.default_rng(number)
    truth = np.zeros(SHAPE, bool)
    truth[10 : 10 + side, 12 : 12 + side] = True
    photo = rng.integers(0, 256, (*SHAPE, 3), np.uint8)
    return pairs.Case(name or f"photo{number:02d}.jpg", photo, truth, np.ones_like(truth))


def judge(count, quality=0.8, names=(), seed=0):
    """(metrics, judged) of a segmenter that finds the left part of each box, a share around `quality`."""
    rng = np.random.default_rng(seed)
    cases = [make_case(number, names[number] if number < len(names) else None) for number in range(count)]
    reply = {}
    for case in cases:
        found = case.truth.copy()
        found[:, 12 + round(20 * min(1, max(0, quality + rng.normal(0, 0.05)))) :] = False
        reply[case.photo.tobytes()] = np.where(found, 0.93, 0.04).astype(np.float32)
    sources = {"validation": cases}
    return evaluate(lambda photo: reply[photo.tobytes()], sources, 0.5, longest=64)


def make_history(count=12, gap=0.0, **columns):
    rows = []
    for epoch in range(count):
        dice = 0.95 - 0.5 * 0.7**epoch
        row = {"epoch": epoch, "loss": 1.3 - dice, "dice": dice, "val_loss": 1.35 - dice + gap + 0.002 * epoch,
               "val_dice": dice - gap, "learning_rate": 1e-3 if epoch < 6 else 1e-4}  # fmt: skip
        rows.append({**row, **{key: values[epoch] for key, values in columns.items()}})
    return rows


CONFIG = {
    "name": "boxes", "architecture": "unet_256", "size": 64, "threshold": 0.5,
    "steps": [{"data": "boxes", "size": 64, "started_from": "weights", "epochs": 30, "batch_size": 8,
               "learning_rate": 1e-3, "cosine": False, "stop_delta": 1e-4}],
}  # fmt: skip
FINDINGS = {
    "photos": 31, "usable": 29, "groups": 27, "errors": 2, "warnings": 1,
    "found": [
        {"level": "warning", "kind": "soft masks", "name": "a.jpg", "problem": "3 greys", "advice": "look"},
        {"level": "error", "kind": "empty masks", "name": "b.jpg", "problem": "no pixel", "advice": "draw it"},
        {"level": "error", "kind": "empty masks", "name": "c.jpg", "problem": "no pixel", "advice": "draw it"},
    ],
}  # fmt: skip


def write(folder, metrics, judged, **settings):
    """Write metrics.json and the page; (metrics as stored, the page's text)."""
    show_photos = settings.pop("show_photos", True)
    folder.mkdir(exist_ok=True)
    results.write_results(folder, report.complete(metrics, **settings), judged)
    page = report.write_page(folder, judged, show_photos)
    stored = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return stored, page.read_text(encoding="utf-8")


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


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """(metrics.json, page) of a report with everything in it."""
    metrics, judged = judge(20, 0.8, names=[NASTY, "a/b~c.jpg"])
    before, _ = judge(20, 0.7, names=[NASTY, "a/b~c.jpg"], seed=5)
    before |= {"name": "earlier", "weights_sha256": "ab12"}
    metrics["data"] = "boxes"
    folds = [{"fold": n + 1, "photos": 4, "iou": 0.7 + n / 30, "dice": 0.8, "boundary_f": 0.5, "gap_accuracy": None}
             for n in range(5)]  # fmt: skip
    return write(
        tmp_path_factory.mktemp("whole"), metrics, judged, before=before, history=make_history(gap=0.2),
        config=CONFIG, findings=FINDINGS, folds=folds, facts={"photos trained": 77, "minutes": 12.25},
    )  # fmt: skip


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
    stored, page = write(tmp_path, metrics, judged, history=make_history(1), config={**CONFIG, "steps": [{"epochs": 1}]})
    assert stored["history"]["best_epoch"] == 1 and stored["history"]["unfinished"]
    assert "--epochs" in stored["verdict"]["sentence"]


def test_epochs_that_ran_twice_count_once():
    rows = make_history(4)
    again = [{**rows[2], "val_loss": 0.001}, {**rows[3], "val_loss": 0.5}]
    epochs = summary.read_history([*rows, *again])
    assert [row["epoch"] for row in epochs] == [1, 2, 3, 4]
    assert summary.summarise_history(epochs)["best_epoch"] == 3


def test_drops_of_the_learning_rate_are_marked_but_a_slow_fall_is_not():
    drops = summary.summarise_history(summary.read_history(make_history()))["drops"]
    assert drops == [{"epoch": 7, "from": 1e-3, "to": 1e-4}]
    slowly = make_history(12, learning_rate=[1e-3 * 0.9**epoch for epoch in range(12)])
    assert summary.summarise_history(summary.read_history(slowly))["drops"] == []


def test_the_comparison_counts_photo_by_photo():
    after, _ = judge(12)
    before = json.loads(json.dumps(after))
    rows = before["sources"]["validation"]["worst_first"]
    for row, change in zip(rows, [0.1] * 5 + [-0.2] * 3 + [0.004] * 4):
        row["iou"] = round(row["iou"] - change, 4)
    metrics, comparison = summary.compare(after, before)
    assert (comparison["better"], comparison["worse"], comparison["same"]) == (5, 3, 4)
    changes = [0.1] * 5 + [-0.2] * 3 + [0.004] * 4
    assert comparison["change"] == pytest.approx(np.mean(changes), abs=1e-4)
    assert comparison["error"] == pytest.approx(np.std(changes, ddof=1) / np.sqrt(12), abs=1e-4)
    assert metrics["sources"]["validation"]["worst_first"][0]["iou_before"] == rows[0]["iou"]
    assert "iou_before" not in after["sources"]["validation"]["worst_first"][0]
    others = json.loads(json.dumps(before).replace("photo", "another"))
    others["sources"]["validation"]["photos"] = 12
    assert summary.compare(after, others) == (after, None)


def kinds(metrics, **settings):
    return [reason["kind"] for reason in report.complete(metrics, **settings)["verdict"]["reasons"]]


def test_the_verdict_follows_the_curves():
    metrics, _ = judge(20, 0.85)
    assert "overfitted" in kinds(metrics, history=make_history(gap=0.2))
    assert "overfitted" not in kinds(metrics, history=make_history(gap=0.01))
    weak = [{**row, "dice": row["dice"] - 0.3, "val_dice": row["val_dice"] - 0.3} for row in make_history(gap=0.01)]
    assert "underfitted" in kinds(metrics, history=weak)
    assert "underfitted" not in kinds(metrics, history=make_history(gap=0.01))
    falling = make_history(30, val_loss=np.linspace(1, 0.5, 30).tolist())
    assert "unfinished" in kinds(metrics, history=falling, config=CONFIG)
    assert "unfinished" not in kinds(metrics, history=falling[:20], config=CONFIG)  # stopped early


def test_the_verdict_follows_the_comparison():
    good, poor = judge(20, 0.9)[0], judge(20, 0.6, seed=3)[0]
    assert "better" in kinds(good, before=poor)
    worse = report.complete(poor, before=good)["verdict"]
    assert "worse" in [reason["kind"] for reason in worse["reasons"]]
    assert "the weights it started from are better" in worse["sentence"]
    assert "unchanged" in kinds(good, before=judge(20, 0.9, seed=1)[0])


def rows_with(key, values, ious):
    """Metrics whose photos have one trait of given values and are alike in all others."""
    metrics, _ = judge(len(ious))
    alike = {"area": 0.3, "at_frame": 0.0, "contrast": 30.0, "thin": 0.05, "missed": 0.1, "extra": 0.1, "sure_wrong": 0}
    rows = [{**row, **alike, key: value, "iou": iou}
            for row, value, iou in zip(metrics["sources"]["validation"]["worst_first"], values, ious)]  # fmt: skip
    metrics["sources"]["validation"] |= {"worst_first": rows, "iou": round(float(np.mean(ious)), 4)}
    return metrics


@pytest.mark.parametrize("key, hard, easy, word", [
    ("area", 0.03, 0.3, "small"), ("at_frame", 0.2, 0.0, "frame"),
    ("contrast", 5.0, 40.0, "alike"), ("thin", 0.6, 0.1, "thin"),
])  # fmt: skip
def test_what_the_worst_have_in_common_is_found_where_it_is_there(key, hard, easy, word):
    rng = np.random.default_rng(0)
    values = np.array([hard] * 10 + [easy] * 20) * rng.uniform(0.9, 1.1, 30)
    ious = np.round(np.array([0.6] * 10 + [0.9] * 20) + rng.normal(0, 0.03, 30), 4).tolist()
    found = report.complete(rows_with(key, values.tolist(), ious))["verdict"]["reasons"]
    found = next(reason for reason in found if reason["kind"] == "in_common")
    assert found["figures"]["trait"] == key and word in found["help"]
    assert found["figures"]["iou"] == pytest.approx(np.mean(ious[:10]), abs=1e-3)
    assert found["figures"]["iou_elsewhere"] == pytest.approx(np.mean(ious[10:]), abs=1e-3)


def test_nothing_is_found_in_common_where_it_is_chance():
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(200):
        rows = [{"iou": iou, **dict(zip(("area", "at_frame", "contrast", "thin"), values))}
                for iou, values in zip(rng.uniform(0.3, 1, 20), rng.uniform(0, 1, (20, 4)))]  # fmt: skip
        found += verdict._in_common({}, rows, {}) is not None
    assert found <= 16  # about one in twenty


def test_rank_correlation_equals_its_definition():
    rng = np.random.default_rng(2)
    a, b = rng.permutation(15), rng.permutation(15)
    plain = 1 - 6 * ((a - b) ** 2).sum() / (15 * (15**2 - 1))  # without ties
    assert verdict.rank_correlation(a, b) == pytest.approx(plain)
    assert verdict.rank_correlation([1, 1, 2, 2], [3, 3, 5, 5]) == pytest.approx(1)
    assert verdict.rank_correlation([1, 1, 1], [1, 2, 3]) == 0


def test_masks_the_network_contradicts_are_named():
    metrics = rows_with("sure_wrong", [0.4, 0.0] + [0.01] * 16, [0.5] + [0.9] * 17)
    reason = next(r for r in report.complete(metrics)["verdict"]["reasons"] if r["kind"] == "masks")
    assert metrics["sources"]["validation"]["worst_first"][0]["name"] in reason["text"]
    assert reason["figures"] == {"count": 1, "photos": 18}
    weak = rows_with("sure_wrong", [0.4] + [0.01] * 17, [0.5] * 18)  # says more on the network than on a mask
    assert "masks" not in kinds(weak)


@pytest.mark.parametrize("iou, level", [(0.96, "excellent"), (0.92, "good"), (0.85, "fair"), (0.3, "poor")])
def test_the_level_follows_the_mean(iou, level):
    metrics, _ = judge(12)
    metrics["sources"]["validation"]["iou"] = iou
    stated = report.complete(metrics)["verdict"]
    assert stated["level"] == level and f"{iou:.0%}" in stated["sentence"].replace("\N{NO-BREAK SPACE}", "")
    assert "\n" not in stated["sentence"] and stated["sentence"].endswith(".")


def test_the_folds_have_a_mean_and_a_spread(whole):
    metrics, page = whole
    ious = [fold["iou"] for fold in metrics["folds"]["each"]]
    assert metrics["folds"]["mean"]["iou"] == pytest.approx(np.mean(ious), abs=1e-4)
    assert metrics["folds"]["spread"]["iou"] == pytest.approx(np.std(ious, ddof=1), abs=1e-4)
    assert "Fold by fold" in page


def test_findings_are_brought_together_by_kind(whole):
    found = whole[0]["findings"]
    assert [(one["level"], one["count"], one["files"]) for one in found["each"]] == [
        ("error", 2, ["b.jpg", "c.jpg"]), ("warning", 1, ["a.jpg"]),
    ]  # fmt: skip
    assert summary.read_findings([]) == {"each": []}
    assert summary.read_findings(["something"])["each"][0]["problem"] == "something"


def test_metrics_without_a_verdict_are_refused(tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(ValueError, match="no verdict"):
        report.write_page(tmp_path)


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


def shy(count=12):
    """A segmenter that is right about every box but gives it 0.33, and its photos."""
    cases = [make_case(number) for number in range(count)]
    reply = {case.photo.tobytes(): np.where(case.truth, 0.33, 0.02).astype(np.float32) for case in cases}
    return lambda photo: reply[photo.tobytes()], lambda: {"validation": iter(cases)}


def threshold_text(metrics):
    reasons = report.complete(metrics)["verdict"]["reasons"]
    return next(reason["text"] for reason in reasons if reason["kind"] == "threshold")


def test_after_training_the_best_threshold_is_the_default_from_now_on(tmp_path):
    predict, sources = shy()
    metrics, judged = evaluate_at_best(predict, sources)
    assert "which is its default from now on" in threshold_text(metrics)
    assert "is the app's default with these weights" in write(tmp_path, metrics, judged)[1]


@pytest.mark.parametrize("threshold, words", [(0.5, "Nothing was changed"), (0.3, "where it was measured")])
def test_judging_weights_alone_sets_no_default_and_claims_none(threshold, words, tmp_path):
    predict, sources = shy()
    metrics, judged = evaluate(predict, sources(), threshold)
    best = report.complete(metrics)["best_threshold"]
    metrics, judged = evaluate(predict, sources(), threshold if threshold == 0.5 else best["threshold"])
    assert words in threshold_text(metrics)
    page = write(tmp_path, metrics, judged)[1]
    for text in (threshold_text(metrics), page):
        assert "from now on" not in text and "default with these weights" not in text
    assert "No weights were changed" in page


def test_weights_judged_at_their_own_threshold_are_not_said_to_stay_at_another(tmp_path):
    metrics, judged = judge(12)
    page = write(tmp_path, metrics, judged)[1]
    assert "The threshold stays" not in page and "No threshold is better than the usual" in page


def test_the_terminal_says_what_the_page_says(whole):
    metrics, page = whole
    lines = report.verdict_lines(metrics).splitlines()
    assert lines[0] == metrics["verdict"]["sentence"]
    assert [line[2:] for line in lines[1:]] == [reason["text"] for reason in metrics["verdict"]["reasons"]]


@pytest.mark.parametrize("low, high", [(0, 1), (0.81, 0.93), (1, 700), (0.0004, 0.0007), (1, 2)])
def test_ticks_are_round_numbers_within_the_axis(low, high):
    ticks = charts.Axis(low, high).ticks(5)
    assert 2 <= len(ticks) <= 7
    for tick in ticks:
        assert low - 1e-9 <= float(tick["text"]) <= high + 1e-9
        assert tick["at"] == pytest.approx(100 * (float(tick["text"]) - low) / (high - low), abs=0.1)
