"""A summary as files for machines: metrics, DVC's plots, predictions, failed checks."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.artifacts import json_bytes
from tasks.evaluate.baselines import TFIDF
from tasks.evaluate.summary import Scores, Summary
from tasks.records import PREDICTED, write_table


def build_metrics(summary: Summary) -> dict[str, Any]:
    """The metrics of the stage; what has no value (no votes, no pairs) is left out."""
    return {
        "rows_in": summary.overall.num_examples,
        "rows_out": summary.overall.num_examples,
        "rejected": 0,
        **_numbers(summary.overall),
        "ece": summary.calibration_error,
        "label_issues": summary.num_label_issues,
        "classes": {name: scores._asdict() for name, scores in summary.classes.items()},
        "sources": {name: _numbers(scores) for name, scores in summary.sources.items()},
        "baselines": {name: _numbers(scores) for name, scores in summary.baselines.items()},
        "behaviour": {
            outcome.check.name: outcome.pass_rate
            for outcome in summary.outcomes
            if outcome.pass_rate is not None
        },
    }


def _numbers(scores: Scores) -> dict[str, float]:
    numbers = {
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        "macro_f1_low": scores.intervals.macro_f1.low,
        "macro_f1_high": scores.intervals.macro_f1.high,
        "weighted_f1": scores.weighted_f1,
        "weighted_f1_low": scores.intervals.weighted_f1.low,
        "weighted_f1_high": scores.intervals.weighted_f1.high,
    }
    return numbers if scores.correlation is None else numbers | {"vote_r": scores.correlation}


def write_tables(folder: Path, summary: Summary) -> None:
    """metrics.json, predictions.parquet, behaviour_failures.json and the plots' CSV files."""
    (folder / "metrics.json").write_bytes(json_bytes({"evaluate": build_metrics(summary)}))
    write_table(folder / "predictions.parquet", build_predictions(summary), PREDICTED)
    failures = [failure for outcome in summary.outcomes for failure in outcome.failures]
    (folder / "behaviour_failures.json").write_bytes(json_bytes(failures))
    classes, predicted = summary.label_set.classes, summary.predicted
    curve = zip(*summary.curve, strict=True)
    tfidf = summary.baseline_sources[TFIDF]
    plots: dict[str, tuple[list[str], Iterable[Iterable[object]]]] = {
        "confusion.csv": (
            ["label", "predicted"],
            (
                (classes[one], classes[other])
                for one, other in zip(summary.test.labels, predicted, strict=True)
            ),
        ),
        "reliability.csv": (
            ["confidence", "accuracy", "perfect", "examples"],
            ((confidence, right, confidence, number) for confidence, right, number in curve),
        ),
        "per_source.csv": (
            ["source", "macro_f1", "weighted_f1", "tfidf_macro_f1", "examples"],
            (
                (name, one.macro_f1, one.weighted_f1, tfidf[name].macro_f1, one.num_examples)
                for name, one in summary.sources.items()
            ),
        ),
    }
    for name, (columns, rows) in plots.items():
        (folder / name).write_bytes(_csv_bytes(columns, rows))


def build_predictions(summary: Summary) -> pa.Table:
    classes = summary.label_set.classes
    columns = [
        summary.test.example_ids,
        [classes[index] for index in summary.test.labels],
        [classes[index] for index in summary.predicted],
        summary.probs.tolist(),
    ]
    arrays = [
        pa.array(column, field.type) for column, field in zip(columns, PREDICTED, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=PREDICTED)


def _csv_bytes(columns: list[str], rows: Iterable[Iterable[object]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue().encode()
