"""Asks the watched service, alone and under load, and shares a request's time out to its parts."""

import itertools
import json
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.serving import anatomy
from benchmarks.serving.contestants import OURS
from benchmarks.serving.load import post, run_load
from benchmarks.serving.server import Server, serving
from benchmarks.serving.trial import Work

_POLL_SECONDS = 0.02
REST = "HTTP, event loop, handing over"


class Part(NamedTuple):
    name: str
    cpu_seconds: float  # per request, of the thread that did it
    wall_seconds: float


def measure_parts(work: Work, folder: Path, num_clients: int) -> list[Part]:
    file = folder / "parts.json"
    command = ("python", "-m", "benchmarks.serving.anatomy", str(file), "{port}")
    watched = replace(OURS, name="ours, watched", command=command)
    with serving(watched, work.bundle, folder, set(work.cpus), work.texts[0]) as server:
        requests = itertools.cycle([post(server.place, OURS.content(text)) for text in work.texts])
        run_load(server.place, requests, num_clients, work.warm_up)
        before = _read(server, file)
        load = run_load(server.place, requests, num_clients, work.seconds)
        after = _read(server, file)
    cpu_seconds = after["cpu_seconds"] - before["cpu_seconds"]
    return share_out(after["parts"], len(load.seconds), cpu_seconds, sum(load.seconds))


def share_out(
    seen: Mapping[str, list[float]], num_requests: int, cpu_seconds: float, wall_seconds: float
) -> list[Part]:
    """Per request: what no watch saw is the rest; a wait is what its batch did not take."""
    sums = {
        name: Part(name, cpu / num_requests, wall / num_requests)
        for name, (cpu, wall, _) in seen.items()
    }
    scoring = sums[anatomy.SCORING]
    scoring_cpu = scoring.cpu_seconds + sums[anatomy.PADDING].cpu_seconds
    inside = sums[anatomy.WAITING].wall_seconds  # the batcher: tokenising, waiting, scoring
    waiting = inside - sums[anatomy.TOKENISING].wall_seconds - scoring.wall_seconds
    parts = [
        sums[anatomy.PARSING],
        sums[anatomy.TOKENISING],
        Part(anatomy.WAITING, 0.0, waiting),
        scoring._replace(cpu_seconds=scoring_cpu),
        sums[anatomy.ANSWERING],
        sums[anatomy.LOGGING]._replace(wall_seconds=0.0),  # nobody waits for it
    ]
    rest = Part(
        REST,
        cpu_seconds / num_requests - sum(part.cpu_seconds for part in parts),
        wall_seconds / num_requests - sum(part.wall_seconds for part in parts),
    )
    return [*parts, rest]


def _read(server: Server, file: Path) -> dict[str, Any]:
    file.unlink(missing_ok=True)
    server.process.send_signal(signal.SIGUSR1)
    while not file.exists():
        time.sleep(_POLL_SECONDS)
    found: dict[str, Any] = json.loads(file.read_text())
    return found
