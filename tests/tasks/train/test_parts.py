"""The pieces of training, each on its own: schedule, loss, freezing, names."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import (
    AlbertConfig,
    AutoModel,
    DistilBertConfig,
    ModernBertConfig,
    RobertaConfig,
    T5Config,
)

from tasks.errors import InputError
from tasks.tokens import load_tokenizer
from tasks.train.checkpoint import fingerprint
from tasks.train.choose import choose
from tasks.train.model import (
    Classifier,
    check_vocabulary,
    find_layers,
    freeze_lowest,
    load_encoder,
)
from tasks.train.module import soft_cross_entropy, warmup_then_decay
from tasks.train.params import ScaleParams, TrainParams
from tasks.train.strategy import check_scale
from tests.tasks.train.workspace import REPOSITORY
from tests.tiny_model import make_tiny_encoder, write_tiny_encoder, write_tiny_tokenizer


def test_the_learning_rate_rises_to_one_and_falls_to_zero() -> None:
    factors = [warmup_then_decay(step, warmup=10, steps=100) for step in range(101)]
    assert factors[0] == pytest.approx(1 / 11)
    assert max(factors) == factors[10] == 1.0
    assert factors[55] == pytest.approx(0.5)
    assert factors[100] == 0.0
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_the_loss_of_a_one_hot_target_is_the_usual_cross_entropy() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0]])
    soft = soft_cross_entropy(logits, torch.eye(3)[[0, 2]])
    usual = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2]), reduction="none")
    assert soft.tolist() == pytest.approx(usual.tolist())


@pytest.mark.parametrize(("num_layers", "frozen_layers"), [(None, 0), (0, 0), (1, 1), (2, 2)])
def test_freezing_keeps_the_embeddings_and_the_lowest_layers(
    num_layers: int | None, frozen_layers: int
) -> None:
    encoder = make_tiny_encoder()
    freeze_lowest(encoder, num_layers)
    trained = [any(p.requires_grad for p in layer.parameters()) for layer in find_layers(encoder)]
    assert trained == [False] * frozen_layers + [True] * (2 - frozen_layers)
    embeddings = any(p.requires_grad for p in encoder.embeddings.parameters())
    assert embeddings is (num_layers is None)


def test_layers_after_the_upper_ones_are_trained(tmp_path: Path) -> None:
    """Encoders of another build end in a norm of their own, which must not stay frozen."""
    config = ModernBertConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, pad_token_id=0, attention_dropout=0.5,
    )  # fmt: skip
    AutoModel.from_config(config).save_pretrained(tmp_path)
    encoder = load_encoder(str(tmp_path), dropout=0.0, max_tokens=16)
    freeze_lowest(encoder, 1)
    trained = {name.split(".")[0] for name, p in encoder.named_parameters() if p.requires_grad}
    assert trained == {"layers", "final_norm"}
    assert encoder.config.attention_dropout == 0.0


def test_an_encoder_of_another_family_loads_with_the_dropout_of_the_params(tmp_path: Path) -> None:
    config = DistilBertConfig(
        vocab_size=60, dim=16, n_layers=2, n_heads=2, hidden_dim=32, max_position_embeddings=64
    )
    AutoModel.from_config(config).save_pretrained(tmp_path)
    encoder = load_encoder(str(tmp_path), dropout=0.25, max_tokens=16)
    rates = {module.p for module in encoder.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates == {0.25}
    assert len(find_layers(encoder)) == 2
    logits = Classifier(encoder, 3, 0.0)(torch.ones(2, 5).long(), torch.ones(2, 5).long())
    assert logits.shape == (2, 3)


def test_more_tokens_than_the_encoder_reads_is_an_error(tmp_path: Path) -> None:
    write_tiny_encoder(tmp_path)
    with pytest.raises(InputError, match=r"max_tokens = 65, but the encoder .* at most 64 tokens"):
        load_encoder(str(tmp_path), dropout=0.0, max_tokens=65)


def test_positions_behind_the_padding_leave_fewer_tokens(tmp_path: Path) -> None:
    """RoBERTa's kin: 66 positions, the first two are for no token of a text."""
    config = RobertaConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=66, pad_token_id=1,
    )  # fmt: skip
    AutoModel.from_config(config).save_pretrained(tmp_path)
    ids = torch.full((1, 64), 5)
    assert Classifier(load_encoder(str(tmp_path), 0.0, 64), 3, 0.0)(ids, ids).shape == (1, 3)
    with pytest.raises(InputError, match=r"max_tokens = 65, but the encoder .* at most 64 tokens"):
        load_encoder(str(tmp_path), dropout=0.0, max_tokens=65)


