"""What several tests of the report look at."""

import pytest

from tests.evaluation.reports import CONFIG, FINDINGS, NASTY, PICK, PICKER_STEP, judge, make_history, write


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """(metrics.json, page) of a report with everything in it."""
    metrics, judged = judge(20, 0.8, names=[NASTY, "a/b~c.jpg"])
    before, _ = judge(20, 0.7, names=[NASTY, "a/b~c.jpg"], seed=5)
    before |= {"name": "earlier", "weights_sha256": "ab12"}
    metrics |= {"data": "boxes", "pick": PICK}
    folds = [
        {"fold": n + 1, "photos": 4, "iou": 0.7 + n / 30, "dice": 0.8, "boundary_f": 0.5, "gap_accuracy": None}
        for n in range(5)
    ]
    return write(
        tmp_path_factory.mktemp("whole"),
        metrics,
        judged,
        before=before,
        history=make_history(gap=0.2),
        config={**CONFIG, "steps": [*CONFIG["steps"], PICKER_STEP]},
        findings=FINDINGS,
        folds=folds,
        facts={"photos trained": 77, "minutes": 12.25},
    )
