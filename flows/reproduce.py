"""`dvc repro` under the checkout's lock, with the checkout checked before and explained after."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from flows.checkout import health
from flows.checkout.lock import checkout_lock
from flows.leash import leashed
from flows.params import FlywheelParams
from flows.stage_graph import StageNode, read_graph, stale_stages
from flows.summary import StageRun, in_one_line, print_summary, read_runs
from tasks.errors import FlywheelError
from tasks.params import load_params


def main(arguments: list[str]) -> int:
    """Run `dvc repro` with the arguments given and report; the exit code is DVC's."""
    rest = _parse(arguments)
    console = Console(highlight=False)
    started = time.time()
    try:
        params = load_params("flywheel", FlywheelParams)
        with checkout_lock("make repro", params.wait_minutes * 60, _say):
            code = _reproduce(rest)
    except FlywheelError as error:
        _say(str(error))
        return error.exit_code
    runs = read_runs(started)
    if code == 0:
        print_summary(console, runs, in_one_line(runs, time.time() - started))
    else:
        _explain(console, [run for run in runs if run.failure])
    return code


def _parse(arguments: list[str]) -> list[str]:
    parser = argparse.ArgumentParser(
        prog="python -m flows.reproduce", description=__doc__,
        epilog="All other arguments go to `dvc repro`: stages, --force, --dry, ...",
    )  # fmt: skip
    return parser.parse_known_args(arguments)[1]


def _reproduce(arguments: Sequence[str]) -> int:
    health.mend(_say)
    nodes = read_graph()
    stale = stale_stages(nodes)
    health.rescue_edits({node.name: node.edited_outs for node in nodes}, _say)
    health.verify_inputs(_settled_inputs(nodes, stale))
    code = _wait(
        subprocess.Popen(
            leashed([sys.executable, "-m", "dvc", "--wait-for-lock", "repro", *arguments]),
            env={**os.environ, **health.dvc_environment()},
        )
    )
    health.keep_lock_copy()
    return code


def _settled_inputs(nodes: Sequence[StageNode], stale: Sequence[str]) -> list[str]:
    """What the stages that run first read from others; DVC makes the rest as it goes."""
    first = (node for node in nodes if node.name in stale and not {*node.upstream} & {*stale})
    return sorted({path for node in first for path in node.inputs})


def _wait(process: "subprocess.Popen[bytes]") -> int:
    """Ctrl-C reaches DVC and its stage as well; they end in order, and only then does this."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _explain(console: Console, failed: list[StageRun]) -> None:
    """The last lines a person reads: which stage, why, what to do."""
    for run in failed:
        # DVC removes a stage's outputs before it runs; what the last good run left is in the cache
        restored = subprocess.run(
            [sys.executable, "-m", "dvc", "checkout", "--quiet", run.name],
            check=False, capture_output=True, env={**os.environ, **health.dvc_environment()},
        )  # fmt: skip
        kept = (
            "its earlier outputs are back in place"
            if restored.returncode == 0
            else "it has no earlier outputs to put back"
        )
        console.print(f"\nThe run stopped at stage [bold]{run.name}[/]; {kept}.")
        console.print(f"  why:  {run.failure}", markup=False, soft_wrap=True)
    if not failed:
        console.print("\nThe run stopped before any stage failed; DVC's own message is above.")
    console.print("  then: make run  (stages that are done are not run again)", markup=False)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
