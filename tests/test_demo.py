"""The small twin of `make demo`: real services, a model that learns what it was told."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.demo.__main__ import main
from benchmarks.demo.proof import Kept
from benchmarks.demo.report import find_problems
from benchmarks.demo.scenario import Scenario
from tests.project import TEMPLATES, TOPICS, environment, make_project, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
AT_HOME, ABROAD = (0, 1), (2, 3)  # languages
NUM_ROWS = 480


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Tickets of two languages, and others of two more that no file has at first."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    project = make_project(tmp_path / "project")
    write_tickets(project / "data/raw/tickets.csv", AT_HOME)
    write_tickets(project / "data/raw/abroad.csv", ABROAD)
    add_source(project / "params.yaml")
    run(project, ["dvc", "add", "-q", "data/raw/tickets.csv", "data/raw/abroad.csv"])
    run(project, ["git", "add", "-A"])
    run(project, ["git", "commit", "-qm", "two sources"])
    return Scenario(
        checkout=project,
        folder=tmp_path / "demo",
        withheld="abroad",
        num_people=120,
        votes_per_text=1,
        num_turns=2,
        params={
            "train.learning.max_epochs": 8,
            "monitor.min_rows": 30,
            "monitor.labels_ready.min_events": 100,
            "gate.gain.non_inferiority_margin": 1.0,  # some sixty test rows bound nothing closely
            "gate.slices.max_slice_loss": 1.0,
        },
        bounds={},
        min_gain=0.05,
        max_loss=0.2,
    )


def write_tickets(file: Path, languages: tuple[int, ...]) -> None:
    labels = list(TOPICS)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["ticket", "body", "topic"])
        for row in range(NUM_ROWS):
            label, language = labels[row % 4], languages[row // 4 % len(languages)]
            text = TEMPLATES[language].format(TOPICS[label][language], f"{row * 7919 % 99991:05d}")
            writer.writerow([f"{file.stem}{row}", text, label])


def add_source(file: Path) -> None:
    tree: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    (tickets,) = tree["aggregate"]["sources"]
    tree["aggregate"]["sources"] = [
        tickets | {"name": name, "files": [f"raw/{name}.csv"]} for name in ("tickets", "abroad")
    ]
    for rule in tree["validate"]["rules"]:
        if "tickets" in rule["arguments"].get("value_set", []):
            rule["arguments"]["value_set"].append("abroad")
    file.write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")


def test_the_loop_closes(scenario: Scenario, capsys: pytest.CaptureFixture[str]) -> None:
    result = main(scenario)
    said = capsys.readouterr().out
    assert find_problems(result, scenario) == []
    first, second = result.turns
    assert (first.version, second.version) == ("v1.0.0", "v1.1.0")
    assert "flywheel." in second.started_by  # an event of monitor, no hand and no clock
    (traced,) = result.traced
    assert (traced.num_sent, traced.num_taken, traced.num_texts) == (NUM_ROWS,) * 3
    assert result.kept == Kept(NUM_ROWS, NUM_ROWS, num_lost=0, num_doubled=0)
    parts = traced.by_part
    assert parts["train"] > NUM_ROWS / 2
    assert parts["holdout"] == result.ours[0].num_rows
    assert "learnt from its text, split" in said
    assert (scenario.folder / "report.png").stat().st_size > 10_000
    report = (scenario.folder / "report.md").read_text("utf-8")
    assert "480 corrections acknowledged; 480 of their ids in the data" in report
