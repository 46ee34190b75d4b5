"""Each piece of evidence is told once; what has cleared is told when it comes again."""

from collections.abc import Collection
from pathlib import Path

import pytest

from tasks.errors import InputError
from tasks.monitor.alerts import (
    DRIFT,
    DROP,
    LABELS,
    Emitted,
    Scope,
    count_alert,
    finding_alerts,
    keep_emitted,
    news,
    read_emitted,
    standing,
)
from tasks.monitor.report import Alert, Finding, Held

NOTHING = Emitted(standing={})


def fired(name: str, part: str = "", **changes: object) -> Finding:
    held = Held(num_rows=300, value=0.3, p=0.0, divergence=None, holds=True)
    finding = Finding(
        name=name, part=part, measure="KS", bound=0.1, windows=[held], num_held=1, fired=True,
        tells=True,
    )  # fmt: skip
    return finding.model_copy(update=changes)


def drifted(*names: str, version: str = "v1.0.0", place: int = 7) -> list[Alert]:
    return finding_alerts([fired(name) for name in names], Scope(version, place))


def told(looks: list[list[Alert]], unheard: Collection[int] = ()) -> list[list[Alert]]:
    """What each look in turn has to tell; of those in `unheard` nobody hears."""
    emitted, fresh = NOTHING, []
    for number, alerts in enumerate(looks):
        fresh.append(news(alerts, emitted))
        emitted = standing(alerts, emitted, are_told=number not in unheard)
    return fresh


def test_drift_and_quality_are_told_apart_with_all_that_fired() -> None:
    findings = [
        *map(fired, ("inputs.words", "predictions.classes", "quality.level")),
        fired("inputs.texts", fired=False),
        fired("inputs.digits", "client k1", tells=False),
    ]
    drift, drop = finding_alerts(findings, Scope("v1.2.0", 7))
    assert (drift.event, drop.event) == (DRIFT, DROP)
    assert drift.findings == ["inputs.words", "predictions.classes"]
    assert drift.figures == {"inputs.words": 0.3, "predictions.classes": 0.3}
    assert drift.message.startswith("v1.2.0: inputs.words (KS 0.30, bound 0.10)")
    assert drop.findings == ["quality.level"]


def test_the_same_is_told_once_and_more_of_it_again() -> None:
    one, more = drifted("inputs.words"), drifted("inputs.words", "inputs.texts")
    assert [len(fresh) for fresh in told([one, one, more, more, one, one])] == [1, 0, 1, 0, 0, 0]


def test_hours_later_it_is_the_same_evidence() -> None:
    first, later = drifted("inputs.words"), drifted("inputs.words", place=8)
    assert told([first, later])[1] == []
    after = standing(later, standing(first, NOTHING, are_told=True), are_told=True)
    assert after.standing[DRIFT].evidence == first[0].evidence


def test_what_has_cleared_is_told_when_it_comes_again_with_evidence_of_its_own() -> None:
    first, again = drifted("inputs.words"), drifted("inputs.words", place=9)
    fresh = told([first, [], again])
    assert fresh == [first, [], again]
    assert first[0].evidence != again[0].evidence


def test_what_nobody_heard_is_news_until_somebody_does() -> None:
    one, more = drifted("inputs.words"), drifted("inputs.words", "inputs.texts")
    assert told([one, one, one], unheard=[0, 1]) == [one, one, one]
    assert told([one, more, one, more], unheard=[1]) == [one, more, [], more]
    before = standing(one, NOTHING, are_told=True)
    assert standing(more, before, are_told=False) == before
    assert standing([], before, are_told=False) == NOTHING
    newer = drifted("inputs.words", version="v1.1.0")
    assert standing(newer, before, are_told=False) == NOTHING, "it was told of another release"


def test_another_release_makes_it_news() -> None:
    fresh = told([drifted("inputs.words"), drifted("inputs.words", version="v1.1.0")])
    assert len(fresh[1]) == 1
    assert fresh[0][0].evidence != fresh[1][0].evidence


def test_the_evidence_is_stable_and_made_of_what_fired() -> None:
    one, other = drifted("inputs.texts", "inputs.words"), drifted("inputs.words", "inputs.texts")
    assert one[0].evidence == other[0].evidence
    ids = {drifted(*names)[0].evidence for names in (("inputs.words",), ("inputs.texts",))}
    assert len(ids) == 2
    assert all(len(one) == 64 and set(one) <= set("0123456789abcdef") for one in ids)


def test_a_count_is_told_for_each_so_many() -> None:
    def waiting(number: int, version: str = "v1.0.0") -> list[Alert]:
        alert = count_alert(LABELS, "corrections", (number, 500), version)
        return [alert] if alert else []

    numbers = [499, 500, 730, 1000, 1200, 499, 510]
    fresh = told([waiting(number) for number in numbers])
    assert [len(alerts) for alerts in fresh] == [0, 1, 0, 1, 0, 0, 1]
    assert fresh[1][0].message == "500 corrections since v1.0.0"
    assert len(told([waiting(600), waiting(600, "v1.1.0")])[1]) == 1


def test_what_was_told_outlives_the_process_and_damage_is_one_line(tmp_path: Path) -> None:
    assert read_emitted(tmp_path) == NOTHING
    emitted = standing(drifted("inputs.words"), NOTHING, are_told=True)
    keep_emitted(tmp_path, emitted)
    assert read_emitted(tmp_path) == emitted
    (tmp_path / "emitted.json").write_text("{")
    with pytest.raises(InputError, match=r"emitted\.json: content: .* Remove it"):
        read_emitted(tmp_path)
