"""A scoring takes as much memory for much as for little, and no more for long texts."""

import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.batch.chunks import ROWS
from tests.project import REPOSITORY, environment
from tests.serving.batch.test_resume import SOURCE, write_source

MEASURE = """
import sys
from pathlib import Path
from serving.batch.__main__ import main
from tasks.stage import peak_memory_mib
main(Path(sys.argv[1]), Path(sys.argv[2]), "text", None)
print(peak_memory_mib())
"""


def peak_mib(source: str, target: str) -> float:
    said = subprocess.run(
        [sys.executable, "-c", MEASURE, source, target], text=True, check=True,
        env=environment() | {"PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    return float(re.findall(r"[\d.]+", said)[-1])


@pytest.mark.slow
@pytest.mark.usefixtures("checkout")
def test_memory_does_not_grow_with_the_rows() -> None:
    peaks = []
    for times in (2, 8):  # with the second chunk it is in full swing
        write_source(times * ROWS, filler="x" * 4000)
        peaks.append(peak_mib(str(SOURCE), f"out-{times}"))
    mib_more = 6 * ROWS * 4000 / 2**20
    assert peaks[1] - peaks[0] < mib_more / 4, peaks


@pytest.mark.slow
@pytest.mark.usefixtures("checkout")
def test_long_texts_of_parquet_are_read_in_constant_memory() -> None:
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter("in.parquet", schema, use_dictionary=False) as writer:
        for group in range(64):
            texts = [f"{'lorem ipsum ' * 16_667}{group} {row}" for row in range(32)]
            writer.write_table(pa.table({"text": texts}))
    assert peak_mib("in.parquet", "out") < 700
