"""What the server of `make up` is told: pool, limits, deployments, automations, notifications."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound

from flows.limits import ensure_limits
from flows.services import automations, notifications
from flows.services.params import NotificationsParams
from flows.services.retrain_automations import retrain_automations
from flows.summary import read_stages
from tasks.errors import InputError
from tasks.params import load_params

DEPLOYMENTS = Path("prefect.yaml")
Say = Callable[[str], None]


def configure(environment: dict[str, str], say: Say) -> None:
    """Bring the server to what the files of this checkout say; again and again does no harm."""
    receivers = load_params("notifications", NotificationsParams)
    with get_client(sync_client=True) as client:
        _create_pool(client)
        ensure_limits(client, _named_resources())
        _deploy(environment)
        wanted = automations.dead_runs()
        wanted += notifications.apply_blocks(client, receivers, say)
        wanted += retrain_automations(client, say)
        automations.apply(client, wanted)
        _report_strangers(client, say)


def _create_pool(client: SyncPrefectClient) -> None:
    try:
        client.read_work_pool(automations.POOL)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=automations.POOL, type="process"))


def _named_resources() -> list[str]:
    metas = [stage.get("meta") or {} for stage in read_stages().values()]
    return [meta["resource"] for meta in metas if meta.get("resource")]


def _deploy(environment: dict[str, str]) -> None:
    """By Prefect's own command, the only reader of prefect.yaml there is."""
    result = subprocess.run(
        ["prefect", "--no-prompt", "deploy", "--all"],
        env=environment | {"COLUMNS": "1000"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if result.returncode != 0:
        lines = (result.stdout + result.stderr).strip().splitlines()
        raise InputError(
            f"{DEPLOYMENTS}: `prefect deploy --all` refused it: {' '.join(lines[-3:])}. "
            f"Mend {DEPLOYMENTS}, then: make up"
        )


def _report_strangers(client: SyncPrefectClient, say: Say) -> None:
    """A deployment taken out of prefect.yaml would go on running on its schedule, unseen."""
    tree = yaml.safe_load(DEPLOYMENTS.read_text(encoding="utf-8"))
    named = {(deployment["name"], deployment["entrypoint"]) for deployment in tree["deployments"]}
    for deployment in client.read_deployments():
        is_named = (deployment.name, deployment.entrypoint) in named
        if deployment.work_pool_name == automations.POOL and not is_named:
            flow = client.read_flow(deployment.flow_id)
            say(
                f"{flow.name}/{deployment.name} is deployed and not in {DEPLOYMENTS}; if it is to "
                f"go: prefect deployment delete '{flow.name}/{deployment.name}'"
            )
