"""A rate holds for each name by itself, and names that are made up take no memory for good."""

import pytest

from serving.limits import Rate, RateLimiter


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_then_as_many_as_the_rate_says() -> None:
    clock = Clock()
    limiter = RateLimiter(Rate(per_second=0.5, burst=3), clock)
    assert [limiter.seconds_to_wait("ann") for _ in range(4)] == [0, 0, 0, pytest.approx(2)]
    assert limiter.seconds_to_wait("bob", 3) == 0
    clock.now += 2
    assert limiter.seconds_to_wait("ann") == 0
    assert limiter.seconds_to_wait("ann") == pytest.approx(2)
    clock.now += 3600
    assert [limiter.seconds_to_wait("ann") > 0 for _ in range(4)] == [False] * 3 + [True]


def test_a_refusal_costs_nothing() -> None:
    clock = Clock()
    limiter = RateLimiter(Rate(per_second=1, burst=1), clock)
    assert limiter.seconds_to_wait("ann") == 0
    assert all(limiter.seconds_to_wait("ann") == pytest.approx(1) for _ in range(100))
    clock.now += 1
    assert limiter.seconds_to_wait("ann") == 0


def test_names_that_are_made_up_are_forgotten_and_no_one_who_must_wait() -> None:
    clock = Clock()
    limiter = RateLimiter(Rate(per_second=1, burst=2), clock)
    for number in range(100_000):
        clock.now += 0.001
        assert limiter.seconds_to_wait(f"name {number}") == 0
    assert len(limiter._even_at) < 25_000
    assert [limiter.seconds_to_wait("name 99999") > 0 for _ in range(2)] == [False, True]
