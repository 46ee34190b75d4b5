"""One window beside the reference: what comes in, and what is answered.

A drift needs an effect above its bound and a chance that is too small for luck, both corrected for
how many comparisons were made in that window.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tasks.monitor.embedding import Embedding
from tasks.monitor.group import WHOLE, Group, Part
from tasks.monitor.measures import Measured, compare_names, compare_numbers, correct
from tasks.monitor.params import DriftParams, MonitorParams
from tasks.monitor.report import INPUTS, PREDICTIONS, Held

KS, TOTAL_VARIATION, AREA = "KS", "total variation", "AUC"
Key = tuple[str, str]  # name of the finding, name of the part


class _Compared(NamedTuple):
    key: Key
    num_rows: int
    measured: Measured | None  # too few rows to say


class Yardstick(NamedTuple):
    """What windows are compared with, and how."""

    reference: Group
    embedding: Embedding
    params: MonitorParams

    def has_enough(self, *groups: Group) -> bool:
        return all(group.num_rows >= self.params.min_rows for group in groups)


def find_drift(yardstick: Yardstick, group: Group, parts: Sequence[Part]) -> dict[Key, Held]:
    """By finding and part; the same keys for every window."""
    compared = list(_compare_all(yardstick, group, parts))
    chances = correct([one.measured.p for one in compared if one.measured])
    corrected = iter(chances)
    drift = yardstick.params.drift
    return {
        one.key: _judge(one, next(corrected) if one.measured else 1.0, drift) for one in compared
    }


def measure_of(name: str) -> str:
    if name == f"{INPUTS}.texts":
        return AREA
    return TOTAL_VARIATION if name == f"{PREDICTIONS}.classes" else KS


def bound_of(name: str, params: DriftParams) -> float:
    bounds = {
        KS: params.min_ks, TOTAL_VARIATION: params.min_total_variation, AREA: params.min_auc
    }  # fmt: skip
    return bounds[measure_of(name)]


def _judge(one: _Compared, p: float, params: DriftParams) -> Held:
    found = one.measured
    if found is None:
        return Held(num_rows=one.num_rows, value=None, p=None, divergence=None, holds=None)
    large = found.value >= bound_of(one.key[0], params)
    return Held(
        num_rows=one.num_rows,
        value=found.value,
        p=p,
        divergence=found.divergence,
        holds=large and p <= params.false_discovery_rate,
    )


def _compare_all(yardstick: Yardstick, group: Group, parts: Sequence[Part]) -> Iterator[_Compared]:
    for part in parts:
        reference = yardstick.reference.select(part.reference_rows(yardstick.reference))
        seen = group.select(part.rows(group.texts, group.clients))
        yield from _compare_inputs(yardstick, part, reference, seen.select(seen.has_text))
        yield from _compare_predictions(yardstick, part, reference, seen.select(seen.is_live))


def _compare_inputs(
    yardstick: Yardstick, part: Part, reference: Group, seen: Group
) -> Iterator[_Compared]:
    enough = yardstick.has_enough(reference, seen)
    num_bins = yardstick.params.drift.num_bins
    for name, values in reference.traits.items():
        measured = compare_numbers(values, seen.traits[name], num_bins) if enough else None
        yield _Compared((f"{INPUTS}.{name}", part.name), seen.num_rows, measured)
    if part == WHOLE:
        enough = enough and len(set(seen.texts)) >= yardstick.params.min_rows
        measured = yardstick.embedding.compare(seen.texts.tolist()) if enough else None
        yield _Compared((f"{INPUTS}.texts", part.name), seen.num_rows, measured)


def _compare_predictions(
    yardstick: Yardstick, part: Part, reference: Group, seen: Group
) -> Iterator[_Compared]:
    """Of the live release alone: another one answers otherwise by itself."""
    enough = yardstick.has_enough(reference, seen)
    classes = compare_names(reference.predicted, seen.predicted) if enough else None
    yield _Compared((f"{PREDICTIONS}.classes", part.name), seen.num_rows, classes)
    confidence = None
    if enough:
        num_bins = yardstick.params.drift.num_bins
        confidence = compare_numbers(reference.confidence, seen.confidence, num_bins)
    yield _Compared((f"{PREDICTIONS}.confidence", part.name), seen.num_rows, confidence)
