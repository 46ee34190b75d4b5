"""Ways in which a bundle is broken, and the condition that each of them fails."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from tasks.artifacts import json_bytes, sha256_of
from tasks.bundle import MANIFEST


def rewrite(bundle: Path, name: str, content: bytes) -> None:
    """Change a file and the manifest with it, as a build gone wrong would."""
    (bundle / name).write_bytes(content)
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    manifest["files"][name] = {"sha256": sha256_of(bundle / name), "size_bytes": len(content)}
    (bundle / MANIFEST).write_bytes(json_bytes(manifest))


def poison(bundle: Path) -> None:
    """Weights that are no numbers."""
    model = onnx.load(bundle / "model.int8.onnx")
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = np.full_like(numpy_helper.to_array(tensor), np.nan)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    rewrite(bundle, "model.int8.onnx", model.SerializeToString())


def poison_a_word(bundle: Path) -> None:
    """No number wherever this word occurs, which it does in no golden example."""
    model = onnx.load(bundle / "model.onnx")
    vocabulary = json.loads((bundle / "tokenizer.json").read_bytes())["model"]["vocab"]
    (tensor,) = [one for one in model.graph.initializer if list(one.dims[:1]) == [len(vocabulary)]]
    values = numpy_helper.to_array(tensor).copy()
    values[vocabulary["food"]] = np.nan
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    rewrite(bundle, "model.onnx", model.SerializeToString())
    manifest = json.loads((bundle / MANIFEST).read_bytes()) | {"default": "fp32"}
    (bundle / MANIFEST).write_bytes(json_bytes(manifest))


def truncate(bundle: Path) -> None:
    content = (bundle / "model.int8.onnx").read_bytes()
    rewrite(bundle, "model.int8.onnx", content[: len(content) // 2])


def relabel(bundle: Path) -> None:
    label_set = {"classes": ["a", "b", "c", "d"], "ordered": True}
    rewrite(bundle, "label_set.json", json_bytes(label_set))


BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda b: (b / MANIFEST).unlink(), "loads"),
    "a manifest of nothing": (lambda b: (b / MANIFEST).write_bytes(b"{}"), "loads"),
    "a swapped file": (lambda b: (b / "tokenizer.json").write_bytes(b"{}"), "loads"),
    "a missing file": (lambda b: (b / "model.int8.onnx").unlink(), "loads"),
    "a file too many": (lambda b: (b / "model.pkl").write_bytes(b"\x80\x04."), "loads"),
    "a truncated model": (truncate, "loads"),
    "no model at all": (lambda b: rewrite(b, "model.int8.onnx", b"junk"), "loads"),
    "no tokenizer": (lambda b: rewrite(b, "tokenizer.json", b"{}"), "loads"),
    "weights that are no numbers": (poison, "golden"),
    "one word that gives no number": (poison_a_word, "answers"),
    "golden answers of another": (lambda b: rewrite(b, "golden.json", b"{}"), "golden"),
    "other classes": (relabel, "labels"),
}
