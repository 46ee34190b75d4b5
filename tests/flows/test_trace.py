"""A correction followed: what is known at each station, and what is said where one is missing.

Releases that learnt from a correction are followed in `tests/test_demo.py`, too.
"""

import hashlib
import re
import shutil
from pathlib import Path

import pytest
import yaml

from flows.checkout.git import git
from flows.trace import trace
from tasks.aggregate.__main__ import main as aggregate
from tasks.clean.__main__ import main as clean
from tasks.errors import InputError
from tasks.feedback import ACCEPTED
from tasks.label.__main__ import main as label
from tasks.releases import LIVE, RECORD, Place, Release
from tasks.split.__main__ import main as split
from tasks.text import sha256_of_text
from tests.feedback_partitions import START, make_event, write_partition
from tests.project import REPOSITORY, run

EVENT = make_event(7, "it is so so", "positive", client="k1")
NUM_ROWS = 300
COLUMNS = {"source_id": "id", "text": "text", "votes": None, "label": "vote", "rater": None,
           "created_at": None}  # fmt: skip
OUTS = {
    "aggregate": ["corrections.parquet", "rejected.parquet"],
    "clean": ["examples.parquet", "rejected.parquet"],
    "label": ["examples.parquet", "weighed.parquet"],
    "split": [f"{part}.parquet" for part in ("train", "validation", "test", "holdout", "excluded")],
}
NUMBER = "call me at +1 212 555 0100"


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLYWHEEL_STORE", raising=False)
    tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text("utf-8"))
    tree["aggregate"]["sources"] = [
        {"name": "files", "files": ["raw/a.csv"], "format": "csv", "encoding": "utf-8",
         "quoting": True, "columns": None, "votes": None, "join": None, "map": COLUMNS}
    ]  # fmt: skip
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree))
    stages = {
        name: {"cmd": "true", "outs": [f"data/{name}/{file}" for file in files]}
        for name, files in OUTS.items()
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    run(tmp_path, ["git", "init", "-q"])
    run(tmp_path, ["dvc", "init", "-q"])
    return tmp_path


def text_of(row: int) -> str:
    """Like no other row's."""
    return f"text {hashlib.sha256(bytes([row % 256, row // 256])).hexdigest()}" if row else NUMBER


def turn(folder: Path, events: list[dict[str, object]]) -> None:
    """The stages from aggregate to split, on rows of a file and these events."""
    data = folder / "data"
    (data / "raw").mkdir(parents=True, exist_ok=True)
    lines = [f"{n},{text_of(n)},{(-3, 3)[n % 2]}" for n in range(NUM_ROWS)]
    (data / "raw/a.csv").write_text("\n".join(["id,text,vote", *lines]))
    shutil.rmtree(data / "feedback", ignore_errors=True)
    write_partition(data / "feedback", events)
    aggregate(data, data / "raw", data / "feedback", data / "aggregate")
    clean(data / "aggregate/examples", data / "clean")
    label(data / "clean/examples.parquet", data / "label")
    split(data / "label/examples.parquet", data / "split")


def release(folder: Path, version: str) -> None:
    """Of the turn before: its dvc.lock in a commit, its files in DVC's cache."""
    run(folder, ["dvc", "commit", "-q", "-f"])
    run(folder, ["git", "add", "dvc.lock"])
    run(folder, ["git", "commit", "-qm", version])
    record = Release(
        version=version, manifest_sha256="0" * 64, run="calm-otter",
        commit=git("rev-parse", "HEAD").strip(), judged_at=START, decision="passed", champion=None,
    )  # fmt: skip
    target = Place(LIVE).release(version)
    target.mkdir(parents=True)
    (target / RECORD).write_text(record.model_dump_json())


def said_of(event: dict[str, object]) -> dict[str, str]:
    return dict(trace(str(event["event_id"])))


def test_an_event_in_a_partition_is_told_of_though_the_store_is_gone(checkout: Path) -> None:
    file = write_partition(checkout / "data/feedback", [EVENT])
    said = said_of(EVENT)
    assert said["event"].endswith("r_7 by k1: 'neutral' should be 'positive'")
    assert "the store was not asked" in said["store"]
    assert said["partition"] == str(file.relative_to(checkout))
    assert said["text"] == "'it is so so'"
    assert "nobody can say: there is no data/aggregate/corrections.parquet" in said["checkout"]
    assert said["live"] == "nothing yet"


def test_an_event_that_never_came_is_said_to() -> None:
    with pytest.raises(InputError, match="was not acknowledged, or was forgotten"):
        said_of(EVENT)


@pytest.mark.parametrize("event_id", ["", "7", "' OR 1=1 --", EVENT["event_id"].upper() + "A"])
def test_what_is_no_event_id_is_refused_before_anything_is_asked(event_id: str) -> None:
    with pytest.raises(InputError, match="expected a UUID in small letters"):
        list(trace(event_id))


def test_of_each_vote_it_is_said_whether_it_counted(checkout: Path) -> None:
    lies = [make_event(100 + n, text_of(n), ("positive", "negative")[n % 2], rater="liar")
            for n in range(1, 31)]  # fmt: skip
    first, newer = (make_event(n, "new one", "positive", rater="ann") for n in (1, 2))
    other = make_event(3, "new one", "negative", rater="bob")
    lie = make_event(4, "new one", "negative", rater="liar")
    alone = make_event(5, "of the liar alone", "negative", rater="liar")
    busy = [make_event(10 + n, f"busy {n}", "positive", rater="busy") for n in range(8)]
    kept = make_event(6, None, "positive")
    turn(checkout, [*lies, first, newer, other, lie, alone, *busy, kept])
    assert f"its rater's newer one, {newer['event_id']}, did away" in said_of(first)["checkout"]
    assert "this vote weighed 1.00 of 2.00" in said_of(newer)["checkout"]
    assert "this vote weighed 1.00 of 2.00" in said_of(other)["checkout"]
    assert "did not count: label.trust does not believe its rater" in said_of(lie)["checkout"]
    assert (
        "excluded: all votes on it weigh less than label.trust.min_weight"
        in (said_of(alone)["checkout"])
    )
    of_busy = [said_of(event)["checkout"] for event in busy]
    assert sum("weighed 1.00 of 1.00" in said for said in of_busy) == 4
    assert sum("has label.trust.max_share_per_rater without it" in said for said in of_busy) == 4
    assert "its text was not kept" in said_of(kept)["checkout"]
    assert "was not kept" in said_of(kept)["text"]


def test_a_vote_for_a_class_that_is_no_more_is_said_to_be_one(checkout: Path) -> None:
    tree = yaml.safe_load((checkout / "params.yaml").read_text())
    tree["aggregate"]["feedback"]["votes"] = None
    tree["label"] |= {"classes": ["-3", "3"], "votes": {"rule": "majority"}}
    (checkout / "params.yaml").write_text(yaml.safe_dump(tree))
    said, gone = (make_event(n, "new one", label) for n, label in enumerate(["3", "0"]))
    turn(checkout, [said, gone])
    assert "this vote weighed 1.00 of 1.00" in said_of(said)["checkout"]
    assert "did not count: it is none of label.classes" in said_of(gone)["checkout"]


def test_a_text_is_found_whether_it_came_masked_or_not(checkout: Path) -> None:
    """The file has it as it was written, so both are votes on that text."""
    masked = make_event(1, "call me at [phone]", "negative", text_sha256=sha256_of_text(NUMBER))
    plain = make_event(2, NUMBER, "negative")
    turn(checkout, [masked, plain])
    for event in (masked, plain):
        found = re.search(r"this vote weighed ([\d.]+) of ([\d.]+)", said_of(event)["checkout"])
        assert found
        assert float(found[2]) == pytest.approx(2 * float(found[1]), abs=0.02)


@pytest.mark.slow
def test_each_release_is_asked_for_itself(checkout: Path) -> None:
    early, late = make_event(1, "text of one", "positive"), make_event(2, "two", "positive")
    turn(checkout, [early])
    release(checkout, "v1.0.0")
    short = make_event(3, "x", "positive")  # one character
    turn(checkout, [early, late, short])
    release(checkout, "v1.1.0")
    shutil.rmtree(checkout / "data/split")
    said = said_of(early)
    assert "from its text" in said["v1.0.0"]
    assert said["v1.0.0"].endswith(f"(run calm-otter, commit {git('rev-parse', 'HEAD~1')[:12]})")
    assert "weighed 1.00 of 1.00" in said["v1.0.0"]
    said = said_of(late)
    assert said["v1.0.0"].startswith("did not have it: it came later")
    assert "weighed 1.00 of 1.00" in said["v1.1.0"]
    refused = "did not learn from its text: data/clean/rejected.parquet has it: 1 characters"
    assert said_of(short)["v1.1.0"].startswith(refused)
    shutil.rmtree(checkout / ".dvc/cache")
    assert "dvc fetch --all-commits" in said_of(late)["v1.1.0"]
    assert list((checkout / "data/feedback" / ACCEPTED).glob("*.parquet"))
