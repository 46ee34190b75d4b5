"""What was found in each window, made into findings: one fires when it held in k of the last n."""

from collections.abc import Mapping, Sequence

from tasks.monitor.drift import Key, bound_of, measure_of
from tasks.monitor.drops import EARLIER, LEVEL, MEASURES, SUDDEN
from tasks.monitor.params import MonitorParams
from tasks.monitor.report import Finding, Held


def drift_findings(windows: Sequence[Mapping[Key, Held]], params: MonitorParams) -> list[Finding]:
    """Of windows with the same keys, oldest first."""
    return [
        _finding(
            (name, part), measure_of(name), bound_of(name, params.drift),
            [window[name, part] for window in windows], params,
        )
        for name, part in windows[-1]
    ]  # fmt: skip


def level_finding(
    part: str, bound: float | None, held: Sequence[Held], params: MonitorParams
) -> Finding:
    return _finding((LEVEL, part), MEASURES[LEVEL], bound, held, params)


def earlier_finding(part: str, held: Sequence[Held], params: MonitorParams) -> Finding:
    bound = params.quality.max_quality_loss
    return _finding((EARLIER, part), MEASURES[EARLIER], bound, held, params)


def change_finding(held: Held, params: MonitorParams) -> Finding:
    """Over all windows at once, so nothing has to persist: ADWIN sees to that itself."""
    bound = params.quality.max_quality_loss
    found = _finding((SUDDEN, ""), MEASURES[SUDDEN], bound, [held], params)
    return found.model_copy(update={"fired": bool(held.holds)})


def _finding(
    key: Key, measure: str, bound: float | None, held: Sequence[Held], params: MonitorParams
) -> Finding:
    name, part = key
    num_held = sum(one.holds is True for one in held)
    return Finding(
        name=name,
        part=part,
        measure=measure,
        bound=bound,
        windows=list(held),
        num_held=num_held,
        fired=num_held >= params.persistence,
        tells=not part or params.parts.tell,
    )
