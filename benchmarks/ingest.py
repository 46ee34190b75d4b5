"""Rows per second from the store to partitions, beside ADBC to one Parquet file with no more to it.

`ROWS=10000000 python -m benchmarks.ingest`; each measurement is a process of its own, in turns.
"""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from sqlalchemy import text

from benchmarks.ingest_child import PLAIN, TARGET
from benchmarks.machine import describe_machine
from serving.store.engine import open_engine, writing
from serving.store.schema import upgrade
from tasks.errors import InputError
from tasks.records import FEEDBACK
from tests.postgres import find_programs, serve_database

NEW_ROWS, NUM_RUNS = 10_000, 3
_MADE = {  # the n-th row: a text of some 130 characters, a comment now and then
    "sqlite": (
        "lower(hex(randomblob(16)))", "strftime('%Y-%m-%d %H:%M:%S.000000', 1700000000 + n / 100,"
        " 'unixepoch')", "lower(hex(randomblob(24)))", "WITH RECURSIVE numbers(n) AS (SELECT {} "
        "UNION ALL SELECT n + 1 FROM numbers WHERE n < {})",
    ),
    "postgresql": (
        "gen_random_uuid()::text", "to_timestamp(1700000000 + n / 100)",
        "md5(n::text) || md5((-n)::text)",
        "WITH numbers AS (SELECT generate_series({}, {}) AS n)",
    ),
}  # fmt: skip


def main() -> None:
    """Both databases, then a night's increment on top of what was ingested."""
    print(describe_machine("pyarrow", "adbc-driver-sqlite", "adbc-driver-postgresql"))
    print(f"{'store':12}{'what':28}{'rows':>12}{'rows/s':>12}{'CPU s':>8}{'peak MiB':>10}")
    for open_url in (sqlite_url, postgresql_url):
        with (
            tempfile.TemporaryDirectory() as name,
            open_url(Path(name)) as url,
            contextlib.chdir(name),
        ):
            measure_store(url, int(os.environ.get("ROWS", "1000000")))


@contextlib.contextmanager
def sqlite_url(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/live/store.db"


@contextlib.contextmanager
def postgresql_url(_: Path) -> Iterator[str]:
    find_programs()
    with serve_database() as database:
        yield database.url_for("psycopg")


def measure_store(url: str, num_rows: int) -> None:
    write_params(url)
    fill(url, 1, num_rows)
    plain, ours = [], []
    for _ in range(NUM_RUNS):
        shutil.rmtree(TARGET, ignore_errors=True)
        plain.append(measure(url, PLAIN, num_rows))
        ours.append(measure(url, "ingest", num_rows))
    ratio = statistics.median(ours) / statistics.median(plain)
    print(f"{'':12}ingest to ADBC alone, medians: {ratio:.2f}")
    measure(url, "nothing new", 0)
    fill(url, num_rows + 1, num_rows + NEW_ROWS)
    measure(url, "a night's increment", NEW_ROWS)


def measure(url: str, what: str, num_rows: int) -> float:
    """In a process of its own; prints a line, returns rows per second."""
    command = [sys.executable, "-m", "benchmarks.ingest_child", what]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["rows"] == num_rows, f"{what}: {result}"
    rate = num_rows / result["seconds"]
    shown = f"{rate:,.0f}" if num_rows else f"({result['seconds']:.2f} s)"
    store = url.split(":", maxsplit=1)[0].split("+", maxsplit=1)[0]
    print(f"{store:12}{what:28}{num_rows:>12,}{shown:>12}{result['cpu']:>8.1f}"
          f"{result['peak']:>10,.0f}", flush=True)  # fmt: skip
    return rate


def write_params(url: str) -> None:
    """The repository's, with this store."""
    tree = yaml.safe_load((Path(__file__).parents[1] / "params.yaml").read_text("utf-8"))
    tree["serving"]["prediction_log"] |= {"url": url, "url_from": "NO_SUCH_VARIABLE"}
    own = {name: tree[name] for name in ("serving", "ingest_feedback")}
    Path("params.yaml").write_text(yaml.safe_dump(own), "utf-8")


def fill(url: str, first: int, last: int) -> None:
    engine = open_engine(url)
    try:
        upgrade(engine)
        event, moment, digest, numbers = _MADE[engine.dialect.name]
        made = (
            f"{event}, {moment}, 'p' || n, 'k' || n % 9, 'r_' || n % 5000, 'l' || n % 3, "
            f"'l' || n % 2, 'v1.0.0', {moment}, 'a text of the usual length, number ' || n || "
            f"' and ' || {digest}, {digest}, CASE WHEN n % 50 = 1 THEN 'I think so' END"
        )
        with writing(engine, is_migration=True) as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA cache_size = -1000000")
            query = f"{numbers.format(first, last)} SELECT {made} FROM numbers"
            connection.execute(text(f"INSERT INTO feedback ({', '.join(FEEDBACK.names)}) {query}"))
            if engine.dialect.name == "postgresql":  # as autovacuum does, within a minute
                connection.exec_driver_sql("ANALYZE feedback")
    finally:
        engine.dispose()


if __name__ == "__main__":
    try:
        main()
    except InputError as problem:
        sys.exit(str(problem))
