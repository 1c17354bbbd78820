"""Several LiteRT files as one, each still asked by its signature: so parts may be converted each in its own way.

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
