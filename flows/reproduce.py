"""Bring the graph up to date with DVC, then say what ran, what came of it, or what to mend."""

import subprocess
import sys
import time

from rich.console import Console

from flows.summary import StageRun, print_summary, read_runs
from tasks.errors import InputError

DVC_REPRO = ["dvc", "--wait-for-lock", "repro"]


def main(arguments: list[str]) -> int:
    """Run `dvc repro` with the given arguments and report; the exit code is DVC's."""
    console = Console(highlight=False)
    started = time.time()
    code = _wait(subprocess.Popen([*DVC_REPRO, *arguments]))
    runs = read_runs(started)
    if code == 0:
        print_summary(console, runs, time.time() - started)
    else:
        _explain(console, [run for run in runs if run.failure])
    return code


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
            ["dvc", "checkout", "--quiet", run.name], check=False, capture_output=True
        )
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


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as problem:
        sys.exit(f"reproduce failed: {problem}")
