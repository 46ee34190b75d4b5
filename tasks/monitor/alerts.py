"""What is to be told as events, and which of it is news."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tasks import documents
from tasks.artifacts import write_json
from tasks.documents import Document
from tasks.errors import InputError
from tasks.monitor.report import INPUTS, PREDICTIONS, QUALITY, Alert, Finding

DRIFT, DROP = "flywheel.drift.detected", "flywheel.quality.dropped"
LABELS, VOLUME = "flywheel.labels.ready", "flywheel.volume.reached"
EMITTED = "emitted.json"
_KINDS = {DRIFT: (INPUTS, PREDICTIONS), DROP: (QUALITY,)}
_NUM_NAMED = 3


class Scope(NamedTuple):
    """What an alert is about: a release, and the stretch of time it was seen in."""

    version: str
    place: int


class Emitted(Document):
    """What was told and still stands, by event; what has cleared is forgotten, so that it is told
    when it comes again."""

    standing: dict[str, Alert]


def finding_alerts(findings: Sequence[Finding], scope: Scope) -> list[Alert]:
    """One for drift, one for quality, each with all that fired."""
    alerts = []
    for event, kinds in _KINDS.items():
        fired = [
            one for one in findings
            if one.fired and one.tells and one.name.split(".")[0] in kinds
        ]  # fmt: skip
        if fired:
            names = sorted(one.title for one in fired)
            alerts.append(
                Alert(
                    event=event,
                    evidence=_evidence(event, names, scope.version, scope.place),
                    version=scope.version,
                    findings=names,
                    message=f"{scope.version}: {_in_words(fired)}",
                    figures={one.title: _newest(one) for one in fired},
                )
            )
    return alerts


def count_alert(event: str, what: str, counted: tuple[int, int], version: str) -> Alert | None:
    """Once for each time that the count has grown by `least`.

    Args:
        event: its name.
        what: is counted.
        counted: the count and `least`.
        version: since which it is counted.
    """
    number, least = counted
    if number < least:
        return None
    step = f"{number // least * least} {what}"
    return Alert(
        event=event,
        evidence=_evidence(event, [step], version, 0),
        version=version,
        findings=[step],
        message=f"{number:,} {what} since {version}",
        figures={"number": number, "least": least},
    )


def news(alerts: Sequence[Alert], emitted: Emitted) -> list[Alert]:
    """Those that say more than what stands: another release, or a finding it did not have."""
    return [alert for alert in alerts if not _is_known(alert, emitted.standing)]


def standing(alerts: Sequence[Alert], emitted: Emitted, are_told: bool) -> Emitted:
    """To be kept after the attempt to tell the news; what was told before goes by the evidence it
    had then.

    News that nobody heard stay news: of their event stands what was told before, if anything.
    """
    kept = {}
    for alert in alerts:
        told = emitted.standing.get(alert.event)
        if told and _is_known(alert, emitted.standing):
            kept[alert.event] = alert.model_copy(update={"evidence": told.evidence})
        elif are_told:
            kept[alert.event] = alert
        elif told and told.version == alert.version:
            kept[alert.event] = told
    return Emitted(standing=kept)


def read_emitted(target: Path) -> Emitted:
    """Nothing where nothing was told yet. InputError for a file that is none of ours."""
    file = target / EMITTED
    if not file.exists():
        return Emitted(standing={})
    return documents.read(file, Emitted, "Remove it: what stands is then told once more.")


def keep_emitted(target: Path, emitted: Emitted) -> None:
    write_json(target / EMITTED, emitted.model_dump(mode="json"))


def _is_known(alert: Alert, told: Mapping[str, Alert]) -> bool:
    before = told.get(alert.event)
    return (
        before is not None
        and before.version == alert.version
        and set(alert.findings) <= set(before.findings)
    )


def _evidence(event: str, names: Sequence[str], version: str, place: int) -> str:
    return hashlib.sha256(json.dumps([event, names, version, place]).encode()).hexdigest()


def _newest(finding: Finding) -> float:
    """Of the newest window that it held in."""
    values = [one.value for one in finding.windows if one.holds and one.value is not None]
    if not values:
        raise InputError(f"{finding.title}: it fired and held nowhere")
    return values[-1]


def _in_words(fired: Sequence[Finding]) -> str:
    named = [
        f"{one.title} ({one.measure} {_newest(one):.2f}, bound {one.bound or 0.0:.2f})"
        for one in fired[:_NUM_NAMED]
    ]
    more = len(fired) - _NUM_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
