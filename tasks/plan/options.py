"""One way to run a training: what it needs, how long it takes, what it costs."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from tasks.plan.params import PriceParams
from tasks.plan.work import Training
from tasks.sizing.compute import Speed, recompute_factor, step_seconds, traffic_per_step
from tasks.sizing.layout import Layout
from tasks.sizing.memory import Memory, largest_batch, memory_per_rank

SECONDS_PER_HOUR = 3600


class Pace(NamedTuple):
    """How fast one device is, by whom that is said, and what passes before the first step."""

    speed: Speed
    seconds_per_layer: float  # that a step takes at least
    forward_share: float  # seconds to validate on a token by those to learn from it
    startup_seconds: float
    basis: str  # "published" or "measured"


class Place(NamedTuple):
    """Devices to be had, with their price; without one they are one's own."""

    device: str
    memory_bytes: int  # of one device
    usable_share: float
    pace: Pace
    price: PriceParams | None

    @property
    def usable_bytes(self) -> int:
        return round(self.usable_share * self.memory_bytes)

    @property
    def name(self) -> str:
        return f"{self.price.provider} {self.device}" if self.price else self.device


@dataclass(frozen=True)
class Option:
    """A training in a place; `seconds` is None where it does not fit or nobody can say."""

    training: Training
    place: Place
    layout: Layout
    memory: Memory
    largest_batch: int  # texts per step of all processes together, without accumulation
    seconds: float | None
    dollars: float | None

    @property
    def fits(self) -> bool:
        return self.memory.device_bytes <= self.place.usable_bytes

    @property
    def strategy(self) -> str:
        """With what makes it another than the plain one."""
        extras = {
            "hybrid": self.layout.hybrid_shard,
            "offload": self.layout.cpu_offload,
            "checkpointing": self.training.load.activation_checkpointing,
        }
        return " + ".join(
            [self.layout.strategy, *(name for name, is_on in extras.items() if is_on)]
        )


def evaluate(training: Training, place: Place, layout: Layout) -> Option:
    recipe = training.load.recipe(layout.num_processes)
    memory = memory_per_rank(training.encoder.network, layout, recipe)
    rows = largest_batch(training.encoder.network, layout, recipe, place.usable_bytes)
    seconds = dollars = None
    if memory.device_bytes <= place.usable_bytes and not layout.cpu_offload:
        seconds = training_seconds(training, place.pace, layout)
        dollars = price_of(seconds, layout.num_processes, place.price)
    return Option(training, place, layout, memory, rows * layout.num_processes, seconds, dollars)


def training_seconds(training: Training, pace: Pace, layout: Layout) -> float:
    """Start, all steps, and a validation after each epoch; nothing stops early.

    Offloading is left out: how fast the host's memory is reached, no data sheet says.
    """
    data, load, encoder = training.data, training.load, training.encoder
    share = 1 / layout.num_processes
    flops_per_token = encoder.flops_per_token * recompute_factor(load.activation_checkpointing)
    num_steps = math.ceil(data.num_examples / load.batch_size)
    flops_per_step = share * flops_per_token * data.num_tokens / num_steps
    traffic = traffic_per_step(encoder.network.shape, layout, load.precision)
    if layout.strategy == "fsdp":  # each part of a batch gathers and scatters anew
        traffic = traffic.times(load.gradient_accumulation)
    shortest = pace.seconds_per_layer * len(encoder.network.shape.layers)
    step = max(shortest, step_seconds(flops_per_step, traffic, pace.speed))
    validation_flops = share * pace.forward_share * encoder.flops_per_token
    validation = data.num_validation_tokens * validation_flops / pace.speed.flops_per_second
    return pace.startup_seconds + training.num_epochs * (num_steps * step + validation)


def price_of(seconds: float, num_devices: int, price: PriceParams | None) -> float | None:
    """Dollars; devices that are rented together are paid together."""
    if price is None:
        return None
    num_paid = math.ceil(num_devices / price.rented_together) * price.rented_together
    return num_paid * price.dollars_per_hour * seconds / SECONDS_PER_HOUR
