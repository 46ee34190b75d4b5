"""Runs that were kept, in this clone or at its git remote: found by name, or all of them."""

import difflib
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flows.checkout.git import git, head_commit, without_secrets
from flows.checkout.versions import (
    EXPERIMENTS,
    configured_remotes,
    is_run_ref,
    name_of,
    run_refs,
)
from flows.dvc_process import run_dvc
from tasks.errors import InputError


class PastRun(NamedTuple):
    """One run as its commit describes it, times in UTC."""

    name: str
    baseline: str  # the branch's commit at the time
    when: str
    outcome: str


def find_run(name: str, say: Callable[[str], None]) -> str:
    """The commit of a run, by its name or full ref; the git remote is asked if it is not here."""
    found = _named(name)
    if not found:
        fetch_runs(say)
        found = _named(name)
    if not found:
        alike = difflib.get_close_matches(name, map(name_of, run_refs()))
        hint = f" Meant: {', '.join(alike)}?" if alike else ""
        raise InputError(f"{name}: no such run.{hint} `make restore` lists all.")
    here = {ref: commit for ref, commit in found.items() if _baseline(ref) == head_commit()}
    commits = {*(here or found).values()}
    if len(commits) > 1:
        raise InputError(
            f"{name}: {len(commits)} runs of that name. Give one in full: {', '.join(found)}"
        )
    return commits.pop()


def fetch_runs(say: Callable[[str], None]) -> None:
    """Get the commits of runs that the git remote has and this clone lacks."""
    remote = _git_remote()
    if not remote:
        return
    say(f"asking {without_secrets(remote)} for its runs")
    lines = git("ls-remote", "--refs", remote, f"{EXPERIMENTS}/*").splitlines()
    refs = {line.split("\t")[1] for line in lines} - set(run_refs())
    wanted = "".join(f"{ref}:{ref}\n" for ref in sorted(refs) if is_run_ref(ref))
    if wanted:
        options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
        git("fetch", *options, "--stdin", remote, stdin=wanted)


def list_past_runs() -> list[PastRun]:
    """Newest first."""
    form = "--format=%(refname)%00%(committerdate:format-local:%F %R)%00%(contents:subject)"
    lines = git("for-each-ref", "--sort=-committerdate", form, EXPERIMENTS, TZ="UTC0").splitlines()
    rows = [line.split("\0") for line in lines]
    return [
        PastRun(name_of(ref), _baseline(ref), when, outcome)
        for ref, when, outcome in rows
        if is_run_ref(ref)
    ]


def read_scores(runs: Sequence[PastRun]) -> dict[str, dict[str, Any]]:
    """What stage `evaluate` measured, by run; DVC has it from its cache or remote, or not."""
    baselines = dict.fromkeys(run.baseline for run in runs)
    lines: list[str] = []
    options = [word for baseline in baselines for word in ("--rev", baseline)]
    run_dvc(["experiments", "show", "--json", *options], lines.append)
    shown = json.loads(next((line for line in lines if line.startswith("[")), "[]"))
    return {
        state["name"]: _scores(state)
        for entry in shown
        for experiment in entry["experiments"] or []
        for state in experiment["revs"]
        if state["name"]
    }


def _scores(state: dict[str, Any]) -> dict[str, Any]:
    files = ((state["data"] or {}).get("metrics") or {}).values()
    found = [file["data"].get("evaluate", {}) for file in files if file.get("data")]
    return {key: value for scores in found for key, value in scores.items()}


def _named(name: str) -> dict[str, str]:
    return {ref: commit for ref, commit in run_refs().items() if name in (name_of(ref), ref)}


def _baseline(ref: str) -> str:
    return "".join(ref.split("/")[2:4])


def _git_remote() -> str:
    _, chosen = configured_remotes()
    remotes = git("remote").split()
    return chosen or ("origin" if "origin" in remotes else "".join(remotes[:1]))
