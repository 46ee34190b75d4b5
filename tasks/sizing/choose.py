"""What `auto` stands for: the strategy for this network on this hardware, and why."""

from typing import NamedTuple

from tasks.sizing.compute import traffic_per_step
from tasks.sizing.layout import Hardware, Layout, Load
from tasks.sizing.memory import memory_per_rank
from tasks.sizing.network import Network
from tasks.sizing.terms import in_bytes


class Choice(NamedTuple):
    layout: Layout
    reason: str  # one sentence with the numbers, for the log


def choose_strategy(
    network: Network, load: Load, hardware: Hardware, flags: Layout, usable_share: float
) -> Choice:
    """The simplest strategy that fits into `usable_share` of every device's memory.

    `hardware` counts what may be used: on a CPU one process unless the params ask for more, since
    several never beat one with all threads. Of `flags` only those of fsdp matter: resharding,
    hybrid_shard and cpu_offload as the params have them.
    """
    options = _Options(network, load, hardware, flags, usable_share)
    single, ddp, fsdp = options.layouts()
    if hardware.num_processes == 1:
        return options.alone(single, fsdp)
    if options.fits(ddp):
        more = options.traffic(fsdp) / options.traffic(ddp)
        return options.choice(
            ddp, f"so each can hold all; fsdp would send {more:.2g} x as much per step"
        )
    whole = in_bytes(options.needs(ddp))
    if options.fits(fsdp):
        return options.choice(fsdp, f"since each would need {whole} to hold all, as ddp does")
    return options.choice(
        fsdp, f"which is too much, though ddp would need {whole}; use more devices, a smaller "
        "batch, activation_checkpointing or cpu_offload"
    )  # fmt: skip


class _Options(NamedTuple):
    network: Network
    load: Load
    hardware: Hardware
    flags: Layout
    usable_share: float

    def layouts(self) -> list[Layout]:
        whole = self.flags._replace(
            num_processes=self.hardware.num_processes, num_nodes=self.hardware.num_nodes,
            cpu_offload=False, hybrid_shard=False,
        )  # fmt: skip
        fsdp = whole._replace(
            strategy="fsdp", cpu_offload=self.flags.cpu_offload,
            hybrid_shard=self.flags.hybrid_shard,
        )  # fmt: skip
        return [whole._replace(strategy="single"), whole._replace(strategy="ddp"), fsdp]

    def needs(self, layout: Layout) -> int:
        recipe = self.load.recipe(layout.num_processes)
        return memory_per_rank(self.network, layout, recipe).device_bytes

    def traffic(self, layout: Layout) -> float:
        return traffic_per_step(self.network.shape, layout, self.load.precision).total

    def fits(self, layout: Layout) -> bool:
        return self.needs(layout) <= self.usable_share * self.hardware.bytes_per_process

    def choice(self, layout: Layout, because: str) -> Choice:
        num, kind = self.hardware.num_processes, self.hardware.kind
        where = f"{num} x {self.hardware.name}"
        available = in_bytes(self.hardware.bytes_per_process)
        needed = f"{in_bytes(self.needs(layout))} of {available} needed"
        per = "per GPU" if kind == "cuda" else "per process"
        return Choice(layout, f"{layout.strategy} on {where}: {needed} {per}, {because}")

    def alone(self, single: Layout, fsdp: Layout) -> Choice:
        """One device: divided among itself nothing gets smaller, but it can wait on the host."""
        if self.fits(single):
            return self.choice(single, "so one process holds all and sends nothing")
        offloaded = fsdp._replace(cpu_offload=True)
        if self.hardware.kind == "cpu":
            return self.choice(
                single, "which is too much, and no strategy makes it less on one machine; use a "
                "smaller batch, gradient_accumulation or activation_checkpointing"
            )  # fmt: skip
        whole = in_bytes(self.needs(single))
        return self.choice(
            offloaded, f"with cpu_offload, since single would need {whole} there; the state waits "
            "in the host's memory"
        )  # fmt: skip
