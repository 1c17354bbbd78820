"""What happens beside the steps of training."""

import pytest

from segmenter.training import callbacks


@pytest.mark.parametrize("seconds, text", [(0.2, "1 s"), (61, "61 s"), (600, "10 minutes"), (9000, "2.5 hours")])
def test_durations_are_as_exact_as_anybody_needs(seconds, text):
    assert callbacks.duration(seconds) == text


def test_memory_is_kept_between_steps_from_the_first_one_on(monkeypatch):
    asked = []
    monkeypatch.setattr(callbacks.memory, "reuse", lambda **given: asked.append(given["kept"]))
    keep = callbacks.KeepMemory()
    keep.on_train_batch_begin(0)
    assert asked == [2**31 - 1]
    keep.on_train_batch_begin(5)  # it is set by then
    assert len(asked) == 1
