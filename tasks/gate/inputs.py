"""The files beside the bundles: rows to score, and what the data gate left."""

import json
from pathlib import Path

import pyarrow.compute as pc

from tasks import documents
from tasks.artifacts import sha256_of
from tasks.bundle import MANIFEST
from tasks.errors import InputError
from tasks.evaluate.examples import Examples, read_examples, to_examples
from tasks.gate.condition import holds
from tasks.gate.evidence import Rows
from tasks.gate.question import failed_report
from tasks.label_set import LabelSet
from tasks.records import LABELLED, read_table
from tasks.releases import RECORD, Release
from tasks.verdict import Condition


def read_labels(file: Path) -> list[str | None]:
    """InputError when the file is no table of labelled rows."""
    labels: list[str | None] = read_table(file, LABELLED)["label"].to_pylist()
    return labels


def read_rows(
    test_file: Path, holdout_file: Path | None, label_set: LabelSet, min_raters: int
) -> Rows:
    holdout = None if holdout_file is None else read_holdout(holdout_file, label_set, min_raters)
    return Rows(read_examples(test_file, label_set), sha256_of(test_file), holdout)


def read_holdout(file: Path, label_set: LabelSet, min_raters: int) -> Examples | None:
    """The texts that so many people have judged; None while there are none.

    One person who confirms whatever the champion says would else refuse every candidate.
    """
    table = read_table(file, LABELLED)
    num_raters = pc.list_value_length(table["raters"]).fill_null(0)
    judged = table.filter(pc.greater_equal(num_raters, min_raters))
    return to_examples(judged, file, label_set) if judged.num_rows else None


def find_strangers(files: list[Path], label_set: LabelSet) -> str:
    """Which labels of these rows are none of the model's, in words; "" when all are."""
    for file in files:
        if strangers := {str(label) for label in read_labels(file)} - set(label_set.classes):
            return (
                f"{file} has labels {sorted(strangers)[:3]} that the model does not know; its "
                f"classes are {list(label_set.classes)}"
            )
    return ""


def read_data_gate(metrics_file: Path) -> Condition:
    """Stage validate writes its metrics only when no rule stopped it, so that they are there says
    that the gate was green; a newer run that it turned down left a report beside its outputs.

    Rules that only warned or set rows aside are told, and do no harm.
    """
    failed = failed_report(metrics_file)
    try:
        metrics = json.loads(metrics_file.read_bytes())["validate"]
        num_rules, num_rows = int(metrics["rules"]), int(metrics["rows_out"])
        num_broken = int(metrics["rules_failed"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        says = f"{metrics_file} is not what stage validate writes when data pass: {error!r}"
        return holds("data_gate", False, "not known", "green", " ".join(says.split()))
    says = f"{num_rules} rules on {num_rows:,} rows, {num_broken} of them set rows aside or warned"
    if failed.exists():
        says = f"{failed}: newer data were turned down"
    elif min(num_rules, num_rows) < 1:
        says = f"{metrics_file}: {num_rules} rules on {num_rows:,} rows prove nothing"
    else:
        return holds("data_gate", True, "green", "green", says)
    return holds("data_gate", False, "red", "green", says)


def id_of(bundle: Path) -> str:
    """The sha256 of a bundle's manifest; "" where it has none."""
    manifest = bundle / MANIFEST
    return sha256_of(manifest) if manifest.is_file() else ""


def released_id(champion: Path) -> str:
    """Which bundle is meant: what the record beside a release says, whatever became of the bundle;
    one that is no release speaks for itself."""
    try:
        record = documents.read(champion.parent / RECORD, Release, "")
    except InputError:
        return id_of(champion)
    return record.manifest_sha256
