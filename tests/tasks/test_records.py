from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import records
from tasks.errors import InputError
from tasks.records import REJECTED, read_table, write_table

ROW = dict.fromkeys(REJECTED.names, "x")


def table(*rows: dict[str, str | None]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), pa.schema([(name, pa.string()) for name in ROW]))


def test_every_column_of_every_table_says_what_it_means() -> None:
    schemas = {name: value for name, value in vars(records).items() if isinstance(value, pa.Schema)}
    assert {"AGGREGATED", "CLEANED", "LABELLED", "REJECTED"} <= schemas.keys()
    for schema in schemas.values():
        assert len(set(schema.names)) == len(schema.names)
        for field in schema:
            assert field.metadata[b"meaning"], field.name


def test_a_table_comes_back_as_written_with_its_schema(tmp_path: Path) -> None:
    write_table(tmp_path / "new/t.parquet", table(ROW, ROW), REJECTED)
    found = read_table(tmp_path / "new/t.parquet", REJECTED)
    assert found.to_pylist() == [ROW, ROW]
    assert found.schema.equals(REJECTED)
    assert pq.read_schema(tmp_path / "new/t.parquet").field("rule").metadata[b"meaning"]


def test_the_files_of_a_folder_are_read_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("source=b", "source=a", "source=c"):
        write_table(tmp_path / name / "part-0.parquet", table(ROW | {"rule": name}), REJECTED)
    rules = read_table(tmp_path, REJECTED).column("rule").to_pylist()
    assert rules == ["source=a", "source=b", "source=c"]
    assert read_table(tmp_path, REJECTED).column("source").to_pylist() == ["x"] * 3


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", REJECTED.empty_table(), REJECTED)
    assert read_table(tmp_path / "t.parquet", REJECTED).num_rows == 0


BROKEN = {
    "a column too few": (table(ROW).drop_columns(["rule"]), "columns .* expected"),
    "columns in another order": (table(ROW).select(REJECTED.names[::-1]), "columns .* expected"),
    "another type": (
        table(ROW).set_column(0, "origin", pa.array([1])),
        "column origin is int64, not string",
    ),
    "a null": (table(ROW | {"reason": None}), "column reason has 1 nulls, not 0"),
}


@pytest.mark.parametrize(("broken", "message"), BROKEN.values(), ids=BROKEN)
def test_a_table_not_as_declared_is_neither_written_nor_read(tmp_path, broken, message) -> None:
    file = tmp_path / "t.parquet"
    with pytest.raises(ValueError, match=f"cannot write .*{message}"):
        write_table(file, broken, REJECTED)
    assert not file.exists()
    pq.write_table(broken, file)
    with pytest.raises(InputError, match=f"{message}.*Re-run the stage that writes it"):
        read_table(file, REJECTED)


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.parquet: no Parquet file there"):
        read_table(tmp_path / "t.parquet", REJECTED)
    with pytest.raises(InputError, match="no Parquet file there"):
        read_table(tmp_path, REJECTED)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="not readable as Parquet"):
        read_table(tmp_path / "t.parquet", REJECTED)
