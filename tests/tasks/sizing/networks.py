"""Small networks of several families, with weights and without."""

from typing import Any

from tasks.sizing.layout import Layout, Load, Precision
from tasks.sizing.network import Network, size_up
from tasks.sizing.shapes import make_encoder, read_config, weightless
from tasks.train.model import Classifier, find_layers, freeze_lowest

BERT = {
    "model_type": "bert", "vocab_size": 500, "hidden_size": 64, "num_hidden_layers": 4,
    "num_attention_heads": 4, "intermediate_size": 256,
}  # fmt: skip
LLAMA = {
    "model_type": "llama", "vocab_size": 500, "hidden_size": 64, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 160,
}  # fmt: skip
ALONE = Layout("single", 1, 1, True, False, False)


def make(fields: dict[str, Any], frozen_layers: int | None = None) -> Classifier:
    """A network as the train stage makes it, in whatever surroundings one calls it."""
    rest = {name: value for name, value in fields.items() if name != "model_type"}
    encoder = make_encoder(read_config(fields["model_type"], rest), dropout=0.0)
    freeze_lowest(encoder, frozen_layers)
    return Classifier(encoder, 3, head_dropout=0.1).train()


def make_load(precision: Precision = "fp32", checkpointing: bool = False) -> Load:
    return Load(precision, checkpointing, batch_size=16, gradient_accumulation=1, num_tokens=40)


def sized(fields: dict[str, Any], load: Load, frozen_layers: int | None = None) -> Network:
    with weightless(load.precision):
        network = make(fields, frozen_layers)
    return size_up(network, find_layers(network.encoder), load, "cpu")
