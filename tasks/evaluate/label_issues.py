"""Likely label errors among the test examples, found by cleanlab (Northcutt et al., JAIR 2021)."""

import warnings

import numpy as np
import pyarrow as pa

from tasks.evaluate.examples import Examples, Floats
from tasks.evaluate.params import LabelIssueParams
from tasks.label_set import LabelSet

LABEL_ISSUES = pa.schema(
    [
        pa.field("example_id", pa.string(), False),
        pa.field("text", pa.string(), False),
        pa.field("label", pa.string(), False, {"meaning": "as the split has it"}),
        pa.field("suggested", pa.string(), False, {"meaning": "the model's prediction"}),
        pa.field("quality", pa.float64(), False, {"meaning": "of the label, 0 (wrong) to 1"}),
    ]
)


def find_label_issues(
    examples: Examples, probs: Floats, label_set: LabelSet, params: LabelIssueParams
) -> pa.Table:
    """Examples whose label is likely wrong, worst first, as LABEL_ISSUES.

    The model has never seen the test split, so its probabilities are out of sample, as cleanlab
    requires. Only examples where the model prefers another class can be issues.
    """
    from cleanlab.filter import find_label_issues as is_issue  # noqa: PLC0415  heavy
    from cleanlab.rank import get_label_quality_scores  # noqa: PLC0415

    quality = get_label_quality_scores(examples.labels, probs, method=params.quality_method)
    with warnings.catch_warnings():
        # a class of one test example or none, which says nothing of its labels either way
        warnings.filterwarnings("ignore", message="May not flag all label issues in class")
        found = is_issue(examples.labels, probs, filter_by=params.filter_by, n_jobs=1)
    suggested = probs.argmax(axis=1)
    rows = np.flatnonzero(found & (suggested != examples.labels))
    rows = rows[np.argsort(quality[rows], kind="stable")]
    classes = np.array(label_set.classes, dtype=object)
    columns = [
        np.array(examples.example_ids, dtype=object)[rows],
        np.array(examples.texts, dtype=object)[rows],
        classes[examples.labels[rows]],
        classes[suggested[rows]],
        quality[rows],
    ]
    arrays = [
        pa.array(column, field.type) for column, field in zip(columns, LABEL_ISSUES, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=LABEL_ISSUES)
