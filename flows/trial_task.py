"""The Prefect task of a sweep: run the next trial that nobody runs, whichever it is."""

import re
from pathlib import Path
from typing import Any

from prefect import State, Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import TaskRun
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Completed

from flows.limits import taken
from flows.process import Ended, run_module
from flows.progress import Progress
from tasks.errors import FlywheelError, TemporaryError

_OWN = re.compile(r"^sweep (\d+): (.*)")  # as tasks.sweep.trial begins its lines
_OUTCOME = re.compile(r"^(complete|pruned|diverged) after .*")
_OF_THE_SWEEP = re.compile(r"^\d+ of \d+ trials ")


class TrialFailed(FlywheelError):
    """A trial could not be run; it stays to be run."""


class TrialFailedForNow(TrialFailed, TemporaryError):
    """Its process has died, or said itself that trying again can help."""


def submit(folder: Path, resource: str | None, max_restarts: int) -> PrefectFuture[Any]:
    """Hand one trial to the task runner; a process that died is replaced so many times."""
    run = _run_trial.with_options(retries=max_restarts, tags=[resource] if resource else [])
    return run.submit(str(folder), resource, return_state=False)


def _may_heal(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), TemporaryError)


@task(name="trial", cache_policy=NO_CACHE, retry_condition_fn=_may_heal)
def _run_trial(folder: str, resource: str | None) -> State[None]:
    teller = _Teller()
    with taken(resource):
        ended = run_module("tasks.sweep.trial", [folder], teller.tell)
    if ended.cancelled:
        return Cancelled(message="ended with its run; it goes on from its checkpoint in the next")
    if ended.exit_code:
        raise _failure(ended)
    return Completed(name=teller.outcome.split(" ")[0].capitalize(), message=teller.outcome)


class _Teller:
    """Lines of a trial to its log, its number to its name, its epochs to a bar of progress."""

    def __init__(self) -> None:
        self.log = get_run_logger()
        self.progress: Progress | None = None
        self.outcome = "Nothing left: other workers have the rest"

    def tell(self, line: str) -> None:
        self.log.info("%s", line)
        if not (found := _OWN.match(line)):
            return
        if self.progress is None:
            self.progress = _named(f"trial-{found[1]}")
        if _OUTCOME.match(found[2]):
            self.outcome = found[2]
            self.progress.finish()
        elif not _OF_THE_SWEEP.match(found[2]):
            self.progress.follow(line)


def _named(name: str) -> Progress:
    """Which trial it is shows only when it has begun; the server learns it with the next state."""
    if context := TaskRunContext.get():
        context.task_run.name = name
    return Progress(name)


def _failure(ended: Ended) -> TrialFailed:
    code = ended.exit_code
    died = code < 0 or code == TemporaryError.exit_code
    how = f"was ended by signal {-code} (out of memory?)" if code < 0 else f"ended with code {code}"
    return (TrialFailedForNow if died else TrialFailed)(
        f"A trial {how}. Start the sweep again after mending that: the trial goes on from its "
        "checkpoint.\nLast lines:\n" + "\n".join(ended.last_lines)
    )
