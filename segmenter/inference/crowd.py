"""How many threads of this process are at work on photos, each on one of its own.

One alone lets the network use all processors. Several at once would wait for each other there, and for threads that
take processors away from them: they ask a copy of the network each, on a single processor.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_size = 0


@contextmanager
def joined() -> Iterator[None]:
    """Around the work on one photo."""
    global _size
    with _lock:
        _size += 1
    try:
        yield
    finally:
        with _lock:
            _size -= 1


def is_idle() -> bool:
    """Whether no thread is at work."""
    return _size == 0


def several() -> bool:
    """Whether more than one thread is at work."""
    return _size > 1
