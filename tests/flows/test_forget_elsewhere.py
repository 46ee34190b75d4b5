"""What `make forget` may not touch: files of the user's own, and what Prefect keeps of runs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from prefect import flow
from prefect.artifacts import create_markdown_artifact
from sqlalchemy import Engine

from flows.pages.markdown import table
from flows.services.temporary import temporary_server
from tests.flows.forgetting import (
    ANN,
    SECRET,
    SHORT,
    feedback_of_ann,
    forget,
    holders,
    ids_of,
    text_of,
)
from tests.project import REPOSITORY, run

pytestmark = pytest.mark.slow
OWN = """
import html, pathlib, pyarrow as pa, pyarrow.parquet as pq
lines = pathlib.Path("data/raw/mine.csv").read_text().splitlines()
texts = [html.unescape(line).replace(chr(160), " ") for line in lines]
origins = [f"raw/mine.csv:{number + 1}" for number in range(len(lines))]
pathlib.Path("data/own").mkdir(parents=True, exist_ok=True)
pq.write_table(pa.table({"text": texts, "origin": origins}), "data/own/test.parquet")
"""
STAGE = {"cmd": "python own.py", "deps": ["data/raw/mine.csv"], "outs": ["data/own"]}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Two of Ann's texts stand in a file of the user's, too, one of them spelt otherwise."""
    checkout = tmp_path / "checkout"  # its remote lies beside it
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    (checkout / "own.py").write_text(OWN)
    (checkout / "data/raw").mkdir(parents=True)
    secret = SECRET.replace("Alice Miller", "Alice&nbsp;Miller")
    (checkout / "data/raw/mine.csv").write_text(f"{secret}\n{SHORT}\nan ordinary line\n")
    with feedback_of_ann(checkout, {"own": STAGE}) as engine:
        yield engine


def test_texts_in_a_users_own_files_stay_with_what_is_made_of_them_and_are_told(
    store: Engine,
) -> None:
    before = Path("data/own/test.parquet").read_bytes()
    done = forget("--rater", "ann", "--client", "k1")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "0 left"
    assert (
        "2 of the texts stand in files of yours, too, and stay: raw/mine.csv:1, raw/mine.csv:2."
        in (done.stdout)
    )
    assert Path("data/own/test.parquet").read_bytes() == before
    assert holders(ANN, *ids_of(1, 2, 5, 6, 7, 8)) == []
    run(Path(), ["dvc", "repro", "-q"])
    assert pq.read_table("data/derive/texts.parquet").num_rows == 2
    assert Path("data/own/test.parquet").read_bytes() == before


@flow
def show() -> None:
    page = table(["text", "from"], [[text_of(5), "somewhere"], ["", f"feedback:{ids_of(6)[0]}"]])
    create_markdown_artifact(page, "validation", "Refused")


def test_what_prefect_has_shown_is_found_and_named(store: Engine) -> None:
    with temporary_server():
        show()
    done = forget("--rater", "ann", "--client", "k1")
    assert done.returncode == 1, done.stdout
    assert "left: .prefect/prefect.db, table artifact, " in done.stdout
    assert "`make down`, remove it" in done.stdout
    assert "store: left as it is" in done.stdout
    shutil.rmtree(".prefect")
    done = forget("--rater", "ann", "--client", "k1")
    assert done.returncode == 0, done.stdout
    assert holders(ANN, *ids_of(1, 2, 5, 6, 7, 8)) == []
