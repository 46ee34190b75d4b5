"""The words of a plan: the work, how it lies over processes, and on what hardware."""

from typing import Literal, NamedTuple

Strategy = Literal["single", "ddp", "fsdp"]
Precision = Literal["fp32", "bf16-mixed", "bf16-true"]
Kind = Literal["cpu", "cuda"]
HALF, FULL = 2, 4  # bytes of a bfloat16 and of a float32


class Layout(NamedTuple):
    """Who holds what: a strategy over `num_processes` ranks, evenly on `num_nodes` machines."""

    strategy: Strategy
    num_processes: int
    num_nodes: int
    reshard_after_forward: bool  # fsdp: a layer's gathered weights are dropped after use (ZeRO-3)
    hybrid_shard: bool  # fsdp: shard inside a node, replicate between nodes
    cpu_offload: bool  # fsdp: shards and optimizer wait in host memory

    @property
    def num_shards(self) -> int:
        """Ranks among which one copy of the state is divided."""
        if self.strategy != "fsdp":
            return 1
        return self.num_processes // self.num_nodes if self.hybrid_shard else self.num_processes


class Recipe(NamedTuple):
    """What one rank computes at a time: `num_rows` texts as long as the longest, `num_tokens`."""

    precision: Precision
    activation_checkpointing: bool
    num_rows: int
    num_tokens: int


class Load(NamedTuple):
    """What all ranks together compute between two optimizer steps."""

    precision: Precision
    activation_checkpointing: bool
    batch_size: int  # texts per optimizer step, of all ranks together
    gradient_accumulation: int
    num_tokens: int  # of the longest text

    def recipe(self, num_processes: int) -> Recipe:
        """Of the rank with most rows."""
        num_rows = -(-self.batch_size // (num_processes * self.gradient_accumulation))
        return Recipe(self.precision, self.activation_checkpointing, num_rows, self.num_tokens)


class Hardware(NamedTuple):
    """The devices to use; `memory_bytes` is one GPU's, or for a CPU the whole machine's."""

    kind: Kind
    name: str
    memory_bytes: int
    num_devices: int  # per node: GPUs, or processes on a CPU
    num_nodes: int

    @property
    def num_processes(self) -> int:
        return self.num_devices * self.num_nodes

    @property
    def bytes_per_process(self) -> int:
        return self.memory_bytes // (1 if self.kind == "cuda" else self.num_devices)
