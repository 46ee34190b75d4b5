"""One contestant from start to end: is it right, how quick, at what cost."""

import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.serving.contestants import Contestant
from benchmarks.serving.load import post, run_load
from benchmarks.serving.server import Server, serving
from tasks.bundle import Precision

CONCURRENCIES = (1, 8, 32)
NUM_PROVEN = 16  # texts whose labels are compared with the model's
_LABEL = re.compile(rb'"label": ?("(?:[^"\\]|\\.)*")')


class Work(NamedTuple):
    """What all of them serve, on which CPUs, and how long each load lasts."""

    bundle: Path
    texts: Sequence[str]
    labels: Mapping[Precision, Sequence[str]]  # that the bundle's models give the texts
    cpus: Sequence[int]
    warm_up: float  # seconds
    seconds: float


class Figures(NamedTuple):
    """Of one load."""

    per_second: float
    p50: float
    p99: float
    num_failed: int  # requests without an answer 200
    cpu_seconds: float  # of the server, per answer
    load_share: float  # of a core that sending took


class Trial(NamedTuple):
    figures: Mapping[int, Figures]  # by concurrency
    ready_seconds: float
    mebibytes: float


def run_trial(contestant: Contestant, work: Work, folder: Path) -> Trial:
    """SystemExit when the server's labels are not the model's."""
    with serving(contestant, work.bundle, folder, set(work.cpus), work.texts[0]) as server:
        prove(contestant, server, work)
        requests = itertools.cycle(
            [post(server.place, contestant.content(text)) for text in work.texts]
        )
        figures = {}
        for num_clients in CONCURRENCIES:
            run_load(server.place, requests, num_clients, work.warm_up)
            before = server.usage().cpu_seconds
            load = run_load(server.place, requests, num_clients, work.seconds)
            num_answers = len(load.seconds)
            if not num_answers:
                raise SystemExit(f"{contestant.name}: no answer at all; {dict(load.failures)}")
            figures[num_clients] = Figures(
                load.per_second, percentile(load.seconds, 50), percentile(load.seconds, 99),
                load.statuses.total() - num_answers + load.failures.total(),
                (server.usage().cpu_seconds - before) / num_answers,
                load.cpu_seconds / load.duration,
            )  # fmt: skip
        return Trial(figures, server.ready_seconds, server.usage().mebibytes)


def prove(contestant: Contestant, server: Server, work: Work) -> None:
    """It serves this model: it gives the labels that the model gives."""
    bodies: list[bytes] = []
    some = [post(server.place, contestant.content(text)) for text in work.texts[:NUM_PROVEN]]
    run_load(server.place, some, 1, check=bodies.append)
    found = [json.loads(label) for body in bodies for label in _LABEL.findall(body)]
    expected = work.labels["int8" if contestant.precision == "default" else "fp32"][:NUM_PROVEN]
    if found != list(expected):
        raise SystemExit(f"{contestant.name}: labels {found}, the model's are {expected}")


def percentile(values: Sequence[float], percent: float) -> float:
    """The least value that so many percent do not exceed; not a number where there is none."""
    if not values:
        return math.nan
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]
