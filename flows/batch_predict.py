"""Batch scoring as a Prefect flow: files through a release, asked for in the UI."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.artifacts import create_table_artifact
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows import process
from flows.leash import follow_worker
from flows.pages.batch import counts_table, in_one_line
from flows.progress import Progress
from flows.services.connect import prefect_api
from flows.terminal import say
from tasks.errors import FlywheelError

_NAME = "batch-predict"


@flow(name=_NAME)
def batch_predict(
    source: str, target: str, text_column: str = "text", version: str | None = None
) -> State[Any]:
    """Score every row of a file or of a folder of Parquet; a run that was stopped goes on.

    Args:
        source: CSV, TSV, JSON Lines or Parquet, as the worker's machine sees it.
        target: Folder for the answers: Parquet parts, and a manifest when all are there.
        text_column: The source's column that holds the texts.
        version: A release such as v1.2.0; none: the live one.
    """
    follow_worker()
    process.begin({})
    options = [f"--text-column={text_column}", *([f"--version={version}"] if version else [])]
    log, progress = get_run_logger(), Progress(_NAME)

    def follow(line: str) -> None:
        log.info("%s", line)
        progress.follow(line)

    try:
        ended = process.run_module("serving.batch", [*options, "--", source, target], follow)
    except BaseException:  # cancelled from the UI, Ctrl-C, or the worker is gone
        process.end_all()
        raise
    if ended.exit_code:
        return Failed(message=ended.last_lines[-1] if ended.last_lines else "it was killed")
    progress.finish()
    return Completed(message=_publish(Path(target)))


def _publish(target: Path) -> str:
    """The counts on the run's page; returns the result in one line."""
    manifest = json.loads((target / "_manifest.json").read_bytes())
    message = in_one_line(manifest)
    try:
        create_table_artifact(counts_table(manifest), _NAME, message)
    except Exception as error:  # the server is away; a picture of the work is not the work
        get_run_logger().warning("the counts are not shown in the UI: %s", error)
    return message


def main(arguments: list[str]) -> int:
    """One scoring from the command line, with the server of `make up` or one of its own."""
    parser = argparse.ArgumentParser(prog="python -m flows.batch_predict", description=main.__doc__)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--version")
    options = parser.parse_args(arguments)
    with prefect_api():
        state = batch_predict(**vars(options), return_state=True)
    say(str(state.message))
    return int(not state.is_completed())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlywheelError as problem:
        sys.exit(f"batch-predict failed: {problem}")
