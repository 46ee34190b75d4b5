"""`make restore RUN=name`: data, params, code and model of a run brought back, proven by hash."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import yaml
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from flows.checkout import health
from flows.checkout.git import GitError, git_paths
from flows.checkout.hashes import RecordedOut, md5_of, read_recorded_outs
from flows.checkout.inputs import check_out
from flows.checkout.lock import checkout_lock
from flows.checkout.past_runs import fetch_runs, find_run, list_past_runs, read_scores
from flows.checkout.versions import reason_of
from flows.checkout.worktree import bring_files
from flows.dvc_process import run_dvc
from flows.summary import read_stages
from tasks.errors import FlywheelError, InputError

WAIT_SECONDS = 600.0
_SCORES = ("macro_f1", "weighted_f1")


def restore_run(name: str, say: Callable[[str], None]) -> None:
    """Bring back a run; the branch, the index and what nobody has kept elsewhere stay.

    Can be called again after a kill. Raises InputError when edits are in the way, the run or its
    data cannot be found, or a hash is not the recorded one.
    """
    with checkout_lock(f"restore of {name}", WAIT_SECONDS, say):
        health.mend(say)
        commit = find_run(name, say)
        before = bring_files(commit, name, say)
        health.keep_lock_copy()
        health.rescue_edits(_edited_outs(), say)
        _bring_data(say)
        _prove(say)
        back = f"make restore RUN={before}" if before else "git restore . && dvc checkout"
        say(f"restored {name} (commit {commit[:10]}); the way back: {back}")


def _recorded() -> list[RecordedOut]:
    """Outputs in dvc.lock, and data added by hand (`*.dvc`), as this run had them."""
    return [*read_recorded_outs().values(), *_added_data()]


def _added_data() -> Iterator[RecordedOut]:
    known = git_paths(
        "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ":(glob)**/*.dvc"
    )
    for file in dict.fromkeys(known):
        if Path(file).is_file():
            for out in yaml.safe_load(Path(file).read_text("utf-8")).get("outs", []):
                if out.get("hash") == "md5":
                    path = PurePosixPath(file).parent / out["path"]
                    yield RecordedOut(file, os.path.normpath(path), out["md5"])


def _edited_outs() -> dict[str, list[str]]:
    """What lies where DVC will put something else, or nothing."""
    recorded = {out.path: out for out in _recorded()}
    never_run = {path: name for name, stage in read_stages().items() for path in stage["outs"]}
    edited: dict[str, list[str]] = {}
    for path in {*recorded, *never_run}:
        out = recorded.get(path)
        if os.path.lexists(path) and (out is None or md5_of(Path(path)) != out.md5):
            edited.setdefault(out.stage if out else never_run[path], []).append(path)
    return edited


def _bring_data(say: Callable[[str], None]) -> None:
    """From DVC's cache; what that lacks, from its remote."""
    done = list(dict.fromkeys(out.stage for out in _recorded()))
    if not_done := [stage for stage in read_stages() if stage not in done]:
        run_dvc(["checkout", *not_done], lambda line: None)  # removes what later runs left there
    if not done or run_dvc(["checkout", *done], lambda line: None).exit_code == 0:
        return
    say("DVC's cache lacks some of it: pulling from the remote")
    pulled = run_dvc(["pull", *done], say)
    if pulled.exit_code:
        raise InputError(
            f"dvc pull: {reason_of(pulled)}. Code and params are back; for the data, mend that (was"
            " the run pushed? can the remote be reached?) and restore again."
        )


def _prove(say: Callable[[str], None]) -> None:
    recorded = _recorded()
    for out in recorded:
        check_out(out)
    for stage, num_outs in Counter(out.stage for out in recorded).items():
        say(f"{stage}: ok md5 ({num_outs})")
    for stage in read_stages().keys() - {out.stage for out in recorded}:
        say(f"{stage}: not done in this run")


def list_runs(console: Console) -> None:
    """Name, time, scores and outcome of every run, newest first."""
    try:
        fetch_runs(lambda line: None)
    except GitError as error:
        console.print(f"only the runs of this clone: {error}", markup=False, soft_wrap=True)
    runs = list_past_runs()
    if not runs:
        console.print("No run is kept yet; `make run` keeps its result.")
        return
    scores = read_scores(runs)
    names = Column("run", no_wrap=True)  # to be copied: all else gives way
    table = Table(names, "when (UTC)", *_SCORES, "outcome")
    for run in runs:
        found = scores.get(run.name, {})
        shown = [f"{found[key]:.3f}" if key in found else "" for key in _SCORES]
        table.add_row(run.name, run.when, *shown, Text(run.outcome))
    console.print(table)
    console.print("restore one: make restore RUN=name; all params and metrics: dvc exp show -A")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m flows.restore", description=__doc__)
    parser.add_argument("run", nargs="?", help="its name; without one, the runs are listed")
    name = parser.parse_args(arguments).run
    console = Console(highlight=False)
    try:
        if name:
            restore_run(name, lambda line: console.print(line, markup=False, soft_wrap=True))
        else:
            list_runs(console)
    except FlywheelError as error:
        console.print(f"restore failed: {error}", markup=False, soft_wrap=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
