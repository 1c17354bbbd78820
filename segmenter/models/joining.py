"""Several LiteRT files as one, and one of several again: so parts may be converted each in its own way, at its own time.

Layout of the files: the schema of TensorFlow Lite (schema.fbs, version 3), by the classes that TensorFlow brings.
"""

from collections.abc import Sequence
from typing import Any


def join(parts: Sequence[bytes]) -> bytes:
    """One LiteRT file that holds the subgraphs of several.

    Args:
        parts: contents of files, each with signatures that no other has. The first's subgraph is the one that
            is run where no signature is named; only its metadata are kept.

    Returns:
        content of the file.
    """
    from tensorflow.lite.tools import flatbuffer_utils as flatbuffers

    whole, *rest = [flatbuffers.convert_bytearray_to_object(part) for part in parts]
    for part in rest:
        _append(whole, part)
    return bytes(flatbuffers.convert_object_to_bytearray(whole))


def part(data: bytes, signature: str) -> bytes | None:
    """What one signature of a LiteRT file needs, as a file of its own.

    Returns:
        content of the file; None where there is no such signature.
    """
    from tensorflow.lite.tools import flatbuffer_utils as flatbuffers

    model: Any = flatbuffers.convert_bytearray_to_object(data)
    found = [each for each in model.signatureDefs or [] if each.signatureKey == signature.encode()]
    if not found:
        return None
    model.signatureDefs, model.subgraphs = found, [model.subgraphs[found[0].subgraphIndex]]
    found[0].subgraphIndex = 0
    tensors, notes = model.subgraphs[0].tensors, model.metadata or []
    used = sorted({0, *(each.buffer for each in [*tensors, *notes])})  # 0 is the empty one
    for each in [*tensors, *notes]:
        each.buffer = used.index(each.buffer)
    model.buffers = [model.buffers[number] for number in used]
    return bytes(flatbuffers.convert_object_to_bytearray(model))


def _append(whole: Any, part: Any) -> None:
    """Put a model's subgraphs behind those of another, in place, and let its numbers point to where things are now."""
    buffers, codes, subgraphs = len(whole.buffers), len(whole.operatorCodes), len(whole.subgraphs)
    for subgraph in part.subgraphs:
        for tensor in subgraph.tensors:
            tensor.buffer += buffers if tensor.buffer else 0  # 0 is the empty one in each file
        for operator in subgraph.operators:
            operator.opcodeIndex += codes
    for signature in part.signatureDefs:
        signature.subgraphIndex += subgraphs
    whole.buffers += part.buffers
    whole.operatorCodes += part.operatorCodes
    whole.subgraphs += part.subgraphs
    whole.signatureDefs += part.signatureDefs
