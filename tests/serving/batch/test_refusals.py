"""What batch scoring does not begin, or does not go on with: one line, and nothing changed."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.batch.__main__ import main
from tasks.errors import InputError
from tests.serving.batch.scored import OUT, TEXTS, score, write_csv
from tests.serving.conftest import Bundles
from tests.serving.live_place import LivePlace


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.csv", "text", None), "nothing to score there"),
        (("params.yaml", "text", None), "unknown kind of file"),
        (("in.csv", "body", None), "no column 'body', found number"),
        (("in.csv", "text", "v9.9.9"), "v9.9.9"),
        (("in.csv", "text", "../v1.0.0"), "no version, such as v1.0.0"),
        (("empty.csv", "text", None), "the file is empty"),
        (("header.csv", "text", None), "only a header, no rows"),
        (("taken.csv", "text", None), r"\['predicted', 'row'\]: these names are taken"),
        (("numbers.parquet", "text", None), "column 'text' holds int64, expected text"),
        (("mixed", "text", None), "files of differing columns"),
        (("nothing", "text", None), "nothing to score there"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_line(
    arguments: tuple[str, str, str | None], message: str
) -> None:
    write_csv(Path("in.csv"), TEXTS)
    Path("empty.csv").touch()
    Path("header.csv").write_text("text,n\n")
    Path("taken.csv").write_text("text,row,predicted\na,b,c\n")
    pq.write_table(pa.table({"text": [1, 2]}), "numbers.parquet")
    Path("mixed").mkdir()
    Path("nothing").mkdir()
    pq.write_table(pa.table({"text": ["a"]}), "mixed/1.parquet")
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), "mixed/2.parquet")
    source, text_column, version = arguments
    with pytest.raises(InputError, match=message) as caught:
        main(Path(source), OUT, text_column, version)
    assert "\n" not in str(caught.value)
    assert not (OUT / "_manifest.json").exists()


def test_answers_of_two_versions_never_share_a_folder(
    checkout: LivePlace, bundles: Bundles
) -> None:
    source = write_csv(Path("in.csv"), TEXTS)
    score(source)
    before = {file.name: file.read_bytes() for file in OUT.iterdir()}
    checkout.point(checkout.release("v1.2.0", bundles.second))
    with pytest.raises(InputError, match=r"version was v1.0.0, is v1.2.0.* --version v1.0.0"):
        score(source)
    score(source, version="v1.0.0")
    assert {file.name: file.read_bytes() for file in OUT.iterdir()} == before


@pytest.mark.usefixtures("checkout")
def test_a_changed_source_or_a_foreign_folder_is_refused() -> None:
    source = write_csv(Path("in.csv"), TEXTS)
    score(source)
    write_csv(source, [*TEXTS, "more"])
    with pytest.raises(InputError, match=r"begun for something else \(files was"):
        score(source)
    (OUT / "_job.json").unlink()
    with pytest.raises(InputError, match="which no scoring has left there"):
        score(source)
    with pytest.raises(InputError, match="lies in the source"):
        main(Path(), Path("below"), "text", None)
