"""The orchestration benchmark: it measures what ran, and hides neither failure nor leftovers."""

from pathlib import Path

import psutil
import pytest

from benchmarks.environments import CannotStart
from benchmarks.orchestration import environments, report, trial
from benchmarks.orchestration.contestants import CONTESTANTS, OURS, PLAIN_DVC, Contestant
from benchmarks.orchestration.report import Row, verdicts
from benchmarks.orchestration.trial import Trial, run_trial, time_command

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
ZENML = next(one for one in CONTESTANTS if one.tool == "zenml")
METAFLOW = next(one for one in CONTESTANTS if one.tool == "metaflow")


def row(contestant: Contestant, cold: float, warm: float, num_warm_steps: int) -> Row:
    return Row(contestant, "1", [Trial(cold, warm, num_warm_steps, load=0.0)])


@pytest.mark.slow
def test_plain_dvc_runs_the_whole_chain_once() -> None:
    measured = run_trial(PLAIN_DVC, {})
    assert measured.cold_seconds > measured.warm_seconds > 0
    assert measured.num_warm_steps == 0


def test_a_contestant_that_does_not_run_the_chain_is_no_result() -> None:
    with pytest.raises(SystemExit, match="idle: the chain should leave 1 to 8, it left \\[\\]"):
        run_trial(Contestant("idle", "dvc", ("true",), "", False), {})


def test_a_failing_command_stops_the_benchmark_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"(?s)no such thing.*peer: .* ended with 3"):
        time_command("peer", ["sh", "-c", "echo no such thing; exit 3"], tmp_path, ENVIRONMENT)


def test_what_a_command_leaves_running_is_named_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "END_SECONDS", 0.1)
    leave = "sleep 60 > /dev/null 2>&1 & echo $! > pid"
    with pytest.raises(SystemExit, match=r"peer: .* left running: \['\d+ sleep'\]"):
        time_command("peer", ["sh", "-c", leave], tmp_path, ENVIRONMENT)
    pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("cold", "warm", "expected"), [(11.3, 4.9, ["met", "met"]), (11.5, 5.1, ["MISSED", "MISSED"])]
)
def test_the_targets_are_computed_from_the_figures(
    cold: float, warm: float, expected: list[str]
) -> None:
    lines = verdicts([row(PLAIN_DVC, 2.0, 1.0, 0), row(OURS, cold, warm, 0)])
    assert [line.split()[-1] for line in lines[:2]] == expected
    assert "target 11.40 s" in lines[0]


def test_who_is_fastest_is_read_among_equals() -> None:
    rows = [row(OURS, 5, 4, 0), row(ZENML, 8, 6, 0), row(METAFLOW, 3, 3, 8)]
    places = [line.split(": ")[1].split(" (")[0] for line in verdicts(rows) if "ours is" in line]
    assert places == ["ours is number 2 of 3"] * 2 + ["ours is number 1 of 2"] * 2


def test_a_peer_that_was_not_measured_stays_in_the_report() -> None:
    rows = [Row(ZENML, "zenml", reason="ERROR: no matching distribution")]
    console = report.Console(width=120, record=True)
    report.print_report(rows, console)
    text = console.export_text()
    assert "not measured" in text
    assert "ERROR: no matching distribution" in text


@pytest.mark.slow
def test_an_installation_that_fails_gives_pips_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environments, "PEERS", tmp_path)
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "environments")
    (tmp_path / "peer").mkdir()
    (tmp_path / "peer/requirements.txt").write_text("./absent\n")
    with pytest.raises(CannotStart, match=r"ERROR: .*absent"):
        environments.prepare("peer")


@pytest.mark.parametrize("tool", sorted({one.tool for one in CONTESTANTS} - {"dvc", "flywheel"}))
def test_every_peer_has_a_program_and_exact_versions(tool: str) -> None:
    folder = environments.PEERS / tool
    assert list(folder.rglob("*.py"))
    if tool not in environments.OWN_PACKAGES:
        lines = (folder / "requirements.txt").read_text().splitlines()
        assert lines
        assert all("==" in line for line in lines)
        assert any(line.startswith(f"{tool}==") for line in lines)
