"""Where a result comes from: the code as git knows it, and the flow run that asked for it."""

import os
import subprocess
from typing import NamedTuple


class FlowRun(NamedTuple):
    """What a flow tells the stages that it starts, through their environment; "" where none did."""

    run_name: str
    run_url: str
    experiment: str  # the DVC experiment that the run is kept as; -2 follows where that is taken

    def as_environment(self) -> dict[str, str]:
        return {_variable(field): value for field, value in self._asdict().items()}


def read_flow_run() -> FlowRun:
    """`dvc exp run` starts stages as well, and tells them the experiment alone."""
    told = FlowRun(*(os.environ.get(_variable(field), "") for field in FlowRun._fields))
    return told._replace(experiment=told.experiment or os.environ.get("DVC_EXP_NAME", ""))


def ask_git(*arguments: str) -> str | None:
    """What git answers; None where there is no git, no repository or no commit."""
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}  # never in the way of a person's git
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=False, env=environment
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _variable(field: str) -> str:
    return f"FLYWHEEL_{field.upper()}"
