"""Prefect's concurrency limits for the resources that stages name, such as `gpu`."""

from collections.abc import Iterable

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import (
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
)
from prefect.exceptions import ObjectNotFound


def free_slots(client: SyncPrefectClient) -> None:
    """All of them, on a server that only this run uses: a killed run left its slots taken."""
    for limit in client.read_global_concurrency_limits(limit=200):
        if limit.active_slots:
            freed = GlobalConcurrencyLimitUpdate(active_slots=0)
            client.update_global_concurrency_limit(limit.name, freed)


def ensure_limits(client: SyncPrefectClient, resources: Iterable[str]) -> None:
    """One slot for each, unless a person has set another number."""
    for resource in sorted(set(resources)):
        try:
            client.read_global_concurrency_limit_by_name(resource)
        except ObjectNotFound:
            limit = GlobalConcurrencyLimitCreate(name=resource, limit=1)
            client.create_global_concurrency_limit(limit)
