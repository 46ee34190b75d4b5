"""One look at the live side: store, reference and params in, a report out."""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tasks.monitor import findings
from tasks.monitor.alerts import LABELS, VOLUME, Scope, count_alert, finding_alerts
from tasks.monitor.corrections import Answers, join, resolve
from tasks.monitor.drift import Yardstick, find_drift
from tasks.monitor.drops import find_change, judge_change, judge_earlier, judge_level, level_bound
from tasks.monitor.embedding import Embedding
from tasks.monitor.group import WHOLE, Part, list_parts
from tasks.monitor.live import Live
from tasks.monitor.look import Look, read_look
from tasks.monitor.params import MonitorParams
from tasks.monitor.quality import Cell, measure_quality, num_predictions_of
from tasks.monitor.reference import Reference
from tasks.monitor.report import Alert, Change, Finding, Quality, Report
from tasks.monitor.store import Store
from tasks.monitor.unlearnt import Partitions, count_unlearnt, without_quarantined
from tasks.monitor.windows import Window, place_of, windows_until
from tasks.slices import Slice


class Scene(NamedTuple):
    """All that a report depends on, but for the store."""

    now: datetime.datetime
    live: Live
    reference: Reference
    partitions: Partitions
    slices: Sequence[Slice]
    params: MonitorParams


class Judged(NamedTuple):
    findings: list[Finding]
    quality: list[Quality]
    change: Change | None


def watch(store: Store, scene: Scene) -> Report:
    params, reference = scene.params, scene.reference
    windows = windows_until(scene.now, params.window_hours, params.num_windows)
    release = (reference.version, reference.tokenizer)
    looks = [read_look(store, window, release, params) for window in windows]
    answers = [
        resolve(without_quarantined(store.corrections(window), scene.partitions))
        for window in windows
    ]
    parts = _parts(looks, scene)
    drifts = _find_drifts(looks, parts, scene)
    judged = _judge_quality(looks, answers, parts, scene)
    found = [*drifts, *judged.findings]
    num_waiting = count_unlearnt(store, scene.partitions)
    since = Window(scene.live.since, scene.now)
    num_since = store.count_since(since, reference.version)
    return Report(
        at=scene.now,
        status="watched" if any(look.counts for look in looks) else "no predictions in the windows",
        version=reference.version,
        test_accuracy=_accuracy(reference.is_right),
        windows=[look.summary() for look in looks],
        findings=found,
        quality=judged.quality,
        change=judged.change,
        error_share=None,
        num_labels_waiting=num_waiting,
        num_since_release=num_since,
        alerts=_alerts(found, (num_waiting, num_since), scene),
        notes=[],
    )


def _parts(looks: Sequence[Look], scene: Scene) -> list[Part]:
    by_client: dict[str, int] = {}
    for look in looks:
        for client, number in look.num_by(1).items():
            by_client[client] = by_client.get(client, 0) + number
    return list_parts(scene.slices, by_client, scene.params.parts.max_clients)


def _find_drifts(looks: Sequence[Look], parts: Sequence[Part], scene: Scene) -> list[Finding]:
    params, reference = scene.params, scene.reference.group
    embedding = Embedding(reference.texts.tolist(), params.drift.embedding, params.seed)
    yardstick = Yardstick(reference, embedding, params)
    drifts = [find_drift(yardstick, look.group, parts) for look in looks]
    return findings.drift_findings(drifts, params)


def _judge_quality(
    looks: Sequence[Look], answers: Sequence[Answers], parts: Sequence[Part], scene: Scene
) -> Judged:
    """Of the live version in every part, of the others as a whole; only the live one is judged."""
    version, params = scene.reference.version, scene.params
    found, quality = [], []
    for part in parts:
        of_part = [
            _measure(Cell(i, version, part, num_predictions_of(look, version, part)), one, scene)
            for i, (look, one) in enumerate(zip(looks, answers, strict=True))
        ]
        bound = level_bound(_test_accuracy(part, scene), params.quality)
        levels = [judge_level(one, bound, params.quality) for one in of_part]
        found.append(findings.level_finding(part.name, bound, levels, params))
        falls = judge_earlier(of_part, params.quality)
        found.append(findings.earlier_finding(part.name, falls, params))
        quality += of_part
    quality += [
        _measure(Cell(i, other, WHOLE, number), answers[i], scene)
        for i, look in enumerate(looks)
        for other, number in look.num_by(0).items()
        if other != version
    ]
    live = join([one.select(one.versions == version) for one in answers])
    change = find_change(live, params.quality)
    num_predictions = sum(look.num_by(0).get(version, 0) for look in looks)
    held = judge_change(change, (live.num_rows, num_predictions), params.quality)
    return Judged([*found, findings.change_finding(held, params)], quality, change)


def _measure(cell: Cell, answers: Answers, scene: Scene) -> Quality:
    rows = cell.part.rows(answers.texts, answers.clients) & (answers.versions == cell.version)
    return measure_quality(cell, answers.select(rows), scene.reference.classes, scene.params)


def _test_accuracy(part: Part, scene: Scene) -> float | None:
    """None where the reference has too few labelled examples of that part."""
    is_right = scene.reference.is_right[part.reference_rows(scene.reference.group)]
    enough = np.isfinite(is_right).sum() >= scene.params.min_rows
    return _accuracy(is_right) if enough else None


def _accuracy(is_right: "np.typing.NDArray[np.float64]") -> float | None:
    known = is_right[np.isfinite(is_right)]
    return float(known.mean()) if len(known) else None


def _alerts(found: Sequence[Finding], counted: tuple[int, int], scene: Scene) -> list[Alert]:
    params, version = scene.params, scene.reference.version
    scope = Scope(version, place_of(scene.now, params.window_hours))
    (num_waiting, num_since), labels, volume = counted, params.labels_ready, params.volume
    newest = scene.live.newest
    counts = [
        count_alert(LABELS, "corrections", (num_waiting, labels.min_events), newest),
        count_alert(VOLUME, "predictions", (num_since, volume.min_predictions), version),
    ]
    return [*finding_alerts(found, scope), *(alert for alert in counts if alert)]
