"""Time of stage `validate` on 1,000,000 rows with the shipped rules; `make bench-validate`."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.records import CLEANED, write_table

ROOT = Path(__file__).parents[1]
NUM_ROWS = 1_000_000
SHARE_OF_BAD_ROWS = 0.005  # each breaks one of three rules, so that naming failing rows is in it
TARGET_SECONDS = 15.0
SOURCES = ["tweets", "movies", "products", "editorials"]


def make_table(num_rows: int, seed: int) -> pa.Table:
    """Rows like the example's: four sources, some 130 characters, 15 to 29 votes from -4 to 4."""
    rng = np.random.default_rng(seed)
    ids = pa.array([f"{number:016x}" for number in range(num_rows)])
    words = np.array([f"w{number:05d}" for number in range(20_000)])
    texts = [" ".join(row) for row in words[rng.integers(len(words), size=(num_rows, 18))]]
    bad = rng.random((3, num_rows)) < SHARE_OF_BAD_ROWS / 3
    lengths = np.where(bad[0], 3, rng.integers(15, 30, num_rows))
    columns = {
        "example_id": ids,
        "text": pa.array(
            ["" if broken else text for text, broken in zip(texts, bad[1], strict=True)]
        ),
        "source": pa.array(np.where(bad[2], "unknown", rng.choice(SOURCES, num_rows))),
        "votes": make_votes(rng, lengths),
        "raters": pa.nulls(num_rows, pa.list_(pa.string())),
        "created_at": pa.array(rng.integers(10**15, 17 * 10**14, num_rows)).cast(
            pa.timestamp("us", "UTC")
        ),
        "origin": pa.array([f"big.csv:{number}" for number in range(num_rows)]),
        "duplicate_ids": pa.array([[]] * num_rows, pa.list_(pa.string())),
        "group_id": ids,
    }
    return pa.table(columns).cast(CLEANED)


def make_votes(rng: np.random.Generator, lengths: npt.NDArray[np.int64]) -> pa.ListArray:
    """Votes around a centre per row, so that every class gets its share."""
    centres = np.repeat(rng.integers(-2, 3, len(lengths)), lengths)
    votes = np.clip(centres + rng.integers(-2, 3, int(lengths.sum())), -4, 4)
    texts = pa.array([str(vote) for vote in range(-4, 5)]).take(pa.array(votes + 4))
    return pa.ListArray.from_arrays(pa.array(np.append(0, lengths.cumsum()), pa.int32()), texts)


def time_command(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall and processor seconds of a fresh process."""
    started, used = time.perf_counter(), os.times()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *command], cwd=folder, env=environment, check=True)
    now = os.times()
    processor = now.children_user + now.children_system - used.children_user - used.children_system
    return time.perf_counter() - started, processor


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
        write_table(folder / "in.parquet", make_table(NUM_ROWS, seed=0), CLEANED)
        import_seconds, import_processor = time_command(["-c", "import great_expectations"], folder)
        load_before = os.getloadavg()[0]
        seconds, processor = time_command(["-m", "tasks.validate", "in.parquet", "out"], folder)
        record = json.loads((folder / ".run" / "validate.json").read_text())
        metrics = json.loads((folder / "out" / "metrics.json").read_text())["validate"]
    print(f"rows {metrics['rows_in']:,}, quarantined {metrics['rejected']:,}")
    print(f"rules {metrics['rules']}, of which {metrics['rules_failed']} named failing rows")
    print(f"import alone: {import_seconds:.1f} s, processor {import_processor:.1f} s")
    print(f"whole stage with import: {seconds:.1f} s, processor {processor:.1f} s")
    print(f"target: {TARGET_SECONDS} s; peak memory {record['peak_memory_mib']:,.0f} MiB")
    print(f"cores {os.cpu_count()}, load average before the run {load_before:.1f}")
    sys.exit(seconds > TARGET_SECONDS)


if __name__ == "__main__":
    main()
