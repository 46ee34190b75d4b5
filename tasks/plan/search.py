"""All options of a plan, and which of them are worth choosing."""

from collections.abc import Iterator, Sequence

from tasks.plan.options import Option, Pace, Place, evaluate
from tasks.plan.params import GpuParams, PlanParams
from tasks.plan.work import Training
from tasks.sizing.compute import Speed
from tasks.sizing.layout import Layout

_FORWARD_SHARE = 1 / 3  # of learning's arithmetic: forward is 2 N of its 6 N


def rented_places(params: PlanParams, usable_share: float) -> list[Place]:
    """One for each price; `usable_share` of a GPU's memory is for training."""
    return [
        Place(
            device=price.gpu,
            memory_bytes=round(params.gpus[price.gpu].memory_gibibytes * 2**30),
            usable_share=usable_share,
            pace=_published(params, params.gpus[price.gpu]),
            price=price,
        )
        for price in params.prices
    ]


def rented_options(
    training: Training, params: PlanParams, flags: Layout, usable_share: float
) -> list[Option]:
    """Places x counts x strategies; what does not fit is tried with checkpointing as well."""
    return [
        option
        for place in rented_places(params, usable_share)
        for num in params.num_gpus
        if num <= training.load.batch_size  # else a GPU has less than one text
        for layout in layouts(num, params.gpus[place.device].per_node, params, flags)
        for option in _with_checkpointing(training, place, layout)
    ]


def layouts(num: int, per_node: int, params: PlanParams, flags: Layout) -> Iterator[Layout]:
    """How `num` devices may be used; on one device fsdp is there for its offloading."""
    num_nodes = -(-num // per_node)
    if num % num_nodes:
        return
    plain = flags._replace(
        num_processes=num, num_nodes=num_nodes, hybrid_shard=False, cpu_offload=False
    )
    if num == 1:
        candidates = [
            plain._replace(strategy="single"),
            plain._replace(strategy="fsdp", cpu_offload=True),
        ]
    else:
        candidates = [plain._replace(strategy="ddp"), plain._replace(strategy="fsdp")]
    if num_nodes > 1:
        candidates.append(plain._replace(strategy="fsdp", hybrid_shard=True))
    yield from (layout for layout in candidates if layout.strategy in params.strategies)


def by_cost(options: Sequence[Option]) -> list[Option]:
    """Cheapest first; those without a price or that do not fit are left out."""
    priced = [option for option in options if option.dollars is not None]
    return sorted(priced, key=lambda option: (option.dollars, option.seconds))


def by_time(options: Sequence[Option]) -> list[Option]:
    """Fastest first, those of one's own among them."""
    timed = [option for option in options if option.seconds is not None]
    return sorted(timed, key=lambda option: (option.seconds, option.dollars or 0))


def front(options: Sequence[Option], noticeable_share: float) -> list[Option]:
    """Those worth choosing: the cheapest, then each that is noticeably faster than all before."""
    best: list[Option] = []
    for option in by_cost(options):
        if not best or (option.seconds or 0) < (1 - noticeable_share) * (best[-1].seconds or 0):
            best.append(option)
    return best


def _with_checkpointing(training: Training, place: Place, layout: Layout) -> list[Option]:
    plain = evaluate(training, place, layout)
    if plain.fits or training.load.activation_checkpointing:
        return [plain]
    load = training.load._replace(activation_checkpointing=True)
    return [plain, evaluate(training._replace(load=load), place, layout)]


def _published(params: PlanParams, gpu: GpuParams) -> Pace:
    speed = Speed(
        flops_per_second=gpu.utilisation * gpu.peak_teraflops * 1e12,
        inside_bytes_per_second=gpu.node_gigabytes_per_second * 1e9,
        between_bytes_per_second=gpu.network_gigabytes_per_second * 1e9,
    )
    times = (params.seconds_per_layer, _FORWARD_SHARE, params.startup_seconds)
    return Pace(speed, *times, "published")
