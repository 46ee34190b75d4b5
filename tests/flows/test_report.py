"""What a run leaves on a real server, whatever its files are like and wherever the server is."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
)  # fmt: skip
from prefect.client.schemas.objects import Artifact, FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import SyncClientContext
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows import report
from flows.checkout.versions import SavedRun, save_run
from flows.pages.markdown import escaped
from flows.services.temporary import free_port
from flows.stage_graph import StageHints, StageNode
from tests.chain import make_checkout, write_graph
from tests.flows.test_pages import RAN, rendered, rule
from tests.project import run, try_run

GATE = "data/check-failed/report.json"


def graph(score: float, refused: bool = False) -> dict[str, dict[str, Any]]:
    """A stage that makes data, one that may refuse them, one that scores."""
    scores = {"score": {"f1": score, "baselines": {"majority": {"f1": 0.2}}}}
    verdict = {"problems": ["bad"] if refused else [], "rules": [rule("enough", 2)]}
    to = Path(GATE).parent if refused else "data/check"
    end = f" && echo see {GATE} && exit 1" if refused else ""
    return {
        "make": {"cmd": "mkdir -p data && echo 1 > data/a.txt", "outs": ["data/a.txt"]},
        "check": {
            "cmd": f"mkdir -p {to} && echo '{json.dumps(verdict)}' > {to}/report.json{end}",
            "deps": ["data/a.txt"], "outs": ["data/check/report.json"],
        },
        "score": {
            "cmd": f"mkdir -p data/score && echo '# My card' > data/score/model_card.md && "
                   f"echo '{json.dumps(scores)}' > data/score/metrics.json",
            "deps": ["data/check/report.json"],
            "outs": ["data/score/model_card.md"], "metrics": ["data/score/metrics.json"],
        },
    }  # fmt: skip


def artifacts_of_last_run() -> dict[str, Artifact]:
    with get_client(sync_client=True) as client:
        last: FlowRun = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)[0]
        chosen = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[last.id]))
        found = client.read_artifacts(artifact_filter=chosen)
    return {artifact.key or "": artifact for artifact in found}


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_run_leaves_its_artifacts_on_the_server(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path / "checkout", graph(0.7))
    flywheel = ["python", "-m", "flows.flywheel"]
    run(checkout, flywheel)
    first = artifacts_of_last_run()
    assert set(first) == {"result", "validation", "metrics", "model-card", "lineage"}
    assert [row["state"] for row in json.loads(first["result"].data)] == ["ran"] * 3
    assert first["result"].description == "3 of 3 stages ran"
    assert first["model-card"].data == "# My card\n"
    name = run(checkout, ["git", "for-each-ref", "--format=%(refname:lstrip=-1)", "refs/exps"])
    assert escaped(name.stdout.strip()) in first["lineage"].data

    run(checkout, flywheel)
    assert set(artifacts_of_last_run()) == {"result"}

    write_graph(checkout, graph(0.8))
    run(checkout, flywheel)
    later = artifacts_of_last_run()
    assert set(later) == {"result", "metrics", "model-card", "lineage"}
    assert "<td>0.7000</td>\n<td>0.8000</td>\n<td>+0.1000</td>" in rendered(later["metrics"].data)

    write_graph(checkout, graph(0.8, refused=True))
    assert try_run(checkout, flywheel).returncode == 1
    stopped = artifacts_of_last_run()
    assert set(stopped) == {"result", "validation"}
    assert stopped["result"].description == "stopped at check; 0 of 3 ran"
    assert "Nothing went on from here" in stopped["validation"].data


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SavedRun:
    """A checkout of one stage with a metrics file that is none, after `dvc repro`."""
    metrics = [{"data/m.json": {"cache": True}}]
    stages = {"a": {"cmd": "mkdir -p data && echo '{' > data/m.json", "metrics": metrics}}
    checkout = make_checkout(tmp_path / "checkout", stages)
    run(checkout, ["dvc", "repro", "-q"])
    monkeypatch.chdir(checkout)
    return save_run("kind-owl", "one stage ran")


def publish_alone(saved: SavedRun, api: str = "") -> dict[str, Artifact]:
    """What a flow leaves that only publishes, its client led to another address meanwhile."""
    nodes = [StageNode("a", "", (), (), ("data/m.json",), StageHints(), (), ())]

    @flow
    def alone() -> str:
        context = SyncClientContext.get()
        assert context
        connection = context.client._client
        address = connection.base_url
        connection.base_url = httpx.URL(api) if api else address
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            report.publish(nodes, {"a": RAN}, saved)
        connection.base_url = address
        return "done"

    assert alone() == "done"
    return artifacts_of_last_run()


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_an_odd_file_costs_its_page_and_one_warning(
    kept: SavedRun, caplog: pytest.LogCaptureFixture
) -> None:
    assert set(publish_alone(kept)) == {"result", "lineage"}
    (warning,) = warnings_in(caplog)
    assert warning.startswith("scores is not shown in the UI: JSONDecodeError: Expecting property")


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_server_that_is_away_costs_one_warning(
    kept: SavedRun, caplog: pytest.LogCaptureFixture
) -> None:
    assert publish_alone(kept, f"http://127.0.0.1:{free_port()}/api/") == {}
    (warning,) = warnings_in(caplog)
    assert warning.startswith("from result on nothing is shown in the UI: ConnectError")
