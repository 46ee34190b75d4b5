"""The proofs themselves: files, label set, networks and golden answers of one bundle."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from tasks.bundle import (
    GOLDEN,
    LABEL_SET,
    MANIFEST,
    MODELS,
    PREPROCESSING,
    TOKENIZER,
    Golden,
    check_golden,
    load_bundle,
    read_document,
    verify_bundle,
)
from tasks.errors import GateError
from tasks.label_set import LabelSet, read_label_set

# JSON, YAML and ONNX, by name: nothing that could carry code comes near a runtime
_TEXTS = {MANIFEST, GOLDEN, PREPROCESSING, LABEL_SET, TOKENIZER, "metrics.json", "params.yaml"}
_INPUTS = {"ids": onnx.TensorProto.INT64, "mask": onnx.TensorProto.INT64}
_OUTPUTS = {"logits": onnx.TensorProto.FLOAT}
_OPERATORS = {"", "ai.onnx", "com.microsoft"}  # those that are part of the runtime


def prove(bundle: Path, expected: LabelSet, max_bytes: int) -> dict[str, float]:
    """Largest difference from the golden answers, by precision; FlywheelError, what is wrong."""
    check_files(bundle, max_bytes)
    verify_bundle(bundle)
    check_label_set(bundle, expected)
    check_golden_examples(bundle, len(expected.classes))
    for name in MODELS.values():
        check_network(bundle / name, len(expected.classes))
    differences: dict[str, float] = {}
    for precision in MODELS:
        predictor = load_bundle(bundle, precision)
        differences[precision] = check_golden(bundle, predictor, precision)
    return differences


def check_files(bundle: Path, max_bytes: int) -> None:
    """Looks at names, kinds and sizes alone, so that nothing odd is even read."""
    if bundle.is_symlink() or not bundle.is_dir():
        raise GateError(f"{bundle}: no folder of its own. It does not go live.")
    entries = {entry.name: entry for entry in bundle.iterdir()}
    expected = _TEXTS | set(MODELS.values())
    problems = [f"{name!r} does not belong there" for name in sorted(entries.keys() - expected)]
    problems += [f"{name} is missing" for name in sorted(expected - entries.keys())]
    for name, entry in entries.items():
        if entry.is_symlink() or not entry.is_file():
            problems.append(f"{name!r} is no plain file")
    num_bytes = sum(entry.lstat().st_size for entry in entries.values())
    if num_bytes > max_bytes:
        problems.append(f"{num_bytes / 1e6:,.1f} MB, at most {max_bytes / 1e6:,.1f} expected")
    if problems:
        raise GateError(f"{bundle}: {'; '.join(problems)}. It does not go live.")


def check_label_set(bundle: Path, expected: LabelSet) -> None:
    found = read_label_set(bundle / LABEL_SET)
    if found != expected:
        raise GateError(
            f"{bundle / LABEL_SET}: {describe(found)}, expected {describe(expected)} as in "
            "params.yaml, section label. Train a candidate on that label set."
        )


def describe(label_set: LabelSet) -> str:
    return f"{list(label_set.classes)}{' in this order' if label_set.ordered else ''}"


def check_golden_examples(bundle: Path, num_classes: int) -> None:
    """There are some, and each says of every class how probable it is."""
    golden = read_document(bundle / GOLDEN, Golden)
    for precision in MODELS:
        rows = [example.probs.get(precision, []) for example in golden.examples]
        if not rows or any(len(row) != num_classes for row in rows):
            raise GateError(
                f"{bundle / GOLDEN}: expected examples with {num_classes} probabilities each for "
                f"{precision}. Re-run the stage `package`."
            )
        if not 0 <= golden.tolerance.get(precision, -1.0) < 1 / num_classes:
            raise GateError(
                f"{bundle / GOLDEN}: its tolerance for {precision} would let any answer pass. "
                "Re-run the stage `package`."
            )


def check_network(file: Path, num_classes: int) -> None:
    """Right inputs and outputs, all weights inside and finite, no operators of somebody's own."""
    network = _parse(file)
    problems = [*_schema_problems(network.graph, num_classes), *_foreign_operators(network)]
    for tensor in _tensors(network.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            problems.append(f"weights of {tensor.name!r} lie outside of the file")
        elif not np.isfinite(numpy_helper.to_array(tensor)).all():
            problems.append(f"weights of {tensor.name!r} are not finite")
    if problems:
        raise GateError(f"{file}: {'; '.join(problems[:5])}. It does not go live.")


def _parse(file: Path) -> onnx.ModelProto:
    try:
        return onnx.load(file, load_external_data=False)
    except DecodeError as error:
        raise GateError(f"{file}: no ONNX model, or not all of it: {error}") from None


def _schema_problems(graph: onnx.GraphProto, num_classes: int) -> Iterator[str]:
    for kind, found, expected in (
        ("inputs", graph.input, _INPUTS),
        ("outputs", graph.output, _OUTPUTS),
    ):
        types = {value.name: value.type.tensor_type.elem_type for value in found}
        if types != expected:
            yield f"{kind} {sorted(types)}, expected {sorted(expected)} of their types"
    for value in graph.output:
        sizes = [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        if sizes[-1:] != [num_classes]:
            yield f"{value.name!r} is of {sizes[-1:]} classes, expected {num_classes}"


def _foreign_operators(network: onnx.ModelProto) -> Iterator[str]:
    for function in network.functions:
        yield f"a function of its own, {function.name!r}; the stage `package` writes none"
    found = {node.domain for graph in _graphs(network.graph) for node in graph.node}
    for domain in sorted(found - _OPERATORS):
        yield f"operators of {domain!r}, which no runtime here has"


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """It, and the branches and loop bodies inside of it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                yield from _graphs(inner)


def _tensors(network: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Weights and constants."""
    for graph in _graphs(network):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield from [attribute.t] if attribute.HasField("t") else attribute.tensors
