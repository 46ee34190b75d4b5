"""The tables between stages: every column's name, type, nullability and meaning, in one place."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.errors import InputError


def _column(name: str, kind: pa.DataType, meaning: str, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable, {"meaning": meaning})


_STRINGS = pa.list_(pa.string())
_UTC = pa.timestamp("us", "UTC")
FEEDBACK_ORIGIN = "feedback"

AGGREGATED = pa.schema(
    [
        _column("example_id", pa.string(), "stable hash of the source and the id within it"),
        _column("text", pa.string(), "the text to classify"),
        _column("source", pa.string(), "name of the source in params.yaml"),
        _column("votes", _STRINGS, "one person's judgement each, as written; empty: unlabelled"),
        _column("raters", _STRINGS, "who gave each vote, in the same order; null: unknown", True),
        _column("created_at", _UTC, "when the text came to be; null: unknown", True),
        _column("origin", pa.string(), "file:line the row was read from, or feedback:event_id"),
    ]
)
CLEANED = pa.schema(
    [
        *AGGREGATED,
        _column("duplicate_ids", _STRINGS, "ids of equal texts whose votes were pooled into this"),
        _column("group_id", pa.string(), "example_id that names the cluster of near-duplicates"),
    ]
)
LABELLED = pa.schema(
    [
        *CLEANED,
        _column("label", pa.string(), "the resolved class; null: no votes yet", True),
        _column("label_probs", pa.list_(pa.float64()), "share of votes per class, in order", True),
        _column(
            "agreement",
            pa.float64(),
            "chance that two votes name one class (1 for a lone vote); with rater ids, the quality "
            "of their consensus; 0 to 1; null: no votes",
            True,
        ),
        _column("mean_vote", pa.float64(), "mean of votes on a scale; null: no scale", True),
    ]
)
FEEDBACK = pa.schema(
    [
        _column("event_id", pa.string(), "UUID made by the client: one event, however often sent"),
        _column("received_at", _UTC, "when the service took it"),
        _column("prediction_id", pa.string(), "the prediction that it answers"),
        _column("client", pa.string(), "id of the API key it came by; null: keys were off", True),
        _column(
            "rater", pa.string(), "pseudonym of the person within the client; null: none", True
        ),
        _column("label", pa.string(), "the class that the person says is right"),
        _column("predicted", pa.string(), "the class that the model said"),
        _column("model_version", pa.string(), "the release that said so"),
        _column("predicted_at", _UTC, "when it said so"),
        _column("text", pa.string(), "normal form, personal data masked; null: not kept", True),
        _column("text_sha256", pa.string(), "of the normal form as sent; null: not kept", True),
        _column("comment", pa.string(), "free text, personal data masked; null: none", True),
    ]
)
PREDICTED = pa.schema(
    [
        _column("example_id", pa.string(), "as in the split"),
        _column("label", pa.string(), "as the split has it"),
        _column("predicted", pa.string(), "the most probable class"),
        _column("probs", pa.list_(pa.float64()), "probability per class, in order"),
    ]
)
REJECTED = pa.schema(
    [
        _column("origin", pa.string(), "file:line the row was read from"),
        _column("source", pa.string(), "name of the source in params.yaml"),
        _column("rule", pa.string(), "short name of the rule the row broke"),
        _column("reason", pa.string(), "the sentence a person reads: value and expectation"),
        _column("content", pa.string(), "the offending row or text, shortened to 500 characters"),
    ]
)


def is_feedback(table: pa.Table) -> pa.BooleanArray:
    """Which rows come from corrections of predictions, rather than from files."""
    found = pc.starts_with(table["origin"].combine_chunks(), f"{FEEDBACK_ORIGIN}:")
    return found.fill_null(False)


def write_table(target: Path, table: pa.Table, schema: pa.Schema) -> None:
    """Write Parquet; ValueError if the table does not have exactly the schema's columns.

    Writes in place: call it inside `artifacts.whole_folder`.
    """
    _check(table, schema, f"cannot write {target}")
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.cast(schema), target, compression="zstd")


def read_table(source: Path, schema: pa.Schema) -> pa.Table:
    """Read a Parquet file, or a folder of them in path order; InputError if not as declared."""
    files = sorted(source.rglob("*.parquet")) if source.is_dir() else [source]
    if not files or not all(file.is_file() for file in files):
        raise InputError(f"{source}: no Parquet file there. Run the stage that writes it first.")
    try:
        tables = [pq.ParquetFile(file).read() for file in files]
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{source}: not readable as Parquet: {error}. Restore it.") from None
    for file, table in zip(files, tables, strict=True):
        try:
            _check(table, schema, str(file))
        except ValueError as error:
            raise InputError(f"{error}. Re-run the stage that writes it.") from None
    return pa.concat_tables([table.cast(schema) for table in tables])


def _check(table: pa.Table, schema: pa.Schema, where: str) -> None:
    if table.column_names != schema.names:
        raise ValueError(f"{where}: columns {table.column_names}, expected {schema.names}")
    for field in schema:
        column = table.column(field.name)
        if not column.type.equals(field.type):
            raise ValueError(f"{where}: column {field.name} is {column.type}, not {field.type}")
        if not field.nullable and column.null_count:
            raise ValueError(f"{where}: column {field.name} has {column.null_count} nulls, not 0")
