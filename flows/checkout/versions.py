"""Each run as a DVC experiment: a commit beside the branch, under the run's name."""

import functools
import itertools
import os
import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

from flows.checkout.git import (
    NOTHING,
    GitError,
    git,
    head_commit,
    identity,
    join_paths,
    private_index,
    succeeds,
    without_secrets,
)
from flows.checkout.run_files import files_to_keep, missing_data
from flows.dvc_process import Finished, run_dvc
from tasks.errors import FlywheelError, TemporaryError

EXPERIMENTS = "refs/exps"  # DVC's place: refs/exps/<2 digits of the branch's commit>/<38>/<name>
_MAX_NAME_CHARACTERS = 60
_PAUSES_SECONDS = (2.0, 8.0)


class SavedRun(NamedTuple):
    """A run that can be restored under this name."""

    name: str
    commit: str
    warnings: tuple[str, ...]


def save_run(name: str, message: str) -> SavedRun:
    """Keep code, params, dvc.lock and metrics as they are now; the name gets -2 if it is taken.

    The user's branch, index, stash and files are not touched, nor does a lock on them matter.
    """
    head = head_commit()
    with private_index(head) as index:
        git("add", "--update", ":/", GIT_INDEX_FILE=index)
        kept = join_paths(files_to_keep(head, index))
        git("update-index", "--add", "--remove", "-z", "--stdin", stdin=kept, GIT_INDEX_FILE=index)
        warnings = missing_data(index)
        tree = git("write-tree", GIT_INDEX_FILE=index).strip()
    return SavedRun(*_name_and_commit(tree, head, as_experiment(name), message), tuple(warnings))


def as_experiment(name: str) -> str:
    """Letters and digits of any script; what git or DVC refuse in a name becomes a dash."""
    plain = unicodedata.normalize("NFC", name)[:_MAX_NAME_CHARACTERS]
    slug = re.sub(r"\.{2,}|[^\w.-]+", "-", plain).lstrip("-.")
    slug = re.sub(r"([-.]|\.lock)+$", "", slug)  # as often as one ends in what another hid
    is_like_a_commit = re.fullmatch(r"[0-9a-f]{4,40}", slug)
    return f"run-{slug}" if is_like_a_commit else slug or "run"


def push_run(
    run: SavedRun, say: Callable[[str], None], pauses_seconds: Sequence[float] = _PAUSES_SECONDS
) -> None:
    """Copy the run's data to the DVC remote and then its commit to the git remote, where set.

    Raises TemporaryError when a remote still fails after the pauses; nothing here is lost by that.
    """
    remote, git_remote = configured_remotes()
    if remote:
        try_often(_push_data, "dvc push", remote, say, pauses_seconds)
    if git_remote:
        refspec = f"{find_ref(run)}:{find_ref(run)}"
        push_commit = functools.partial(git, "push", "--quiet", git_remote, refspec)
        try_often(push_commit, f"git push {git_remote} {refspec}", git_remote, say, pauses_seconds)


def configured_remotes() -> tuple[str, str]:
    """The names of DVC's remote and of the git remote for runs; empty where none is set."""
    lines: list[str] = []
    finished = run_dvc(["config", "--list"], lines.append)
    if finished.exit_code:
        raise TemporaryError(
            f"dvc config --list: {reason_of(finished)}. Mend .dvc/config, then by hand: dvc push"
        )
    settings = dict(line.split("=", 1) for line in lines if "=" in line)
    git_remote = os.environ.get("DVC_EXP_GIT_REMOTE") or settings.get("exp.git_remote", "")
    return settings.get("core.remote", ""), git_remote


def run_refs() -> dict[str, str]:
    """Refs of all runs here and the commits they name, newest first."""
    lines = git(
        "for-each-ref", "--sort=-committerdate", "--format=%(refname) %(objectname)", EXPERIMENTS
    )
    refs = dict(line.rsplit(" ", 1) for line in lines.splitlines())
    return {ref: commit for ref, commit in refs.items() if is_run_ref(ref)}


def is_run_ref(ref: str) -> bool:
    """DVC keeps other things below refs/exps, too: its stash, what it is executing."""
    return bool(re.fullmatch(rf"{EXPERIMENTS}/[0-9a-f]{{2}}/[0-9a-f]{{38,62}}/[^/]+", ref))


def name_of(ref: str) -> str:
    return ref.rsplit("/", 1)[1]


def find_ref(run: SavedRun) -> str:
    return next(
        ref
        for ref, commit in run_refs().items()
        if (name_of(ref), commit) == (run.name, run.commit)
    )


def reason_of(finished: Finished) -> str:
    """DVC's own words, from its first error on."""
    lines = list(itertools.dropwhile(lambda line: "ERROR" not in line, finished.last_lines))
    return " ".join(lines or finished.last_lines) or f"exit code {finished.exit_code}"


def _name_and_commit(tree: str, head: str, name: str, message: str) -> tuple[str, str]:
    """Commit under a name that is free: git and DVC would take a branch or tag for the run."""
    names = git("for-each-ref", "--format=%(refname:lstrip=-1)").splitlines()
    taken = {*names, "HEAD", "workspace"}
    author = identity()
    for candidate in itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2))):
        if candidate in taken:
            continue
        # the name makes the commit one of its own, even where nothing differs from another run
        text = f"{message}\n\nRun: {candidate}\n"
        commit = git("commit-tree", tree, "-p", head, "-F", "-", stdin=text, **author).strip()
        ref = f"{EXPERIMENTS}/{head[:2]}/{head[2:]}/{candidate}"
        try:
            git("update-ref", ref, commit, NOTHING)
            return candidate, commit
        except GitError:  # unless another worktree of this repository was quicker
            if not succeeds("rev-parse", "--verify", "--quiet", ref):
                raise
    raise AssertionError("there is always a next number")


def _push_data() -> None:
    finished = run_dvc(["push"], lambda line: None)
    if finished.exit_code:
        raise TemporaryError(reason_of(finished))


def try_often(
    push: Callable[[], object],
    by_hand: str,
    remote: str,
    say: Callable[[str], None],
    pauses_seconds: Sequence[float] = _PAUSES_SECONDS,
) -> None:
    """Push; TemporaryError, with what to type by hand, when it still fails after the pauses."""
    remote, by_hand = without_secrets(remote), without_secrets(by_hand)
    for pause_seconds in [*pauses_seconds, None]:
        try:
            push()
            return
        except FlywheelError as error:
            reason = without_secrets(str(error))
        if pause_seconds is not None:
            say(f"remote {remote}: {reason}; trying again in {pause_seconds:g} s")
            time.sleep(pause_seconds)
    raise TemporaryError(
        f"remote {remote}: not pushed in {len(pauses_seconds) + 1} tries: {reason}. It is kept"
        f" here; to push it by hand: {by_hand}"
    )
