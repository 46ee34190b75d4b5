"""The graph on two processes, asked for as the form in the UI does, and cancelled as it does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.states import Cancelling

from flows.services.temporary import free_port
from tests.flows.last_run import FLYWHEEL
from tests.flows.services.place import Place, end, is_alive, wait_for
from tests.project import make_project, write_params

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ON_TWO = ["train.strategy=fsdp", "train.devices=2"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A checkout with a real graph, and services; the network has no dropout to differ in."""
    folder = make_project(tmp_path_factory.mktemp("scale") / "checkout")
    write_params(folder, head_dropout=0.0, precision="fp32")
    made = Place(folder.resolve(), free_port(), {})
    try:
        made.up()
        yield made
    finally:
        end(made)


def read(folder: Path, stage: str, place: str) -> dict[str, Any]:
    return json.loads((folder / f"{place}/{stage}/metrics.json").read_text())[stage]


def test_a_run_on_two_processes_has_the_metrics_of_one(place: Place) -> None:
    result = place.try_run(FLYWHEEL)
    assert result.returncode == 0, result.stdout
    alone = read(place.folder, "train", "models"), read(place.folder, "evaluate", "data")
    run_id = place.start(overrides=ON_TWO)
    assert (
        place.wait_for_state(run_id, "Completed", "Failed", seconds=300).state_name == "Completed"
    )
    shared = read(place.folder, "train", "models"), read(place.folder, "evaluate", "data")
    assert (alone[0]["strategy"], alone[0]["processes"]) == ("single", 1)
    assert (shared[0]["strategy"], shared[0]["processes"]) == ("fsdp", 2)
    assert shared[0]["validation_loss"] == pytest.approx(alone[0]["validation_loss"], abs=1e-3)
    assert shared[0]["validation_macro_f1"] == alone[0]["validation_macro_f1"]
    assert shared[1]["macro_f1"] == pytest.approx(alone[1]["macro_f1"], abs=0.01)
    with place.client() as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["ranks-train"]))
        )
    assert "### rank 0" in str(found[0].data)
    assert "process 2 of 2 has met the others" in str(found[0].data).split("### rank 1")[1]


def test_cancelling_ends_every_rank(place: Place) -> None:
    endless = ["train.max_epochs=5000", "train.patience_epochs=5000"]
    run_id = place.start(overrides=[*ON_TWO, *endless])

    def both() -> list[Any] | None:
        found = place.processes("tasks.train.rank")
        return found if len(found) == 2 else None

    ranks = wait_for(both, explain=lambda: place.log("worker"))
    with place.client() as client:
        client.set_flow_run_state(run_id, Cancelling())
    wait_for(lambda: not any(map(is_alive, ranks)), explain=lambda: place.log("worker"))
    assert place.wait_for_state(run_id, "Cancelled").state_name == "Cancelled"
    assert read(place.folder, "train", "models")["processes"] == 2  # as the run before left it
