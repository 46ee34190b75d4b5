"""The `train` section of params.yaml."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tasks.params import Params

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Strategy = Literal["single", "ddp", "fsdp"]
Precision = Literal["fp32", "bf16-mixed", "bf16-true"]


class NetworkParams(Params):
    encoder: str
    max_tokens: Annotated[int, Field(ge=8)]
    frozen_layers: Annotated[int, Field(ge=0)] | None
    encoder_dropout: Share
    head_dropout: Share


class LearningParams(Params):
    batch_size: Count
    max_epochs: Count
    learning_rate: Positive
    head_learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    warmup_fraction: Share
    gradient_clip_norm: Positive
    hard_label_share: Share
    choose_epoch_by: Literal["loss", "macro_f1"]
    patience_epochs: Count


class RunParams(Params):
    seed: Annotated[int, Field(ge=0)]
    deterministic: bool
    threads: Annotated[int, Field(ge=0)]
    pool_batches: Count
    checkpoint_seconds: Positive
    log_every_batches: Count
    debug: Literal["off", "overfit_one_batch", "fast_dev_run"]


class ScaleParams(Params):
    strategy: Literal["auto"] | Strategy
    devices: Annotated[int, Field(ge=0)]
    nodes: Count
    precision: Precision
    gradient_accumulation: Count
    activation_checkpointing: bool
    cpu_offload: bool
    reshard_after_forward: bool
    hybrid_shard: bool
    compile: bool
    usable_share: Share

    @property
    def num_processes(self) -> int:
        """Of all nodes; 0 while `devices` is still to be chosen."""
        return self.devices * self.nodes


class SlurmParams(Params):
    cluster: Literal["slurm", "local"]
    minutes: Count
    cpus_per_node: Count
    gpus: bool
    options: dict[str, str | int]


class KubernetesParams(Params):
    client: str
    namespace: str
    runtime: str
    image: str
    claim: str
    mount: str
    resources: dict[str, str]


class LaunchParams(Params):
    launcher: Literal["local", "slurm", "kubernetes"]
    rendezvous: Annotated[str, Field(pattern=r"^([^:\s]+:\d+)?$")]
    max_restarts: Annotated[int, Field(ge=0)]
    join_seconds: Count
    silent_seconds: Count
    end_seconds: Count
    slurm: SlurmParams
    kubernetes: KubernetesParams


class TrainParams(Params):
    network: NetworkParams
    learning: LearningParams
    run: RunParams
    scale: ScaleParams
    launch: LaunchParams

    def what_is_learnt(self) -> dict[str, Any]:
        """Without what only says where: a training may go on elsewhere."""
        tree = self.model_dump(mode="json", exclude={"launch", "scale"})
        return {**tree, "scale": [self.scale.precision, self.scale.gradient_accumulation]}
