"""Launcher kubernetes: a TrainJob of Kubeflow Trainer, handed to the user's own client."""

import json
import logging
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2

from tasks.artifacts import whole_file
from tasks.errors import FlywheelError, InputError, TemporaryError
from tasks.stage import RECORDS
from tasks.train.job import MEETING, Job, Meeting, raise_failure, write_record
from tasks.train.lease import renewed

log = logging.getLogger(__name__)
MANIFEST = RECORDS / "train-job.yaml"
_PORT = 29400  # torchrun's own choice for a rendezvous
_POLL_SECONDS = 2.0


def run(job: Job, work: Path) -> None:
    """Submit the TrainJob, show its log, and wait for its end; interrupted, delete it."""
    name = f"flywheel-train-{work.name}"
    write_record(work, MEETING, Meeting(endpoint=_endpoint(job, name), run_id=name))
    with whole_file(MANIFEST) as stream:
        stream.write(render(job, work, name).encode())
    client = _Client(job, name)
    with renewed(work, job.params.launch.silent_seconds):
        client.call("delete", "--ignore-not-found", "trainjob", name)
        client.call("apply", "--filename", str(MANIFEST))
        log.info("submitted %s as TrainJob %s", MANIFEST, name)
        try:
            with client.following():
                end = _wait(client)
        finally:
            client.call("delete", "--ignore-not-found", "trainjob", name)
    raise_failure(work)
    if end != "Complete":
        raise TemporaryError(
            f"TrainJob {name} ended as {end}. Its last words are above. Run again: training goes "
            "on from its last checkpoint."
        )


def render(job: Job, work: Path, name: str) -> str:
    """The manifest; every value goes through YAML's own quoting."""
    launch = job.params.launch
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters["yaml"] = _quoted
    template = environment.from_string(Path(__file__).with_name("train_job.yaml.jinja").read_text())
    return template.render(
        name=name, work=str(work), scale=job.params.scale, kubernetes=launch.kubernetes,
        end_seconds=launch.end_seconds,
    )  # fmt: skip


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # JSON is YAML, in one line


def _endpoint(job: Job, name: str) -> str:
    """The first pod's name in the cluster's DNS, as JobSet gives it."""
    return job.params.launch.rendezvous or f"{name}-node-0-0.{name}:{_PORT}"


class _Client:
    """The user's kubectl, for one TrainJob."""

    def __init__(self, job: Job, name: str) -> None:
        self.name = name
        kubernetes = job.params.launch.kubernetes
        self.words = [kubernetes.client, "--namespace", kubernetes.namespace]

    def call(self, *words: str) -> str:
        command = [*self.words, *words]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise InputError(
                f"train.launch.kubernetes.client = {command[0]!r}: no such command here. Install "
                "kubectl, or name yours."
            ) from None
        if result.returncode:
            reason = " ".join(result.stderr.split())
            raise FlywheelError(f"`{' '.join(command)}` failed: {reason}. Mend that and run again.")
        return result.stdout

    @contextmanager
    def following(self) -> Iterator[None]:
        """Every pod's log, each line with its pod's name, goes to this process's own output."""
        selector = f"jobset.sigs.k8s.io/jobset-name={self.name}"
        options = ["--follow", "--prefix", "--ignore-errors", "--max-log-requests=1000"]
        command = [*self.words, "logs", *options, "--pod-running-timeout=10m"]
        with subprocess.Popen([*command, "--selector", selector]) as process:
            try:
                yield
            finally:
                process.terminate()


def _wait(client: _Client) -> str:
    """`Complete` or `Failed`, as the TrainJob's status says in the end."""
    while True:
        found = json.loads(client.call("get", "trainjob", client.name, "--output", "json"))
        for condition in found.get("status", {}).get("conditions", []):
            if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                return str(condition["type"])
        time.sleep(_POLL_SECONDS)
