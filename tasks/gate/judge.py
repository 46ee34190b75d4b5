"""The verdict on the evidence: every condition, whatever became of the others."""

from collections.abc import Iterator

from tasks.gate import absolute, relative
from tasks.gate.condition import holds, unmeasured
from tasks.gate.evidence import Broken, Evidence, Measured, Unscored
from tasks.gate.params import GateParams
from tasks.verdict import Condition, Decision, Verdict


def judge(evidence: Evidence, params: GateParams, num_bins: int) -> Verdict:
    """A pure function. `num_bins` of the calibration error are evaluate's."""
    conditions = [
        *absolute.of_soundness(evidence.candidate),
        evidence.data_gate,
        absolute.of_code(evidence.candidate.manifest, params),
        absolute.of_rows(evidence.num_rows, params),
        *_of_candidate(evidence, params, num_bins),
        *_beside_champion(evidence, params, num_bins),
    ]
    candidate, champion = evidence.ids
    return Verdict(
        decision=decide(evidence, conditions),
        candidate=candidate,
        champion=champion,
        num_rows=evidence.num_rows,
        conditions=conditions,
    )


def decide(evidence: Evidence, conditions: list[Condition]) -> Decision:
    """Few rows leave it open, unless the bundle is broken: no number of rows would mend that."""
    failed = {condition.name for condition in conditions if not condition.passed}
    if isinstance(evidence.candidate, Broken):
        return "refused"
    if "min_rows" in failed:
        return "undecided"
    return "refused" if failed else "passed"


def _of_candidate(evidence: Evidence, params: GateParams, num_bins: int) -> Iterator[Condition]:
    candidate, rows = evidence.candidate, evidence.rows
    if isinstance(candidate, Measured) and rows:
        yield from absolute.of_model(candidate, rows, params, num_bins)
    else:
        says = "cannot be measured: the candidate is broken"
        yield from (unmeasured(name, says) for name in absolute.MEASURED)


def _beside_champion(evidence: Evidence, params: GateParams, num_bins: int) -> Iterator[Condition]:
    """Nothing without a champion; only that it is broken where it is."""
    candidate, champion, rows = evidence.candidate, evidence.champion, evidence.rows
    if champion is None:
        return
    yield of_champion(champion, params)
    if isinstance(champion, Broken):
        return
    if isinstance(candidate, Broken):
        says = "cannot be compared: the candidate is broken"
        yield from (unmeasured(name, says) for name in ("allow_other_labels", *relative.COMPARED))
        return
    yield relative.of_labels(candidate.label_set, champion.label_set, params)
    if isinstance(champion, Measured) and rows:
        yield from relative.compare(candidate, champion, rows, params, num_bins)
    elif not params.allow_other_labels:
        says = "cannot be compared: it has other classes than the champion"
        yield from (unmeasured(name, says) for name in relative.COMPARED)


def of_champion(champion: Measured | Unscored | Broken, params: GateParams) -> Condition:
    """A champion that cannot be read could not be served after a restart either, and would block
    every candidate for ever; so by default it counts as none, and the verdict says so."""
    name = "unreadable_champion"
    if not isinstance(champion, Broken):
        return holds(name, True, "readable", "any", "the champion loads")
    replace = params.unreadable_champion == "replace"
    then = "the candidate is judged as if it were the first" if replace else "a person must decide"
    bound = "any" if replace else "readable"
    says = f"THE CHAMPION IS BROKEN, {then}: {champion.reason}"
    return holds(name, replace, "broken", bound, says)
