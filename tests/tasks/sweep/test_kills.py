"""Whatever is killed, each trial is run to one end, and as if nobody had disturbed it."""

import os
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path

import psutil
import pytest
from optuna.trial import TrialState

from tests.tasks.sweep.workspace import (
    begin_here,
    lines_of,
    read_trials,
    run_trials_here,
    start_sweep,
    write_sweep,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NUM_TRIALS = 3
SWEEP = {"num_trials": NUM_TRIALS, "num_parallel": 2}
OFTEN = {"checkpoint_seconds": 1e-3}


class Disturbed:
    """A sweep that is started again after each kill; remembers all that it has said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []

    def run(self, kill_at: str = "", victim: str = "") -> int:
        """Until a line matches `kill_at`: then the sweep or one of its trials gets SIGKILL."""
        with start_sweep(self.folder) as process:
            for line in lines_of(process):
                self.lines.append(line)
                if kill_at and re.search(kill_at, line):
                    self.kill(process, victim)
                    kill_at = ""
        return process.returncode

    def kill(self, process: "subprocess.Popen[str]", victim: str) -> None:
        children = psutil.Process(process.pid).children()
        if victim == "trial":
            os.kill(children[0].pid, signal.SIGKILL)
            return
        process.kill()
        _, alive = psutil.wait_procs(children, timeout=10)
        assert not alive  # no trial outlives its sweep

    def count(self, pattern: str) -> Counter[str]:
        found = (re.match(rf"sweep (\d+): {pattern}", line) for line in self.lines)
        return Counter(match[1] for match in found if match)


def test_no_trial_is_lost_or_run_twice(tmp_path: Path) -> None:
    calm = write_sweep(tmp_path / "calm", train=OFTEN, **SWEEP)
    begin_here(calm)
    run_trials_here(calm, NUM_TRIALS)

    disturbed = Disturbed(write_sweep(tmp_path / "disturbed", train=OFTEN, **SWEEP))
    assert disturbed.run(r"0 of 3 trials", "sweep") == -signal.SIGKILL
    assert disturbed.run(r"epoch 1 of 4, batch 4", "sweep") == -signal.SIGKILL
    assert disturbed.run(r"epoch 2 of 4, batch 6", "trial") == 0  # another took its place
    assert any("another one goes on with it" in line for line in disturbed.lines)

    trials = read_trials(disturbed.folder)
    assert [trial.number for trial in trials] == list(range(NUM_TRIALS))
    ended = disturbed.count(r"(complete|pruned) after")
    assert ended == Counter({f"{number:04d}": 1 for number in range(NUM_TRIALS)})
    for trial, undisturbed in zip(trials, read_trials(calm.resolve()), strict=True):
        assert trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        assert trial.params == undisturbed.params
        epochs = list(trial.intermediate_values)
        assert epochs == list(range(1, len(epochs) + 1))
        # who is pruned depends on who came first; how far it went it went alike
        for epoch in set(epochs) & set(undisturbed.intermediate_values):
            assert trial.intermediate_values[epoch] == undisturbed.intermediate_values[epoch]
