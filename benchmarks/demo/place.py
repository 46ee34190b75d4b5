"""A clone of the checkout with its own services, as a newcomer has it after `make up`."""

import contextlib
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx
import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

from benchmarks.demo.scenario import HURRIED, Scenario
from flows.services.temporary import free_port
from tasks.errors import TemporaryError
from tasks.live_service import find_service
from tasks.releases import LIVE, Place, read_pointer

_POLL_SECONDS = 0.5
_RUN_SECONDS = 1800.0
_ADDRESS_OF_ANOTHER = ("PREFECT_", "FLYWHEEL_STORE", "MAKE")  # of whatever runs around us
Found = TypeVar("Found")


class Demo(NamedTuple):
    """The clone, as the folder this process works in."""

    folder: Path
    port: int

    def run(self, *words: str) -> str:
        """A command of this environment, failing loudly with what it said."""
        done = subprocess.run(
            words, cwd=self.folder, env=environment(self.port), text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def client(self) -> SyncPrefectClient:
        tree = tomllib.loads((self.folder / ".prefect/profiles.toml").read_text())
        profile = tree["profiles"]["up"]
        return SyncPrefectClient(
            api=profile["PREFECT_API_URL"], auth_string=profile["PREFECT_API_AUTH_STRING"]
        )

    def start(self, flow: str, deployment: str, **parameters: Any) -> FlowRun:
        """As a person does in the UI; returns the run when it has ended."""
        with self.client() as client:
            found = client.read_deployment_by_name(f"{flow}/{deployment}")
            run = client.create_flow_run_from_deployment(found.id, parameters=parameters)
        return self.wait_for_run(run)

    def wait_for_run(self, run: FlowRun) -> FlowRun:
        def ended() -> FlowRun | None:
            with self.client() as client:
                now: FlowRun = client.read_flow_run(run.id)
            return now if now.state and now.state.is_final() else None

        return wait_for(ended, _RUN_SECONDS, f"run {run.name} did not end")

    def url(self) -> str:
        """Of the prediction service, once a release is loaded."""

        def ready() -> str | None:
            with contextlib.suppress(TemporaryError, httpx.HTTPError):
                service = find_service(Place(LIVE))
                if service and httpx.get(f"{service.url}/readyz", trust_env=False).is_success:
                    return str(service.url)
            return None

        return wait_for(ready, 150.0, "the prediction service is not ready")

    def live(self) -> str:
        live = read_pointer(Place(LIVE)).live
        return live.version if live else ""


def wait_for(look: Callable[[], Found | None], seconds: float, problem: str) -> Found:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{problem} within {seconds:g} s")
        time.sleep(_POLL_SECONDS)
    return found


def environment(port: int) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_ADDRESS_OF_ANOTHER)
    }
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return inherited | {"PATH": path, "PORT": str(port)}


@contextlib.contextmanager
def open_demo(scenario: Scenario, say: Callable[[str], None]) -> Iterator[Demo]:
    """A committed clone in which the source is withheld, with everything up until the end."""
    folder = scenario.folder / "checkout"
    demo = Demo(folder.resolve(), free_port())
    _clone(scenario, demo)
    with contextlib.chdir(demo.folder):  # what is live, params and partitions are found from here
        try:
            say(demo.run(sys.executable, "-m", "flows.services.up"))
            yield demo
        finally:
            demo.run(sys.executable, "-m", "flows.services.down")


def _clone(scenario: Scenario, demo: Demo) -> None:
    """With the checkout's DVC cache, so that nothing is fetched or kept twice."""
    root = scenario.checkout.resolve()
    subprocess.run(["git", "clone", "-q", str(root), str(demo.folder)], check=True)
    for key in ("user.name", "user.email"):
        demo.run("git", "config", key, "demo@example.org")
    demo.run("dvc", "cache", "dir", "--local", str(root / ".dvc/cache"))
    if own := [str(file) for file in demo.folder.glob("data/**/*.dvc")]:  # data of a person's own
        demo.run("dvc", "checkout", "--quiet", *own)
    demo.run("dvc", "remote", "add", "--local", "--default", "demo", str(demo.folder / "remote"))
    _edit(demo.folder / "params.yaml", lambda tree: withhold(tree, scenario))
    _edit(demo.folder / "prefect.yaml", without_schedules)
    demo.run("git", "commit", "-qam", f"without {scenario.withheld}")


def _edit(file: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    tree = change(yaml.safe_load(file.read_text("utf-8")))
    file.write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")


def without_schedules(tree: dict[str, Any]) -> dict[str, Any]:
    """Events alone start a night here; the monitor of the hour could tell them first."""
    for deployment in tree["deployments"]:
        deployment.pop("schedules", None)
    return tree


def withhold(tree: dict[str, Any], scenario: Scenario) -> dict[str, Any]:
    """Params without the source, wherever sources are listed, and those of a hurried night."""
    sources = tree["aggregate"]["sources"]
    tree["aggregate"]["sources"] = [one for one in sources if one["name"] != scenario.withheld]
    for rule in tree["validate"]["rules"]:
        names = rule["arguments"].get("value_set", [])
        if scenario.withheld in names:
            names.remove(scenario.withheld)
        rule["arguments"] |= scenario.bounds.get(rule["name"], {})
    ports = {"serving.port": free_port(), "serving.admin_port": free_port()}
    for key, value in (HURRIED | ports | scenario.params).items():
        *path, last = key.split(".")
        group = tree
        for name in path:
            group = group[name]
        group[last] = value
    return tree
