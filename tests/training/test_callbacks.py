"""What happens beside the steps of training."""

import pytest

from segmenter.training import callbacks


@pytest.mark.parametrize("seconds, text", [(0.2, "1 s"), (61, "61 s"), (600, "10 minutes"), (9000, "2.5 hours")])
def test_durations_are_as_exact_as_anybody_needs(seconds, text):
    assert callbacks.duration(seconds) == text


class FakeLibrary:
    """A C library that notes how malloc is set; `known` says whether it has such a function at all."""

    def __init__(self, known):
        self.set = []
        if known:
            self.mallopt = lambda option, size: self.set.append(option)


@pytest.mark.parametrize(
    "platform, known, asked",
    [
        ("linux", True, 3),
        ("linux", False, 0),  # musl
        ("darwin", True, 0),
    ],
)
def test_memory_is_kept_between_steps_where_the_system_can_be_told_to(platform, known, asked, monkeypatch):
    library = FakeLibrary(known)
    monkeypatch.setattr(callbacks.ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(callbacks.sys, "platform", platform)
    keep = callbacks.KeepMemory()
    keep.on_train_batch_begin(0)
    assert len(library.set) == asked
    library.set.clear()
    keep.on_train_batch_begin(5)  # it is set by then
    assert library.set == []
