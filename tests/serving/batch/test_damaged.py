"""Sources that are damaged within: one line that names the file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.batch.__main__ import main
from tasks.errors import InputError
from tests.serving.batch.scored import OUT


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", "text,gr\xf6sse\nhallo,1\n".encode("latin-1"), "byte 0xf6 at position 7"),
        ("in.csv", b"text," + b"x" * 140_000 + b"\nhi,1\n", "not readable as a header: field"),
        ("in.jsonl", b'{"text": "a", "\\ud800": 1}\n', "lone surrogate"),
    ],
)
def test_a_header_that_is_none_is_named(name: str, content: bytes, message: str) -> None:
    Path(name).write_bytes(content)
    refuse(Path(name), message)


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_damaged_page_of_parquet_is_named(compression: str) -> None:
    table = pa.table({"text": [f"abc def {number}" for number in range(20_000)]})
    pq.write_table(table, "in.parquet", compression=compression, use_dictionary=False)
    content = bytearray(Path("in.parquet").read_bytes())
    content[200:900] = b"\xff" * 700
    Path("in.parquet").write_bytes(content)
    refuse(Path("in.parquet"), "not readable as Parquet")


def refuse(source: Path, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        main(source, OUT, "text", None)
    assert str(caught.value).startswith(str(source))
    assert "\n" not in str(caught.value)
