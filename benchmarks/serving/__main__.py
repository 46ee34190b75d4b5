"""Measure everybody in one run: `python -m benchmarks.serving [NAME ...]`."""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
from rich.console import Console

from benchmarks.environments import CannotStart
from benchmarks.serving.bare import MODELS
from benchmarks.serving.contestants import CONTESTANTS, prepare
from benchmarks.serving.overload import measure_overload
from benchmarks.serving.parts import measure_parts
from benchmarks.serving.report import Measurement, Row, print_report, write_json
from benchmarks.serving.trial import CONCURRENCIES, Work, run_trial
from benchmarks.serving.verdicts import find_verdicts
from tasks.bundle import Precision, load_bundle

FIGURES = Path(".bench/serving/figures.json")
NUM_CPUS, NUM_TEXTS = 2, 256
PARTS = ("servers", "bare", "overload", "parts")


def main() -> None:
    """Rounds alternate the contestants, so that a busy machine slows all alike."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its time"))  # in order
    options = parse()
    cpus = sorted(os.sched_getaffinity(0))[:NUM_CPUS]
    os.sched_setaffinity(0, cpus)  # the load shares them with what it measures
    texts = read_texts(options.texts)
    labels = {precision: labels_of(options.bundle, precision, texts) for precision in MODELS}
    work = Work(options.bundle.resolve(), texts, labels, cpus, options.warm_up, options.seconds)
    measurement = Measurement([prepared(name) for name in options.names])
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as root:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            measure_round(measurement, work, Path(root, str(number)), options.parts)
        if "parts" in options.parts:
            for number in (CONCURRENCIES[0], CONCURRENCIES[-1]):
                folder = Path(root, f"parts-{number}")
                measurement.parts[number] = measure_parts(work, folder, number)
    verdicts = find_verdicts(measurement)
    print_report(measurement, verdicts, Console(width=120, highlight=False))
    write_json(measurement, verdicts, options.figures)
    print(f"all figures: {options.figures}")


def parse() -> argparse.Namespace:
    names = [contestant.name for contestant in CONTESTANTS]
    parser = argparse.ArgumentParser(prog="benchmarks.serving", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(names))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load")
    parser.add_argument("--warm-up", type=float, default=1.0, help="seconds before each load")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--bundle", type=Path, default=Path("models/package/bundle"))
    parser.add_argument("--texts", type=Path, default=Path("data/split/test.parquet"))
    parser.add_argument("--figures", type=Path, default=FIGURES)
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"nobody is called {sorted(unknown)}; there are {names}")
    options.names = options.names or names
    return options


def read_texts(file: Path) -> list[str]:
    """The same sample every time, in the same random order."""
    texts = pq.read_table(file, columns=["text"])["text"].to_pylist()
    return random.Random(0).sample(texts, min(NUM_TEXTS, len(texts)))


def labels_of(bundle: Path, precision: Precision, texts: Sequence[str]) -> list[str]:
    predictor = load_bundle(bundle, precision)
    classes = predictor.label_set.classes
    return [classes[index] for index in predictor.logits(texts).argmax(axis=1)]


def prepared(name: str) -> Row:
    """A peer that cannot be installed or imported here stays in the table, with the reason."""
    contestant = next(one for one in CONTESTANTS if one.name == name)
    try:
        return Row(contestant, prepare(contestant))
    except CannotStart as reason:
        return Row(contestant, contestant.tool, reason=str(reason))


def measure_round(measurement: Measurement, work: Work, root: Path, parts: Sequence[str]) -> None:
    root.mkdir()
    if "bare" in parts:
        measurement.bare.append(run_bare(work, root / "texts.json"))
    if "servers" in parts:
        for index, row in enumerate(measurement.rows):
            if not row.reason:
                trial = run_trial(row.contestant, work, root / str(index))
                row.trials.append(trial)
                rates = [f"{trial.figures[n].per_second:6.1f}/s" for n in CONCURRENCIES]
                print(*rates, row.contestant.name, flush=True)
    if "overload" in parts:
        measurement.overloads.append(measure_overload(work, root / "overload"))


def run_bare(work: Work, file: Path) -> dict[str, dict[str, float]]:
    file.write_text(json.dumps(work.texts))
    command = [sys.executable, "-m", "benchmarks.serving.bare", str(work.bundle), str(file)]
    output = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    found: dict[str, dict[str, float]] = json.loads(output)
    return found


if __name__ == "__main__":
    main()
