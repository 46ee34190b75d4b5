"""A real model folder, only tiny: two random BERT layers and a word tokenizer, seeded."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from transformers import BertConfig, BertModel

from tasks.label_set import LabelSet
from tasks.train.model import Classifier, save_classifier

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = [
    *"abcdefghijklmnopqrstuvwxyz0123456789.,!?'", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
    "the", "it", "was", "is", "not", "good", "bad", "great", "awful", "film", "food", "very",
]  # fmt: skip


def write_tiny_tokenizer(folder: Path) -> None:
    vocabulary = {word: index for index, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))


def make_tiny_encoder(seed: int = 0) -> BertModel:
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, max_position_embeddings=64,
        attn_implementation="eager",
    )  # fmt: skip
    return BertModel(config, add_pooling_layer=False)


def write_tiny_model(
    folder: Path, classes: Sequence[str], ordered: bool = True, seed: int = 0
) -> Path:
    """What the train stage leaves in `models/train/model`, but never trained; returns `folder`."""
    model = Classifier(make_tiny_encoder(seed), len(classes), head_dropout=0.0)
    torch.nn.init.normal_(model.head.weight, std=1.0)  # spread, so that classes differ by text
    save_classifier(folder, model.eval(), LabelSet(classes=tuple(classes), ordered=ordered), 32)
    write_tiny_tokenizer(folder)
    return folder


def write_tiny_encoder(folder: Path, seed: int = 0) -> Path:
    """A pretrained encoder's folder as `train.network.encoder` names it, never trained."""
    make_tiny_encoder(seed).save_pretrained(folder)
    write_tiny_tokenizer(folder)
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", '
        '"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}'
    )
    return folder
