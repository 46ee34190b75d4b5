"""One window, read: everything counted, and a bounded sample of rows to compare."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

from tasks.monitor.draw import Draw
from tasks.monitor.group import Group, make_group
from tasks.monitor.measures import Floats
from tasks.monitor.params import MonitorParams
from tasks.monitor.report import Seen
from tasks.monitor.store import Store
from tasks.monitor.traits import UNKNOWN
from tasks.monitor.windows import Window
from tasks.text import normalise


class Look(NamedTuple):
    window: Window
    counts: "Counter[tuple[str, str]]"  # predictions by version and client
    latencies: Floats  # of all of them
    group: Group  # a sample

    def num_by(self, position: int) -> dict[str, int]:
        """Predictions by version (0) or client (1)."""
        found: Counter[str] = Counter()
        for names, number in self.counts.items():
            found[names[position]] += number
        return dict(sorted(found.items()))

    def summary(self) -> Seen:
        unknown = self.group.traits.get(UNKNOWN, np.zeros(0))[self.group.has_text]
        return Seen(
            start=self.window.start,
            end=self.window.end,
            num_predictions=self.counts.total(),
            num_compared=self.group.num_rows,
            by_version=self.num_by(0),
            by_client=self.num_by(1),
            latency_p50_ms=_quantile(self.latencies, 0.5),
            latency_p99_ms=_quantile(self.latencies, 0.99),
            unknown_token_rate=float(unknown.mean()) if len(unknown) else None,
        )


def read_look(
    store: Store, window: Window, release: tuple[str, Tokenizer], params: MonitorParams
) -> Look:
    version, tokenizer = release
    drawn = Draw("prediction_id", params.max_rows, params.seed)
    counts: Counter[tuple[str, str]] = Counter()
    latencies = [np.zeros(0, dtype=float)]
    for table in store.predictions(window):
        drawn.add(table)
        counts.update(dict(_count(table)))
        latencies.append(table["latency_ms"].to_numpy().astype(float))
    group = _group_of(drawn.rows(), version, tokenizer)
    return Look(window, counts, np.concatenate(latencies), group)


def _count(table: pa.Table) -> Iterator[tuple[tuple[str, str], int]]:
    grouped = table.group_by(["model_version", "client"]).aggregate([([], "count_all")])
    for row in grouped.to_pylist():
        yield (row["model_version"], row["client"]), row["count_all"]


def _group_of(rows: pa.Table | None, version: str, tokenizer: Tokenizer) -> Group:
    if rows is None:
        nobody = np.zeros(0, dtype=object)
        return make_group([], tokenizer, nobody, np.zeros(0))
    texts = [normalise(text) for text in rows["text"].to_pylist()]
    confidence = [max(json.loads(probs)) for probs in rows["probabilities"].to_pylist()]
    predicted = np.array(rows["label"].to_pylist(), dtype=object)
    group = make_group(texts, tokenizer, predicted, np.array(confidence, dtype=float))
    return group._replace(
        clients=np.array(rows["client"].to_pylist(), dtype=object),
        is_live=np.array(rows["model_version"].to_pylist(), dtype=object) == version,
    )


def _quantile(values: Floats, share: float) -> float | None:
    return float(np.quantile(values, share)) if len(values) else None
