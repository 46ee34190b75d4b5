"""Whether an ingest looks like people as they were, or waits for a person to look at it."""

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

from tasks.feedback import Manifest, Partition
from tasks.ingest_feedback.params import HoldParams
from tasks.ingest_feedback.portion import Portion, add_up, of_manifests, of_newest


def judge(
    new: Sequence[Manifest], raters: Counter[str], history: Sequence[Partition], params: HoldParams
) -> str | None:
    """Why to hold what is new, all reasons at once; None: nothing is odd, or there is no history.

    A reason names nobody: it is shown in places that never forget.

    Args:
        new: Of one ingest.
        raters: Who sent it.
        history: What was accepted before.
        params: The bounds.
    """
    accepted = [one.manifest for one in history]
    if sum(one.num_events for one in accepted) < params.min_history_events:
        return None
    reasons = list(_volume(new, accepted, params))
    came = of_manifests(new, raters)
    recent = of_newest(history, params.min_events - came.num_events)
    before = of_manifests(accepted, Counter()).without(recent)
    reasons += _shares(came, recent, before, params)
    return "; ".join(reasons) or None


def _volume(
    new: Sequence[Manifest], history: Sequence[Manifest], params: HoldParams
) -> Iterator[str]:
    """By the day of receipt, so that it matters not how often a day is ingested."""
    before, coming = add_up(one.days for one in history), add_up(one.days for one in new)
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


def _shares(came: Portion, recent: Portion, before: Portion, params: HoldParams) -> Iterator[str]:
    """Of what came together with the last that were accepted, where it is few: a flood in many
    small ingests is none the less one. Whoever comes after it is not held for it, though: what
    came must be odd by itself, too.
    """
    judged = came.joined(recent)
    if judged.num_events < params.min_events:
        return
    own = dict(_find_odd(came, before, params))
    among = f", with the {recent.num_events:,} accepted last" if recent.num_events else ""
    for kind, reason in _find_odd(judged, before, params):
        if kind in own:
            yield reason + among


def _find_odd(
    judged: Portion, before: Portion, params: HoldParams
) -> Iterator[tuple[tuple[str, str], str]]:
    """What is beyond its bound, and the reason in words."""
    for who, count in judged.raters.items():
        if count > params.max_rater_share * judged.num_events:
            share, bound = count / judged.num_events, params.max_rater_share
            yield ("rater", who), f"{share:.0%} come from one rater (at most {bound:.0%})"
    if not before.num_events:
        return
    shift, bound = _label_shift(judged, before), params.max_label_shift
    if shift > bound:
        reason = f"labels moved by {shift:.2f} from those before (at most {bound:g})"
        yield ("labels", ""), reason
    now, was = (one.num_corrections / one.num_events for one in (judged, before))
    if now - was > params.max_correction_shift:
        bound = params.max_correction_shift
        reason = f"{now:.0%} contradict the model, {was:.0%} before (at most {bound:.0%} more)"
        yield ("corrections", ""), reason


def _label_shift(after: Portion, before: Portion) -> float:
    """Share of events that changed class."""
    gaps = (
        abs(after.labels[label] / after.num_events - before.labels[label] / before.num_events)
        for label in {*before.labels, *after.labels}
    )
    return sum(gaps) / 2
