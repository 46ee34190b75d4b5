"""The count without storage beside what autograd really keeps, on networks with weights."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tasks.sizing.activations import korthikanti_bytes, trace
from tasks.sizing.layout import Precision
from tasks.sizing.shapes import describe, weightless
from tasks.train.model import Classifier, find_layers
from tests.tasks.sizing.networks import BERT, LLAMA, make, make_load, sized

ROWS, TOKENS = 5, 40


def padded(ids: Tensor) -> Tensor:
    """A mask that hides something; one that hides nothing, transformers leaves out."""
    mask = torch.ones_like(ids)
    mask[0, -1] = 0
    return mask


def really_kept(network: Classifier, precision: Precision) -> int:
    """Bytes of all storages that hooks see in a real forward pass, without the weights."""
    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    mixed = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed")
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), mixed:
        ids = torch.zeros((ROWS, TOKENS), dtype=torch.int64)
        network(ids, padded(ids))
    return sum(
        tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in weights
    )


@pytest.mark.parametrize("frozen_layers", [None, 0, 2])
@pytest.mark.parametrize("precision", ["fp32", "bf16-mixed"])
@pytest.mark.parametrize("fields", [BERT, LLAMA], ids=["bert", "llama"])
def test_it_is_exactly_what_autograd_keeps(
    fields: dict[str, Any], precision: Precision, frozen_layers: int | None
) -> None:
    found = sized(fields, make_load(precision), frozen_layers).activations
    expected = really_kept(make(fields, frozen_layers), precision)
    assert ROWS * found.kept(False) + found.weight_copies == pytest.approx(expected, rel=0.001)


@pytest.mark.parametrize("precision", ["fp32", "bf16-mixed"])
def test_with_checkpointing_layers_keep_their_inputs(precision: Precision) -> None:
    found = sized(BERT, make_load(precision)).activations
    network = make(BERT)
    network.encoder.activation_checkpointing_enable({"use_reentrant": False})
    inputs: list[int] = []
    for layer in find_layers(network.encoder):
        layer.register_forward_pre_hook(lambda _, given: inputs.append(given[0].nbytes))
    kept = really_kept(network, precision)  # beside these a mask, which all layers share
    assert ROWS * sum(found.inputs_per_row) == sum(inputs)
    assert ROWS * found.outside_per_row + sum(inputs) == pytest.approx(kept, rel=0.15)
    assert found.kept(True) < found.kept(False) / 2


@pytest.mark.parametrize(
    "kind", ["bert", "roberta", "distilbert", "mpnet", "electra", "modernbert", "deberta-v2",
             "gpt2", "llama", "mistral", "qwen2", "xlnet"]
)  # fmt: skip
def test_any_family_of_encoders_is_read(kind: str) -> None:
    depth = "n_layer" if kind == "xlnet" else "num_hidden_layers"
    found = sized({"model_type": kind, depth: 2}, make_load("bf16-mixed"))
    assert all(layer > 0 for layer in found.activations.layers_per_row)
    assert found.activations.weight_copies == pytest.approx(2 * found.shape.num_multiplied, rel=0.1)


def test_a_gpus_autocast_keeps_more_where_the_cpus_stays_in_half_precision() -> None:
    with weightless("bf16-mixed"):
        network = make({"model_type": "gpt2"})
    layers = find_layers(network.encoder)
    cpu, cuda = (trace(network, layers, "bf16-mixed", 64, kind) for kind in ("cpu", "cuda"))
    assert cuda.kept(False) > 1.1 * cpu.kept(False)


def test_seventy_billion_parameters_take_no_memory() -> None:
    fields = {
        "model_type": "llama", "hidden_size": 8192, "intermediate_size": 28672,
        "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8,
        "vocab_size": 128_256,
    }  # fmt: skip
    with weightless("bf16-mixed"):
        network = make(fields)
    shape = describe(network, find_layers(network.encoder))
    assert shape.num_params == pytest.approx(69.5e9, rel=0.01)


def test_it_agrees_with_the_literature_where_both_count_the_same() -> None:
    """Without dropout the masks fall away: 34 - 2 bytes and 5 - 1; eager softmax keeps one more."""
    found = sized(BERT, make_load("bf16-true")).activations.layers_per_row[0]
    formula = korthikanti_bytes(1, TOKENS, hidden_size=64, num_heads=4)
    assert 0.6 * formula < found < formula
