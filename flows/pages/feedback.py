"""Feedback in the UI: partitions that came in, and those that wait for a person."""

from collections.abc import Sequence
from datetime import datetime

from flows.pages.markdown import code, table
from tasks.feedback import Partition
from tasks.partitions.decide import Held

_COLUMNS = ["partition", "events", "contradict", "labels", "from", "to", "held because"]


def feedback_page(new: Sequence[Partition], held: Sequence[Held], now: datetime) -> str:
    """Markdown; rejected partitions are counted, since they stay for ever."""
    waiting = [one.partition for one in held if one.decision is None]
    num_rejected = len(held) - len(waiting)
    lines = [f"## New by {now:%F %H:%M} UTC", _table(new), "## Waiting for a person"]
    lines.append(_table(waiting))
    if waiting:
        lines.append(
            "Accept or reject them with deployment `release-feedback`, or by "
            + code("make release-feedback WHY='...'") + "."
        )  # fmt: skip
    if num_rejected:
        lines.append(f"{num_rejected:,} more were rejected and are not learnt from.")
    return "\n\n".join(lines)


def _table(partitions: Sequence[Partition]) -> str:
    if not partitions:
        return "None."
    return table(_COLUMNS, [_row(one) for one in partitions])


def _row(partition: Partition) -> list[str]:
    manifest = partition.manifest
    labels = sorted(manifest.labels.items(), key=lambda item: -item[1])
    share = manifest.num_corrections / max(1, manifest.num_events)
    return [
        partition.name,
        f"{manifest.num_events:,}",
        f"{share:.0%}",
        ", ".join(f"{label} {count:,}" for label, count in labels),
        f"{manifest.first_received_at:%F %H:%M}",
        f"{manifest.last_received_at:%F %H:%M}",
        manifest.held_because or "",
    ]
