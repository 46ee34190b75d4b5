"""Stands in for the flow that brings feedback in, until that is merged: nothing ever comes."""

from typing import NamedTuple


class Ingested(NamedTuple):
    num_events: int
    num_held: int
    partitions: tuple[str, ...]


def ingest() -> Ingested:
    return Ingested(0, 0, ())
