"""The trials of a sweep under Prefect: so many task runs at a time, until none is left."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger

from flows.checkout.health import verify_inputs
from flows.limits import ensure_limits
from flows.pages.result import is_stopped, reason_of
from flows.pages.sweep import sweep_page
from flows.process import end_all, run_module
from flows.progress import Progress
from flows.stage_graph import StageNode, read_graph, stale_stages
from flows.summary import read_stages
from flows.trial_task import submit
from tasks.errors import FlywheelError, InputError
from tasks.params import load_params
from tasks.sweep.params import SweepParams
from tasks.sweep.summary import Summary, read_summary

STAGE = "train"


def search(folder: Path) -> Summary:
    """Begin the sweep of this folder, or go on with it, to its end; who calls holds the checkout.

    Raises FlywheelError when the data are not up to date, or a trial cannot be run.
    """
    stage = _find_stage(read_graph())
    verify_inputs(stage.inputs)
    sweep = load_params("sweep", SweepParams)
    _run_step("tasks.sweep.begin", [*_input_paths(), str(folder)])
    try:
        _run_trials(folder, sweep, stage.hints.resource)
    except BaseException:  # a trial failed, cancelled from the UI, Ctrl-C, or the worker is gone
        end_all()
        raise
    _run_step("tasks.sweep.finish", [str(folder)])
    summary = read_summary(folder)
    _publish(summary, folder)
    return summary


def _find_stage(nodes: Sequence[StageNode]) -> StageNode:
    """Stage train, whose inputs are as the graph makes them: the winner will be run on the same."""
    (stage,) = (node for node in nodes if node.name == STAGE)
    above = {*stage.upstream}
    for node in reversed(nodes):
        above |= {*node.upstream} if node.name in above else set()
    if outdated := [name for name in stale_stages(nodes) if name in above]:
        raise InputError(
            f"{', '.join(outdated)}: not up to date, so a sweep would search on outdated data. "
            "Run `make run` first."
        )
    return stage


def _input_paths() -> list[str]:
    """The paths of stage train but its target, as dvc.yaml has them."""
    words = shlex.split(read_stages()[STAGE]["cmd"])
    return words[words.index(f"tasks.{STAGE}") + 1 : -1]


def _run_step(module: str, arguments: Sequence[str]) -> None:
    ended = run_module(module, arguments, get_run_logger().info)
    if ended.exit_code:
        raise FlywheelError(ended.last_lines[-1] if ended.last_lines else f"{module}: killed")


def _run_trials(folder: Path, sweep: SweepParams, resource: str | None) -> None:
    """A queue of ended task runs, each followed by the next, so that no slot waits for another."""
    num_all, num_left = sweep.num_trials, read_summary(folder).num_left
    progress, ended = Progress("sweep"), SimpleQueue[PrefectFuture[Any]]()
    with get_client(sync_client=True) as client:
        ensure_limits(client, [resource] if resource else [])
    num_begun = 0
    for num_ended in range(num_left):
        while num_begun < min(num_left, num_ended + sweep.num_parallel):
            submit(folder, resource, sweep.max_restarts).add_done_callback(ended.put)
            num_begun += 1
        state = ended.get().state
        if is_stopped(state):
            raise FlywheelError(reason_of(state))
        num_done = num_all - num_left + num_ended + 1
        progress.follow(f"{num_done} of {num_all} trials ({100 * num_done // num_all} %)")
    progress.finish()


def _publish(summary: Summary, folder: Path) -> None:
    """What the UI shows of it; the same lies in the sweep's folder."""
    try:
        create_table_artifact(summary.as_rows(), "trials", f"Trials of sweep {summary.name}")
        create_markdown_artifact(
            sweep_page(summary, folder), "winner", f"Best of sweep {summary.name}"
        )
    except Exception as error:  # the server is away; a picture of the work is not the work
        get_run_logger().warning("the sweep is not shown in the UI: %s", error)
