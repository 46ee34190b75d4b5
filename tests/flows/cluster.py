"""A server, its checkout and shared remotes here; a worker with a clone of its own elsewhere."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from flows.services.temporary import free_port
from tests.chain import diamond, make_checkout
from tests.flows.http_remote import PASSWORD, USER, HttpRemote
from tests.flows.second_machine import Machine, second_machine
from tests.flows.services.place import PATIENCE_SECONDS, Place, Seen, end, wait_for
from tests.project import run

DEPLOYMENT = "nightly-retrain"
ENDED = ("Completed", "Failed", "Crashed")
# before stage `left` does its work: says where it is and what git and DVC are told, may be held up
WAIT = (
    'cat .dvc/config .dvc/config.local .git/config > "$HOME/config"; pwd >> "$HOME/config"; '
    'while test -e "$HOME/gate"; do touch "$HOME/gate.reached"; sleep 0.1; done; '
)


class FirstMachine(Place):
    """Its server listens on the private network."""

    def stages(self, run_id: UUID) -> dict[str, str]:
        """State of each stage of a run, by name."""
        with self.client() as client:
            found = client.read_task_runs(
                flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
            )
        return {task.name: task.state_name or "" for task in found}


class Cluster(NamedTuple):
    first: FirstMachine
    second: Machine
    remote: HttpRemote

    @property
    def gate(self) -> Path:
        """While it is there, stage `left` waits."""
        return self.second.folder / "gate"

    @property
    def config(self) -> Path:
        """What git and DVC were told on the second machine, as stage `left` saw it."""
        return self.second.folder / "config"

    def explain(self) -> str:
        return self.first.log("server")[-2000:] + self.second.log()[-8000:]

    def turn(self, **parameters: Any) -> Seen:
        run_id = self.first.start(DEPLOYMENT, **parameters)
        return self.wait(run_id)

    def wait(self, run_id: UUID, *names: str, seconds: float = 2 * PATIENCE_SECONDS) -> Seen:
        """Until it is in one of these states; without names, until it has ended."""

        def ended() -> Seen | None:
            seen = self.first.read(run_id)
            return seen if seen.state_name in (names or ENDED) else None

        return wait_for(ended, seconds, self.explain)


@contextlib.contextmanager
def make_cluster(root: Path) -> Iterator[Cluster]:
    here = root / "first"
    with contextlib.ExitStack() as stack:
        second = stack.enter_context(second_machine(root / "second", hidden=here))
        stages = diamond()
        stages["left"]["cmd"] = WAIT + stages["left"]["cmd"]
        checkout = make_checkout(here / "checkout", stages)
        remote = stack.enter_context(HttpRemote(second.first_address, here / "remote"))
        git_url = stack.enter_context(git_daemon(here, second.first_address))
        first = share(checkout, second.first_address, git_url, remote.url)
        stack.callback(end, first)
        bring_up(first)
        made = Cluster(first, second, remote)
        stack.enter_context(worker(made))
        yield made


@contextlib.contextmanager
def git_daemon(folder: Path, address: str) -> Iterator[str]:
    """Serves the bare repositories of a folder to all who reach that address, for writing too."""
    port = free_port()
    options = ["--export-all", "--enable=receive-pack", "--reuseaddr", "--log-destination=none"]
    place = [f"--base-path={folder}", f"--listen={address}", f"--port={port}"]
    # git itself, not its wrapper, so that its end is the daemon's end
    programs = subprocess.check_output(["git", "--exec-path"], text=True).strip()
    with subprocess.Popen([f"{programs}/git-daemon", *options, *place, folder]) as process:
        try:
            yield f"git://{address}:{port}/code.git"
        finally:
            process.kill()


def share(checkout: Path, address: str, git_url: str, remote_url: str) -> FirstMachine:
    """What a person types so that another machine can take part in the runs."""
    text = (checkout / "prefect.yaml").read_text()
    start, nightly, rest = text.partition(f"- name: {DEPLOYMENT}")
    text = start + nightly + rest.replace("<<: *one_machine", "<<: *cluster", 1)
    (checkout / "prefect.yaml").write_text(text)
    for command in (
        ["dvc", "remote", "add", "-q", "--default", "shared", remote_url],
        ["dvc", "remote", "modify", "-q", "shared", "method", "PUT"],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "shared remotes"],
        ["git", "clone", "-q", "--bare", ".", "../code.git"],
        ["git", "remote", "add", "origin", git_url],
        ["git", "fetch", "-q", "origin"],
        *login("--local"),
    ):
        run(checkout, command)
    variables = {
        "PREFECT_SERVER_API_HOST": address, "FLYWHEEL_REPOSITORY": git_url,
        "FLYWHEEL_BRANCH": "main", "FLYWHEEL_DVC_REMOTE": remote_url, "FLYWHEEL_IMAGE": "none",
    }  # fmt: skip
    return FirstMachine(checkout, free_port(), variables)


def login(where: str, url: str = "") -> list[list[str]]:
    """Each machine keeps the password of the remote to itself."""
    add = [["dvc", "remote", "add", "-q", where, "shared", url]] if url else []
    settings = {"auth": "basic", "user": USER, "password": PASSWORD}
    modify = ["dvc", "remote", "modify", "-q", where, "shared"]
    return add + [[*modify, key, value] for key, value in settings.items()]


def bring_up(first: FirstMachine) -> None:
    refused = first.try_run(["python", "-m", "flows.services.up"])
    assert "cluster" in refused.stdout.splitlines()[-1]  # the pool is the user's to create
    first.try_run(["prefect", "work-pool", "create", "cluster", "--type", "process"])
    first.up()


@contextlib.contextmanager
def worker(cluster: Cluster) -> Iterator["subprocess.Popen[bytes]"]:
    """It is told where the server is, and the two passwords; all else comes over the network."""
    for command in login("--global", cluster.remote.url):
        cluster.second.run(command)
    profile = cluster.first.profile()
    variables = {name: profile[name] for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")}
    variables["PREFECT_WORKER_QUERY_SECONDS"] = "2"
    command = ["prefect", "worker", "start", "--pool", "cluster", "--name", "second"]
    with cluster.second.running(command, **variables) as process:
        yield process
