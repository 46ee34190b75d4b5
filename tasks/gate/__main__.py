"""Command line of action gate: `python -m tasks.gate CANDIDATE TEST METRICS TARGET`."""

import argparse
import logging
import sys
from pathlib import Path

from tasks.artifacts import write_json
from tasks.errors import FlywheelError, TemporaryError
from tasks.evaluate.params import EvaluateParams
from tasks.gate.gather import Files, gather
from tasks.gate.judge import judge
from tasks.gate.params import GateParams
from tasks.gate.question import question_of
from tasks.params import load_params
from tasks.releases import VERDICT
from tasks.stage import die_with_parent
from tasks.verdict import Verdict

log = logging.getLogger(__name__)


def main(arguments: list[str]) -> None:
    """Judge whether a candidate may take the champion's place, and write TARGET/verdict.json.

    The exit code is 0 whatever the decision: a refusal is a result.
    """
    options = _parse(arguments)
    params, evaluate = load_params("gate", GateParams), load_params("evaluate", EvaluateParams)
    files = Files(
        options.candidate, options.champion, options.champion_id, options.test, options.holdout,
        options.validation,
    )  # fmt: skip
    evidence = gather(files, params, evaluate.checks)
    asked = question_of(params, evaluate, files.test, files.validation_metrics, files.holdout)
    verdict = judge(evidence, params, evaluate.calibration_bins)
    verdict = verdict.model_copy(update={"question": asked})
    write_json(options.target / VERDICT, verdict.model_dump(mode="json"))
    tell(verdict, options.target / VERDICT)


def tell(verdict: Verdict, file: Path) -> None:
    """The decision first, every condition that failed, then what else a person wants to know."""
    log.info("%s on %s test rows", verdict.decision.upper(), f"{verdict.num_rows:,}")
    for condition in verdict.failed:
        where = f" of {condition.where}" if condition.where else ""
        value = "not measured" if condition.value is None else condition.value
        value = f"{value:.4f}" if isinstance(value, float) else value
        log.warning("failed: %s%s is %s, expected %s: %s", condition.name, where, value,
                    condition.bound, condition.says)  # fmt: skip
    for condition in verdict.conditions:
        if condition.passed and condition.name.startswith(("gain", "floors", "unreadable")):
            log.info("%s", condition.says)
    passed = len(verdict.conditions) - len(verdict.failed)
    log.info("%d of %d conditions hold; all of them in %s", passed, len(verdict.conditions), file)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tasks.gate", description=main.__doc__)
    parser.add_argument("candidate", type=Path, help="folder of its bundle")
    parser.add_argument("test", type=Path, help="test split, Parquet")
    parser.add_argument("validation", type=Path, help="metrics.json of stage validate")
    parser.add_argument("target", type=Path, help="folder that gets verdict.json")
    parser.add_argument(
        "--champion", type=Path, help="folder of its bundle; without: there is none"
    )
    parser.add_argument("--champion-id", help="sha256 of its manifest, whatever became of it since")
    parser.add_argument("--holdout", type=Path, help="corrections that nobody learnt from, Parquet")
    options = parser.parse_args(arguments)
    if options.champion_id and not options.champion:
        parser.error("--champion-id is of the bundle that --champion names")
    return options


if __name__ == "__main__":
    die_with_parent()
    logging.basicConfig(level=logging.INFO, format="gate: %(message)s", stream=sys.stdout)
    try:
        main(sys.argv[1:])
    except FlywheelError as problem:
        print(f"gate failed: {problem}", file=sys.stderr)  # noqa: T201  # speaks to a terminal
        sys.exit(problem.exit_code)
    except (OSError, MemoryError) as problem:
        text = " ".join(f"{type(problem).__name__} {problem}".split())
        print(  # noqa: T201  # as above
            f"gate failed: {text}: an error of this machine, which says nothing of a bundle. Mend "
            "it and judge again.", file=sys.stderr,
        )  # fmt: skip
        sys.exit(TemporaryError.exit_code)
