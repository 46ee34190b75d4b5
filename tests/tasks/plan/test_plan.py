"""The command as a person types it, in a folder with data and in one without."""

import json
from pathlib import Path

import pytest

from tests.project import REPOSITORY, try_run
from tests.tasks.plan.plans import write_folder

pytestmark = pytest.mark.slow
PLAN = ["python", "-m", "tasks.plan"]
PLACES = ["--splits", ".", "--label-set", "label_set.json", "--encoders", "encoders"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return write_folder(tmp_path)


def test_the_configured_encoder_is_planned_for_on_this_machine_as_measured(folder: Path) -> None:
    result = try_run(folder, [*PLAN, *PLACES, "--calibrate", "--size", "configured", "debug"])
    assert result.returncode == 0, result.stdout
    assert "120 texts to learn from" in result.stdout
    pages = json.loads((folder / ".run/plan/plan.json").read_bytes())
    assert list(pages) == ["configured", "debug"]
    (own,) = (option for option in pages["configured"]["options"] if not option["price_date"])
    assert own["throughput"] == "measured"
    assert own["seconds"] > 0
    assert own["rank_by_time"] is not None
    assert (folder / ".run/plan/chart.png").read_bytes().startswith(b"\x89PNG")
    assert len((folder / ".run/plan/options.csv").read_text().splitlines()) > len(pages)


def test_without_data_it_plans_on_what_params_assume(folder: Path) -> None:
    (folder / "train.parquet").unlink()
    result = try_run(folder, [*PLAN, *PLACES, "--size", "7B", "--batch-size", "64"])
    assert result.returncode == 0, result.stdout
    assert "plan.data in params.yaml" in result.stdout
    assert "4 B x 7.11 G" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "8B"], "size '8B' is not among ['configured', "),
        (["--calibrate", "--label-set", "none.json"], "none.json: no such file"),
        (["--encoders", "none"], "train.network.encoder = 'encoder' cannot be loaded"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder: Path, arguments: list[str], words: str) -> None:
    result = try_run(folder, [*PLAN, *PLACES, *arguments])
    assert result.returncode == 1
    last = result.stdout.splitlines()[-1]
    assert last.startswith("plan failed: ")
    assert words in last
    assert not (folder / ".run/plan").exists()
