"""What `benchmarks.ingest` measures, in a process that has loaded nothing else."""

import json
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from tasks.ingest_feedback.ingest import ingest
from tasks.ingest_feedback.params import IngestFeedbackParams
from tasks.live_store import open_store
from tasks.params import load_params
from tasks.records import FEEDBACK
from tasks.stage import peak_memory_mib

PLAIN = "ADBC to Parquet"
TARGET = Path("data/feedback")


def main(what: str) -> None:
    """Print rows, seconds of wall and processor, and the most memory held, as JSON."""
    params = load_params("ingest_feedback", IngestFeedbackParams)
    wall, cpu = time.perf_counter(), time.process_time()
    if what == PLAIN:
        num_rows = copy_plainly()
    else:
        num_rows = sum(one.manifest.num_events for one in ingest(TARGET, params))
    seconds, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = peak_memory_mib()
    print(json.dumps({"rows": num_rows, "seconds": seconds, "cpu": cpu, "peak": peak}))


def copy_plainly() -> int:
    """The fewest lines that do it: no order, no types mended, no hash, no manifest, no sync."""
    with open_store() as store, store.cursor() as cursor:
        if store.adbc_get_info()["vendor_name"] == "SQLite":
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": "65536"})
        cursor.execute(f"SELECT {', '.join(FEEDBACK.names)} FROM feedback")
        reader, num_rows = cursor.fetch_record_batch(), 0
        with pq.ParquetWriter("plain.parquet", reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
                num_rows += batch.num_rows
    return num_rows


if __name__ == "__main__":
    main(sys.argv[1])
