"""Whether an ingest looks like people as they were, or waits for a person to look at it."""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tasks.feedback import Manifest
from tasks.ingest_feedback.params import HoldParams

_TOP = 1000  # raters of a partition that are counted: who has less than a thousandth is no crowd


class Raters:
    """How many events each of the busiest has sent; a person, or the client where none is named."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, table: pa.Table) -> None:
        who = pc.drop_null(pc.coalesce(table["rater"], table["client"]))
        counts = pc.value_counts(who)
        busiest = pc.select_k_unstable(counts.field("counts"), _TOP, [("", "descending")])
        for one in counts.take(busiest).to_pylist():
            self._counts[one["values"]] += one["counts"]

    def busiest(self) -> tuple[str, int]:
        return next(iter(self._counts.most_common(1)), ("nobody", 0))


def judge(
    new: Sequence[Manifest], raters: Raters, history: Sequence[Manifest], params: HoldParams
) -> str | None:
    """Why to hold what is new, all reasons at once; None: nothing is odd, or there is no history.

    Args:
        new: Of one ingest.
        raters: Who sent it.
        history: What was accepted before.
        params: The bounds.
    """
    if _num_events(history) < params.min_history_events:
        return None
    reasons = list(_volume(new, history, params))
    if _num_events(new) >= params.min_events:
        reasons += _shifts(new, history, params)
        reasons += _crowding(raters, _num_events(new), params)
    return "; ".join(reasons) or None


def _volume(
    new: Sequence[Manifest], history: Sequence[Manifest], params: HoldParams
) -> Iterator[str]:
    """By the day of receipt, so that it matters not how often a day is ingested."""
    before, coming = _sum(one.days for one in history), _sum(one.days for one in new)
    for day, count in sorted(coming.items()):
        earlier = [number for other, number in before.items() if other < day]
        if not earlier:
            continue
        usual = statistics.median(earlier)
        if (total := count + before[day]) > params.max_volume_ratio * usual:
            yield (
                f"{total:,} events on {day}, usual are {usual:,.0f} a day "
                f"(at most {params.max_volume_ratio:g} times as many)"
            )


def _shifts(
    new: Sequence[Manifest], history: Sequence[Manifest], params: HoldParams
) -> Iterator[str]:
    before, after = (_sum(one.labels for one in ones) for ones in (history, new))
    shift = sum(
        abs(after[label] / after.total() - before[label] / before.total())
        for label in {*before, *after}
    ) / 2  # fmt: skip
    if shift > params.max_label_shift:
        yield f"labels moved by {shift:.2f} from those before (at most {params.max_label_shift:g})"
    was, now = (sum(one.num_corrections for one in ones) / _num_events(ones)
                for ones in (history, new))  # fmt: skip
    if now - was > params.max_correction_shift:
        yield (
            f"{now:.0%} contradict the model, {was:.0%} before "
            f"(at most {params.max_correction_shift:.0%} more)"
        )


def _crowding(raters: Raters, num_events: int, params: HoldParams) -> Iterator[str]:
    who, count = raters.busiest()
    if count > params.max_rater_share * num_events:
        yield f"{count / num_events:.0%} come from {who} (at most {params.max_rater_share:.0%})"


def _num_events(manifests: Sequence[Manifest]) -> int:
    return sum(one.num_events for one in manifests)


def _sum(counts: Iterable[dict[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return total
