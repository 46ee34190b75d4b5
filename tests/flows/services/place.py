"""A small checkout with the real flows/services, a flow that does as told, and its own server."""

import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient

from flows.services.temporary import free_port
from tests.project import copy_code, environment

COPIED = [
    "flows",
    "serving",
    "tasks",
    "pyproject.toml",
    "prefect.yaml",
    "params.yaml",
    "dvc.yaml",
    ".gitignore",
]
FLOW = '''"""Stands in for the graph: these tests want runs of known length and end."""
import time
from prefect import flow
from prefect.events import emit_event
from tasks.errors import GateError

@flow(name="flywheel")
def flywheel(
    force: bool = False,
    overrides: list[str] = [],
    seconds: float = 0,
    fail: str = "",
    tell: str = "",
    say: str = "",
) -> str:
    if say:
        time.sleep(1)  # what the server is told goes out from a thread
        print(say, flush=True)
    if tell:
        resource = {"prefect.resource.id": "flywheel.model.classifier"}
        emit_event(f"flywheel.{tell}", resource=resource, payload={"message": "macro F1 0.71"})
    time.sleep(seconds)
    if fail:
        raise GateError(fail)
    return "done"
'''
Found = TypeVar("Found")
# a write to its SQLite may wait for 60 s, and Prefect's server was seen to use them up
PATIENCE_SECONDS = 150


class Seen(NamedTuple):
    """A flow run as the server has it."""

    id: UUID
    name: str
    state_name: str
    state_message: str


class Place(NamedTuple):
    """A checkout in which `make up` has been or will be called."""

    folder: Path
    port: int
    variables: dict[str, str]  # of the shell that calls `make up`

    def up(self, **variables: str) -> str:
        return self.run("up", **variables).stdout

    def run(self, what: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", f"flows.services.{what}"]
        result = self.try_run(command, **variables)
        assert result.returncode == 0, result.stdout + self.log("server") + self.log("worker")
        return result

    def try_run(self, command: list[str], **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=self.folder, env=self.environment() | variables, timeout=240, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        """As a user's shell has it, without what this test run or its user may have set."""
        inherited = {k: v for k, v in environment().items() if not k.startswith("PREFECT_")}
        return inherited | self.variables | {"PORT": str(self.port)}

    def log(self, name: str) -> str:
        file = self.folder / f".prefect/{name}.log"
        return file.read_text() if file.exists() else ""

    def profile(self) -> dict[str, str]:
        tree = tomllib.loads((self.folder / ".prefect/profiles.toml").read_text())
        found: dict[str, str] = tree["profiles"]["up"]
        return found

    def client(self) -> SyncPrefectClient:
        profile = self.profile()
        return SyncPrefectClient(
            api=profile["PREFECT_API_URL"], auth_string=profile["PREFECT_API_AUTH_STRING"]
        )

    def start(self, deployment: str = "flywheel", **parameters: Any) -> UUID:
        with self.client() as client:
            found = client.read_deployment_by_name(f"{deployment}/{deployment}")
            return client.create_flow_run_from_deployment(found.id, parameters=parameters).id

    def read(self, run: UUID) -> Seen:
        with self.client() as client:
            found = client.read_flow_run(run)
        state = found.state
        assert state
        return Seen(found.id, found.name, state.name or "", state.message or "")

    def wait_for_state(self, run: UUID, *names: str, seconds: float = PATIENCE_SECONDS) -> Seen:
        def there() -> Seen | None:
            found = self.read(run)
            return found if found.state_name in names else None

        return wait_for(there, seconds, lambda: f"{self.read(run)}\n{self.log('worker')}")

    def processes(self, *words: str) -> list[psutil.Process]:
        """Processes of this place whose command line has all of the words."""
        return [
            process
            for process in psutil.process_iter()
            if owner_of(process) == str(self.folder / ".prefect")
            and all(word in " ".join(command_of(process)) for word in words)
        ]


def owner_of(process: psutil.Process) -> str | None:
    try:
        return str(process.environ().get("FLYWHEEL_SERVICES_OF"))
    except psutil.Error:
        return None


def command_of(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def wait_for(
    look: Callable[[], Found | None],
    seconds: float = PATIENCE_SECONDS,
    explain: Callable[[], str] = str,
) -> Found:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {explain()}"
        time.sleep(0.2)
    return found


def make_place(folder: Path, variables: dict[str, str]) -> Place:
    copy_code(COPIED, folder)
    (folder / "flows/flywheel.py").write_text(FLOW)
    nightly = FLOW.replace('name="flywheel"', 'name="nightly-retrain"')
    (folder / "flows/nightly_retrain.py").write_text(
        nightly.replace(
            "def flywheel(", 'def nightly_retrain(\n    event: str = "",\n    evidence: str = "",'
        )
    )
    use_free_ports(folder / "params.yaml")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run(["git", *command], cwd=folder, env=environment(), check=True)
    return Place(folder.resolve(), free_port(), variables)


def use_free_ports(params: Path) -> None:
    """For the prediction service: other tests have theirs at the same time."""
    text = params.read_text(encoding="utf-8")
    for port in ("port: 8000", "admin_port: 8001"):
        assert f"\n  {port} " in text
        text = text.replace(f"\n  {port} ", f"\n  {port.split()[0]} 0 ")
    params.write_text(text, encoding="utf-8")


def end(place: Place) -> None:
    """Whatever state a failed test has left it in."""
    place.try_run([sys.executable, "-m", "flows.services.down"])
    for process in place.processes():
        process.kill()


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
