"""The kubernetes launcher: a manifest that Kubeflow's schema takes, and a client that runs it."""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob

from tasks.train.kubernetes import render
from tasks.train.node import free_port
from tests.tasks.train.ranks import prepare
from tests.tasks.train.workspace import start, train_apart, write_workspace

KUBERNETES = {
    "strategy": "fsdp", "devices": 1, "nodes": 2, "launcher": "kubernetes", "max_epochs": 1,
}  # fmt: skip
# Does with a TrainJob what a cluster would, in processes of this machine: the only double here.
CLIENT = """#!{python}
import json, os, pathlib, signal, subprocess, sys, yaml
words, state = sys.argv[1:], pathlib.Path("cluster.json")
verb = next(word for word in words if word in ("apply", "get", "delete", "logs"))
assert words[:2] == ["--namespace", "research"]
if verb == "apply":
    job = yaml.safe_load(open(words[-1]))["spec"]["trainer"]
    pods = [
        subprocess.Popen(
            [*job["command"], *job["args"]], start_new_session=True,
            env={{**os.environ, "PET_NODE_RANK": str(rank)}},
            stdout=open(f"pod-{{rank}}.log", "w"), stderr=subprocess.STDOUT,
        ).pid
        for rank in range(job["numNodes"])
    ]
    state.write_text(json.dumps(pods))
elif verb == "get":
    pods = json.loads(state.read_text())
    alive = [pid for pid in pods if pathlib.Path(f"/proc/{{pid}}/exe").exists()]
    whole = list(pathlib.Path().glob("models/.train.unfinished/*/result"))
    ended = {{"type": "Complete" if whole else "Failed", "status": "True"}}
    print(json.dumps({{"status": {{"conditions": [] if alive else [ended]}}}}))
elif verb == "delete" and state.exists():
    for pid in json.loads(state.read_text()):
        try:
            os.killpg(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
elif verb == "logs":
    print("[pod/node-0-0/node] logs of the pods")
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    client = tmp_path / "kubectl"
    client.write_text(CLIENT.format(python=sys.executable))
    client.chmod(0o700)
    return client


def write(folder: Path, client: Path | str, **changes: Any) -> Path:
    return write_workspace(
        folder, client=str(client), namespace="research", mount=str(folder),
        rendezvous=f"127.0.0.1:{free_port()}", **{**KUBERNETES, **changes},
    )  # fmt: skip


def manifest(folder: Path) -> dict[str, Any]:
    with contextlib.chdir(folder):
        job, work = prepare()
        tree: dict[str, Any] = yaml.safe_load(render(job, work, f"flywheel-train-{work.name}"))
    return tree


def test_the_manifest_is_what_kubeflows_schema_takes(tmp_path: Path) -> None:
    tree = manifest(write(tmp_path, "kubectl", image='an: "odd" image', resources={"cpu": "2"}))
    read = TrainerV1alpha1TrainJob.from_dict(tree)
    assert read is not None
    assert read.to_dict() == tree  # it knows every key
    assert read.spec.trainer.num_nodes == 2
    assert read.spec.trainer.image == 'an: "odd" image'
    assert read.spec.trainer.resources_per_node.limits["cpu"].actual_instance == "2"
    assert len(tree["metadata"]["name"]) <= 63 - len("-node-0-0")  # pods are named after it


def test_the_schema_would_refuse_a_misspelt_key(tmp_path: Path) -> None:
    tree = manifest(write(tmp_path, "kubectl"))
    tree["spec"]["trainer"]["numberNodes"] = tree["spec"]["trainer"].pop("numNodes")
    read = TrainerV1alpha1TrainJob.from_dict(tree)
    assert read is not None
    assert read.to_dict() != tree


@pytest.mark.slow
def test_a_train_job_trains_and_is_removed(tmp_path: Path, cluster: Path) -> None:
    write(tmp_path, cluster)
    status, output = train_apart(tmp_path)
    pods = (tmp_path / "pod-0.log").read_text() + (tmp_path / "pod-1.log").read_text()
    assert status == 0, output + pods
    assert "[pod/node-0-0/node]" in output
    metrics = json.loads((tmp_path / "models/train/metrics.json").read_text())["train"]
    assert (metrics["strategy"], metrics["processes"]) == ("fsdp", 2)
    assert "[rank 1] train: process 2 of 2 has met the others" in pods


@pytest.mark.slow
def test_a_train_job_that_fails_says_what_a_rank_found(tmp_path: Path, cluster: Path) -> None:
    write(tmp_path, cluster, learning_rate=1e30, head_learning_rate=1e30)
    status, output = train_apart(tmp_path)
    assert status == 1
    assert "train failed: the loss at step" in output.splitlines()[-1]


def test_a_client_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path, "no-such-client")
    with start(tmp_path) as process:
        assert process.stdout is not None
        last = process.stdout.read().splitlines()[-1]
    assert "train.launch.kubernetes.client = 'no-such-client': no such command" in last
