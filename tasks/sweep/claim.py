"""Who runs which trial: each is one process's alone, and free again as soon as that has died.

The storage says whether a trial waits, runs or has ended; a lock of the kernel in the trial's
folder says whether the process that runs it still lives. So a killed trial is found at once, with
no heartbeat to wait for, and in every kind of storage.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState


def folder_of(study_folder: Path, number: int) -> Path:
    return study_folder / "trials" / f"{number:04d}"


def work_of(place: Path) -> Path:
    """Where a trial keeps its checkpoints; its series and trackers bear that name, too."""
    return place / f"{place.parents[1].name}-{place.name}"


def drop_work(place: Path) -> None:
    """Of a trial that has ended; another process may be at it as well."""
    shutil.rmtree(work_of(place), ignore_errors=True)


@contextlib.contextmanager
def claimed(study: optuna.Study, folder: Path, num_trials: int) -> Iterator[Trial | None]:
    """The first trial that waits, or whose process is gone; None when none is left to run.

    Nobody else has it while the block lasts.
    """
    for trial in study.get_trials(deepcopy=False)[:num_trials]:
        if trial.state.is_finished():
            continue
        with _locked(folder_of(folder, trial.number)) as is_ours:
            if is_ours and _take(study, trial):
                yield Trial(study, trial._trial_id)
                return
    yield None


def _take(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Look again: it may have ended, or begun elsewhere, before its lock was ours."""
    storage = study._storage
    state = storage.get_trial(trial._trial_id).state
    if state == TrialState.WAITING:
        return storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
    return state == TrialState.RUNNING


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[bool]:
    place.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(place / ".lock", thread_local=False, fallback_to_soft=False)
    with contextlib.suppress(filelock.Timeout):
        lock.acquire(timeout=0)
    try:
        yield lock.is_locked
    finally:
        lock.release()
