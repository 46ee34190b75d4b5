"""The one Prefect task there is: bring one stage up to date, whatever its name."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from prefect import State, Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import TaskRun
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Completed
from prefect.tasks import exponential_backoff

from flows.checkout import health
from flows.dvc_process import Finished, is_ending, run_dvc
from flows.limits import taken
from flows.progress import Progress
from flows.rank_logs import RankLogs
from flows.stage_graph import StageNode
from tasks.errors import FlywheelError, TemporaryError
from tasks.stage import read_record

_SHOWN_CHARACTERS = 300
# DVC says these after every stage
_TIPS = (
    "To track the changes",
    "git add",
    "To enable auto",
    "dvc config core.auto",
    "Use `dvc push`",
)
_MEANINGS: Mapping[int, str] = {
    1: "what it reads, or what the gate asks, is not as it should be; mend that first",
    70: "not foreseen, so please report it",
    75: "temporary, so trying again can help",
    126: "the command may not be executed",
    127: "the command was not found",
    130: "interrupted",
    -2: "interrupted",
    -9: "killed; out of memory?",
    -15: "asked to end",
}


class StageFailed(FlywheelError):
    """A stage did not end well; the message is what a person reads on the runs page."""


class StageCancelled(FlywheelError):
    """It was ended together with its run."""


class StageFailedForNow(StageFailed, TemporaryError):
    """It did not end well, and said itself that trying again can help."""


class Outcome(NamedTuple):
    """How a stage came to be up to date."""

    name: str  # of the state, as the UI shows it
    message: str


def submit(
    node: StageNode, stale: bool, force: bool, upstream: Sequence[PrefectFuture[Any]]
) -> PrefectFuture[Any]:
    """Hand the stage to the task runner; it starts when everything upstream has ended well."""
    hints = node.hints
    stage = _reproduce.with_options(
        name=node.name,
        task_run_name=node.name,
        retries=hints.retries,
        retry_delay_seconds=exponential_backoff(hints.retry_delay_seconds),
        tags=[hints.resource] if hints.resource else [],
    )
    return stage.submit(node, stale or force, force, return_state=False, wait_for=upstream)


def _may_heal(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), TemporaryError)


@task(cache_policy=NO_CACHE, retry_condition_fn=_may_heal)
def _reproduce(node: StageNode, look: bool, force: bool) -> State[None]:
    """One stage by DVC, which alone decides whether there is anything to do."""
    if not look:
        return Completed(name="Up to date", message="nothing it reads has changed")
    log, progress, ranks = get_run_logger(), Progress(node.name), RankLogs(node.name)
    log.info(
        "%s: %s", node.name, _shortened("; ".join(node.changes) or "asked for, or follows another")
    )

    def say(line: str) -> None:
        if not line.strip().startswith(_TIPS):
            log.info("%s", line)
            progress.follow(line)
            ranks.follow(line)

    if node.hints.resource:
        log.info(
            "taking a slot of %s; one that a killed run held is free after a minute",
            node.hints.resource,
        )
    try:
        with taken(node.hints.resource):
            outcome = reproduce(node, force, say)
            progress.finish()
    except StageCancelled as cancelled:
        return Cancelled(message=str(cancelled))
    finally:
        ranks.publish()
    return Completed(name=outcome.name, message=outcome.message)


def reproduce(node: StageNode, force: bool, say: Callable[[str], None]) -> Outcome:
    """Bring one stage up to date; StageFailed with all a person needs when it does not end well."""
    if is_ending():
        raise StageCancelled("not begun: its run was ended before")
    health.verify_inputs(node.inputs)
    started = time.time()
    arguments = ["--wait-for-lock", "repro", "--single-item", *["--force"][:force], node.name]
    finished = run_dvc(arguments, say, node.hints.timeout_seconds)
    if finished.exit_code == 0:
        health.keep_lock_copy()
        return _outcome(finished, time.time() - started)
    # DVC removes a stage's outputs before it runs; what the last good run left is in the cache
    restored = run_dvc(["checkout", "--quiet", node.name], lambda line: None).exit_code == 0
    kept = "its earlier outputs are back in place" if restored else "it had no earlier outputs"
    if finished.cancelled:
        raise StageCancelled(f"ended with its run; {kept}")
    raise _failure(node, finished, started, kept)


def _outcome(finished: Finished, seconds: float) -> Outcome:
    text = "\n".join(finished.last_lines)
    if "is cached - skipping run" in text:
        return Outcome("From cache", "these inputs were seen before; outputs from DVC's cache")
    if "didn't change, skipping" in text:
        return Outcome("Up to date", "nothing it reads has changed")
    return Outcome("Completed", f"ran in {seconds:.1f} s")


def _failure(node: StageNode, finished: Finished, started: float, kept: str) -> StageFailed:
    found = re.findall(r"exited with (-?\d+)", "\n".join(finished.last_lines))
    own_lines = [line for line in finished.last_lines if "failed to reproduce" not in line]
    code = int(found[-1]) if found else finished.exit_code
    if finished.timed_out:
        reason = (
            f"not done after {node.hints.timeout_seconds:g} s (its timeout_seconds in dvc.yaml)"
        )
    else:
        record = read_record(node.name)
        own_words = record.get("failure") if record.get("started", 0) >= started else None
        reason = own_words or (own_lines or ["it said nothing"])[-1]
    kind = StageFailedForNow if code == TemporaryError.exit_code else StageFailed
    return kind(
        f"Stage {node.name} failed: {_shortened(reason, 1000).rstrip('.')}.\n"
        f"Exit code {code}: {_MEANINGS.get(code, 'see the last lines')}. {kept.capitalize()}.\n"
        f"See it again by hand: dvc repro --single-item {node.name}\n"
        "Last lines:\n" + "\n".join(own_lines)
    )


def would_stop_again(message: str) -> bool:
    """Whether a run's message tells of a stage that refused its input: the same data, code and
    params give the same again."""
    return re.search(rf"^Exit code {FlywheelError.exit_code}: ", message, re.MULTILINE) is not None


def _shortened(text: str, length: int = _SHOWN_CHARACTERS) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
