"""What is counted of some events: classes, contradictions, and who sent most of them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.feedback import Manifest, Partition, raters_of

_TOP = 1000  # raters of a table that are counted: who has less than a thousandth is no crowd
_COLUMNS = ["event_id", "received_at", "client", "rater", "label", "predicted"]
_NEWEST = [("received_at", "descending"), ("event_id", "descending")]


class Portion(NamedTuple):
    num_events: int
    num_corrections: int
    labels: Counter[str]
    raters: Counter[str]  # the busiest; people who come without a name and without a key are many

    def joined(self, other: "Portion") -> "Portion":
        return Portion(
            self.num_events + other.num_events,
            self.num_corrections + other.num_corrections,
            self.labels + other.labels,
            self.raters + other.raters,
        )

    def without(self, other: "Portion") -> "Portion":
        return Portion(
            self.num_events - other.num_events,
            self.num_corrections - other.num_corrections,
            self.labels - other.labels,
            self.raters - other.raters,
        )


def of_manifests(manifests: Sequence[Manifest], raters: Counter[str]) -> Portion:
    return Portion(
        sum(one.num_events for one in manifests),
        sum(one.num_corrections for one in manifests),
        add_up(one.labels for one in manifests),
        raters,
    )


def of_newest(partitions: Sequence[Partition], num_events: int) -> Portion:
    """So many of the last events; no file is read but those that hold them."""
    tables, missing = [], num_events
    for one in sorted(partitions, key=lambda one: one.manifest.last_received_at, reverse=True):
        if missing <= 0:
            break
        tables.append(pq.read_table(one.file, columns=_COLUMNS))
        missing -= one.manifest.num_events
    if not tables:
        return Portion(0, 0, Counter(), Counter())
    table = pa.concat_tables(tables).sort_by(_NEWEST).slice(0, num_events)
    corrections = pc.sum(pc.not_equal(table["label"], table["predicted"])).as_py() or 0
    labels = Counter(table["label"].to_pylist())
    return Portion(len(table), corrections, labels, count_raters(table))


def add_up(counts: Iterable[dict[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return total


def count_raters(table: pa.Table) -> Counter[str]:
    known = pc.or_(pc.is_valid(table["rater"]), pc.is_valid(table["client"]))
    counts = pc.value_counts(raters_of(table.filter(known)))
    busiest = pc.select_k_unstable(counts.field("counts"), _TOP, [("", "descending")])
    return Counter({one["values"]: one["counts"] for one in counts.take(busiest).to_pylist()})
