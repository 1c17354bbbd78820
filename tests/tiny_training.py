"""`train.py` with a network of seconds, in processes of their own that can be killed.

Forked from one that has loaded TensorFlow, but never used it: so a process costs no import.
"""

import functools
import importlib
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

import train
from segmenter.datasets import load, validate  # noqa: F401  so that forks have them
from segmenter.evaluation import evaluate, report, results  # noqa: F401  so that forks have them
from segmenter.models import registry, unet  # noqa: F401  so that forks have them
from segmenter.training import cross_validation, experiment, picking, trainer  # noqa: F401  so that forks have them
from tests import tiny_encoder

TINY = "unet_tiny"
LIKE_THIS = registry.Network(32, widths=(8,), centre=16)


def register():
    """Add networks of few weights to those that train.py knows."""
    registry.NETWORKS[TINY] = LIKE_THIS
    registry.NETWORKS[tiny_encoder.NAME] = tiny_encoder.NETWORK


def boxes(place, count=12):
    """A data set of photos of a red box on grey; returns the folder."""
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (place / part).mkdir(parents=True)
    for number in range(count):
        mask = np.zeros((40, 40), np.uint8)
        top, left, height, width = rng.integers(4, 18, 4)
        mask[top : top + 8 + height, left : left + 8 + width] = 255
        photo = np.where(mask[..., None] > 0, (210, 40, 40), rng.integers(0, 130, (40, 40, 3)))
        Image.fromarray(photo.astype(np.uint8)).save(place / "images" / f"{number}.png")
        Image.fromarray(mask).save(place / "masks" / f"{number}.png")
    return place


def start(arguments, log, strike=None, signals=(signal.SIGKILL,), largest=None, every=None):
    """Run train.py in a process of its own, and return it.

    Args:
        arguments: of the command line.
        log: file that takes its stdout and stderr.
        strike: (place, number): as the function at `place` ("module:name.name") is called for the
            number-th time, the process gets the signals, the next one once it has answered the last.
        largest: bytes that a file may have (RLIMIT_FSIZE), as on a disk that is full then.
        every: steps of the picker's training, after which it keeps what it has come to.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(
        target=_work, args=([str(word) for word in arguments], str(log), strike, signals, largest, every)
    )
    process.start()
    return process


def run(*arguments, **further):
    """`start`, and wait for its end; returns the exit status, negative for a signal."""
    process = start(*arguments, **further)
    process.join(900)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def _work(arguments, log, strike, signals, largest, every):
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(target, 1)
    os.dup2(target, 2)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a fork server ignores it
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")  # nothing here divides into more
    register()
    if strike:
        _arm(*strike, signals)
    picking.EVERY = every or picking.EVERY
    if largest:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
    status = train.main(arguments)
    sys.stdout.flush()
    os._exit(status)


def _send(signals):
    """Signals, once the process has said that it heard the one before: two at once may be taken for one."""
    for one in signals:
        while "stopping after this step" not in Path(os.readlink("/proc/self/fd/2")).read_text():
            time.sleep(0.02)
        os.kill(os.getpid(), one)


def _arm(place, number, signals):
    module, names = place.split(":")
    *path, name = names.split(".")
    owner = functools.reduce(getattr, path, importlib.import_module(module))
    original, calls = getattr(owner, name), []

    @functools.wraps(original)
    def struck(*arguments, **named):
        calls.append(None)
        if len(calls) == number:
            os.kill(os.getpid(), signals[0])
            threading.Thread(target=_send, args=(signals[1:],), daemon=True).start()
        return original(*arguments, **named)

    setattr(owner, name, struck)
