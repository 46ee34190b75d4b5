"""Answered texts as columns, of the reference or of a window, and the parts they are looked at by.

The parts are the clients that ask, by the id of their API key, and the slices of the gate. A slice
is compared with the same slice of the reference, a client with all of it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from tasks.monitor.measures import Floats, Names
from tasks.monitor.traits import Traits, measure_texts
from tasks.slices import Rows, Slice, find_rows

NO_KEY = "without key"


class Group(NamedTuple):
    """Columns of one length; what is said of a text holds where there is one."""

    texts: Names  # normalised; "": not kept
    traits: Traits
    predicted: Names
    confidence: Floats
    clients: Names
    is_live: Rows  # answered by the release that is live now

    def select(self, rows: Rows) -> "Group":
        traits = {name: values[rows] for name, values in self.traits.items()}
        return Group(
            self.texts[rows], traits, self.predicted[rows], self.confidence[rows],
            self.clients[rows], self.is_live[rows],
        )  # fmt: skip

    @property
    def has_text(self) -> Rows:
        return np.asarray(self.texts != "", dtype=bool)

    @property
    def num_rows(self) -> int:
        return len(self.predicted)


class Part(NamedTuple):
    """All rows, those of a client, or those of a slice."""

    name: str = ""
    client: str | None = None
    slice: Slice | None = None

    def rows(self, texts: Names, clients: Names) -> Rows:
        if self.slice is not None:
            rows: Rows = find_rows(self.slice, texts.tolist()) & np.asarray(texts != "", dtype=bool)
            return rows
        if self.client is not None:
            return np.asarray(clients == self.client, dtype=bool)
        return np.ones(len(texts), dtype=bool)

    def reference_rows(self, reference: Group) -> Rows:
        """A reference has no clients."""
        whole = self if self.slice is not None else WHOLE
        return whole.rows(reference.texts, reference.clients)


WHOLE = Part()


def make_group(
    texts: Sequence[str], tokenizer: Tokenizer, predicted: Names, confidence: Floats
) -> Group:
    """Of one client, answered by the live release."""
    number = len(texts)
    return Group(
        np.array(texts, dtype=object), measure_texts(texts, tokenizer), predicted, confidence,
        np.full(number, "", dtype=object), np.ones(number, dtype=bool),
    )  # fmt: skip


def list_parts(
    slices: Sequence[Slice], num_by_client: Mapping[str, int], max_clients: int
) -> list[Part]:
    """The whole first. A lone client is the whole; of many, those that ask most."""
    parts = [WHOLE, *(Part(f"slice {one.name}", slice=one) for one in slices)]
    if len(num_by_client) > 1:
        busiest = sorted(num_by_client, key=lambda client: (-num_by_client[client], client))
        parts += [
            Part(f"client {client or NO_KEY}", client=client) for client in busiest[:max_clients]
        ]
    return parts
