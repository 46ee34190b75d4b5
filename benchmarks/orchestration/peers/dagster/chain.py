"""Eight steps as Dagster teaches them: assets, stored by the default I/O manager, and jobs."""

from pathlib import Path

import dagster as dg

NUM_STEPS = 8


def make_asset(number: int) -> dg.AssetsDefinition:
    """An asset made of the one before; its code version lets Dagster tell stale from fresh."""
    before = {"previous": dg.AssetIn(f"step_{number - 1}")} if number > 1 else {}

    @dg.asset(name=f"step_{number}", ins=before, code_version="1")
    def extend(**inputs: str) -> str:
        text = f"{inputs.get('previous', '')} {number}".strip()
        with Path("trace.txt").open("a") as trace:
            trace.write(f"{text}\n")
        return text

    return extend


defs = dg.Definitions(
    assets=[make_asset(number) for number in range(1, NUM_STEPS + 1)],
    jobs=[
        dg.define_asset_job("in_process", executor_def=dg.in_process_executor),
        dg.define_asset_job("multiprocess", executor_def=dg.multiprocess_executor),
    ],
)
