"""What a candidate must be beside the champion, scored in the same minute on the same rows."""

from collections.abc import Iterator

from tasks.bundle import Origin
from tasks.evaluate.calibration import expected_calibration_error, measure_reliability
from tasks.gate.condition import above, at_most, holds, unmeasured
from tasks.gate.evidence import Measured, Rows
from tasks.gate.paired import Answers, Gain, measure_gain
from tasks.gate.params import GainParams, GateParams
from tasks.gate.slices import (
    Loss,
    class_losses,
    defined_losses,
    judge_losses,
    share_loss,
    source_losses,
)
from tasks.label_set import LabelSet
from tasks.verdict import Condition

COMPARED = (
    "gain.min_gain",
    "slices.max_slice_loss",
    "calibration.max_ece_rise",
    "behaviour.max_drop",
    "latency.max_ratio",
)


def of_labels(candidate: LabelSet, champion: LabelSet, params: GateParams) -> Condition:
    """Order counts: an index in a stored answer must go on meaning the same class."""
    now, then = (", ".join(label_set.classes) for label_set in (candidate, champion))
    same = candidate == champion
    bound = "any" if params.allow_other_labels else then
    says = "the champion's classes" if same else f"other classes than the champion's ({then})"
    return holds("allow_other_labels", same or params.allow_other_labels, now, bound, says)


def is_newer(candidate: Origin, champion: Origin, test_sha256: str) -> bool:
    """Did the candidate learn from newer data than the champion?

    It learnt from other examples, of which there are more or the newest is newer, and was packaged
    beside the very test split that lies here now. Other examples alone would also be true of an old
    model that somebody brings back, with its test split: that one must show a gain like any other.
    """
    then, now = champion.num_examples, candidate.num_examples
    if then is None or now is None or candidate.data.get("test") != test_sha256:
        return False
    differs = candidate.data | {"test": ""} != champion.data | {"test": ""}
    return differs and (now > then or (candidate.newest or "") > (champion.newest or ""))


def compare(
    candidate: Measured, champion: Measured, rows: Rows, params: GateParams, num_bins: int
) -> Iterator[Condition]:
    """Both must have one label set."""
    classes = candidate.label_set.classes
    labels = rows.test.labels
    answers = Answers(labels, champion.predicted, candidate.predicted, len(classes))
    gain = measure_gain(answers, params.gain)
    newer = is_newer(candidate.manifest.origin, champion.manifest.origin, rows.test_sha256)
    yield of_gain(gain, newer, params.gain)
    losses = [
        *source_losses(rows.test, answers),
        *class_losses(classes, labels, gain),
        *defined_losses(params.slices.defined, rows.test, answers),
        *holdout_losses(candidate, champion, rows),
    ]
    yield from judge_losses(losses, params.slices)
    now, then = (
        expected_calibration_error(measure_reliability(one.probs, labels, num_bins))
        for one in (candidate, champion)
    )
    says = f"its confidence is off by {now:.3f} in the mean, the champion's by {then:.3f}"
    bound = params.calibration.max_ece_rise
    yield at_most("calibration.max_ece_rise", now - then, bound, says)
    yield from of_behaviour(candidate, champion, params.behaviour.max_drop)
    ratio = candidate.milliseconds / champion.milliseconds
    says = f"one text takes {candidate.milliseconds:.1f} ms, the champion's "
    says += f"{champion.milliseconds:.1f} ms"
    yield at_most("latency.max_ratio", ratio, params.latency.max_ratio, says)


def of_gain(gain: Gain, newer: bool, params: GainParams) -> Condition:
    """The lower end of the interval must lie *above* the bound, so that an equal model, whose
    interval is 0 to 0, does not pass even where `min_gain` is 0.

    Newer data are a good of their own (the world moves on, the test split less so), so a model that
    learnt from them need only not be worse by the margin.
    """
    says = f"macro F1 {gain.champion:.4f} -> {gain.candidate:.4f}: "
    says += f"{gain.candidate - gain.champion:+.4f}, {params.level:.0%} interval "
    says += f"{gain.low:+.4f} to {gain.high:+.4f}"
    if newer:
        says += "; learnt from newer data"
        name, bound = "gain.non_inferiority_margin", -params.non_inferiority_margin
    else:
        name, bound = "gain.min_gain", params.min_gain
    return above(name, gain.low, bound, says)


def holdout_losses(candidate: Measured, champion: Measured, rows: Rows) -> Iterator[Loss]:
    """Corrections of people are where the champion was wrong more often than elsewhere, so no
    floor fits them; but a candidate must not lose even there."""
    if rows.holdout is None or candidate.holdout_probs is None or champion.holdout_probs is None:
        return
    then, now = (one.argmax(axis=1) for one in (champion.holdout_probs, candidate.holdout_probs))
    labels = rows.holdout.labels
    answers = Answers(labels, then, now, len(candidate.label_set.classes))
    yield share_loss("feedback", answers, labels >= 0)


def of_behaviour(candidate: Measured, champion: Measured, bound: float) -> Iterator[Condition]:
    """Checks are a fixed set of texts, not a sample: the bound is on the rates as they are."""
    for check, now in candidate.pass_rates.items():
        name, then = "behaviour.max_drop", champion.pass_rates.get(check)
        if now is None or then is None:
            says = "found no text that it would change, so it says nothing"
            yield unmeasured(name, says, check, passed=True)
        else:
            says = f"{now:.0%} of its pairs of texts pass, of the champion's {then:.0%}"
            yield at_most(name, then - now, bound, says, check)
