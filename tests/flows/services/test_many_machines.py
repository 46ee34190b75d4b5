"""The second block of prefect.yaml: a deployment that changes its anchor runs from a clone."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.services.place import FLOW, Place, end, make_place

pytestmark = pytest.mark.slow
TELLING = FLOW.replace(
    "raise GateError(fail)",
    "raise GateError(f\"in {Path.cwd()} with {Path('.dvc/config.local').read_text()}\")",
).replace("import time", "import time\nfrom pathlib import Path")


def shell(folder: Path, *command: str, place: Place) -> str:
    result = subprocess.run(
        command, cwd=folder, env=place.environment(), text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture
def pushed(tmp_path: Path) -> Iterator[Place]:
    """A checkout whose code is in a bare repository, and whose deployments say `*cluster`."""
    variables = {
        "FLYWHEEL_REPOSITORY": f"file://{tmp_path}/code.git", "FLYWHEEL_BRANCH": "main",
        "FLYWHEEL_DVC_REMOTE": str(tmp_path / "remote"), "FLYWHEEL_IMAGE": "team/flywheel:1",
    }  # fmt: skip
    made = make_place(tmp_path / "checkout", variables)
    (made.folder / "dvc.yaml").write_text("stages: {}\n")
    (made.folder / "flows/flywheel.py").write_text(TELLING)
    shell(made.folder, "dvc", "init", "-q", place=made)
    shell(made.folder, "git", "add", "-A", place=made)
    shell(made.folder, "git", "commit", "-qm", "with dvc", place=made)
    shell(made.folder, "git", "branch", "-M", "main", place=made)
    shell(tmp_path, "git", "clone", "-q", "--bare", "checkout", "code.git", place=made)
    (made.folder / "flows/flywheel.py").write_text(FLOW)  # what is not pushed is not run
    file = made.folder / "prefect.yaml"
    file.write_text(file.read_text().replace("<<: *one_machine", "<<: *cluster"))
    try:
        yield made
    finally:
        end(made)


@pytest.mark.parametrize("kind", ["process", "kubernetes", "docker"])
def test_deployments_change_their_anchor_and_nothing_else(
    pushed: Place, tmp_path: Path, kind: str
) -> None:
    refused = pushed.try_run(["python", "-m", "flows.services.up"])
    assert refused.returncode == 1
    assert "cluster" in refused.stdout.splitlines()[-1]  # the pool is the user's to create
    create = ["prefect", "work-pool", "create", "cluster", "--type", kind]
    shell(pushed.folder, *create, place=pushed)
    pushed.up()
    with pushed.client() as client:
        found = client.read_deployment_by_name("nightly-retrain/nightly-retrain")
    assert found.work_pool_name == "cluster"
    assert found.job_variables["image"] == "team/flywheel:1"
    if kind == "process":
        run_on_another_machine(pushed, tmp_path / "elsewhere")


def run_on_another_machine(place: Place, elsewhere: Path) -> None:
    """A worker that knows the server's address and password, and has no checkout."""
    elsewhere.mkdir()
    login = {key: place.profile()[key] for key in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")}
    variables = place.environment() | login | {"PREFECT_HOME": str(elsewhere / "home")}
    run = place.start(fail="tell where")
    worker = ["prefect", "worker", "start", "--pool", "cluster", "--run-once"]
    subprocess.run(worker, cwd=elsewhere, env=variables, timeout=300, check=True)
    message = place.wait_for_state(run, "Failed").state_message
    assert f"in {place.folder}" not in message
    assert "remote = shared" in message
    assert str(place.folder.parent / "remote") in message
