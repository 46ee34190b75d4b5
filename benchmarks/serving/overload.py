"""Ten times the load that our service can take: what it still answers, and how quickly.

The service has one CPU to itself and the load the other, or else sending the load would be what
is measured. Requests come at a fixed rate, whatever becomes of those before them.
"""

import itertools
import os
import statistics
from pathlib import Path
from typing import NamedTuple

from benchmarks.serving.connection import Load
from benchmarks.serving.contestants import OURS
from benchmarks.serving.load import post, run_load, run_open_load
from benchmarks.serving.server import Server, serving
from benchmarks.serving.trial import Work, percentile

FACTOR = 10
NUM_CLIENTS = 32  # that keep it at its capacity
NUM_CONNECTIONS = 512
MIN_GOODPUT, MAX_SLOWDOWN = 0.9, 3.0


class Side(NamedTuple):
    """The load, and what it cost the service and its sender."""

    load: Load
    server_cpu_seconds: float

    @property
    def p99(self) -> float:
        return percentile(self.load.seconds, 99)


class Overload(NamedTuple):
    capacity: Side
    beyond: Side

    @property
    def goodput(self) -> float:
        return self.beyond.load.per_second / self.capacity.load.per_second

    @property
    def slowdown(self) -> float:
        return self.beyond.p99 / self.capacity.p99

    @property
    def refusal_cpu_seconds(self) -> float:
        """Of the service: what is left when each answer is taken to cost what it did before."""
        each = self.capacity.server_cpu_seconds / len(self.capacity.load.seconds)
        answers = each * len(self.beyond.load.seconds)
        return (self.beyond.server_cpu_seconds - answers) / len(self.beyond.load.refused_seconds)

    def sentences(self) -> list[str]:
        load = self.beyond.load
        refused = load.refused_seconds
        num_due = len(load.seconds) + len(refused) + load.failures.total() + load.num_unsent
        lines = [
            f"capacity {self.capacity.load.per_second:.0f} answers/s (p99 "
            f"{1e3 * self.capacity.p99:.0f} ms); {num_due / load.duration:.0f} requests/s due, of "
            f"which {load.num_unsent} not sent in time and {load.failures.total()} failed",
            f"goodput {self.goodput:.0%} of capacity: {verdict(self.goodput >= MIN_GOODPUT)}; "
            f"p99 of answers {self.slowdown:.1f} x that at capacity: "
            f"{verdict(self.slowdown <= MAX_SLOWDOWN)}",
            f"CPU: service {self.beyond.server_cpu_seconds / load.duration:.0%}, "
            f"load {load.cpu_seconds / load.duration:.0%} of a core each",
        ]
        if refused:
            lines.append(
                f"a refusal reached its client after {1e3 * statistics.median(refused):.1f} ms "
                f"(p99 {1e3 * percentile(refused, 99):.0f} ms) and cost the service "
                f"{1e6 * self.refusal_cpu_seconds:.0f} us of CPU"
            )
        return lines


def measure_overload(work: Work, folder: Path) -> Overload:
    """On the first CPU the service, on the second the load."""
    before = os.sched_getaffinity(0)
    with serving(OURS, work.bundle, folder, {work.cpus[0]}, work.texts[0]) as server:
        os.sched_setaffinity(0, {work.cpus[-1]})
        try:
            return _measure(server, work)
        finally:
            os.sched_setaffinity(0, before)


def _measure(server: Server, work: Work) -> Overload:
    requests = itertools.cycle([post(server.place, OURS.content(text)) for text in work.texts])
    run_load(server.place, requests, NUM_CLIENTS, work.warm_up)
    start = server.usage().cpu_seconds
    capacity = run_load(server.place, requests, NUM_CLIENTS, work.seconds)
    middle = server.usage().cpu_seconds
    rate = FACTOR * capacity.per_second
    beyond = run_open_load(server.place, requests, rate, work.seconds, NUM_CONNECTIONS)
    end = server.usage().cpu_seconds
    return Overload(Side(capacity, middle - start), Side(beyond, end - middle))


def verdict(is_met: bool) -> str:
    return "met" if is_met else "MISSED"
