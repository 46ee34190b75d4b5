"""One full turn of the graph as a Prefect flow: from the UI, a schedule, or this command line."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from prefect import State, flow
from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from rich.console import Console

from flows import released, report
from flows.checkout import health, versions
from flows.checkout.git import head_commit
from flows.checkout.lock import checkout_lock
from flows.checkout.overrides import overridden
from flows.checkout.versions import SavedRun
from flows.dvc_process import begin, end_all
from flows.leash import follow_worker
from flows.limits import ensure_limits
from flows.pages.result import is_stopped, reason_of
from flows.params import FlywheelParams
from flows.services.connect import prefect_api, present_api
from flows.stage_graph import StageNode, read_graph, select, stale_stages
from flows.stage_task import submit
from flows.summary import print_summary, read_runs
from tasks.errors import FlywheelError, TemporaryError
from tasks.params import load_params
from tasks.provenance import FlowRun


@flow(name="flywheel")
def flywheel(
    only: Sequence[str] = (),
    from_stage: str = "",
    force: bool = False,
    overrides: Sequence[str] = (),
) -> State[Any]:
    """Bring the graph of dvc.yaml up to date and keep the result as a DVC experiment.

    Args:
        only: Names of stages, one an item, such as train; no others run. Empty: all.
        from_stage: Stage to start again at; all downstream of it follows. Empty: the first.
        force: Run the chosen stages even where DVC finds them up to date.
        overrides: key=value, one an item, such as train.max_epochs=1, for this run alone.
    """
    follow_worker()
    log = get_run_logger()
    try:
        seconds = load_params("flywheel", FlywheelParams).wait_minutes * 60
        with checkout_lock(f"flow run {flow_run.name}", seconds, log.warning):
            health.mend(log.warning)
            return turn(only, from_stage, force, overrides)
    except FlywheelError as error:
        return Failed(message=str(error))


def turn(only: Sequence[str], from_stage: str, force: bool, overrides: Sequence[str]) -> State[Any]:
    """The same for a flow that holds the checkout already, and has mended it."""
    name = str(flow_run.name)
    begin(FlowRun(name, flow_run.ui_url or "", versions.as_experiment(name)).as_environment())
    try:
        with overridden(overrides, get_run_logger().info):
            return _turn(only, from_stage, force)
    except FlywheelError as error:
        return Failed(message=str(error))


def _turn(only: Sequence[str], from_stage: str, force: bool) -> State[Any]:
    log = get_run_logger()
    head_commit()  # without one no run can be kept: better said now than in the end
    nodes = read_graph()
    chosen = select(nodes, only, from_stage)
    health.rescue_edits({node.name: node.edited_outs for node in chosen}, log.warning)
    states = _reproduce_all(chosen, stale_stages(nodes), force)
    result = report.in_one_line(states)
    health.restore_dvc_lock(log.warning)  # a stage that was killed may have cut it
    saved = versions.save_run(str(flow_run.name), result)
    for warning in saved.warnings:
        log.warning(warning)
    report.publish(chosen, states, saved)
    result, is_lost = f"{result}; kept as {saved.name}", False
    try:
        versions.push_run(saved, log.warning)
    except TemporaryError as error:
        log.error(str(error))
        result = f"{result}; not pushed: {error}"
        is_lost = bool(os.environ.get("FLYWHEEL_TEMPORARY_CLONE"))  # it goes with the clone
    stopped = {name: state for name, state in states.items() if is_stopped(state)}
    if not stopped and not is_lost:
        return _released(nodes, chosen, saved, result)
    _tag([f"stopped: {name}" for name in stopped])
    return Failed(message="\n\n".join([*map(reason_of, stopped.values()), result]))


def _released(
    nodes: Sequence[StageNode], chosen: Sequence[StageNode], saved: SavedRun, result: str
) -> State[Any]:
    """The run has done its work, whatever the gate says of it; but a gate must be able to say."""
    from flows import release  # noqa: PLC0415 - the runtimes: a run with nothing to do needs none

    try:
        line = release.finish(nodes, chosen, saved)
    except FlywheelError as error:
        _tag(["not judged"])
        return Failed(message=f"{error}\n\n{result}; not released")
    return Completed(message=f"{result}; {line}" if line else result)


def _tag(tags: Sequence[str]) -> None:
    """The list of runs shows no messages, but tags."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, tags={*flow_run.tags, *tags})


def _reproduce_all(
    nodes: Sequence[StageNode], stale: Sequence[str], force: bool
) -> dict[str, State[Any]]:
    """Final state of each stage; those that do not depend on one another run side by side."""
    with get_client(sync_client=True) as client:
        ensure_limits(client, (node.hints.resource for node in nodes if node.hints.resource))
    futures: dict[str, PrefectFuture[Any]] = {}
    try:
        for node in nodes:
            upstream = [futures[name] for name in node.upstream if name in futures]
            futures[node.name] = submit(node, node.name in stale, force, upstream)
        for future in futures.values():
            future.wait()
    except BaseException:  # cancelled from the UI, Ctrl-C, or the worker is gone
        end_all()
        raise
    return {name: future.state for name, future in futures.items()}


def main(arguments: list[str]) -> int:
    """One turn from the command line, with the server of `make up` or one of its own."""
    options = _parse(arguments)
    console = Console(highlight=False)
    started = time.time()
    may_rest = present_api() is None and not options.force and not options.override
    if may_rest and (rested := _find_nothing_to_do(options.only, options.from_stage)):
        _print_end(console, started, rested)
        return 0
    with prefect_api():
        state = flywheel(
            options.only, options.from_stage, options.force, options.override, return_state=True
        )
    if not state.is_completed():
        console.print(f"\n{state.message}", markup=False, soft_wrap=True)
        return 1
    _print_end(console, started, f"{state.message}; {time.time() - started:.0f} s")
    return 0


def _print_end(console: Console, started: float, result: str) -> None:
    print_summary(console, read_runs(started), result)
    for line in released.release_lines():
        console.print(line, markup=False, soft_wrap=True)


def _find_nothing_to_do(only: Sequence[str], from_stage: str) -> str:
    """A line that says so, or nothing; then a server need not be started to find out."""
    params = load_params("flywheel", FlywheelParams)
    with checkout_lock("make run", params.wait_minutes * 60, _say):
        health.mend(_say)
        nodes = read_graph()
        chosen = {node.name for node in select(nodes, only, from_stage)}
        if chosen & set(stale_stages(nodes)) or not released.is_settled(nodes):
            return ""
    return f"Nothing to do: all {len(chosen)} stages were up to date."


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m flows.flywheel", description=flywheel.__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="STAGE")
    parser.add_argument("--from-stage", default="", metavar="STAGE")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--override", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        sys.exit(f"flywheel failed: {problem}")
    except KeyboardInterrupt:
        _say("interrupted; nothing half-written was kept. Run again to go on from there.")
        sys.exit(130)
