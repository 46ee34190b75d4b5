"""Measure everybody on the chain in one run: `python -m benchmarks.orchestration [NAME ...]`."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.environments import CannotStart
from benchmarks.orchestration.contestants import CONTESTANTS
from benchmarks.orchestration.environments import prepare
from benchmarks.orchestration.report import Row, print_report, write_json
from benchmarks.orchestration.server import prefect_server
from benchmarks.orchestration.trial import run_trial

FIGURES = Path(".bench/orchestration/figures.json")


def main() -> None:
    """Alternate the contestants, so that a busy machine slows all alike, and compare medians."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its time"))  # in order
    options = parse()
    rows = [prepared(name) for name in options.names]
    measure([row for row in rows if not row.reason], options.repetitions)
    print_report(rows, Console(width=120, highlight=False))
    write_json(rows, FIGURES)
    print(f"all figures: {FIGURES}")


def parse() -> argparse.Namespace:
    names = [contestant.name for contestant in CONTESTANTS]
    parser = argparse.ArgumentParser(prog="benchmarks.orchestration", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(names))
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"nobody is called {sorted(unknown)}; there are {names}")
    options.names = options.names or names
    return options


def prepared(name: str) -> Row:
    """A peer that cannot be installed or imported here stays in the table, with the reason."""
    contestant = next(one for one in CONTESTANTS if one.name == name)
    try:
        return Row(contestant, prepare(contestant.tool))
    except CannotStart as reason:
        return Row(contestant, contestant.tool, reason=str(reason))


def measure(rows: Sequence[Row], num_repetitions: int) -> None:
    with contextlib.ExitStack() as stack:
        server: dict[str, str] = {}
        if any(row.contestant.uses_server for row in rows):
            server = stack.enter_context(prefect_server())
        for repetition in range(1, num_repetitions + 1):
            for row in rows:
                trial = run_trial(row.contestant, server)
                row.trials.append(trial)
                seconds = f"{trial.cold_seconds:6.2f} s cold {trial.warm_seconds:6.2f} s again"
                print(
                    f"{repetition}/{num_repetitions} {seconds}  {row.contestant.name}", flush=True
                )


if __name__ == "__main__":
    main()
