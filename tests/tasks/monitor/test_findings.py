"""A finding fires when it held in k of the last n windows, no sooner."""

import itertools

import pytest

from tasks.errors import ParamsError
from tasks.monitor.findings import change_finding, drift_findings, level_finding
from tasks.monitor.params import MonitorParams
from tasks.monitor.report import Finding, Held
from tasks.params import parse_section
from tests.tasks.monitor.scenes import monitor_params

KEY = ("inputs.words", "")


def held(holds: bool | None) -> Held:
    value = None if holds is None else 0.3
    return Held(num_rows=300, value=value, p=value, divergence=None, holds=holds)


def found(pattern: tuple[bool | None, ...], **changes: object) -> Finding:
    params = monitor_params(num_windows=len(pattern), **changes)
    (finding,) = drift_findings([{KEY: held(one)} for one in pattern], params)
    return finding


@pytest.mark.parametrize("k", [1, 2, 3])
def test_k_of_n_whichever_they_are(k: int) -> None:
    for pattern in itertools.product([True, False, None], repeat=3):
        finding = found(pattern, persistence=k)
        assert finding.num_held == pattern.count(True)
        assert finding.fired == (pattern.count(True) >= k)
        assert finding.is_judged == (set(pattern) != {None})
        assert [one.holds for one in finding.windows] == list(pattern), "oldest first"


def test_a_part_makes_an_event_only_where_params_say_so() -> None:
    for tell in (False, True):
        params = monitor_params(parts__tell=tell, persistence=1)
        assert level_finding("", 0.7, [held(True)] * 3, params).tells
        assert level_finding("slice short", 0.7, [held(True)] * 3, params).tells is tell


def test_a_sudden_change_needs_no_second_window() -> None:
    params = monitor_params(persistence=2)
    assert change_finding(held(True), params).fired
    assert not change_finding(held(False), params).fired
    assert not change_finding(held(None), params).fired


def test_what_could_never_fire_is_refused() -> None:
    tree = monitor_params().model_dump()
    with pytest.raises(ParamsError, match="persistence is above num_windows"):
        parse_section("monitor", tree | {"persistence": 4}, MonitorParams)
    with pytest.raises(ParamsError, match="min_rows is above max_rows"):
        parse_section("monitor", tree | {"max_rows": 100}, MonitorParams)
