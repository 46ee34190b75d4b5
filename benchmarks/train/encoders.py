"""Encoders of any size with random weights: speed does not ask what they have learnt."""

import shutil
from pathlib import Path

from transformers import BertConfig, BertModel
from transformers.utils import logging as transformers_logging

from benchmarks.train.work import ENCODER

HEAD_WIDTH = 64


def write_encoder(folder: Path, width: int, num_layers: int) -> Path:
    """A BERT of this width and depth beside the shipped encoder's tokenizer; returns `folder`."""
    transformers_logging.disable_progress_bar()
    config = BertConfig(
        hidden_size=width,
        num_hidden_layers=num_layers,
        num_attention_heads=width // HEAD_WIDTH,
        intermediate_size=4 * width,
    )
    shutil.copytree(ENCODER, folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder
