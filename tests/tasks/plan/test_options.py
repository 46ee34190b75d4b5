from itertools import pairwise

import pytest

from tasks.plan.options import Option, Pace, Place, evaluate, price_of, training_seconds
from tasks.plan.params import PriceParams
from tasks.plan.search import by_cost, by_time, front, layouts, rented_options
from tasks.sizing.compute import Speed
from tests.tasks.plan.plans import DATA, FLAGS, gpu, plan_params, price, tiny_training

SLOW_LINKS = Speed(1e12, inside_bytes_per_second=1.0, between_bytes_per_second=1.0)
PACE = Pace(SLOW_LINKS, 0.0, forward_share=0.5, startup_seconds=7.0, basis="measured")
PRICES = {
    "gpus": {"old": gpu(16.0, 50.0), "new": gpu(80.0, 1000.0)},
    "prices": [price("old", 1.0), price("new", 5.0), price("new", 5.5, together=8)],
    "num_gpus": [1, 2, 8, 64], "startup_seconds": 1e-6, "seconds_per_layer": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def options() -> list[Option]:
    return rented_options(tiny_training(), plan_params(**PRICES), FLAGS, 0.9)


def test_time_is_start_and_tokens_by_speed_and_validation_after_each_epoch() -> None:
    training = tiny_training()
    flops = training.encoder.flops_per_token * (DATA.num_tokens + 0.5 * DATA.num_validation_tokens)
    expected = 7.0 + training.num_epochs * flops / 1e12
    assert training_seconds(training, PACE, FLAGS) == pytest.approx(expected)


def test_a_step_lasts_as_long_as_its_slowest_part() -> None:
    training, ddp = tiny_training(), FLAGS._replace(strategy="ddp", num_processes=2)
    num_steps = training.num_epochs * 32  # of 1,000 texts in batches of 32
    gradients = 4 * training.encoder.network.shape.num_trained
    assert training_seconds(training, PACE, ddp) == pytest.approx(num_steps * gradients, rel=0.001)
    lazy = PACE._replace(seconds_per_layer=10.0)
    assert training_seconds(training, lazy, FLAGS) == pytest.approx(num_steps * 20.0, rel=0.01)


def test_devices_that_are_rented_together_are_paid_together() -> None:
    alone, together = (PriceParams(**price("any", 2.0, num)) for num in (1, 8))
    assert price_of(1800.0, 3, alone) == 3.0
    assert price_of(1800.0, 3, together) == 8.0
    assert price_of(1800.0, 9, together) == 16.0
    assert price_of(1800.0, 9, None) is None


def test_layouts_are_those_that_make_sense() -> None:
    params = plan_params()
    found = {
        num: [(one.strategy, one.hybrid_shard, one.cpu_offload) for one in
              layouts(num, per_node=4, params=params, flags=FLAGS)]
        for num in (1, 2, 8)
    }  # fmt: skip
    plain = [("ddp", False, False), ("fsdp", False, False)]
    assert found == {
        1: [("single", False, False), ("fsdp", False, True)],
        2: plain,
        8: [*plain, ("fsdp", True, False)],
    }


def test_a_dearer_hour_can_be_the_cheaper_run(options: list[Option]) -> None:
    """One new GPU costs five times as much as an old one and is twenty times as fast."""
    cheapest, fastest = by_cost(options)[0], by_time(options)[0]
    assert (cheapest.place.name, cheapest.layout.num_processes) == ("Here new", 1)
    assert cheapest.dollars is not None
    assert cheapest.dollars < min(
        option.dollars or 0 for option in by_cost(options) if option.place.device == "old"
    )
    assert fastest.place.device == "new"
    assert all(option.layout.num_processes <= 32 for option in options)  # texts of a batch


def test_to_pay_more_is_only_worth_while_for_what_is_noticeably_faster(
    options: list[Option],
) -> None:
    best = front(options, noticeable_share=0.0)
    assert best[0] is by_cost(options)[0]
    assert best[-1].seconds == by_time(options)[0].seconds
    for option in by_cost(options):
        assert not any(
            (option.dollars or 0) < (one.dollars or 0)
            and (option.seconds or 0) < (one.seconds or 0)
            for one in best
        )
    few = front(options, noticeable_share=0.6)
    assert len(few) < len(best)
    assert all((a.seconds or 0) * 0.4 > (b.seconds or 0) for a, b in pairwise(few))


def test_what_does_not_fit_has_no_price_and_is_tried_with_checkpointing() -> None:
    small = plan_params(**{**PRICES, "gpus": {"old": gpu(0.001, 50.0), "new": gpu(0.0065, 9.0)}})
    found = rented_options(tiny_training(), small, FLAGS, 0.9)
    assert all(option.dollars is None for option in found if not option.fits)
    fitting = {option.strategy for option in found if option.fits}
    assert any("checkpointing" in strategy for strategy in fitting)
    assert {option.place.device for option in found if option.fits} == {"new"}


def test_one_who_owns_the_machine_pays_nothing_for_it() -> None:
    place = Place("here", 10**12, 0.9, PACE, price=None)
    option = evaluate(tiny_training(), place, FLAGS)
    assert option.fits
    assert option.dollars is None
    assert option.place.name == "here"
