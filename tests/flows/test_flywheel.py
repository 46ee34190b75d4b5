"""The flow on a real server: true edges, DVC's bytes, honest states, nothing run twice."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chain import diamond, make_checkout, write_graph
from tests.flows.last_run import FLYWHEEL, last_run, states
from tests.project import run, try_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "checkout", diamond())


def recorded(checkout: Path) -> Any:
    """dvc.lock but for the order of its stages: side by side, either of two can be first."""
    return yaml.safe_load((checkout / "dvc.lock").read_text())


def test_both_doors_leave_the_same_bytes_and_nothing_for_the_other(tmp_path: Path) -> None:
    flow = make_checkout(tmp_path / "flow", diamond())
    repro = make_checkout(tmp_path / "repro", diamond())
    run(flow, FLYWHEEL)
    run(repro, ["dvc", "repro", "-q"])
    assert recorded(flow) == recorded(repro)
    assert "Data and pipelines are up to date" in run(flow, ["dvc", "repro"]).stdout
    run(repro, FLYWHEEL)
    assert set(states(last_run()[1]).values()) == {"Up to date"}


def test_each_stage_is_a_node_with_its_true_edges(checkout: Path) -> None:
    run(checkout, FLYWHEEL)
    flow_run, tasks = last_run()
    assert flow_run.state_name == "Completed"
    assert states(tasks) == dict.fromkeys(["source", "left", "right", "join"], "Completed")
    names = {task.id: name for name, task in tasks.items()}
    edges = {
        name: sorted(names[parent.id] for parent in task.task_inputs["wait_for"])
        for name, task in tasks.items()
        if task.task_inputs.get("wait_for")
    }
    assert edges == {"left": ["source"], "right": ["source"], "join": ["left", "right"]}


def test_a_stage_is_told_its_run_and_that_makes_none_stale(checkout: Path) -> None:
    stages = diamond()
    stages["join"]["cmd"] += "; env > told"
    write_graph(checkout, stages)
    run(checkout, FLYWHEEL)
    flow_run = last_run()[0]
    lines = (checkout / "told").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    assert told["FLYWHEEL_RUN_NAME"] == flow_run.name
    assert told["FLYWHEEL_RUN_URL"].endswith(f"/flow-runs/flow-run/{flow_run.id}")
    assert told["FLYWHEEL_EXPERIMENT"] in run(checkout, ["dvc", "exp", "list"]).stdout
    run(checkout, FLYWHEEL)
    assert last_run()[0].name != flow_run.name
    assert set(states(last_run()[1]).values()) == {"Up to date"}


def test_independent_stages_run_at_the_same_time(checkout: Path) -> None:
    stages = diamond()
    for name in ("left", "right"):
        stages[name]["cmd"] += "; sleep 3"
    write_graph(checkout, stages)
    run(checkout, FLYWHEEL)
    _, tasks = last_run()
    left, right = tasks["left"], tasks["right"]
    times = [(task.start_time, task.end_time) for task in (left, right)]
    assert max(start for start, _ in times if start) < min(end for _, end in times if end)


def test_a_failure_says_what_why_and_how_to_see_it_again(checkout: Path) -> None:
    stages = diamond()
    stages["left"]["cmd"] = "echo the bound is 3, found 4; exit 1"
    write_graph(checkout, stages)
    result = try_run(checkout, FLYWHEEL)
    assert result.returncode == 1
    flow_run, tasks = last_run()
    assert states(tasks) == {
        "source": "Completed", "left": "Failed", "right": "Completed", "join": "NotReady",
    }  # fmt: skip
    assert flow_run.state_name == "Failed"
    assert flow_run.state
    for text in ("left failed", "Exit code 1: ", "mend that first", "the bound is 3, found 4",
                 "dvc repro --single-item left"):  # fmt: skip
        assert text in (flow_run.state.message or "")
        assert text in result.stdout
    assert tasks["left"].run_count == 1


def test_only_a_temporary_failure_is_tried_again(checkout: Path) -> None:
    stages = diamond()
    stages["left"]["meta"] = {"retries": 2, "retry_delay_seconds": 1}
    stages["left"]["cmd"] = (
        f"echo x >> tries; test $(wc -l < tries) = 2 || exit 75; {stages['left']['cmd']}"
    )
    stages["right"]["meta"] = {"retries": 2, "retry_delay_seconds": 1}
    stages["right"]["cmd"] = "exit 1"
    write_graph(checkout, stages)
    assert try_run(checkout, FLYWHEEL).returncode == 1
    _, tasks = last_run()
    assert {name: (task.state_name, task.run_count) for name, task in tasks.items()} == {
        "source": ("Completed", 1), "left": ("Completed", 2), "right": ("Failed", 1),
        "join": ("NotReady", 0),
    }  # fmt: skip


def test_a_stage_that_takes_too_long_fails_and_says_so(checkout: Path) -> None:
    stages = diamond()
    stages["left"] |= {"cmd": "sleep 100", "meta": {"timeout_seconds": 3}}
    write_graph(checkout, stages)
    try_run(checkout, FLYWHEEL)
    flow_run, _ = last_run()
    assert flow_run.state
    assert "left failed: not done after 3 s" in (flow_run.state.message or "")


def test_a_run_can_begin_at_a_stage_take_some_and_be_forced(checkout: Path) -> None:
    run(checkout, [*FLYWHEEL, "--only", "source", "left"])
    assert states(last_run()[1]) == {"source": "Completed", "left": "Completed"}
    run(checkout, [*FLYWHEEL, "--from-stage", "right"])
    assert states(last_run()[1]) == {"right": "Completed", "join": "Completed"}
    run(checkout, [*FLYWHEEL, "--from-stage", "left", "--force"])
    assert states(last_run()[1]) == {"left": "Completed", "join": "Completed"}
    run(checkout, FLYWHEEL)
    assert set(states(last_run()[1]).values()) == {"Up to date"}
    assert (
        "it has source, left, right, join"
        in try_run(checkout, [*FLYWHEEL, "--only", "lfet"]).stdout
    )


def test_inputs_seen_before_come_from_the_cache(checkout: Path) -> None:
    run(checkout, FLYWHEEL)
    params = checkout / "params.yaml"
    first = params.read_text()
    params.write_text(first.replace("hello", "bye"))
    run(checkout, FLYWHEEL)
    params.write_text(first)
    run(checkout, FLYWHEEL)
    assert states(last_run()[1])["left"] == "From cache"
