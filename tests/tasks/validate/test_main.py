"""The stage from Parquet to Parquet: outputs, failure folder, determinism, Data Docs."""

import datetime
import json
import logging
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tasks.artifacts import sha256_of
from tasks.errors import GateError, InputError
from tasks.records import CLEANED, read_table
from tasks.validate.__main__ import main
from tests.tasks.validate.examples import NUM_ROWS, make_table, shrunk_params

BAD = {
    "text": "<script>alert(1)</script><svg onload=alert(2)> cost $5 ${x} {{ y }}",
    "votes": ["7"] * 12,
}


@pytest.fixture
def here(gate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_params()
    return tmp_path


def write_params(label: dict[str, Any] | None = None, **changes: Any) -> None:
    tree = shrunk_params(**changes)
    tree["label"] |= label or {}
    Path("params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")


def fail(table: pa.Table) -> str:
    """The message of a failing run, after checking that a good run's outputs are as they were."""
    before = hashes(Path("validate"))
    assert before
    pq.write_table(table, "in.parquet")
    with pytest.raises(GateError) as raised:
        main(Path("in.parquet"), Path("validate"))
    assert hashes(Path("validate")) == before
    message = str(raised.value)
    assert "\n" not in message
    assert "validate-failed/report.json, validate-failed/data_docs/index.html" in message
    assert Path("validate-failed/report.json").is_file()
    return message


def run(*changes: dict[str, Any], target: str = "validate") -> Path:
    pq.write_table(make_table(*changes), "in.parquet")
    main(Path("in.parquet"), Path(target))
    return Path(target)


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): sha256_of(file) for file in files}


def test_rows_that_pass_go_on_and_the_others_lie_in_quarantine(here: Path) -> None:
    target = run(BAD)
    kept = read_table(target / "examples.parquet", CLEANED)
    assert kept["example_id"].to_pylist() == [f"id{n:02}" for n in range(1, NUM_ROWS)]
    gone = pq.read_table(target / "quarantine.parquet").to_pylist()
    assert [(row["example_id"], row["rule"]) for row in gone] == [
        ("id00", "highest_vote"),
        ("id00", "votes_within_rules"),
    ]
    assert gone[0]["reason"].startswith("highest_vote = 7.0, expected ExpectColumnValuesToBeBetw")
    assert (gone[0]["origin"], gone[0]["content"]) == ("tweets.csv:0", BAD["text"])
    metrics = json.loads((target / "metrics.json").read_text())["validate"]
    assert metrics == {
        "rows_in": 40,
        "rows_out": 39,
        "rejected": 1,
        "rules": len(shrunk_params()["validate"]["rules"]),
        "rules_failed": 2,
    }


def test_all_failures_are_listed_at_once_with_counts_and_samples(
    here: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(GateError) as raised:
        run(*[BAD | {"source": "blog"}] * 30)
    message = str(raised.value)
    assert "\n" not in message
    assert re.search(r"\d of \d+ rules failed: 30 of 40 rows quarantined", message)
    assert "validate-failed/data_docs/index.html" in message
    report = json.loads(Path("validate-failed/report.json").read_text())
    failed = {one["name"]: one for one in report["rules"] if one["status"] == "failed"}
    assert {"highest_vote", "votes_within_rules", "known_source"} <= failed.keys()
    assert failed["known_source"]["num_failed"] == 30
    assert failed["known_source"]["samples"][0]["source"] == "blog"
    assert len(failed["known_source"]["samples"]) == 5
    assert all(name in caplog.text for name in failed)
    assert pq.read_table("validate-failed/quarantine.parquet").num_rows == 90


def test_a_failure_leaves_earlier_outputs_untouched_and_a_success_removes_it(here: Path) -> None:
    before = hashes(run())
    with pytest.raises(GateError):
        run(*[BAD] * 30)
    assert hashes(Path("validate")) == before
    assert hashes(run()) == before
    assert not Path("validate-failed").exists()


def test_two_runs_give_the_same_bytes_even_in_the_data_docs(here: Path) -> None:
    first, second = (hashes(run(BAD, {"text": ""}, target=name)) for name in ("one", "two"))
    assert first == second
    assert sum(name.startswith("data_docs/") for name in first) == 12


def test_every_link_of_the_data_docs_leads_to_a_file_and_none_to_the_network(here: Path) -> None:
    text_rule = {
        "name": "short_text",
        "table": "examples",
        "expectation": "ExpectColumnValueLengthsToBeBetween",
        "arguments": {"column": "text", "max_value": 20},
        "severity": "warn",
    }
    write_params(rules=[*shrunk_params()["validate"]["rules"], text_rule])
    docs = run({"text": BAD["text"]}) / "data_docs"
    for page in docs.rglob("*.html"):
        content = page.read_text(encoding="utf-8")
        for link in re.findall(r"""(?:href|src)=["']?([^"'> ]+)""", content):
            assert link.startswith("#") or (page.parent / link).is_file(), (page, link)
        assert "<script" not in content
        assert "<svg" not in content
        assert "://" not in re.sub(r"/\*.*?\*/|<style>.*?</style>", "", content, flags=re.DOTALL)
    assert "short_text" in (docs / "index.html").read_text()
    shown = (docs / "validations" / "examples.html").read_text()
    assert "&lt;script&gt;alert" in shown


def test_what_is_no_parquet_is_told_in_one_line(here: Path) -> None:
    Path("in.parquet").write_text("not a table")
    with pytest.raises(InputError, match=r"in\.parquet: not readable as Parquet"):
        main(Path("in.parquet"), Path("validate"))
    with pytest.raises(InputError, match="no such file"):
        main(Path("gone.parquet"), Path("validate"))
    assert not Path("validate").exists()


@pytest.mark.parametrize("year", [1970, 2262])
def test_dates_of_a_clock_not_set_are_told_and_earlier_outputs_stay(here: Path, year: int) -> None:
    run()
    date = datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)
    assert (
        "1 of 22 rules failed: 10 of 40 rows quarantined (25.00%), above max_quarantine_fraction "
        "20.00%: plausible_date 10. " in fail(make_table(*[{"created_at": date}] * 10))
    )


def test_labels_outside_the_set_are_told_and_earlier_outputs_stay(here: Path) -> None:
    write_params({"classes": ["ham", "spam"], "votes": {"rule": "majority"}, "ordered": False})
    good = [{"votes": ["ham" if number % 2 else "spam"] * 12} for number in range(NUM_ROWS)]
    run(*good)
    message = fail(make_table(*[{"votes": ["Spam"] * 12}] * 10, *good[10:]))
    assert "10 of 40 rows quarantined (25.00%), " in message
    assert "20.00%: votes_within_rules 10. " in message


def test_mixed_types_stop_with_the_column_named_and_earlier_outputs_stay(here: Path) -> None:
    run()
    numbers = pa.array([[1]] * NUM_ROWS, pa.list_(pa.int64()))
    message = fail(make_table().set_column(3, "votes", numbers))
    assert "schema (columns): 1 of 9 rows: " in message
    report = json.loads(Path("validate-failed/report.json").read_text())
    assert report["rules"][0]["samples"] == [
        {"found_type": "list<int64>", "declared_type": "list<string>", "column": "votes"}
    ]
