"""Several LiteRT files as one, each still asked by its signature: so parts may be converted each in its own way.

Layout of the files: the schema of TensorFlow Lite (schema.fbs, version 3), by the classes that LiteRT brings.
"""

from collections.abc import Sequence
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

IDENTIFIER = b"TFL3"  # of the files, in their bytes 4 … 7


def join(parts: Sequence[bytes]) -> bytes:
    """One LiteRT file that holds the subgraphs of several.

    Args:
        parts: contents of files, each with signatures that no other has. The first's subgraph is the one that
            is run where no signature is named; only its metadata are kept.

    Returns:
        content of the file.
    """
    whole, *rest = [schema.ModelT.InitFromPackedBuf(part) for part in parts]
    for part in rest:
        _append(whole, part)
    builder = flatbuffers.Builder(sum(map(len, parts)))
    builder.Finish(whole.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


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
