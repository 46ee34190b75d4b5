"""The command as a person types it, in a folder with data and in one without."""

import json
from pathlib import Path

import pytest
import yaml

from tasks.plan.estimate import seconds_here
from tests.project import REPOSITORY, try_run
from tests.tasks.plan.plans import write_folder

pytestmark = pytest.mark.slow
PLAN = ["python", "-m", "tasks.plan"]
PLACES = ["--splits", ".", "--label-set", "label_set.json", "--encoders", "encoders"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return write_folder(tmp_path)


def test_the_configured_encoder_is_planned_for_on_this_machine_as_measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    assert_it_is_the_estimate(folder, own["seconds"], monkeypatch)
    assert len((folder / ".run/plan/options.csv").read_text().splitlines()) > len(pages)


def assert_it_is_the_estimate(folder: Path, seconds: float, patch: pytest.MonkeyPatch) -> None:
    """For others, as long as it is of the training that params have, and whole."""
    plan, params = folder / ".run/plan", folder / "params.yaml"
    patch.chdir(folder)
    assert seconds_here(plan) == seconds
    written = params.read_text()
    tree = yaml.safe_load(written)
    tree["train"]["learning"]["max_epochs"] += 1
    params.write_text(yaml.safe_dump(tree))
    assert seconds_here(plan) is None
    params.write_text(written)
    (folder / "plan.json").write_text("{")
    assert seconds_here(folder) is None
    assert seconds_here(folder / "nowhere") is None
    loaded = "import sys, tasks.plan.estimate; print({'torch', 'transformers'} & {*sys.modules})"
    assert try_run(folder, ["python", "-c", loaded]).stdout == "set()\n"


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
