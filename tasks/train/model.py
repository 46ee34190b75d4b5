"""The network: a pretrained encoder, mean pooling, a linear head. It knows nothing of training."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel
from transformers.utils import logging as transformers_logging

from tasks.artifacts import json_bytes
from tasks.errors import InputError
from tasks.label_set import LabelSet, read_label_set, write_label_set
from tasks.tokens import Ids

WEIGHTS = "model.safetensors"
CLASSIFIER = "classifier.json"
LABEL_SET = "label_set.json"
_DROPOUT_FIELDS = (  # as the configurations of different families of encoders name it
    "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout",
    "embedding_dropout", "mlp_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop",
)  # fmt: skip


class Classifier(nn.Module):
    """Token ids and mask, both (rows, tokens), to logits (rows, classes)."""

    def __init__(self, encoder: PreTrainedModel, num_classes: int, head_dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(head_dropout)
        self.head = nn.Linear(encoder.config.hidden_size, num_classes)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


def load_encoder(name: str, dropout: float, max_tokens: int) -> PreTrainedModel:
    """A pretrained encoder from a local folder or a hub name, with this dropout throughout.

    Attention is the plain one: it exports to ONNX, and on short texts it is no slower.
    """
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    with named(name):
        config = AutoConfig.from_pretrained(name)
        for field in _DROPOUT_FIELDS:
            if hasattr(config, field):
                setattr(config, field, dropout)
        if config.is_encoder_decoder:
            raise ValueError(f"it is a {config.model_type}, which has a decoder, too.")
        encoder = AutoModel.from_pretrained(
            name, config=config, attn_implementation="eager", dtype=torch.float32
        )
    longest = _longest_text(encoder, otherwise=max_tokens)
    if max_tokens > longest:
        raise InputError(
            f"train.network.max_tokens = {max_tokens}, but the encoder '{name}' reads at "
            f"most {longest} tokens. Lower it in params.yaml."
        )
    return _without_pooler(encoder)


def _longest_text(encoder: PreTrainedModel, otherwise: int) -> int:
    """Tokens that the positions suffice for; RoBERTa's kin count theirs from behind the padding."""
    positions: int = getattr(encoder.config, "max_position_embeddings", otherwise)
    for name, part in encoder.named_modules():
        if name.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None:
            return positions - int(part.padding_idx) - 1
    return positions


def check_vocabulary(encoder: PreTrainedModel, tokenizer: Tokenizer) -> None:
    """InputError when the tokenizer knows tokens that the encoder has no embedding for."""
    num_embeddings = encoder.get_input_embeddings().num_embeddings
    token, number = max(tokenizer.get_vocab().items(), key=lambda item: item[1])
    if number >= num_embeddings:
        raise InputError(
            f"tokenizer.json numbers the token {token!r} {number}, but the encoder embeds tokens "
            f"0 to {num_embeddings - 1} only. Put the tokenizer that the encoder was trained with "
            "into the folder of train.network.encoder."
        )


def save_tokenizer(name: str, folder: Path) -> None:
    """The encoder's tokenizer, in the one form that training and serving both read."""
    with named(name):
        AutoTokenizer.from_pretrained(name).save_pretrained(folder)


@contextmanager
def named(encoder: str) -> Iterator[None]:
    """An encoder that cannot be loaded in the block is an InputError that says what is wanted."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"train.network.encoder = '{encoder}' cannot be loaded: {reason} Name a folder that "
            "fetch wrote, one of your own, or, with HF_HUB_OFFLINE=0, a name of the model hub."
        ) from None


def _without_pooler(encoder: PreTrainedModel) -> PreTrainedModel:
    """Some encoders end in a layer for the first token's sake; mean pooling leaves it unused."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    return encoder


def find_layers(encoder: PreTrainedModel) -> list[nn.Module]:
    """The encoder's repeated layers, lowest first, found by their number in its config."""
    depth = encoder.config.num_hidden_layers
    for module in encoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == depth:
            return list(module)
    raise InputError(
        f"{type(encoder).__name__} has no list of {depth} layers of its own, so none can stay as "
        "pretrained. Set train.network.frozen_layers to null in params.yaml: all is trained."
    )


def find_units(encoder: PreTrainedModel) -> list[nn.Module]:
    """The encoder's transformer layers; without a list of them, what it calls unsplittable."""
    try:
        return find_layers(encoder)
    except InputError:
        names = set(encoder._no_split_modules or ())
        return [module for module in encoder.modules() if type(module).__name__ in names]


def freeze_lowest(encoder: PreTrainedModel, num_layers: int | None) -> None:
    """Keep the embeddings and the lowest layers as pretrained; None trains everything."""
    if num_layers is None:
        return
    layers = find_layers(encoder)
    if num_layers > len(layers):
        raise InputError(
            f"train.network.frozen_layers = {num_layers}, but the encoder has {len(layers)} layers."
        )
    upper = {id(parameter) for layer in layers[num_layers:] for parameter in layer.parameters()}
    for parameter in encoder.parameters():  # in the order of the network, embeddings first
        if id(parameter) in upper:
            break
        parameter.requires_grad = False


def save_classifier(folder: Path, model: Classifier, label_set: LabelSet, max_tokens: int) -> None:
    """Weights as safetensors, config and label set as JSON; the caller adds the tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    # through Python's own write, so that a full disk is the OSError it is
    (folder / WEIGHTS).write_bytes(safetensors.torch.save(weights))
    config = json.loads(model.encoder.config.to_json_string(use_diff=True))
    config.pop("_name_or_path", None)
    (folder / "config.json").write_bytes(json_bytes(config))
    (folder / CLASSIFIER).write_bytes(json_bytes({"max_tokens": max_tokens}))
    write_label_set(folder / LABEL_SET, label_set)


def load_classifier(folder: Path) -> Classifier:
    """The trained network of a model folder, in evaluation mode."""
    if not (folder / WEIGHTS).is_file():
        raise InputError(f"{folder}: no {WEIGHTS} there. Run the train stage first.")
    config = AutoConfig.from_pretrained(folder)
    encoder = _without_pooler(AutoModel.from_config(config, attn_implementation="eager"))
    model = Classifier(encoder, len(read_label_set(folder / LABEL_SET).classes), head_dropout=0.0)
    safetensors.torch.load_model(model, str(folder / WEIGHTS))
    return model.eval()


def torch_score(model: Classifier) -> Any:
    """The network as a `predictor.Score`: numpy ids and mask in, numpy logits out."""

    @torch.inference_mode()
    def score(ids: Ids, mask: Ids) -> Any:
        return model(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()

    return score
