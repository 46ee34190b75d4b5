"""Properties of the CSV reader: proper CSV comes back as it was, any other loses no line."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregate.delimited import read_delimited
from tasks.aggregate.files import InputFile
from tasks.aggregate.params import FileSet
from tasks.aggregate.rows import Reject

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(table=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_whatever_is_quoted_properly_is_read_as_it_was(tmp_path_factory, table) -> None:
    quoted = [[cell.replace('"', '""') for cell in row] for row in table]
    content = "".join(f'"{left}","{right}"\r\n' for left, right in quoted)
    assert [row for _, row in read_csv(tmp_path_factory, content)] == [list(row) for row in table]


@settings(deadline=None, derandomize=True, max_examples=150)
@given(lines=st.lists(st.text('ab,"', max_size=6), min_size=1, max_size=10))
def test_every_line_of_any_csv_is_read_or_rejected_or_blank(tmp_path_factory, lines) -> None:
    """Origins, and the lines within accepted quotes, cover the file in order, no line twice."""
    content = "".join(f"{line}\n" for line in lines)
    items = read_csv(tmp_path_factory, content)
    numbers = [int(origin.rpartition(":")[2]) for origin, _ in items]
    assert numbers == sorted(set(numbers))
    covered = set()
    for number, (_, row) in zip(numbers, items, strict=True):
        num_lines = 1 if row is None else 1 + sum(cell.count("\n") for cell in row)
        covered |= set(range(number, number + num_lines))
    blank = {number for number, line in enumerate(lines, start=1) if not line}
    assert covered | blank == set(range(1, len(lines) + 1))


def read_csv(tmp_path_factory, content: str) -> list[tuple[str, list[str] | None]]:
    file = tmp_path_factory.getbasetemp() / "property.csv"
    file.write_bytes(content.encode() or b"\n")
    files = FileSet(
        files=["raw/x"], format="csv", encoding="utf-8", quoting=True, columns=["left", "right"]
    )
    try:
        items = list(read_delimited(InputFile(file, "x"), files, ["left", "right"]))
    except Exception as error:
        if "no rows" in str(error):  # nothing but blank lines
            return []
        raise
    return [
        (item.origin, None if isinstance(item, Reject) else list(item.cells.values()))
        for item in items
    ]
