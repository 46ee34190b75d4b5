"""What `auto` and 0 stand for in train.scale: the planner's choice for this network, and why."""

import logging

from transformers import AutoConfig, PretrainedConfig

from tasks.sizing.choose import choose_strategy
from tasks.sizing.hardware import find_hardware
from tasks.sizing.layout import Kind, Layout, Load
from tasks.sizing.network import Network, size_up
from tasks.sizing.shapes import make_encoder, weightless
from tasks.train.model import Classifier, find_units, freeze_lowest, named
from tasks.train.params import ScaleParams, TrainParams

log = logging.getLogger(__name__)


def choose(encoder: str, num_classes: int, params: TrainParams) -> ScaleParams:
    """The scale with strategy and devices named; the reason goes to the log."""
    scale = params.scale
    hardware = find_hardware(scale.devices, scale.nodes)
    scale = scale.model_copy(update={"devices": hardware.num_devices})
    if scale.strategy != "auto":
        return scale
    with named(encoder):
        config = AutoConfig.from_pretrained(encoder)
    load = load_of(params, params.network.max_tokens)
    network = size_classifier(config, num_classes, params, load, hardware.kind)
    flags = Layout(
        "single", 1, 1, scale.reshard_after_forward, scale.hybrid_shard, scale.cpu_offload
    )
    choice = choose_strategy(network, load, hardware, flags, scale.usable_share)
    log.info("strategy %s", choice.reason)
    chosen = {"strategy": choice.layout.strategy, "cpu_offload": choice.layout.cpu_offload}
    return scale.model_copy(update=chosen)


def load_of(params: TrainParams, num_tokens: int) -> Load:
    """What the params make of a step; memory is sized by the longest text there is."""
    return Load(
        precision=params.scale.precision,
        activation_checkpointing=params.scale.activation_checkpointing,
        batch_size=params.learning.batch_size,
        gradient_accumulation=params.scale.gradient_accumulation,
        num_tokens=num_tokens,
    )


def size_classifier(
    config: PretrainedConfig, num_classes: int, params: TrainParams, load: Load, kind: Kind
) -> Network:
    """The facts of the network that the params train, without a byte of its weights."""
    with weightless(load.precision):
        encoder = make_encoder(config, params.network.encoder_dropout)
        freeze_lowest(encoder, params.network.frozen_layers)
        network = Classifier(encoder, num_classes, params.network.head_dropout).train()
    return size_up(network, find_units(encoder), load, kind)
