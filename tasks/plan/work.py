"""What is to be trained, on how much text: the encoder of a size, and the data of the split."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from transformers import AutoConfig, PretrainedConfig

from tasks.errors import InputError
from tasks.plan.params import CONFIGURED, DataParams, PlanParams
from tasks.records import LABELLED, read_table
from tasks.sizing.compute import flops_per_token
from tasks.sizing.layout import Kind, Load
from tasks.sizing.network import Network
from tasks.sizing.shapes import read_config
from tasks.tokens import encode, load_tokenizer
from tasks.train.choose import load_of, size_classifier
from tasks.train.model import named, save_tokenizer
from tasks.train.params import NetworkParams, TrainParams

_NUM_CLASSES = 3  # the head is a millionth of any encoder; the label set may not be there yet


class Data(NamedTuple):
    """Texts to learn from in one epoch, and to validate on after it; tokens without padding."""

    num_examples: int
    num_tokens: int
    num_validation_tokens: int
    longest: int  # tokens of the longest text
    source: str  # where these numbers are from


class Encoder(NamedTuple):
    """A network of a named size under one load, on one kind of device."""

    name: str
    network: Network
    hidden_size: int
    num_heads: int
    flops_per_token: float  # to learn from one token of a text of mean length


class Training(NamedTuple):
    encoder: Encoder
    load: Load
    data: Data
    num_epochs: int


def read_data(splits: Path, encoder: str, network: NetworkParams, assumed: DataParams) -> Data:
    """Counted in the split where it is there and the tokenizer, too; else as params assume."""
    files = [splits / name for name in ("train.parquet", "validation.parquet")]
    if not all(file.is_file() for file in files) or not Path(encoder).is_dir():
        return _assumed(network, assumed)
    with tempfile.TemporaryDirectory() as folder:
        save_tokenizer(encoder, Path(folder))
        tokenizer = load_tokenizer(Path(folder), network.max_tokens)
    train, validation = (
        [len(row) for row in encode(tokenizer, read_table(file, LABELLED)["text"].to_pylist())]
        for file in files
    )
    return Data(len(train), sum(train), sum(validation), max(train), f"counted in {splits}")


def _assumed(network: NetworkParams, assumed: DataParams) -> Data:
    num_tokens = round(assumed.num_examples * assumed.mean_tokens)
    return Data(assumed.num_examples, num_tokens, 0, network.max_tokens, "plan.data in params.yaml")


def make_training(
    config: PretrainedConfig, name: str, train: TrainParams, data: Data, kind: Kind
) -> Training:
    """The training of an encoder made from `config`, as the params have it."""
    load = load_of(train, data.longest)
    network = size_classifier(config, _NUM_CLASSES, train, load, kind)
    mean = round(data.num_tokens / data.num_examples)
    flops = flops_per_token(network.shape, config.hidden_size, mean)
    found = Encoder(name, network, config.hidden_size, config.num_attention_heads, flops)
    return Training(found, load, data, train.learning.max_epochs)


def config_of(name: str, encoder: str, params: PlanParams) -> PretrainedConfig:
    """InputError when no size has this name, or there is no configured encoder yet."""
    if name == CONFIGURED:
        with named(encoder):
            return AutoConfig.from_pretrained(encoder)
    if name not in params.sizes:
        raise InputError(
            f"size '{name}' is not among {[CONFIGURED, *params.sizes]}. Add it to plan.sizes in "
            "params.yaml, as fields of transformers' config."
        )
    fields = dict(params.sizes[name])
    return read_config(str(fields.pop("model_type", "")), fields)
