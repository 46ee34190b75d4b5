"""Files of an earlier run brought into the worktree, and nothing of the user's lost by it."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from flows.checkout.git import git, git_paths, head_commit, join_paths, private_index
from flows.checkout.lock import STATE
from flows.checkout.lock_file import DVC_LOCK
from flows.checkout.versions import name_of, run_refs, save_run
from tasks.artifacts import sync_folder, write_json
from tasks.errors import InputError

BROUGHT = STATE / "restored.json"  # commits whose files may lie in the worktree: not edits
STAGING = STATE / "restored"
_MAX_SHOWN = 5


def bring_files(commit: str, name: str, say: Callable[[str], None]) -> str | None:
    """Make the worktree that of the commit; branch and index stay. Again after a kill, it ends.

    Returns the run that has what lay here before, unless the branch has it. Raises InputError,
    before anything is written, where edits would be lost.
    """
    known = [*_brought(), commit]
    safe = [head_commit(), *known]
    before = _protect(safe, name, say)
    write_json(BROUGHT, known)
    obsolete = {path for other in safe for path in _files_of(other)} - set(_files_of(commit))
    _remove(obsolete)
    _write(commit)
    write_json(BROUGHT, [commit])
    return before


def _protect(safe: Sequence[str], name: str, say: Callable[[str], None]) -> str | None:
    """Everything that will be written or removed is in a commit, or is put into one now."""
    tracked = {*_files_of(safe[0]), *git_paths("ls-files", "-z")}
    touched = {path for other in safe for path in _files_of(other)}
    at_risk = _not_in(safe, {*tracked, *touched})
    if edits := (at_risk & tracked) - {str(DVC_LOCK)}:
        raise _refusal("uncommitted edits", edits)
    if at_risk == {str(DVC_LOCK)} and (run := _run_with_this_lock()):
        return run
    if not at_risk:
        return None
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")
    saved = save_run(f"before-restore-{now}", f"what lay here before {name} was restored")
    say(f"{_some(at_risk)}, as found here: kept as run {saved.name}")
    if lost := _not_in([saved.commit], at_risk):
        raise _refusal("files that git does not know and the run would overwrite", lost)
    return saved.name


def _refusal(what: str, paths: Iterable[str]) -> InputError:
    return InputError(
        f"{Path.cwd()}: {what}: {_some(paths)}. Nothing was changed; commit them or put them away"
        " (git stash --include-untracked), then restore again."
    )


def _not_in(commits: Sequence[str], paths: set[str]) -> set[str]:
    """Files that none of the commits has as they are here; one that is gone cannot be lost."""
    left = {path for path in paths if os.path.lexists(path)}
    for commit in dict.fromkeys(commits):
        left -= {*_files_of(commit)} - {*_different(commit)}
    return left


def _files_of(commit: str) -> list[str]:
    return git_paths("ls-tree", "-r", "-z", "--name-only", commit)


def _different(commit: str) -> list[str]:
    """Files of the commit that the worktree lacks or has otherwise."""
    with private_index(commit) as index:
        return _changed(index)


def _changed(index: str) -> list[str]:
    return git_paths(
        "diff", "--relative", "--name-only", "--no-ext-diff", "-z", GIT_INDEX_FILE=index
    )


def _run_with_this_lock() -> str | None:
    blob = git("hash-object", str(DVC_LOCK)).strip() if DVC_LOCK.is_file() else None
    runs = run_refs()
    asked = "".join(f"{commit}:./{DVC_LOCK}\n" for commit in runs.values())
    found = git("cat-file", "--batch-check=%(objectname)", stdin=asked).splitlines()
    return next((name_of(ref) for ref, name in zip(runs, found, strict=True) if name == blob), None)


def _write(commit: str) -> None:
    """Each file is written beside and renamed, so that a kill leaves the old one or the new."""
    shutil.rmtree(STAGING, ignore_errors=True)
    STAGING.mkdir(parents=True)
    with private_index(commit) as index:
        changed = _changed(index)
        git(
            "checkout-index", "-z", "--stdin", f"--prefix={STAGING.absolute()}/",
            stdin=join_paths(changed), GIT_INDEX_FILE=index,
        )  # fmt: skip
    staged = STAGING / git("rev-parse", "--show-prefix").removesuffix("\n")  # paths from git's root
    for path in map(Path, changed):
        if not (staged / path).is_symlink():
            sync_folder(staged / path)
        path.parent.mkdir(parents=True, exist_ok=True)
        (staged / path).replace(path)
    shutil.rmtree(STAGING)


def _remove(paths: Iterable[str]) -> None:
    for path in map(Path, paths):
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == Path() or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()


def _brought() -> list[str]:
    """Commits that git still has; a run that was deleted since protects nothing."""
    recorded: list[str] = json.loads(BROUGHT.read_text()) if BROUGHT.exists() else []
    asked = "".join(f"{commit}^{{commit}}\n" for commit in recorded)
    lines = git("cat-file", "--batch-check=%(objectname)", stdin=asked).splitlines()
    return [commit for commit in recorded if commit in lines]


def _some(paths: Iterable[str]) -> str:
    names = sorted(paths)
    more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
    return f"{', '.join(names[:_MAX_SHOWN])}{more}"
