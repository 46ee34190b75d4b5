"""What a candidate must be whoever the champion is; on a first deployment all there is to say."""

from collections.abc import Iterator

from tasks.bundle import Manifest
from tasks.evaluate.calibration import expected_calibration_error, measure_reliability
from tasks.evaluate.scores import (
    Margins,
    confusion_matrix,
    macro_f1,
    margins_of,
    weighted_f1,
)
from tasks.gate.condition import at_least, at_most, holds, unmeasured
from tasks.gate.evidence import Broken, Measured, Rows
from tasks.gate.params import CollapseParams, GateParams
from tasks.verdict import Condition

SOUND = {
    "loads": "every file is as packaged, and the model loads",
    "golden": "it repeats its golden answers",
    "labels": "its classes are those of the rows it is scored on",
    "answers": "every answer is a number",
}
MEASURED = (
    "floors.macro_f1",
    "floors.weighted_f1",
    "collapse.min_recall",
    "collapse.min_predicted_share",
    "calibration.max_ece",
    "behaviour.min_pass_rate",
    "latency.max_milliseconds",
    "max_megabytes",
)


def of_soundness(candidate: Measured | Broken) -> Iterator[Condition]:
    """What can be said in this order; after the first that fails the others cannot be known."""
    failed = candidate.condition if isinstance(candidate, Broken) else ""
    for name, demand in SOUND.items():
        if isinstance(candidate, Broken) and name == failed:
            yield holds(name, False, "no", "yes", candidate.reason)
        elif failed and list(SOUND).index(name) > list(SOUND).index(failed):
            yield unmeasured(name, f"cannot be known: condition '{failed}' failed")
        else:
            yield holds(name, True, "yes", "yes", demand)


def of_code(manifest: Manifest | None, params: GateParams) -> Condition:
    """Without git nobody can say what the code was: that is no better than uncommitted changes."""
    changes = manifest.origin.uncommitted_changes if manifest else None
    value = {None: "not known", True: "uncommitted changes", False: "committed"}[changes]
    says = f"code and graph that made it: {value}"
    if changes:
        says += "; commit them, then package anew: python -m flows.flywheel --only package --force"
    bound = "any" if params.allow_dirty else "committed"
    return holds("allow_dirty", params.allow_dirty or changes is False, value, bound, says)


def of_model(
    candidate: Measured, rows: Rows, params: GateParams, num_bins: int
) -> Iterator[Condition]:
    labels, probs = rows.test.labels, candidate.probs
    classes = candidate.label_set.classes
    margins = margins_of(confusion_matrix(labels, candidate.predicted, len(classes)))
    scores = {"macro_f1": float(macro_f1(margins)), "weighted_f1": float(weighted_f1(margins))}
    for name, value in scores.items():
        says = f"{name.replace('_f1', '').capitalize()} F1 on the test split is {value:.4f}"
        yield at_least(f"floors.{name}", value, getattr(params.floors, name), says)
    yield from of_classes(margins, classes, params.collapse)
    ece = expected_calibration_error(measure_reliability(probs, labels, num_bins))
    says = f"its confidence is off by {ece:.3f} in the mean"
    yield at_most("calibration.max_ece", ece, params.calibration.max_ece, says)
    yield from of_behaviour(candidate, params.behaviour.min_pass_rate)
    says = f"one text takes {candidate.milliseconds:.1f} ms"
    bound = params.latency.max_milliseconds
    yield at_most("latency.max_milliseconds", candidate.milliseconds, bound, says)
    size = candidate.megabytes
    says = f"the {candidate.manifest.default} model that is served has {size:.1f} MB"
    yield at_most("max_megabytes", size, params.max_megabytes, says)


def of_classes(
    margins: Margins, classes: tuple[str, ...], params: CollapseParams
) -> Iterator[Condition]:
    """A class that no test row has fails: nobody can say that it has not collapsed."""
    for name, hits, labelled, predicted in zip(classes, *margins, strict=True):
        if not labelled:
            says = "no test row has this class: bring some, or take it out of the label set"
            yield unmeasured("collapse.min_recall", says, name)
            yield unmeasured("collapse.min_predicted_share", says, name)
            continue
        recall, share = float(hits / labelled), float(predicted / labelled)
        says = f"finds {int(hits):,} of {int(labelled):,} rows of the class"
        yield at_least("collapse.min_recall", recall, params.min_recall, says, name)
        says = f"predicts it {int(predicted):,} times where {int(labelled):,} are right"
        bound = params.min_predicted_share
        yield at_least("collapse.min_predicted_share", share, bound, says, name)


def of_behaviour(candidate: Measured, bound: float) -> Iterator[Condition]:
    for check, rate in candidate.pass_rates.items():
        name = "behaviour.min_pass_rate"
        if rate is None:
            says = "found no text that it would change, so it says nothing"
            yield unmeasured(name, says, check, passed=True)
        else:
            yield at_least(name, rate, bound, f"{rate:.0%} of its pairs of texts pass", check)


def of_rows(num_rows: int, params: GateParams) -> Condition:
    return at_least("min_rows", num_rows, params.min_rows, f"the test split has {num_rows:,} rows")
