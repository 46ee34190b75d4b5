"""Progress from log lines: read as written, shown on a real server, never in a stage's way."""

import itertools
import logging

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.context import SyncClientContext
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.progress import Progress, read_progress
from tasks.progress import track


@pytest.mark.parametrize(
    ("line", "num_epochs", "percent"),
    [
        ("train: epoch 1 of 2: loss 0.9, on validation 0.8", None, 50.0),
        ("train: epoch 1, batch 50 of 200: loss 0.9, 80 examples/s", None, 25.0),
        ("train: epoch 2, batch 50 of 200: loss 0.9, 80 examples/s", 2, 62.5),
        ("train: epoch 2 of 4, batch 100 of 200: loss 0.9", None, 37.5),
        ("train: epoch 1, batch 50 of inf: loss 0.9", None, None),
        ("label_export: 12,345 of 23,617 texts (104 %), 3/s", None, 100.0),
        ("clean: shares (45 %) of something", None, None),
        ("", None, None),
    ],
)
def test_a_line_tells_how_far(line: str, num_epochs: int | None, percent: float | None) -> None:
    assert read_progress(line, num_epochs) == percent


def test_the_lines_of_track_are_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert list(track(range(1000), 2000, "texts", every_seconds=0))[-1] == 999
    read = [read_progress(line) for line in caplog.messages]
    assert read[0] == 0
    assert read[-1] == 50


def show(stage: str, seconds_per_line: int, api: str | None = None) -> None:
    """A stage of ten lines in a task of a flow, on a clock of its own."""
    ticks = itertools.count(0, seconds_per_line)

    @task
    def follow() -> str:
        progress = Progress(stage, clock=lambda: next(ticks))
        for done in range(1, 11):
            progress.follow(f"{stage}: {done} of 10 <b>texts</b> ({done * 10} %), 1/s")
            if progress.sender and not api:
                progress.sender.join()
        progress.finish()
        return "done"

    @flow
    def work() -> str:
        with temporary_settings({PREFECT_API_URL: api} if api else {}), SyncClientContext():
            return follow()

    assert work() == "done"


def artifacts(key: str) -> list[Artifact]:
    with get_client(sync_client=True) as client:
        chosen = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        return client.read_artifacts(artifact_filter=chosen)


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_long_stage_has_one_bar_of_its_task_run() -> None:
    show("My_Stage@1", seconds_per_line=4)
    (bar,) = artifacts("progress-my-stage-1")
    assert bar.type == "progress"
    assert bar.data == 100
    assert bar.description == "done"
    assert bar.task_run_id


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_short_stage_has_none() -> None:
    show("short", seconds_per_line=0)
    assert artifacts("progress-short") == []
