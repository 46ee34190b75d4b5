"""A text is found in Prefect's database though a page escapes and shortens it."""

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from flows.pages.markdown import escaped
from tasks.forget.history import find_in_history
from tasks.forget.traces import Traces

TEXT = 'I\'d say: ask a.miller@example (or "M\u00fcller") \\o/ & see'
EVENT = "b7d55bf4-7057-5113-85c8-141871bf7635"


def write(file: Path, content: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as base, base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("CREATE TABLE log (number INTEGER, message TEXT)")
        base.execute("CREATE TABLE artifact (data JSON)")
        base.executemany("INSERT INTO log VALUES (?, ?)", [(n, "nothing") for n in range(20_000)])
        base.execute("INSERT INTO artifact VALUES (?)", [content])


@pytest.mark.parametrize("as_ascii", [True, False])
@pytest.mark.parametrize("shown", [
    TEXT, f"{TEXT} {'and so on ' * 900}", f"| {escaped(TEXT + ' and so on' * 900)} |",
    f"| feedback\\:{escaped(EVENT)} |",
])  # fmt: skip
def test_what_a_page_shows_of_a_text_or_an_event_is_found(
    tmp_path: Path, shown: str, as_ascii: bool
) -> None:
    file = tmp_path / "prefect.db"
    write(file, json.dumps(shown, ensure_ascii=as_ascii))
    texts = frozenset([TEXT, f"{TEXT} {'and so on ' * 900}"])
    traces = Traces(event_ids=frozenset([EVENT]), texts=texts)
    assert find_in_history([file], traces) == [f"{file}, table artifact"]
    others = Traces(event_ids=frozenset([EVENT[::-1]]), texts=frozenset([TEXT[::-1]]))
    assert find_in_history([file], others) == []


def test_deleted_rows_are_found_until_the_file_is_compacted(tmp_path: Path) -> None:
    file, traces = tmp_path / "prefect.db", Traces(event_ids=frozenset([EVENT]))
    write(file, EVENT)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as base:
        base.execute("PRAGMA secure_delete = OFF")
        base.execute("DELETE FROM artifact")
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert find_in_history([file], traces) == [f"{file}, among deleted rows"]
        base.execute("VACUUM")
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert find_in_history([file], traces) == []


def test_a_log_is_searched_across_its_blocks(tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    with file.open("wb") as stream:
        stream.seek((1 << 26) - 10)
        stream.write(EVENT.encode())
    assert find_in_history([file], Traces(event_ids=frozenset([EVENT]))) == [str(file)]
