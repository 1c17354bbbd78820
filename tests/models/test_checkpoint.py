"""A checkpoint of PyTorch, read without it and without running its code."""

import io
import pickle
import struct
import sys
import types
from collections import OrderedDict

import numpy as np
import pytest

from segmenter.errors import EncoderWeightsError
from segmenter.models import checkpoint


def write_checkpoint(arrays):
    """A checkpoint in PyTorch's format of 2020, written without PyTorch."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2(*_parts):
        raise AssertionError("only its name is pickled")

    _rebuild_tensor_v2.__module__, utils._rebuild_tensor_v2 = "torch._utils", _rebuild_tensor_v2
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    torch._utils = utils

    class Storage:
        def __init__(self, key, size):
            self.key, self.size = key, size

    class Tensor:
        def __init__(self, key, array):
            self.key, self.array = key, array

        def __reduce__(self):
            strides = tuple(step // 4 for step in self.array.strides)
            storage = Storage(self.key, self.array.size)
            return _rebuild_tensor_v2, (storage, 0, self.array.shape, strides, False, OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            if isinstance(thing, Storage):
                return ("storage", torch.FloatStorage, thing.key, "cpu", thing.size, None)

    file = io.BytesIO()
    saved = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        for preamble in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(preamble, file, protocol=2)
        tensors = {name: Tensor(str(number), array) for number, (name, array) in enumerate(arrays.items())}
        Pickler(file, protocol=2).dump(OrderedDict(tensors))
        pickle.dump([tensor.key for tensor in tensors.values()], file, protocol=2)
    finally:
        for name, module in saved.items():
            sys.modules.pop(name) if module is None else sys.modules.update({name: module})
    for array in arrays.values():
        in_memory = array.ravel(order="K")  # the storage's order, whatever the strides
        file.write(struct.pack("<q", array.size) + in_memory.tobytes())
    return file.getvalue()


def test_a_checkpoint_comes_back_without_pytorch():
    rng = np.random.default_rng(0)
    arrays = {"a": rng.random((2, 3), np.float32), "b": rng.random((4, 2), np.float32).T}
    found = checkpoint.read_checkpoint(write_checkpoint(arrays))
    assert "torch" not in sys.modules or sys.modules["torch"].__file__
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


class Malicious:
    def __reduce__(self):
        return print, ("this must not run",)


def test_a_pickle_that_would_run_code_is_refused(capsys):
    data = b"".join(pickle.dumps(part, protocol=2) for part in (1, 2, 3, Malicious()))
    with pytest.raises(EncoderWeightsError, match="no business with .*print"):
        checkpoint.read_checkpoint(data)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("data", [b"", b"not a checkpoint", pickle.dumps(1, protocol=2) * 5])
def test_bytes_that_are_no_checkpoint_get_a_clear_error(data):
    with pytest.raises(EncoderWeightsError, match="cannot be read"):
        checkpoint.read_checkpoint(data)
