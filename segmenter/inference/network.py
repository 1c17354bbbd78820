"""model.tflite as functions of arrays: a square of a photo → what the network makes of it.

Nothing here knows of photos or files of people; `Segmenter` does.
"""

import os
import threading
from collections import deque
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
        self._interpreter = _read(path, size, _threads())
        self._spare: deque[Interpreter] = deque()  # of one thread each, for several at once
        self._source = self._interpreter.get_input_details()[0]["index"]
        self._result = _probabilities(self._interpreter.get_output_details(), size)[0]["index"]
        self._lock = threading.Lock()  # the interpreter has one set of tensors for all
        self._signatures = self._interpreter.get_signature_list()
        self._runners = {}
        self._runners_lock = threading.Lock()

    @property
    def can_pick(self) -> bool:
        """Whether it can be asked for single pieces."""
        return PICK in self._signatures

    def furniture(self, square: np.ndarray) -> np.ndarray:
        """float32, 1 × size × size × 3, 0 … 1 → float32, size × size, 0 … 1."""
        if not crowd.several():
            with self._lock:
                return self._ask(self._interpreter, square)
        try:
            interpreter = self._spare.pop()
        except IndexError:
            interpreter = _read(self.path, self.size, threads=1)
        result = self._ask(interpreter, square)
        self._spare.append(interpreter)
        return result

    def _ask(self, interpreter, square):
        interpreter.set_tensor(self._source, np.ascontiguousarray(square))
        interpreter.invoke()
        return interpreter.get_tensor(self._result).reshape(self.size, self.size)  # a copy: 1 × size × size × 1

    def see(self, square: np.ndarray) -> Seen:
        """float32, 1 × size × size × 3, 0 … 1 → Seen; only where it `can_pick`."""
        return Seen(self._run(FURNITURE, photo=np.ascontiguousarray(square)))

    def pick(self, seen: Seen, prompts: np.ndarray) -> np.ndarray:
        """What `see` saw, and prompts as `clicks.draw` makes them → the piece: float32, size × size, 0 … 1."""
        return self._run(PICK, prompts=prompts[np.newaxis], **seen.maps)["piece"][0, ..., 0]

    def _run(self, signature: str, **given: np.ndarray) -> dict[str, np.ndarray]:
        with self._runners_lock:
            if not self._runners:  # an interpreter of their own, as one with runners cannot be asked otherwise
                interpreter = Interpreter(model_path=str(self.path), num_threads=_threads())
                self._runners = {name: interpreter.get_signature_runner(name) for name in (FURNITURE, PICK)}
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
