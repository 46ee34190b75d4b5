"""prefect.yaml against the flows: everything there loads, and no flow is left without a door."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.flows import Flow, load_flow_from_entrypoint

from flows.services.retrain_automations import DEPLOYMENT, EVENTS
from tests.project import REPOSITORY

TREE: dict[str, Any] = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())
DEPLOYMENTS = {one["name"]: one for one in TREE["deployments"]}
PROMISED = {"flywheel", "nightly-retrain", "promote", "rollback", "plan", "sweep", "batch-predict"}


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


def load(name: str) -> Flow[..., Any]:
    return load_flow_from_entrypoint(DEPLOYMENTS[name]["entrypoint"])


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_is_of_the_flow_of_its_name_and_takes_its_parameters(name: str) -> None:
    flow = load(name)
    assert flow.name == name
    assert set(DEPLOYMENTS[name]["parameters"]) <= set(flow.parameters.properties)
    assert DEPLOYMENTS[name]["description"]
    is_scheduled = bool(DEPLOYMENTS[name].get("schedules"))
    assert ("scheduled" if is_scheduled else "by-hand") in DEPLOYMENTS[name]["tags"]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("event", EVENTS)
def test_the_nightly_flow_takes_what_the_automations_send(event: str) -> None:
    flow = load(DEPLOYMENT.split("/")[1])
    assert flow.validate_parameters({"event": event, "evidence": "0f" * 32})
    with pytest.raises(Exception, match="evidence"):
        flow.validate_parameters({"event": event, "evidence": "$(rm -rf)"})


def test_every_flow_is_deployed() -> None:
    files = sorted((REPOSITORY / "flows").rglob("*.py"))
    flows = {entrypoint for file in files for entrypoint in flows_in(file)}
    assert {one["entrypoint"] for one in DEPLOYMENTS.values()} == flows
    assert set(DEPLOYMENTS) >= PROMISED


def flows_in(file: Path) -> list[str]:
    """Entrypoints of functions that are decorated as flows."""
    return [
        f"{file.relative_to(REPOSITORY)}:{node.name}"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "flow"
    ]
