"""What training needs to go on exactly: everything that an epoch leaves behind, in one file.

The weights, the optimizer with its learning rate and averages, the seeds of random layers, the counters
of the callbacks, the history. The file is replaced as a whole, so that a run which is killed, at any
moment, goes on from the end of an epoch as if nothing had happened.
"""

import csv
import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from segmenter.errors import RunError
from segmenter.io import files

STATE = "state.npz"
HISTORY = "history.csv"
COUNTERS = ("best", "wait", "cooldown_counter", "best_epoch", "stopped_epoch")  # of Keras's callbacks


def variables(model: keras.Model) -> list[Any]:
    """All that changes while a compiled model trains: weights, random seeds, the optimizer's numbers."""
    passing = {id(variable) for variable in model.metrics_variables}  # begun anew every epoch
    own = [variable for variable in model.variables if id(variable) not in passing]
    return [*own, *model.optimizer.variables]


def write_arrays(path: str | os.PathLike[str], arrays: Sequence[np.ndarray], notes: Any = None) -> None:
    """Write a list of arrays and a note of plain JSON into one file, whole or not at all."""
    named = {f"{number:04d}": array for number, array in enumerate(arrays)}
    with files.replacing(path, durable=True) as file:
        named["notes"] = np.array(json.dumps(notes))
        np.savez(file, **named)  # pyright: ignore[reportArgumentType]  for all it knows one is called allow_pickle


def read_arrays(path: str | os.PathLike[str]) -> tuple[list[np.ndarray], Any]:
    """(arrays, notes) of a file of `write_arrays`.

    Raises:
        RunError: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            notes = json.loads(str(file["notes"]))
            return [file[name] for name in sorted(file.files) if name != "notes"], notes
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is damaged; to train anew, delete {Path(path).parent}") from error


class Checkpoints(keras.callbacks.Callback):
    """Keeps the state of training and the best weights so far in a folder, and starts from them.

    It must be the last of the callbacks, as it notes what the others have come to. `restore` comes
    before `fit`: it says with which epoch to begin.

    Args:
        folder: where they lie; see `segmenter.training.run_folder`.
        others: the callbacks whose counters matter.
    """

    def __init__(self, folder: str | os.PathLike[str], others: Sequence[keras.callbacks.Callback] = ()) -> None:
        super().__init__()
        self.folder, self.others = Path(folder), list(others)
        self.history: list[dict[str, float]] = []  # one dict an epoch
        self.best: str | None = None  # name of the file with the best weights
        self.stopped = False  # training found no more to learn
        self._counters: dict[str, dict[str, Any]] = {}

    def restore(self, model: keras.Model) -> int:
        """Bring a compiled model to where its run was; the number of the epoch to go on with.

        Raises:
            RunError: what lies there is damaged, or of another network.
        """
        model.optimizer.build(model.trainable_variables)
        if not (self.folder / STATE).exists():
            return 0
        arrays, notes = read_arrays(self.folder / STATE)
        targets = variables(model)
        if [tuple(array.shape) for array in arrays] != [tuple(target.shape) for target in targets]:
            raise RunError(f"{self.folder} holds an unfinished run of another network; choose another --out")
        for target, array in zip(targets, arrays):
            target.assign(array)
        self.history, self.best = notes["history"], notes["best"]
        self.stopped, self._counters = notes["stopped"], notes["counters"]
        self._write_history()
        return len(self.history)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        for callback in self.others:  # they have just forgotten everything
            for name, value in self._counters.get(type(callback).__name__, {}).items():
                setattr(callback, name, value)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        model: Any = self.model
        row = {"epoch": epoch, **{name: float(value) for name, value in (logs or {}).items()}}
        earlier = [past["val_loss"] for past in self.history if np.isfinite(past["val_loss"])]
        self.history.append(row)
        self.stopped = bool(model.stop_training)
        if row["val_loss"] < min(earlier, default=np.inf):
            self.best = f"best-{epoch:04d}.npz"
            write_arrays(self.folder / self.best, _averaged_weights(model))
        notes = {"history": self.history, "best": self.best, "stopped": self.stopped}
        notes["counters"] = {type(other).__name__: _counters(other) for other in self.others}
        arrays = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in variables(model)]
        write_arrays(self.folder / STATE, arrays, notes)
        self._write_history()
        for path in self.folder.glob("best-*.npz"):
            if path.name != self.best:
                path.unlink()

    def load_best(self, model: keras.Model) -> int | None:
        """Give the model the best weights so far. Returns their epoch, counted from 0; None if there are none."""
        if not self.best:
            return None
        model.set_weights(read_arrays(self.folder / self.best)[0])
        return int(Path(self.best).stem.split("-")[1])

    def _write_history(self) -> None:
        text = io.StringIO()
        if self.history:
            columns = ["epoch", *sorted(self.history[0].keys() - {"epoch"})]
            table = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
            table.writeheader()
            table.writerows(self.history)
        files.write(self.folder / HISTORY, text.getvalue().encode("utf-8"), durable=True)


def _counters(callback: keras.callbacks.Callback) -> dict[str, float | None]:
    found = {name: getattr(callback, name) for name in COUNTERS if hasattr(callback, name)}
    return {name: value if value is None else float(value) for name, value in found.items()}


def _averaged_weights(model: Any) -> list[np.ndarray]:
    """The model's weights; where the optimizer keeps a moving average of them, that."""
    if not _optimizer(model).use_ema:
        return model.get_weights()
    current = [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    averaged = model.get_weights()
    for variable, value in zip(model.trainable_variables, current):
        variable.assign(value)
    return averaged


def _optimizer(model: Any) -> Any:
    """The optimizer itself, within the one that scales the loss for mixed precision."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)
