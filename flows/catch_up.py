"""`python -m flows.catch_up`: a fresh clone goes on where the newest run has left off."""

from pathlib import Path

from flows.checkout.git import git, git_paths
from flows.checkout.lock import checkout_lock
from flows.checkout.lock_file import DVC_LOCK
from flows.checkout.past_runs import fetch_runs
from flows.checkout.versions import reason_of, run_refs
from flows.dvc_process import run_dvc
from flows.feedback import FEEDBACK
from flows.terminal import run_door, say
from tasks.artifacts import whole_file
from tasks.errors import TemporaryError

_WAIT_SECONDS = 600.0


def main() -> None:
    """Take what names its data, and these; DVC then judges what of it still holds."""
    with checkout_lock("catch-up with the newest run", _WAIT_SECONDS, say):
        fetch_runs(say)
        if newest := next(iter(run_refs().values()), None):
            _take_names(newest)
        pulled = run_dvc(["pull", "--allow-missing"], lambda line: None)
    if pulled.exit_code:
        raise TemporaryError(f"dvc pull: {reason_of(pulled)}. Mend that and start the run again.")


def _take_names(commit: str) -> None:
    """dvc.lock, and what feedback was taken in; unless a person has committed something since:
    then what that has counts."""
    if int(_seconds_of(commit)) < int(_seconds_of("HEAD")):
        return
    listed = git_paths("ls-tree", "-z", "--name-only", commit, str(DVC_LOCK), f"{FEEDBACK}/")
    names = [file for file in listed if file.endswith((".dvc", "/.gitignore", str(DVC_LOCK)))]
    for name in names:
        with whole_file(Path(name)) as stream:
            stream.write(git("show", f"{commit}:./{name}").encode())
    if names:
        say(f"going on from run {commit[:10]}")


def _seconds_of(commit: str) -> str:
    return git("show", "--no-patch", "--format=%ct", commit).strip()


if __name__ == "__main__":
    run_door("catch-up", main)
