"""model.tflite as functions of arrays: a square of a photo → what the network makes of it.

Nothing here knows of photos or files of people; `Segmenter` does.
"""

import os
import threading
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from segmenter.errors import WeightsError
from segmenter.inference import crowd
from segmenter.weights_format import FURNITURE, PICK

MAX_THREADS = 8  # one small picture does not divide into more


class Seen(NamedTuple):
    """What the encoder saw of a square: what every click on it starts from."""

    maps: dict[str, np.ndarray]  # name → float32, 1 × h × w × channels; among them "furniture"

    @property
    def furniture(self) -> np.ndarray:
        """float32, size × size, 0 … 1."""
        return self.maps[FURNITURE][0, ..., 0]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return sum(each.nbytes for each in self.maps.values())


class Network:
    """A model.tflite, ready to be asked by many threads.

    Args:
        path: of the file.
        size: side of its square in pixels.

    Raises:
        WeightsError: it is missing, damaged, or made for another size.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.size, self.path = size, path
        self._shared = _Copy(path, size, _threads())
        self._spare: deque[_Copy] = deque()  # of one thread each, for several at once
        self._lock = threading.Lock()  # a copy has one set of tensors for all

    @property
    def can_pick(self) -> bool:
        """Whether it can be asked for single pieces."""
        return self._shared.can_pick

    def furniture(self, square: np.ndarray) -> np.ndarray:
        """float32, 1 × size × size × 3, 0 … 1 → float32, size × size, 0 … 1."""
        if self.can_pick:
            return self.see(square).furniture
        with self._copy() as copy:
            return copy.furniture(square)

    def see(self, square: np.ndarray) -> Seen:
        """float32, 1 × size × size × 3, 0 … 1 → Seen; only where it `can_pick`."""
        with self._copy() as copy:
            return Seen(copy.ask(FURNITURE, photo=np.ascontiguousarray(square)))

    def pick(self, seen: Seen, prompts: np.ndarray) -> np.ndarray:
        """What `see` saw, and prompts as `clicks.draw` makes them → the piece: float32, size × size, 0 … 1."""
        with self._copy() as copy:
            return copy.ask(PICK, prompts=prompts[np.newaxis], **seen.maps)["piece"][0, ..., 0]

    @contextmanager
    def _copy(self):
        if not crowd.several():
            with self._lock:
                yield self._shared
            return
        try:
            copy = self._spare.pop()
        except IndexError:
            copy = _Copy(self.path, self.size, threads=1)
        yield copy
        self._spare.append(copy)


class _Copy:
    """The network with tensors of its own, for one thread at a time.

    Where it can pick, it is asked by signature; an interpreter that is, cannot be asked otherwise.
    """

    def __init__(self, path, size, threads):
        self.size = size
        self._interpreter = _read(path, size, threads)
        self._source = self._interpreter.get_input_details()[0]["index"]
        self._result = _probabilities(self._interpreter.get_output_details(), size)[0]["index"]
        self.can_pick = PICK in self._interpreter.get_signature_list()
        names = (FURNITURE, PICK) if self.can_pick else ()
        self._runners = {name: self._interpreter.get_signature_runner(name) for name in names}

    def furniture(self, square):
        self._interpreter.set_tensor(self._source, np.ascontiguousarray(square))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._result).reshape(self.size, self.size)  # a copy: 1 × size × size × 1

    def ask(self, signature: str, **given: np.ndarray) -> dict[str, np.ndarray]:
        return self._runners[signature](**given)


def _probabilities(outputs, size):
    return [each for each in outputs if tuple(each["shape"]) == (1, size, size, 1)]


def _read(path, size, threads):
    if not path.is_file():
        raise WeightsError(f"the weights folder {str(path.parent)!r} lacks model.tflite")
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        given, results = interpreter.get_input_details(), interpreter.get_output_details()
        fits = [tuple(map(int, each["shape"])) for each in given] == [(1, size, size, 3)]
        if not fits or not _probabilities(results, size):  # asked before memory is taken for them
            shapes = [[tuple(map(int, each["shape"])) for each in part] for part in (given, results)]
            raise WeightsError(f"{path} does not fit config.json: its shapes are {shapes}, the size says {size}")
        interpreter.allocate_tensors()
    except WeightsError:
        raise
    except (ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} cannot be loaded: {error}") from error
    return interpreter


def _threads():
    """As many as there are processors that this process may use: in a container fewer than the machine has."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MAX_THREADS, processors)
