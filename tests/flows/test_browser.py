"""A person's way: log in, start a run from the form, watch it, cancel another, put it all down.

With DOCS=1 in the environment it also takes the picture of a run that is kept in docs/:
DOCS=1 pytest tests/flows/test_browser.py
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml
from playwright.sync_api import expect

from flows.services.temporary import free_port
from tests.flows.browser import Ui, open_ui
from tests.flows.services.place import Place, command_of, end, is_alive, wait_for
from tests.project import REPOSITORY, make_project, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
STAGES = list(yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"])
PICTURE = REPOSITORY / "docs/flywheel-run.png"
RUN_SECONDS = 300  # for a busy machine; some 40 s on a quiet one
ARTIFACTS = [
    "result", "validation", "metrics", "model-card", "lineage", "gate-verdict", "release-card",
]  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(make_project(tmp_path / "checkout").resolve(), free_port(), {})
    params = made.folder / "params.yaml"  # whatever one epoch learns, the run ends with the gate
    params.write_text(
        params.read_text("utf-8").replace("auto_promote: true", "auto_promote: false")
    )
    try:
        yield made
    finally:
        end(made)


def test_a_person_starts_watches_and_cancels_runs(place: Place) -> None:
    with open_ui(f"http://127.0.0.1:{place.port}") as ui:  # first: it skips where there is none
        place.up()
        ui.log_in(place.profile()["PREFECT_API_AUTH_STRING"])
        start_with_one_epoch_and_watch(ui, place)
        see_every_stage_and_what_it_made(ui)
        cancel_a_long_run(ui, place)
    place.run("down")
    assert place.processes() == []


def start_with_one_epoch_and_watch(ui: Ui, place: Place) -> None:
    params = (place.folder / "params.yaml").read_bytes()
    ui.open_form("flywheel")
    ui.add_to_list("overrides", "train.max_epochs=1")
    name = ui.submit()
    ui.show("Logs")
    expect(ui.page.get_by_text("max_epochs: 2 -> 1")).to_be_visible()
    expect(ui.page.get_by_text("Running stage 'fetch':")).to_be_visible()
    assert ui.state("Running").is_visible(), "the logs came when all was over"
    expect(ui.state("Completed")).to_be_visible(timeout=RUN_SECONDS * 1000)
    assert epochs_of_runs(place)[name] == 1
    assert (place.folder / "models/train/history.csv").read_text().count("\n") == 2
    assert (place.folder / "params.yaml").read_bytes() == params


def epochs_of_runs(place: Place) -> dict[str, int]:
    """By the name of the run, as `dvc exp show` has it."""
    shown = json.loads(run(place.folder, ["dvc", "exp", "show", "--json"]).stdout.splitlines()[-1])
    states = [
        state for entry in shown for one in entry["experiments"] or [] for state in one["revs"]
    ]
    return {
        state["name"]: state["data"]["params"]["params.yaml"]["data"]["train"]["learning"][
            "max_epochs"
        ]
        for state in states
    }


def see_every_stage_and_what_it_made(ui: Ui) -> None:
    expected = sorted([*STAGES, "gate"])
    assert sorted(ui.graph_names(len(expected))) == expected
    ui.show("Artifacts")
    for key in ARTIFACTS:
        expect(ui.page.get_by_text(key, exact=True)).to_be_visible()
    if os.environ.get("DOCS"):
        PICTURE.parent.mkdir(exist_ok=True)
        ui.page.screenshot(path=PICTURE)


def cancel_a_long_run(ui: Ui, place: Place) -> None:
    """A stage added to dvc.yaml is there at once, and with its children gone at once."""
    graph = yaml.safe_load((place.folder / "dvc.yaml").read_text())
    graph["stages"]["wait"] = {"cmd": "sleep 600 & sleep 600 & wait", "outs": ["data/wait/out"]}
    (place.folder / "dvc.yaml").write_text(yaml.safe_dump(graph))
    services = place.processes()
    ui.open_form("flywheel")
    ui.add_to_list("only", "wait")
    ui.submit()
    expect(ui.state("Running")).to_be_visible()
    stage = wait_for(lambda: place.processes("sleep 600", "wait"))[0]  # the shell over both
    wait_for(lambda: len(stage.children()) == 2)
    dvc = stage.parent()
    assert dvc is not None
    assert "dvc" in " ".join(dvc.cmdline())
    family = [dvc, *dvc.children(recursive=True)]
    ui.cancel()
    psutil.wait_procs(family, timeout=60)
    assert [process for process in family if is_alive(process)] == []
    expect(ui.state("Cancelled")).to_be_visible()
    wait_for(
        lambda: all(left in services for left in place.processes()),
        explain=lambda: str([command_of(left) for left in place.processes()]),
    )  # one that the hour has started goes by itself
