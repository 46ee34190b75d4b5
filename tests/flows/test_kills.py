"""SIGKILL at random moments of a whole run; in the end all is as an undisturbed run leaves it.

CI kills 20 times, `make soak` 200 times. KILLS and SEED in the environment set another number or
repeat a sequence.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from tests.flows.test_leash import gone, wait_for
from tests.project import environment, make_project, run

NUM_KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", str(time.time_ns() % 10**6)))
FLYWHEEL = ["python", "-m", "flows.flywheel"]
pytestmark = [
    pytest.mark.slow, pytest.mark.timeout(60 * NUM_KILLS + 600),
    pytest.mark.usefixtures("prefect_server"),
]  # fmt: skip


def result(checkout: Path) -> dict[str, Any]:
    """What must be equal: dvc.lock, with the md5 of every output, and the metrics."""
    files = ["dvc.lock", *sorted(checkout.glob("*/*/metrics.json"))]
    return {str(file): yaml.safe_load((checkout / file).read_text()) for file in files}


def forget(checkout: Path) -> None:
    """As before the first run; DVC's run cache would bring every output back without work."""
    (checkout / "dvc.lock").unlink(missing_ok=True)
    for folder in [checkout / "models", checkout / ".run", checkout / ".dvc/cache/runs"]:
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (checkout / "data").iterdir():
        if folder.name not in ("raw", "feedback", ".rescued"):
            shutil.rmtree(folder)


def start(checkout: Path) -> "subprocess.Popen[bytes]":
    with (checkout / "run.log").open("wb") as log:
        return subprocess.Popen(
            FLYWHEEL, cwd=checkout, env=environment(), stdout=log, stderr=subprocess.STDOUT
        )


def kill_at(
    process: "subprocess.Popen[bytes]", seconds: float, chance: random.Random
) -> str | None:
    """Kill the run, its dvc or its stage; the victim's command, or None if the run was over."""
    try:
        process.wait(seconds)
        return None
    except subprocess.TimeoutExpired:
        pass
    family = psutil.Process(process.pid).children(recursive=True)
    alive = [one for one in family if not gone(one.pid)]
    victim = chance.choice([psutil.Process(process.pid), *alive])
    try:
        words = " ".join(victim.cmdline()[1:5])
        victim.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return None
    if victim.pid != process.pid:
        process.wait(120)  # the run sees its stage fail, says so and ends
    process.wait(5)
    assert wait_for(lambda: all(gone(child.pid) for child in family)), f"orphans after {words}"
    return words


def test_any_kill_leaves_a_checkout_that_the_next_run_finishes(tmp_path: Path) -> None:
    checkout = make_project(tmp_path / "checkout")
    (checkout / ".git/info/exclude").write_text("run.log\n")
    with get_client(sync_client=True) as client:  # a killed holder keeps its slot for a minute
        client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name="gpu", limit=10**4)
        )
    began = time.monotonic()
    run(checkout, ["python", "-m", "flows.reproduce"])  # the other door must lead to the same bytes
    whole_seconds = time.monotonic() - began
    undisturbed = result(checkout)
    assert json.loads((checkout / "data/evaluate/metrics.json").read_text())
    forget(checkout)

    chance, kills = random.Random(SEED), []
    print(f"\nSEED={SEED}, an undisturbed run took {whole_seconds:.0f} s")
    while len(kills) < NUM_KILLS:
        process = start(checkout)
        killed = kill_at(process, chance.uniform(0.2, whole_seconds / 2), chance)
        if killed:
            kills.append(killed)
            print(f"kill {len(kills)}: {killed}", flush=True)
        else:
            assert process.returncode == 0, (checkout / "run.log").read_text()
            assert result(checkout) == undisturbed
            forget(checkout)
    run(checkout, FLYWHEEL)
    assert result(checkout) == undisturbed
