"""The planner's flow on a real server: what it leaves on its page, and how it fails."""

import json
from pathlib import Path

import pytest

from flows.plan import plan
from tests.flows.test_report import artifacts_of_last_run
from tests.project import REPOSITORY
from tests.tasks.plan.plans import write_folder


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_plan_leaves_its_options_its_formulas_and_its_chart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.chdir(write_folder(tmp_path))
    state = plan(["22M", "1.5B"], batch_size=8, return_state=True)
    assert state.is_completed()
    assert state.message
    assert state.message.startswith("22M, 1 x ")
    found = artifacts_of_last_run()
    names = {f"plan-{size}-{what}" for size in ("22m", "1-5b") for what in ("options", "formulas")}
    assert set(found) == {*names, "plan-chart"}
    rows = json.loads(found["plan-1-5b-options"].data)
    assert rows[0]["rank by cost"] == "1"
    assert "4 B x 1.54 G" in found["plan-1-5b-formulas"].data.replace("\\", "")
    assert found["plan-chart"].data.startswith("data:image/png;base64,iVBOR")

    failed = plan(["8B"], return_state=True)
    assert failed.is_failed()
    assert failed.message
    assert failed.message.startswith("plan failed: size '8B' is not among")
