"""Action plan: which hardware and strategy to train on, by memory, time and cost."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from tasks.artifacts import json_bytes, whole_folder
from tasks.errors import FlywheelError, InputError
from tasks.params import load_params
from tasks.plan import chart, report
from tasks.plan.calibrate import Measured, calibrate, here
from tasks.plan.estimate import PLAN
from tasks.plan.options import Option, evaluate
from tasks.plan.params import CONFIGURED, PlanParams
from tasks.plan.search import by_cost, rented_options
from tasks.plan.work import config_of, make_training, read_data
from tasks.sizing.hardware import find_hardware
from tasks.sizing.layout import Layout
from tasks.sizing.terms import Term, in_bytes, short
from tasks.stage import RECORDS, die_with_parent
from tasks.tracking.params import TrackingParams
from tasks.train.job import Job
from tasks.train.params import TrainParams

log = logging.getLogger(__name__)
_SPLITS, _LABEL_SET = Path("data/split"), Path("data/label/label_set.json")
_ENCODERS, _TARGET = Path("data/fetch"), RECORDS / "plan"


class Question(NamedTuple):
    """What the plan is for: sizes of encoders, under the params of training."""

    sizes: list[str]
    splits: Path
    job: Job
    params: PlanParams
    measured: Measured | None


def answer(question: Question) -> dict[str, list[Option]]:
    """Every option of each size."""
    train, params, measured = question.job.params, question.params, question.measured
    data = read_data(question.splits, question.job.encoder, train.network, params.data)
    log.info("%s texts to learn from, %s tokens each in the mean, at most %s; %s",
             f"{data.num_examples:,}", round(data.num_tokens / data.num_examples, 1),
             data.longest, data.source)  # fmt: skip
    flags = Layout("single", 1, 1, train.scale.reshard_after_forward, False, False)
    found = {}
    for name in question.sizes:
        config = config_of(name, question.job.encoder, params)
        training = make_training(config, name, train, data, "cuda")
        found[name] = rented_options(training, params, flags, train.scale.usable_share)
        if measured:
            own = make_training(config, name, train, data, find_hardware(1, 1).kind)
            place = here(own, measured, train.scale.usable_share)
            found[name].append(evaluate(own, place, flags))
    return found


def write(
    target: Path, found: dict[str, list[Option]], train: TrainParams, noticeable_share: float
) -> None:
    """plan.json with everything, options.csv to sort, chart.png to look at; whole or absent."""
    pages = {
        name: _page(options, report.as_rows(options, noticeable_share), train)
        for name, options in found.items()
    }
    rows = [row for page in pages.values() for row in page["options"]]
    everything = [option for options in found.values() for option in options]
    with whole_folder(target) as folder:
        (folder / PLAN).write_bytes(json_bytes(pages))
        (folder / "options.csv").write_bytes(report.as_csv(rows))
        (folder / "chart.png").write_bytes(chart.draw(everything, noticeable_share))


def _page(options: list[Option], rows: list[report.Row], train: TrainParams) -> dict[str, Any]:
    best = _best(options)
    return {
        "train": train.model_dump(mode="json"),
        "parameters": best.training.encoder.network.shape.num_params,
        "options": rows,
        "explained": {
            "option": _title(best),
            "memory": [term._asdict() for term in report.explain(best)],
            "literature": [term._asdict() for term in report.literature(best)],
        },
    }


def _best(options: list[Option]) -> Option:
    """The cheapest that fits; where none does, the one that needs least."""
    fitting = by_cost(options)
    return fitting[0] if fitting else min(options, key=lambda one: one.memory.device_bytes)


def _title(option: Option) -> str:
    num = option.layout.num_processes
    return f"{option.training.encoder.name}, {num} x {option.place.name}, {option.strategy}"


def show(console: Console, found: dict[str, list[Option]], params: PlanParams) -> None:
    for name, options in found.items():
        best = _best(options)
        num_params = best.training.encoder.network.shape.num_params
        title = f"{name}: {short(num_params)} parameters"
        rows = report.as_rows(options, params.noticeable_share)
        console.print(report.as_table(rows, title, params.num_shown))
        console.print(f"Memory per device of {_title(best)}:")
        _show_terms(console, report.explain(best))
        console.print("Beside it, by the literature:")
        _show_terms(console, report.literature(best))
        console.print()


def _show_terms(console: Console, terms: list[Term]) -> None:
    for term in terms:
        line = f"  {term.name}: {term.formula} = {in_bytes(term.num_bytes)}"
        console.print(line, markup=False, soft_wrap=True)


def main(arguments: list[str]) -> None:
    """Rank ways to train by cost and by time, and say what each needs of memory."""
    options = _parse(arguments)
    params = load_params("plan", PlanParams)
    job = _make_job(options)
    measured = None
    if options.calibrate:
        _require(job.train_file, job.validation_file, job.label_set_file)
        measured = calibrate(job, params.calibration)
    found = answer(Question(options.size, options.splits, job, params, measured))
    write(options.target, found, job.params, params.noticeable_share)
    console = Console(highlight=False)
    show(console, found, params)
    console.print(f"All options, with every formula: {options.target}/", markup=False)


def _make_job(options: argparse.Namespace) -> Job:
    """The configured training. Whether this machine could run it does not matter to a plan."""
    train = load_params("train", TrainParams)
    if options.batch_size:
        learning = train.learning.model_copy(update={"batch_size": options.batch_size})
        train = train.model_copy(update={"learning": learning})
    fetched = options.encoders / train.network.encoder
    return Job(
        train_file=options.splits / "train.parquet",
        validation_file=options.splits / "validation.parquet",
        label_set_file=options.label_set,
        encoder=str(fetched) if fetched.is_dir() else train.network.encoder,
        params=train,
        tracking=load_params("tracking", TrackingParams).model_copy(update={"loggers": []}),
        tracking_folder=RECORDS / "tracking",
    )


def _require(*files: Path) -> None:
    for file in files:
        if not file.is_file():
            raise InputError(
                f"{file}: no such file, but --calibrate trains on it. Run the stages up to split "
                "first (dvc repro split), or plan without --calibrate."
            )


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tasks.plan", description=main.__doc__)
    parser.add_argument(
        "--size", nargs="+", default=[CONFIGURED], metavar="NAME",
        help="encoders to plan for: 'configured', or names of plan.sizes in params.yaml",
    )  # fmt: skip
    parser.add_argument("--calibrate", action="store_true", help="measure this machine's speed")
    parser.add_argument("--batch-size", type=int, default=0, help="instead of train.learning's")
    parser.add_argument("--splits", type=Path, default=_SPLITS)
    parser.add_argument("--label-set", type=Path, default=_LABEL_SET)
    parser.add_argument("--encoders", type=Path, default=_ENCODERS)
    parser.add_argument("--target", type=Path, default=_TARGET)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    die_with_parent()
    logging.basicConfig(level=logging.INFO, format="plan: %(message)s", stream=sys.stderr)
    try:
        main(sys.argv[1:])
    except FlywheelError as problem:
        print(f"plan failed: {problem}", file=sys.stderr)  # noqa: T201  # speaks to a terminal
        sys.exit(problem.exit_code)
