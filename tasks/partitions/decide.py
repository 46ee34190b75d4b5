"""A person decides of quarantined partitions."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tasks.errors import InputError
from tasks.feedback import QUARANTINED, Partition, list_partitions
from tasks.partitions.decisions import (
    Decision,
    Verdict,
    finish_decisions,
    keep_decision,
    read_decision,
)


class Held(NamedTuple):
    partition: Partition
    decision: Decision | None  # None: it waits for one


def list_held(target: Path) -> list[Held]:
    """What lies in quarantine, rejected ones included."""
    return [Held(one, read_decision(one)) for one in list_partitions(target / QUARANTINED)]


def choose(held: list[Held], names: list[str]) -> list[Held]:
    """Those named; no name: all that wait. InputError for a name that is not there."""
    by_name = {one.partition.name: one for one in held}
    if unknown := sorted(set(names) - set(by_name)):
        raise InputError(
            f"{', '.join(unknown)}: not in quarantine. There are: {', '.join(by_name) or 'none'}."
        )
    return [by_name[name] for name in names] or [one for one in held if one.decision is None]


def decide(target: Path, chosen: list[Held], decision: Decision) -> None:
    """Keep the decision, then carry it out; for the holder of the lock.

    A rejected partition stays in quarantine, so that its events are not ingested again; it can
    still be accepted later.
    """
    for partition, earlier in chosen:
        at = max(decision.at, earlier.at if earlier else decision.at)  # a clock can be put back
        keep_decision(target, partition, decision.model_copy(update={"at": at}))
    finish_decisions(target)


def make_decision(verdict: Verdict, who: str, why: str, at: datetime) -> Decision:
    if not why.strip():
        raise InputError("a decision without a reason: say why, for those who look later.")
    return Decision(verdict=verdict, who=who, why=why, at=at)
