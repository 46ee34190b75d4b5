"""The planner as a Prefect flow: what a training would need, take and cost, asked in the UI."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.artifacts import (
    create_image_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows.leash import follow_worker
from flows.pages.plan import formulas_page, options_table
from flows.services.connect import prefect_api
from tasks.stage import PARENT_PID, RECORDS

_TARGET = RECORDS / "plan"


@flow(name="plan")
def plan(
    sizes: Sequence[str] = ("configured",), calibrate: bool = False, batch_size: int = 0
) -> State[Any]:
    """Rank hardware and strategies to train on, by cost and by time, before anything is paid.

    Args:
        sizes: Encoders: configured, or names of plan.sizes in params.yaml such as 7B, one an item.
        calibrate: Train for some seconds to measure this machine, and plan for it, too.
        batch_size: Texts per optimizer step; 0: as params.yaml has it.
    """
    follow_worker()
    last = _run(["--size", *sizes, *["--calibrate"][: int(calibrate)],
                 *(["--batch-size", str(batch_size)] if batch_size else [])])  # fmt: skip
    if last:
        return Failed(message=last)
    return Completed(message=_publish(_TARGET, sizes))


def _run(arguments: Sequence[str]) -> str:
    """The command in a process of its own, since a flow's is no place to train; its last line when
    it does not end well, else nothing."""
    log, line = get_run_logger(), "it said nothing"
    command = [sys.executable, "-m", "tasks.plan", *arguments]
    with subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, PARENT_PID: str(os.getpid())},  # it ends when this process does
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            log.info("%s", line.rstrip())
    return line.strip() if process.returncode else ""


def _publish(folder: Path, sizes: Sequence[str]) -> str:
    """Table, formulas and chart on the run's page; returns the result in one line."""
    pages = json.loads((folder / "plan.json").read_bytes())
    for size in sizes:
        page = pages[size]
        name = f"plan-{size.lower().replace('.', '-')}"
        best = page["explained"]["option"]
        create_table_artifact(options_table(page), f"{name}-options", f"{size}: best is {best}")
        create_markdown_artifact(formulas_page(page), f"{name}-formulas", f"Memory of {best}")
    chart = base64.b64encode((folder / "chart.png").read_bytes()).decode()
    create_image_artifact(
        f"data:image/png;base64,{chart}", "plan-chart", "Options by cost and time"
    )
    return "; ".join(pages[size]["explained"]["option"] for size in sizes)


if __name__ == "__main__":
    with prefect_api():
        state = plan(return_state=True)
    sys.exit(0 if state.is_completed() else f"plan failed: {state.message}")
