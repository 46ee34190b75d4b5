"""Stage `validate`: the examples that pass, the quarantine, the report and the Data Docs."""

import logging
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks import stage
from tasks.artifacts import whole_folder, write_json
from tasks.errors import GateError, InputError
from tasks.params import load_params
from tasks.records import CLEANED, write_table
from tasks.validate.params import ValidateParams
from tasks.votes import LabelParams

log = logging.getLogger(__name__)


def main(source: Path, target: Path) -> None:
    """Check every rule on the examples; write what passed, or fail and write why beside target."""
    params = load_params("validate", ValidateParams)
    labels = load_params("label", LabelParams)
    log.info("loading Great Expectations")
    logging.getLogger("great_expectations").setLevel(
        logging.WARNING
    )  # it tells 500 lines of itself
    from tasks.validate import gate, publish  # noqa: PLC0415 - seconds, after the params are known

    plan = gate.plan(params)
    verdict = gate.judge(read_parquet(source), plan, labels)
    publish.log_verdict(verdict)
    failed = target.with_name(f"{target.name}-failed")
    if verdict.problems:
        with whole_folder(failed) as folder:
            publish.write_evidence(folder, verdict)
        raise GateError(publish.explain(verdict, failed))
    with whole_folder(target) as folder:
        publish.write_evidence(folder, verdict)
        write_table(folder / "examples.parquet", verdict.kept, CLEANED)
        write_json(folder / "metrics.json", {"validate": verdict.metrics})
    if failed.exists():  # it tells of a run this one has mended
        shutil.rmtree(failed)


def read_parquet(source: Path) -> pa.Table:
    """The table as it lies there: rules, not the reader, judge its columns; InputError if none."""
    if not source.is_file():
        raise InputError(f"{source}: no such file. Run the stage that writes it first.")
    try:
        return pq.ParquetFile(source).read()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise InputError(f"{source}: not readable as Parquet: {error}. Restore it.") from None


if __name__ == "__main__":
    stage.run("validate", main)
