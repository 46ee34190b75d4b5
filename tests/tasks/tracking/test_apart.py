"""A tracker that fails or hangs, apart from the training that uses it."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest
from pytorch_lightning.loggers import Logger
from pytorch_lightning.loggers.logger import DummyLogger

from tasks.tracking.apart import Apart


class Tracker(DummyLogger):
    """Keeps what it is told; a step named in `trouble` does what that says."""

    def __init__(self, trouble: Mapping[int, Any] = {}) -> None:
        super().__init__()
        self.told: list[Any] = []
        self.trouble = trouble

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self.trouble.get(step, lambda: None)()
        self.told.append((dict(metrics), step))

    def log_hyperparams(self, params: Any) -> None:
        self.told.append(params)

    def finalize(self, status: str) -> None:
        self.told.append(status)


def fail() -> None:
    raise OSError("no space\nleft")


def test_calls_arrive_in_order() -> None:
    tracker = Tracker()
    apart = Apart("mine", lambda: tracker)
    apart.log_hyperparams({"a": 1})
    for step in range(3):
        apart.log_metrics({"loss": 0.5}, step)
    apart.end("success")
    apart.wait(10)
    assert tracker.told == [{"a": 1}, *(({"loss": 0.5}, step) for step in range(3)), "success"]


def test_what_a_tracker_raises_is_said_once_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    tracker = Tracker({1: fail})
    apart = Apart("mine", lambda: tracker)
    for step in range(4):
        apart.log_metrics({}, step)
    apart.end("success")
    apart.wait(10)
    apart.log_metrics({}, 5)
    assert tracker.told == [({}, 0)]
    assert caplog.messages == [
        "tracker mine is off from here on, training is not: OSError: no space left"
    ]


def test_one_that_cannot_even_begin_costs_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    def make() -> Logger:
        raise ValueError("no such place")

    apart = Apart("mine", make)
    apart.log_metrics({}, 1)
    apart.end("failed")
    apart.wait(10)
    assert caplog.record_tuples == [
        (
            "tasks.tracking.apart",
            logging.WARNING,
            "tracker mine is off from here on, training is not: ValueError: no such place",
        )
    ]


def test_one_that_hangs_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()
    apart = Apart("mine", lambda: Tracker({0: release.wait}))
    started = time.monotonic()
    for step in range(1000):
        apart.log_metrics({}, step)
    apart.end("success")
    apart.wait(0.1)
    assert time.monotonic() - started < 10  # it would never come back
    assert caplog.messages == ["tracker mine is not done in time and left behind"]
    release.set()
    apart.wait(10)
