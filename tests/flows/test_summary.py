"""What a person reads at the end of a run."""

import io
import json
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from flows.summary import in_one_line, print_summary, read_runs
from tasks.errors import InputError

STARTED = 1000.0


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stages = {
        "clean": {
            "outs": [{"data/clean/examples.parquet": {"cache": False}}],
            "metrics": [{"data/clean/metrics.json": {"cache": False}}],
        },
        "evaluate": {
            "outs": [{"data/evaluate/model_card.html": {"persist": True}}],
            "metrics": ["data/evaluate/metrics.json"],
        },
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def finish(name: str, out: str, metrics: dict[str, object], started: float) -> None:
    Path(f"data/{name}").mkdir(parents=True)
    Path(f"data/{name}/{out}").touch()
    Path(f"data/{name}/metrics.json").write_text(json.dumps({name: metrics}))
    Path(".run").mkdir(exist_ok=True)
    record = {"started": started, "seconds": 4.25, "peak_memory_mib": 512.0, "failure": None}
    Path(f".run/{name}.json").write_text(json.dumps(record))


def printed() -> str:
    stream = io.StringIO()
    runs = read_runs(STARTED)
    print_summary(Console(file=stream, width=120), runs, in_one_line(runs, 65.0))
    return stream.getvalue()


def row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if f" {name} " in line)
    return [cell.strip() for cell in line.replace("┃", "│").split("│")[1:-1]]


@pytest.mark.usefixtures("checkout")
def test_a_stage_shows_its_rows_time_and_memory() -> None:
    finish("clean", "examples.parquet", {"rows_in": 1200, "rows_out": 1190, "rejected": 10}, 1001)
    text = printed()
    assert row(text, "clean") == ["clean", "1,200", "1,190", "10", "4.2", "512", "ran"]
    assert row(text, "evaluate")[-1] == "not run"
    assert "1 of 2 stages ran in 65 s" in text


@pytest.mark.usefixtures("checkout")
def test_the_candidate_stands_beside_the_baselines() -> None:
    scores = {
        "macro_f1": 0.75, "macro_f1_low": 0.7, "macro_f1_high": 0.8,
        "weighted_f1": 0.8, "weighted_f1_low": 0.75, "weighted_f1_high": 0.85,
        "baselines": {"majority": {"macro_f1": 0.2, "weighted_f1": 0.26}},
    }  # fmt: skip
    finish("evaluate", "model_card.html", scores, 1001)
    text = printed()
    assert row(text, "candidate") == [
        "candidate",
        "0.750",
        "0.700 to 0.800",
        "0.800",
        "0.750 to 0.850",
    ]
    assert row(text, "majority") == ["majority", "0.200", "", "0.260", ""]
    assert "data/evaluate/model_card.html" in text


@pytest.mark.usefixtures("checkout")
def test_a_run_with_nothing_to_do_says_so() -> None:
    finish("clean", "examples.parquet", {}, started=999)
    finish("evaluate", "model_card.html", {}, started=999)
    text = printed()
    assert "Nothing to do: all 2 stages were up to date." in text
    assert row(text, "clean")[-1] == "up to date"


def test_a_folder_without_a_graph_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"dvc.yaml: no such file in .*Run from the repository"):
        read_runs(STARTED)
