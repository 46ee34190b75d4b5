"""Bytes that one rank needs at the busiest moment of a training step, line by line."""

from typing import NamedTuple

from tasks.sizing.layout import HALF, Layout, Recipe
from tasks.sizing.network import Network
from tasks.sizing.shapes import Shape
from tasks.sizing.state import Counts, stage_of, state_terms, widths_of
from tasks.sizing.terms import Term, in_bytes, per_parameter, short, total

# Gradients of a layer's activations come and go in backward; so much of the bytes that the layer
# kept is alive at once, as measured (benchmarks/plan.py).
_ALIVE_SHARE = 0.5
_GATHERED_LAYERS = 2  # the one at work, and the next that fsdp fetches meanwhile


class Memory(NamedTuple):
    """The terms of the busiest moment, and its name."""

    moment: str
    terms: list[Term]

    @property
    def device_bytes(self) -> int:
        return total(self.terms)

    @property
    def host_bytes(self) -> int:
        """In the host's memory, under cpu_offload."""
        return total(self.terms, on_host=True)


def memory_per_rank(network: Network, layout: Layout, recipe: Recipe) -> Memory:
    """The busiest moment of a step that follows another."""
    parts = _Parts(network, layout, recipe)
    moments = _common_moments(parts)
    if layout.strategy == "ddp":
        moments |= _ddp_moments(parts)
    if layout.strategy == "fsdp":
        moments |= _fsdp_moments(parts)
    memories = [
        Memory(name, [term for term in terms if term.num_bytes]) for name, terms in moments.items()
    ]
    return max(memories, key=lambda memory: memory.device_bytes)


def largest_batch(network: Network, layout: Layout, recipe: Recipe, memory_bytes: int) -> int:
    """Most rows of a micro-batch that fit into a device's bytes; 0 when not even one does."""

    def fits(num_rows: int) -> bool:
        needed = memory_per_rank(network, layout, recipe._replace(num_rows=num_rows))
        return needed.device_bytes <= memory_bytes

    low, high = 0, 1
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _common_moments(parts: "_Parts") -> dict[str, list[Term]]:
    """Lightning clears gradients between forward and backward: until then the last step's live."""
    weights, gradients, optimizer = parts.state()
    return {
        "end of forward": [weights, gradients, optimizer, *parts.kept()],
        "start of backward": [
            weights,
            optimizer,
            *parts.kept_for_backward(),
            parts.alive(),
        ],
    }


def _ddp_moments(parts: "_Parts") -> dict[str, list[Term]]:
    """Gradients are views into DDP's buckets, which are never cleared, and are once made anew."""
    width = widths_of(parts.recipe.precision).grads
    anew = per_parameter("buckets in a better order", width, parts.shape.num_trained)
    return {
        "start of backward": [
            *parts.state(),
            *parts.kept_for_backward(),
            parts.alive(),
        ],
        "start of the second step": [*parts.state(), anew],
    }


def _fsdp_moments(parts: "_Parts") -> dict[str, list[Term]]:
    """Beside its shards a rank has whole what is at work: the layers in turn, all else always."""
    shape, widths = parts.shape, widths_of(parts.recipe.precision)
    weights, gradients, optimizer = parts.state()
    largest = sorted(shape.layers)[-_GATHERED_LAYERS:]
    outside = parts.gathered(shape.outside)
    in_layers = shape.num_trained - shape.trained_outside
    sent = "gradients, whole and sent"
    return {
        "end of forward": [weights, gradients, optimizer, outside, *parts.kept()],
        "start of backward": [
            weights, optimizer, parts.gathered(shape.outside + sum(largest)),
            per_parameter(sent, 2 * widths.grads, max(shape.trained_layers, default=0)),
            *parts.kept_for_backward(), parts.alive(),
        ],
        "end of backward": [
            weights, parts.shards("gradients", widths.grads, in_layers), optimizer, outside,
            per_parameter(sent, 2 * widths.grads, shape.trained_outside),
        ],
    }  # fmt: skip


class _Parts(NamedTuple):
    """What the moments are made of."""

    network: Network
    layout: Layout
    recipe: Recipe

    @property
    def shape(self) -> Shape:
        return self.network.shape

    def state(self) -> list[Term]:
        """Weights, gradients and optimizer state: what outlives a step."""
        counts = Counts(self.shape.num_params, self.shape.num_trained)
        widths, stage = widths_of(self.recipe.precision), stage_of(self.layout)
        terms = state_terms(counts, widths, stage, self.layout.num_shards)
        return [term._replace(on_host=self.layout.cpu_offload) for term in terms]

    def shards(self, name: str, width: int, num_params: int) -> Term:
        term = per_parameter(name, width, num_params, self.layout.num_shards)
        return term._replace(on_host=self.layout.cpu_offload)

    def gathered(self, num_params: int) -> Term:
        """Whole weights of fsdp: so many, or all where they stay from forward to backward."""
        held = num_params if self.layout.reshard_after_forward else self.shape.num_params
        return per_parameter("gathered weights", widths_of(self.recipe.precision).params, held)

    def kept(self) -> list[Term]:
        """Activations that autograd keeps, and the copies of weights that autocast makes."""
        rows, activations = self.recipe.num_rows, self.network.activations
        per_row = activations.kept(self.recipe.activation_checkpointing)
        formula = f"{rows} rows x {in_bytes(per_row)} at {self.recipe.num_tokens} tokens"
        copies = activations.weight_copies
        return [
            Term("activations", rows * per_row, formula),
            Term("bfloat16 copies of weights", copies, f"{HALF} B x {short(copies / HALF)}"),
        ]

    def kept_for_backward(self) -> list[Term]:
        """Autocast drops its copies after forward; only what autograd has saved of them stays."""
        activations, copies = self.kept()
        return [activations] if self.recipe.activation_checkpointing else [activations, copies]

    def alive(self) -> Term:
        rows, layer = self.recipe.num_rows, self.network.activations.largest_layer
        formula = f"{_ALIVE_SHARE} x {rows} rows x {in_bytes(layer)} of a layer"
        return Term("gradients of activations", round(_ALIVE_SHARE * rows * layer), formula)
