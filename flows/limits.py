"""Prefect's concurrency limits for the resources that stages name, such as `gpu`."""

import contextlib
from collections.abc import Iterable

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import (
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
)
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound

_LEASE_SECONDS = 60  # a killed run's slot is free again after that; Prefect's shortest


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


def taken(resource: str | None) -> contextlib.AbstractContextManager[None]:
    """A slot of the resource, waited for and held while the block lasts."""
    if resource is None:
        return contextlib.nullcontext()
    # a server that was restarted meanwhile is no reason to give up hours of training
    return concurrency(
        resource, strict=True, lease_duration=_LEASE_SECONDS, raise_on_lease_renewal_failure=False
    )
