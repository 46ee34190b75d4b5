"""Pages of a run: honest lines, harmless whatever the data say."""

from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from prefect import State
from prefect.states import Completed, Failed, Pending

from flows import report
from flows.checkout.lock_file import parse_dvc_lock
from flows.pages.card import card_page
from flows.pages.earlier import EarlierRun
from flows.pages.lineage import lineage_page, reports_list
from flows.pages.markdown import escaped, table
from flows.pages.result import result_table
from flows.pages.scores import scores_page
from flows.pages.validation import validation_page

RAN, UP_TO_DATE = Completed(message="ran in 0.2 s"), Completed(name="Up to date")
FAILED = Failed(message="Task run encountered an exception StageFailed: Stage b failed: no\nExit 1")
EVIL = (
    "<img src=x onerror=alert(1)> | [x](javascript:1) `| **b** ![p](http://p.test/i) "
    "&lt; www.p.test"
)


def rendered(text: str) -> str:
    """As GitHub's Markdown with raw HTML and bare addresses as links: the UI, at its loosest."""
    return MarkdownIt("gfm-like", {"html": True}).disable("linkify").render(text)


@pytest.mark.parametrize(
    ("states", "line"),
    [
        ({"a": RAN, "b": UP_TO_DATE}, "1 of 2 stages ran, 1 up to date"),
        ({"a": RAN, "b": RAN}, "2 of 2 stages ran"),
        ({"a": Completed(name="From cache"), "b": RAN}, "1 of 2 stages ran, 1 from cache"),
        ({"a": UP_TO_DATE, "b": UP_TO_DATE}, "nothing to do: all 2 stages were up to date"),
        ({"a": RAN, "b": FAILED, "c": Pending(name="NotReady")}, "stopped at b; 1 of 3 ran"),
    ],
)
def test_one_line_says_how_far_it_came(states: dict[str, State[Any]], line: str) -> None:
    assert report.in_one_line(states) == line


def test_the_table_has_no_empty_column_and_no_figures_of_another_run() -> None:
    old = {"rows_in": 7, "rows_out": 7, "rejected": 0}
    metrics = {"a": {"rows_in": 1200, "rows_out": 1190, "rejected": 10}, "b": old}
    rows = result_table({"a": RAN, "b": FAILED}, metrics, lambda name: {"peak_memory_mib": 512.4})
    assert rows == [
        {"stage": "a", "state": "ran", "rows in": "1,200", "rows out": "1,190", "rejected": "10",
         "peak MiB": "512", "note": "ran in 0.2 s"},
        {"stage": "b", "state": "failed", "rows in": "", "rows out": "", "rejected": "",
         "peak MiB": "", "note": "Stage b failed: no"},
    ]  # fmt: skip
    bare = result_table({"a": UP_TO_DATE}, {}, lambda name: {})
    assert bare == [{"stage": "a", "state": "up to date"}]


def test_no_text_can_be_more_than_text() -> None:
    page = rendered(table(["a", "b"], [[EVIL, "next"]]))
    assert page.count("<td>") == 2
    for sign in ("<img", "<a ", "<strong>", "<code>"):
        assert sign not in page
    assert "&lt;img src=x onerror=alert(1)&gt; | [x](javascript:1) `|" in page
    assert "&amp;lt;" in page
    assert "www.p" not in page
    assert "http:" not in page


def test_a_text_is_one_line_of_bounded_length_that_json_takes() -> None:
    assert escaped("a\nb\t c\0\ud800") == "a b c\\?"
    assert escaped("x" * 300) == "x" * 199 + "…"


def rule(name: str, num_samples: int, **changes: object) -> dict[str, object]:
    sample = {"num_votes": "3", "example_id": "e1", "origin": "a.csv:7", "text": EVIL}
    return {
        "name": name, "table": "examples", "expectation": "ExpectColumnValuesToBeBetween",
        "arguments": {"column": "num_votes", "min_value": "10"}, "severity": "quarantine",
        "status": "failed", "num_checked": 23617, "num_failed": num_samples, "observed": "",
        "samples": [sample] * num_samples, **changes,
    }  # fmt: skip