def test_a_network_with_a_decoder_is_no_encoder(tmp_path: Path) -> None:
    config = T5Config(vocab_size=60, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    AutoModel.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="it is a t5, which has a decoder"):
        load_encoder(str(tmp_path), dropout=0.0, max_tokens=16)


def test_layers_that_share_their_weights_cannot_be_frozen_apart() -> None:
    config = AlbertConfig(
        vocab_size=60, embedding_size=8, hidden_size=16, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=32,
    )  # fmt: skip
    encoder = AutoModel.from_config(config)
    freeze_lowest(encoder, None)
    with pytest.raises(InputError, match=r"AlbertModel .*frozen_layers to null"):
        freeze_lowest(encoder, 0)


def test_a_tokenizer_of_another_encoder_is_an_error(tmp_path: Path) -> None:
    write_tiny_tokenizer(tmp_path)
    tokenizer = load_tokenizer(tmp_path, 16)
    check_vocabulary(make_tiny_encoder(), tokenizer)
    tokenizer.add_tokens(["hedgehog"])
    with pytest.raises(InputError, match=r"'hedgehog' .* embeds tokens 0 to"):
        check_vocabulary(make_tiny_encoder(), tokenizer)


def test_more_frozen_layers_than_there_are_is_an_error() -> None:
    with pytest.raises(InputError, match="frozen_layers = 3, but the encoder has 2 layers"):
        freeze_lowest(make_tiny_encoder(), 3)


def test_a_training_is_named_by_its_params_and_the_bytes_it_reads(tmp_path: Path) -> None:
    file = tmp_path / "train.parquet"
    file.write_bytes(b"rows")
    name = fingerprint({"seed": 0}, [file])
    assert name == fingerprint({"seed": 0}, [file])
    assert name != fingerprint({"seed": 1}, [file])
    file.write_bytes(b"other rows")
    assert name != fingerprint({"seed": 0}, [file])


def test_auto_asks_the_planner_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    write_tiny_encoder(tmp_path)
    tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text())["train"]
    params = TrainParams.model_validate(tree)
    assert params.scale.strategy == "auto"  # as shipped
    scale = choose(str(tmp_path), 3, shrunk(params))
    assert (scale.strategy, scale.devices) == ("single", 1)
    assert "strategy single on 1 x" in caplog.text
    assert "needed per process, so one process holds all" in caplog.text
    asked = choose(str(tmp_path), 3, shrunk(params, devices=2))
    assert (asked.strategy, asked.devices) == ("ddp", 2)
    tight = choose(str(tmp_path), 3, shrunk(params, devices=2, usable_share=1e-6))
    assert tight.strategy == "fsdp"


def shrunk(params: TrainParams, **scale: Any) -> TrainParams:
    network = params.network.model_copy(update={"max_tokens": 32})
    return params.model_copy(
        update={"network": network, "scale": params.scale.model_copy(update=scale)}
    )


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"strategy": "single", "devices": 2}, "single has one process"),
        ({"strategy": "ddp", "cpu_offload": True}, "cpu_offload is fsdp's"),
        ({"strategy": "fsdp", "hybrid_shard": True}, "hybrid_shard is fsdp's, on 2 nodes"),
    ],
)
def test_what_cannot_be_had_together_is_an_error(changes: dict[str, Any], match: str) -> None:
    tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text())["train"]["scale"]
    with pytest.raises(InputError, match=f"train.scale: .*{match}"):
        check_scale(ScaleParams.model_validate(tree | {"devices": 1} | changes))
