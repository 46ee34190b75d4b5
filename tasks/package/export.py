"""The trained network as an ONNX file that says nothing of the machine it was made on."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn
from torch.export import Dim

INPUTS = ("ids", "mask")
OUTPUT = "logits"
_EXAMPLE_SHAPE = (2, 8)  # rows, tokens; any but 1, which the tracer takes for a constant


def export_onnx(model: nn.Module, opset: int) -> onnx.ModelProto:
    """Ids and mask, int64 (rows, tokens), to logits, float32 (rows, classes), of any size.

    `opset` is the version of ONNX's operators. The result is the same for the same weights:
    stack traces, paths and the like are taken out.
    """
    ids = torch.ones(_EXAMPLE_SHAPE, dtype=torch.int64)
    rows, tokens = Dim("rows"), Dim("tokens")
    shape = {0: rows, 1: tokens}
    with quiet():
        program = torch.onnx.export(
            model,
            (ids, torch.ones_like(ids)),
            dynamo=True,
            dynamic_shapes=(shape, shape),
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            opset_version=opset,
            external_data=False,
            verbose=False,
        )
    assert program is not None  # only the older exporter, which writes to a file, gives none
    proto = program.model_proto
    strip(proto)
    onnx.checker.check_model(proto)
    return proto


@contextmanager
def quiet() -> Iterator[None]:
    """Exporter and quantiser tell their own developers much; errors still come through."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def strip(proto: onnx.ModelProto) -> None:
    """Drop what the exporter noted for people who debug it: source lines, module paths, shapes."""
    graph = proto.graph
    parts: Iterable[Any] = [
        proto,
        graph,
        *graph.node,
        *graph.initializer,
        *graph.input,
        *graph.output,
    ]
    for part in parts:
        del part.metadata_props[:]
        part.ClearField("doc_string")
    del graph.value_info[:]


def write_onnx(target: Path, proto: onnx.ModelProto) -> None:
    target.write_bytes(proto.SerializeToString(deterministic=True))