def test_broken_rules_stand_with_rows_that_broke_them(tmp_path: Path) -> None:
    closed = {
        "passed": False, "problems": ["row_count: <b>7</b> rows"],
        "rules": [rule("enough_votes", 30), rule("votes", 30), rule("fine", 0, status="passed")],
    }  # fmt: skip
    text = validation_page(closed, tmp_path / "report.json")
    page = rendered(text)
    assert "<strong>2 of 3 rules failed.</strong> Nothing went on from here." in page
    assert "row_count: &lt;b&gt;7&lt;/b&gt; rows" in page
    assert "<td>30 of 23,617</td>" in page
    assert page.count("<td>a.csv:7</td>") == 20
    assert page.count("<td>votes</td>") == 11  # ten of its rows and its own line
    assert "<img" not in page
    assert f"`{tmp_path}/report.json`" in text
    assert "fine" not in page


def test_a_passed_report_has_nothing_to_say() -> None:
    assert validation_page({"problems": [], "rules": [rule("a", 0, status="passed")]}, Path()) == ""


def test_scores_stand_beside_the_earlier_run_and_the_baselines() -> None:
    now = {
        "macro_f1": 0.755, "macro_f1_low": 0.739, "macro_f1_high": 0.77, "rows_in": 3507,
        "baselines": {"majority": {"macro_f1": 0.2}},
    }  # fmt: skip
    then = {**now, "macro_f1": 0.741}
    page = rendered(scores_page({"evaluate": now}, {"evaluate": then}, "run red-fox"))
    assert "<td>this run</td>\n<td>0.755 (0.739 to 0.770)</td>" in page
    assert "<td>run red-fox</td>\n<td>0.741 (0.739 to 0.770)</td>" in page
    assert "<td>majority</td>\n<td>0.200</td>" in page
    assert "<td>0.7410</td>\n<td>0.7550</td>\n<td>+0.0140</td>" in page
    assert "rows_in" not in page
    first = rendered(scores_page({"evaluate": now}, {}, ""))
    assert "<td>evaluate.rows_in</td>\n<td>3,507</td>" in first
    assert scores_page({}, {}, "") == ""


LOCK = """schema: '2.0'
stages:
  clean:
    cmd: 'true'
    deps:
    - {path: raw, hash: md5, md5: 00000000000000000000000000000001, size: 5}
    params:
      params.yaml:
        clean: {min_jaccard: 0.5, nested: {seed: 1}}
    outs:
    - {path: data/clean/a.parquet, hash: md5, md5: 00000000000000000000000000000002, size: 2500000}
"""


def test_lineage_names_what_differs_and_every_output() -> None:
    lock = parse_dvc_lock(LOCK.encode())
    changed = LOCK.replace("0.5", "0.9").replace("0001", "0003").replace("0002", "0004")
    earlier = EarlierRun("run red-fox", parse_dvc_lock(changed.encode()))
    page = rendered(lineage_page(("kind-owl", "a" * 40), "abc start", lock, earlier))
    assert "<code>make restore RUN=kind-owl</code>" in page
    assert "on top of abc start. Compared with run red-fox." in page
    assert "<td>clean.min_jaccard</td>\n<td>0.9</td>\n<td>0.5</td>" in page
    assert "seed" not in page
    assert "<td>raw</td>\n<td>000000000000</td>\n<td>5 B</td>\n<td>changed</td>" in page
    assert "<td>2 MB</td>\n<td>changed</td>" in page
    same = rendered(lineage_page(("x", "a"), "c", lock, EarlierRun("y", lock)))
    assert "<td>same</td>" in same
    assert "Sources" not in same
    assert "Params" not in same


def test_a_card_names_its_pictures_and_reports_have_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    docs = Path("data/validate/data_docs")
    docs.mkdir(parents=True)
    (docs / "index.html").touch()
    Path("data/model_card.md").write_text("# Card\n![Curve](pictures/a.svg)", "utf-8")
    assert card_page(Path("data/model_card.md")) == "# Card\nCurve: `data/pictures/a.svg`"
    address = (tmp_path / docs / "index.html").as_uri()
    assert f"- validation report: `{address}`" in reports_list([str(docs), "models/gone/bundle"])
    assert reports_list(["data/other"]) == ""
