"""git in subprocesses, with an index of our own: the user's index, hooks and stash take no part."""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.checkout.lock import STATE
from tasks.errors import InputError

INDEX = STATE / "index"
NOTHING = "0" * 40
# no hooks, no background work that outlives the call
_SETTINGS = ["core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=0"]
_OF_ANOTHER_REPOSITORY = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}


class GitError(InputError):
    """git refused; its reason is in the message."""


def git(*arguments: str, stdin: str = "", **variables: str) -> str:
    """What git prints. Raises GitError, in one line, when it fails."""
    command = ["git", *(word for setting in _SETTINGS for word in ("-c", setting)), *arguments]
    try:
        result = subprocess.run(
            command, input=stdin, env=_environment(variables), capture_output=True, check=False,
            encoding="utf-8", errors="surrogateescape",
        )  # fmt: skip
    except FileNotFoundError:
        raise GitError("git: no such program. Install git and run again.") from None
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if not line.startswith("hint:")]
        reason = " ".join(" ".join(lines).split()) or f"exit code {result.returncode}"
        raise GitError(without_secrets(f"git {arguments[0]} in {Path.cwd()}: {reason}"))
    return result.stdout


def without_secrets(text: str) -> str:
    """For logs and history: a remote's URL may hold a name, a password or a token before its @."""
    return re.sub(r"://[^\s/]*@", "://***@", text)


def succeeds(*arguments: str, **variables: str) -> bool:
    try:
        git(*arguments, **variables)
    except GitError:
        return False
    return True


def git_paths(*arguments: str, **variables: str) -> list[str]:
    """Paths that git lists, whatever characters they have; `-z` must be among the arguments."""
    return [path for path in git(*arguments, **variables).split("\0") if path]


def join_paths(paths: Iterable[str]) -> str:
    """For `-z --stdin`."""
    return "".join(f"{path}\0" for path in paths)


def head_commit() -> str:
    """Raises InputError where there is no commit that a run could build on."""
    git("rev-parse", "--git-dir")  # no repository, or one git does not trust: git says it best
    with contextlib.suppress(GitError):
        return git("rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip()
    raise InputError(
        f"{Path.cwd()}: git has no commit here yet, and runs are kept beside one. Make the first:"
        " git add -A && git commit -m start"
    )


@contextlib.contextmanager
def private_index(commit: str) -> Iterator[str]:
    """An index that holds this commit, for GIT_INDEX_FILE; whoever holds the checkout's lock is
    alone with it, so what a killed run left of it can go."""
    shutil.rmtree(INDEX, ignore_errors=True)
    INDEX.mkdir(parents=True)
    file = str((INDEX / "index").absolute())
    git("read-tree", commit, GIT_INDEX_FILE=file)
    try:
        yield file
    finally:
        shutil.rmtree(INDEX, ignore_errors=True)


def identity() -> dict[str, str]:
    """Who makes a commit: the person git knows; a neutral name on machines where it knows none."""
    return {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        if not succeeds("-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT")
        for key, value in (("NAME", "flywheel"), ("EMAIL", "flywheel@localhost"))
    }


def _environment(variables: dict[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in _OF_ANOTHER_REPOSITORY}
    # never takes the lock of the user's index, never waits for a password
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", **variables}
